"""A case looks at both sides of a trial."""

from __future__ import annotations

from harness.judge.filter_fingerprints import NO_FINGERPRINTS
from harness.judge.trial_features import TrialFeatures
from harness.model.facts import Hop
from harness.model.verdict import Trial
from test_suites.kit.campaigns.trials import (
    PROSE,
    THEIRS,
    certificate,
    dns,
    failed,
    foreign,
    trial,
    web,
)

PUBLIC = certificate("leaf", "CN=R3,O=Let's Encrypt", trusted=True)
PRIVATE = certificate("other", "CN=Filter CA,O=Supplier", trusted=True)
TLS = f"https://{THEIRS}/"


def _case(made: Trial) -> TrialFeatures:
    return TrialFeatures(made, NO_FINGERPRINTS)


def test_truth_is_ours_only_where_the_control_saw_the_token() -> None:
    assert _case(trial(web(canary="absent"))).control_has_token
    assert not _case(trial(foreign(), foreign())).control_has_token


def test_an_answer_code_is_read_from_the_facts_or_from_the_failure() -> None:
    assert _case(trial(dns(rcode="REFUSED"), dns("192.0.2.1"))).rcode == "REFUSED"
    named = trial(failed("dns_nxdomain_error", "resolve"), dns("192.0.2.1"))
    assert _case(named).rcode == "NXDOMAIN"


def test_another_private_authority_means_interception() -> None:
    made = trial(foreign(TLS, certificate=PRIVATE), foreign(TLS, certificate=PUBLIC), host=THEIRS)

    assert _case(made).intercepted
    assert not _case(made).authentic


def test_a_page_over_tls_is_authentic_only_if_no_plain_hop_led_elsewhere() -> None:
    secure = foreign(TLS, certificate=PUBLIC)
    led = foreign(
        "https://login.isp.example/",
        certificate=PUBLIC,
        hops=(Hop(url=f"http://{THEIRS}/", status=302, location="https://login.isp.example/"),),
    )

    assert _case(trial(secure, foreign(TLS, certificate=PUBLIC), host=THEIRS)).authentic
    assert not _case(trial(led, foreign(TLS, certificate=PUBLIC), host=THEIRS)).authentic


def test_a_proven_page_needs_no_control_but_a_chain_that_held() -> None:
    assert _case(trial(foreign(TLS, certificate=PUBLIC), alone=True, host=THEIRS)).proven
    assert not _case(trial(foreign(TLS, certificate=PRIVATE), alone=True, host=THEIRS)).proven
    plain = foreign(f"http://{THEIRS}/", certificate=PUBLIC)
    assert not _case(trial(plain, alone=True, host=THEIRS)).proven


def test_national_versions_of_a_site_are_not_astray_but_for_our_own_zone_they_are() -> None:
    kin = trial(foreign("http://www.town-library.de/"), foreign(), host=THEIRS)
    ours = trial(web("http://blocked.accredit.test/", canary="absent"))

    assert _case(kin).redirected_host == ""
    assert _case(ours).redirected_host == "blocked.accredit.test"


def test_rare_headers_in_common_mean_one_server() -> None:
    made = trial(
        foreign(headers=(("x-shop-stage", "1"), ("server", "nginx"))),
        foreign(headers=(("x-shop-stage", "2"),)),
        host=THEIRS,
    )
    common = trial(
        foreign(headers=(("server", "nginx"),)),
        foreign(headers=(("server", "nginx"),)),
        host=THEIRS,
    )

    assert _case(made).same_server
    assert not _case(common).same_server


def test_weaker_signs_are_enough_beside_quite_another_page() -> None:
    hint = foreign(title="Sorry", text="Not at school. Category: Games. Ask your teacher.")

    assert _case(trial(hint, foreign(), host=THEIRS)).looks_blocked
    assert not _case(trial(hint, foreign(title="Sorry", text=hint.text), host=THEIRS)).looks_blocked


def test_a_page_that_speaks_of_blocks_on_both_sides_is_no_block() -> None:
    article = f"This website has been blocked, the ministry said. {PROSE}"
    made = trial(foreign(text=article), foreign(text=article + " More tomorrow."), host=THEIRS)

    assert not _case(made).looks_blocked

"""Judging one attempt by itself: a block needs evidence of a block, arrival a known mark."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.without_control import (
    STOPPED,
    has_connection,
    judge_alone,
    require_connection,
    shows_mark,
)
from harness.model.facts import Certificate, Hop, WebFacts
from harness.model.observation import FAILURES, Failure
from harness.model.school_check import CheckFacts, CheckResult, Result
from test_suites.unit.harness.judge.single_attempts import (
    NOTICE,
    PRIVATE,
    PUBLIC,
    URL,
    fails,
    judged,
    page,
    target,
)


def test_the_pages_own_mark_shows_that_it_arrived() -> None:
    assert judged(CheckFacts(web=page(), body=b"<p>MARK-1</p>")) is Result.GOT_THROUGH
    assert judged(CheckFacts(web=page(canary="seen"))) is Result.GOT_THROUGH
    assert judged(CheckFacts(web=page(body_sha256="ab"), body=b""), mark="sha256:ab") is (
        Result.GOT_THROUGH
    )


def test_a_mark_that_arrived_beside_the_words_of_a_block_page_still_arrived() -> None:
    tried = CheckFacts(web=page(title="Website blocked", text=NOTICE), body=b"MARK-1")

    assert judged(tried, NOTICE) is Result.GOT_THROUGH


def test_no_mark_is_found_where_none_is_known_or_nothing_came() -> None:
    assert not shows_mark(CheckFacts(web=page(), body=b"words"), "")
    assert not shows_mark(CheckFacts(), "sha256:")
    assert not shows_mark(CheckFacts(web=page()), "sha256:ab")


def test_a_sites_own_certificate_shows_that_its_page_arrived() -> None:
    assert judged(CheckFacts(web=page(certificate=PUBLIC))) is Result.GOT_THROUGH


@pytest.mark.parametrize(
    "changes",
    [
        {"certificate": PRIVATE},
        {"certificate": None},
        {"certificate": Certificate(chain=("aa",), issuer=PUBLIC.issuer, trusted=False)},
        {"certificate": PUBLIC, "url": "http://page.example/"},
        {"certificate": PUBLIC, "url": "https://other.example/", "hops": (Hop(url=URL, status=302),)},
        {"certificate": PUBLIC, "status": 404},
        {"certificate": PUBLIC, "status": 204},
        {"certificate": PUBLIC, "body_length": 0},
        {"certificate": PUBLIC, "title": "404 Not Found", "text": "404 Not Found nginx", "status": 200},
    ],
)  # fmt: skip
def test_a_page_without_mark_and_proof_tells_nothing(changes: dict[str, Any]) -> None:
    assert judged(CheckFacts(web=page(**changes))) is Result.NOT_TOLD


def test_an_ordinary_page_arrives_by_its_mark_alone() -> None:
    proven = CheckFacts(web=page(certificate=PUBLIC))
    marked = CheckFacts(web=page(), body=b"MARK-1")

    assert judged(proven, part="start") is Result.NOT_TOLD
    assert judged(marked, part="start") is Result.ARRIVED


@pytest.mark.parametrize("status", [200, 403, 503])
def test_a_block_page_is_a_block_whatever_its_status(status: int) -> None:
    blocked = page(title="Website blocked", text=NOTICE, status=status)

    assert judged(CheckFacts(web=blocked)) is Result.BLOCKED


def test_a_block_page_in_a_frame_is_a_block() -> None:
    inner = page(url="http://10.1.1.1/", title="Website blocked", text=NOTICE)

    assert judged(CheckFacts(web=page(text="", title="", inner=(inner,)))) is Result.BLOCKED


PLAIN = "http://page.example/"
ITSELF = "If you see this page, this website is not blocked. Website blocked: it works."
OF_A_TEST = "Website blocked. This website has been blocked by a test of your school's filter."


@pytest.mark.parametrize("text", [ITSELF, OF_A_TEST, OF_A_TEST.replace("test", "Testing")])
def test_a_page_that_calls_itself_a_test_is_no_block_page(text: str) -> None:
    itself = page(url=PLAIN, title="Website blocked", text=text, certificate=None)

    seen = judge_alone(target(address=PLAIN), CheckFacts(web=itself))

    assert Result.NOT_TOLD is seen.result
    assert "it may be the test page itself; open it and look" in seen.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 403},
        {"text": NOTICE + " Address: http://page.example/test/"},
        {"text": NOTICE + " Address: test.page.example"},
        {"url": "http://filter.example/", "hops": (Hop(url=PLAIN, status=302),)},
    ],
)
def test_a_block_page_that_is_not_the_test_page_itself_is_a_block(changes: dict[str, Any]) -> None:
    blocked = page(**{"url": PLAIN, "title": "Website blocked", "text": OF_A_TEST} | changes)

    assert judged(CheckFacts(web=blocked), address=PLAIN) is Result.BLOCKED


def test_a_test_pages_own_frame_is_no_block_page() -> None:
    inner = page(url="http://page.example/inner", title="Website blocked", text=OF_A_TEST)
    framing = page(url=PLAIN, title="", text="", inner=(inner,))

    assert judged(CheckFacts(web=framing), address=PLAIN) is Result.NOT_TOLD


def test_a_site_that_says_so_under_its_own_certificate_is_no_block() -> None:
    itself = page(title="Website blocked", text=NOTICE, certificate=PUBLIC)

    assert judged(CheckFacts(web=itself)) is Result.NOT_TOLD
    assert judged(CheckFacts(web=page(status=451, certificate=PUBLIC))) is Result.NOT_TOLD


def test_451_is_a_block() -> None:
    assert judged(CheckFacts(web=page(status=451))) is Result.BLOCKED


def test_a_block_page_behind_a_false_certificate_is_read() -> None:
    blocked = page(title="Website blocked", text=NOTICE, certificate=None)
    failure = fails("ssl_unknown_authority", "tls")

    assert judged(CheckFacts(web=blocked, failure=failure)) is Result.BLOCKED
    assert judged(CheckFacts(web=page(), failure=failure)) is Result.NOT_TOLD


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ("Ask  the OFFICE for this page", Result.BLOCKED),
        ("Ask the head for this page", Result.NOT_TOLD),
        ("   ", Result.NOT_TOLD),
        ("", Result.NOT_TOLD),
    ],
)
def test_a_described_block_page_is_found_through_tags_and_letter_case(
    said: str, result: Result
) -> None:
    tried = CheckFacts(web=page(), body=b"<p>Ask the <b>office</b>\n for this page, please</p>")

    assert judged(tried, said) is result


def test_a_described_sentence_under_the_sites_own_certificate_is_no_block_page() -> None:
    itself = CheckFacts(web=page(certificate=PUBLIC, text="Ask the office for this page"))

    assert judged(itself, "Ask the office for this page") is Result.GOT_THROUGH


@pytest.mark.parametrize(
    ("failure", "web"),
    [
        (fails("dns_bogon_error", "resolve", detail="0.0.0.0"), None),
        (fails("dns_refused_error", "resolve", extended_errors=(15,)), None),
        (fails("dns_refused_error", "resolve", extended_errors=(18, 17)), None),
        (fails("dns_nxdomain_error", "resolve", extended_errors=(17,)), None),
        (fails("dns_servfail_error", "resolve", extended_errors=(9, 15)), None),
        (fails("proxy_refused_tunnel", "tunnel"), page(status=None, tunnel_status=403)),
        (fails("proxy_refused_tunnel", "tunnel"), page(status=None, tunnel_status=451)),
        (fails("proxy_refused_tunnel", "tunnel", detail="not allowed by the ruleset"), None),
    ],
)  # fmt: skip
def test_a_refusal_in_so_many_words_is_a_block(failure: Failure, web: WebFacts | None) -> None:
    assert judged(CheckFacts(web=web, failure=failure)) is Result.BLOCKED


@pytest.mark.parametrize(
    ("tried", "result"),
    [
        (CheckFacts(web=page(status=None, tunnel_status=403),
                    failure=fails("proxy_refused_tunnel", "tunnel")), Result.NOT_TOLD),
        (CheckFacts(failure=fails("dns_refused_error", "resolve", extended_errors=(15,))),
         Result.NOT_TOLD),
        (CheckFacts(failure=fails("eof_error", "tls"), other_name_answered=True), Result.NOT_TOLD),
        (CheckFacts(web=page(url="https://a.test/", title="Blocked", text=NOTICE, certificate=PRIVATE)),
         Result.BLOCKED),
    ],
    ids=["by CONNECT", "by name", "by SNI", "inside TLS"],
)  # fmt: skip
def test_only_an_answer_inside_tls_shows_that_a_filter_opens_it(
    tried: CheckFacts, result: Result
) -> None:
    seen = judge_alone(target(category="CTRL"), tried)

    assert seen.result is result
    if result is Result.NOT_TOLD:
        assert "before the connection was encrypted" in seen.reason


@pytest.mark.parametrize("codes", [(), (18,), (23,)])
def test_a_refusal_by_the_name_server_alone_is_no_block(codes: tuple[int, ...]) -> None:
    """REFUSED is also how a name server limits rates, and 18 how it treats strangers."""
    failure = fails("dns_refused_error", "resolve", extended_errors=codes)

    for method in ("page", "name", "forced_name"):
        assert judged(CheckFacts(failure=failure), method=method) is Result.NOT_TOLD


@pytest.mark.parametrize(
    ("status", "location", "result"),
    [
        (302, "http://filter.example/blocked?url=page.example", Result.BLOCKED),
        (307, "https://filter.example/portal/login", Result.NOT_TOLD),
        (302, "", Result.NOT_TOLD),
        (302, "/blocked", Result.NOT_TOLD),
    ],
)
def test_a_proxys_redirect_is_a_block_only_if_it_leads_to_a_block_page(
    status: int, location: str, result: Result
) -> None:
    headers = (("location", location),) if location else ()
    web = page(status=None, tunnel_status=status, headers=headers)

    assert judged(CheckFacts(web=web, failure=fails("proxy_refused_tunnel", "tunnel"))) is result


@pytest.mark.parametrize("name", sorted(FAILURES - {"dns_bogon_error"}))
def test_no_other_failure_is_a_block(name: str) -> None:
    """Timeouts, resets, names that do not exist and failures of the laptop tell nothing."""
    for web in (None, page(status=None, tunnel_status=503), page(status=None)):
        for method in ("page", "name", "forced_name", "forced_page", "dns_over_https"):
            tried = CheckFacts(web=web, failure=fails(name))
            assert judged(tried, method=method) is Result.NOT_TOLD


def test_what_leads_into_the_network_and_was_not_visited_is_not_a_block() -> None:
    """A proxy in the school's network may show the page all the same."""
    inside = page(status=None, url="http://10.0.0.1/x", hops=(Hop(url=URL, status=302),))

    for web in (None, inside):
        assert judged(CheckFacts(web=web, failure=fails("private_address"))) is Result.NOT_TOLD


def test_a_name_that_alone_is_cut_off_is_a_block() -> None:
    tried = CheckFacts(web=page(status=None), failure=fails("connection_reset", "tls"))
    compared = CheckFacts(web=tried.web, failure=tried.failure, other_name_answered=True)

    assert judged(tried) is Result.NOT_TOLD
    assert judged(compared) is Result.BLOCKED


def test_nothing_at_all_tells_nothing() -> None:
    assert judged(CheckFacts()) is Result.NOT_TOLD


def test_a_name_server_got_through_only_by_an_answer() -> None:
    spoke = CheckFacts(web=page(certificate=PUBLIC))

    for method in ("dns_over_https", "dns_over_tls"):
        assert judged(CheckFacts(answered=True), part="encrypted_dns", method=method) is (
            Result.GOT_THROUGH
        )
        assert judged(spoke, part="encrypted_dns", method=method, mark="") is Result.NOT_TOLD


def test_a_hidden_name_got_through_only_to_the_site_itself() -> None:
    def name(**changes: Any) -> Result:
        return judged(CheckFacts(**changes), part="names", method="name", mark="")

    assert name(connected=True, certificate=PUBLIC) is Result.GOT_THROUGH
    assert name(connected=True, certificate=PRIVATE) is Result.NOT_TOLD
    assert name(connected=True, certificate=None) is Result.NOT_TOLD
    assert name(failure=fails("dns_bogon_error", "resolve", detail="0.0.0.0")) is Result.BLOCKED


def test_who_issued_a_certificate_is_reported_and_not_judged() -> None:
    def reported(**changes: Any) -> CheckResult:
        tried = CheckFacts(web=page(**changes))
        return judge_alone(target(part="certificate", mark="", counts=False), tried)

    assert "public authority (CN=R11" in reported(certificate=PUBLIC).reason
    assert "not from a public authority that we know" in reported(certificate=PRIVATE).reason
    assert Result.REPORTED is reported(certificate=PRIVATE).result
    assert Result.NOT_TOLD is reported(certificate=None).result


@pytest.mark.parametrize(
    "certificate",
    [
        Certificate(chain=("aa",), issuer=PUBLIC.issuer, trusted=False),
        Certificate(chain=("aa",), issuer=PUBLIC.issuer),
        Certificate(
            chain=("aa",), issuer="CN=Gateway CA - Cloudflare Managed G1,O=Cloudflare", trusted=True
        ),
    ],
    ids=["not trusted", "not verified", "a gateway's"],
)
def test_a_public_name_alone_does_not_show_that_nobody_opened_the_connection(
    certificate: Certificate,
) -> None:
    shown = CheckFacts(web=page(certificate=certificate))
    seen = judge_alone(target(part="certificate", mark="", counts=False), shown)

    assert Result.REPORTED is seen.result
    assert "was not opened" not in seen.reason
    assert judged(shown) is Result.NOT_TOLD
    connected = CheckFacts(connected=True, certificate=certificate)
    assert judged(connected, part="names", method="name", mark="") is Result.NOT_TOLD


def test_it_is_not_said_that_the_filter_opened_a_connection() -> None:
    connected = CheckFacts(connected=True, certificate=PRIVATE)
    seen = judge_alone(target(part="names", method="name", mark=""), connected)

    assert "not from a public authority that we know" in seen.reason
    assert "the filter opens it" not in seen.reason


@pytest.mark.parametrize("result", [Result.BLOCKED, Result.FORCED, Result.NOT_FORCED])
@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False), (False, False)])
def test_without_ordinary_pages_before_and_after_nothing_is_blocked(
    result: Result, before: bool, after: bool
) -> None:
    kept = require_connection(CheckResult(result=result, reason="so"), before=before, after=after)

    assert Result.NOT_TOLD is kept.result
    assert f"it looked {result} (so)" in kept.reason


def test_what_arrived_has_arrived_whatever_became_of_the_connection() -> None:
    seen = CheckResult(result=Result.GOT_THROUGH, reason="so")

    assert seen == require_connection(seen, before=False, after=False)
    assert CheckResult(result=Result.BLOCKED, reason="so") == require_connection(
        CheckResult(result=Result.BLOCKED, reason="so"), before=True, after=True
    )
    assert STOPPED in require_connection(
        CheckResult(result=Result.BLOCKED, reason="so"), before=True, after=False, why=STOPPED
    ).reason  # fmt: skip


def test_most_ordinary_pages_must_arrive() -> None:
    arrived, lost = (
        CheckResult(result=each, reason="") for each in (Result.ARRIVED, Result.NOT_TOLD)
    )

    assert has_connection([arrived, arrived, lost])
    assert not has_connection([arrived, lost])
    assert not has_connection([lost, lost, arrived])
    assert not has_connection([])

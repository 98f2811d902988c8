"""Web trials: truth by the token, and each way of getting no answer told apart."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from harness.judge.filter_fingerprints import (
    NO_FINGERPRINTS,
    FilterFingerprints,
    learn_fingerprints,
)
from harness.judge.judge import judge_trial
from harness.judge.rules.refusals import REFUSALS, Refusal
from harness.model.facts import WebFacts
from harness.model.verdict import Mechanism, State, Verdict
from test_suites.kit.campaigns.trials import (
    OURS,
    PROSE,
    certificate,
    failed,
    observation,
    trial,
    web,
)

NOTICE = "Access to this website has been blocked by your school. Category: Games."


@pytest.mark.parametrize(
    "changed",
    [{"status": 203}, {"title": "A page - free Wi-Fi by Cafe"}, {"body_length": 900}],
)
def test_the_token_in_another_page_is_delivery(changed: dict[str, Any]) -> None:
    verdict = judge_trial(trial(web(**changed)))

    assert (verdict.rule, verdict.state) == ("token-in-another-page", State.ALLOWED)


@pytest.mark.parametrize(
    "changed", [{"body_length": 430}, {"truncated": True, "body_length": 90}, {"body_length": None}]
)
def test_a_few_bytes_more_or_a_cut_page_is_still_the_page(changed: dict[str, Any]) -> None:
    assert judge_trial(trial(web(**changed))).state is State.ALLOWED


@pytest.mark.parametrize(
    ("length", "rule"),
    [(104_000, "token-arrived"), (96_000, "token-arrived"), (88_000, "token-in-another-page")],
)
def test_a_long_page_may_differ_by_more_bytes_than_a_short_one(length: int, rule: str) -> None:
    verdict = judge_trial(trial(web(body_length=length), web(body_length=100_000)))

    assert (verdict.rule, verdict.state) == (rule, State.ALLOWED)


@pytest.mark.parametrize("status", [302, 307, 400, 403, 404, 451])
def test_a_tunnel_refused_with_any_such_status_is_a_block(status: int) -> None:
    verdict = judge_trial(
        trial(
            web(canary="absent", status=None, tunnel_status=status),
            failure=failed("proxy_refused_tunnel", "tunnel"),
        )
    )

    assert (verdict.state, verdict.mechanism) == (State.BLOCKED, Mechanism.PROXY_REFUSAL)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateways_trouble_is_no_block(status: int) -> None:
    verdict = judge_trial(trial(web(canary="absent", status=None, tunnel_status=status)))

    assert verdict.state is State.INSUFFICIENT


def test_failures_are_never_folded_together() -> None:
    names = (
        "connection_reset",
        "connection_refused",
        "eof_error",
        "tls_alert",
        "host_unreachable",
        "generic_timeout_error",
        "ssl_unknown_authority",
    )
    resolver = ("dns_nxdomain_error", "dns_no_answer", "dns_refused_error", "dns_bogon_error")

    mechanisms = [judge_trial(trial(failed(name))).mechanism for name in names]
    mechanisms += [judge_trial(trial(failed(name, "resolve"))).mechanism for name in resolver]

    assert len(names + resolver) == len(set(mechanisms))


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.rule)
def test_a_refusal_counts_at_its_stages_and_before_an_answer_only(refusal: Refusal) -> None:
    name = min(refusal.failures)
    for stage in ("resolve", "connect", "tls", "response"):
        silent = trial(web(canary="absent", status=None), failure=failed(name, stage))
        begun = trial(web(canary="absent"), failure=failed(name, stage))

        assert (judge_trial(silent).rule == refusal.rule) == (stage in refusal.stages)
        assert judge_trial(begun).state is State.INSUFFICIENT


def test_a_handshake_that_fails_in_another_way_is_no_refusal() -> None:
    failure = failed("ssl_failed_handshake", "tls", "unsupported protocol")

    assert judge_trial(trial(failure)).state is State.INSUFFICIENT


def test_an_expired_certificate_on_one_line_only_tells_nothing() -> None:
    verdict = judge_trial(trial(failed("ssl_invalid_certificate", "tls")))

    assert verdict.state is State.INSUFFICIENT


def test_a_circle_at_home_tells_nothing() -> None:
    verdict = judge_trial(
        trial(web(canary="absent", status=302), failure=failed("http_redirect_limit"))
    )

    assert verdict.state is State.INSUFFICIENT


@pytest.mark.parametrize("name", ["eof_error", "connection_reset", "generic_timeout_error"])
def test_what_ends_an_answer_after_its_token_blocks_nothing(name: str) -> None:
    verdict = judge_trial(trial(web(), failure=failed(name)))

    assert (verdict.rule, verdict.state) == ("token-in-broken-answer", State.ALLOWED)


@pytest.mark.parametrize("name", ["eof_error", "connection_reset", "generic_timeout_error"])
@pytest.mark.parametrize(
    ("facts", "fingerprints", "state"),
    [
        ({}, NO_FINGERPRINTS, State.INSUFFICIENT),
        ({"status": None, "body_length": None}, NO_FINGERPRINTS, State.BLOCKED),
        ({"body_length": 0}, NO_FINGERPRINTS, State.INSUFFICIENT),
        ({"status": 403}, NO_FINGERPRINTS, State.INSUFFICIENT),
        ({"title": "Access denied", "text": NOTICE}, NO_FINGERPRINTS, State.INSUFFICIENT),
        ({"title": "Stop"}, FilterFingerprints(titles=frozenset({"stop"})), State.INSUFFICIENT),
        ({}, FilterFingerprints(failures=frozenset({"eof_error", "connection_reset",
                                      "generic_timeout_error"})), State.INSUFFICIENT),
        ({"canary": "seen", "words": ("tizametefabime",)}, NO_FINGERPRINTS, State.ALLOWED),
    ],
)  # fmt: skip
def test_a_page_that_broke_off_is_neither_blocked_nor_allowed(
    name: str, facts: dict[str, Any], fingerprints: FilterFingerprints, state: State
) -> None:
    service = web(**({"canary": "absent"} | facts))

    assert judge_trial(trial(service, failure=failed(name)), fingerprints).state is state


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({}, "page-not-recognised"),
        ({"title": "Another page"}, "page-not-recognised"),
        ({"title": "Access denied", "text": f"Access denied. {PROSE}"}, "page-not-recognised"),
        ({"status": 451}, "page-not-recognised"),
        ({"status": 451, "text": "", "embedded": 1}, "page-not-recognised"),
        ({"status": 451, "text": "Not here, says the court."}, "status-451"),
        ({"status": 403, "text": "", "embedded": 1}, "page-not-recognised"),
        ({"status": 403, "text": ""}, "status-403"),
        ({"status": 451, "text": ""}, "status-451"),
        ({"text": NOTICE}, "page-recognised"),
        ({"text": NOTICE, "sketch": (1, 2, 3)}, "page-not-recognised"),
        ({"text": NOTICE, "undecoded": "sdch"}, "coding-unknown"),
        ({"text": NOTICE, "truncated": True}, "too-long-to-read"),
        ({"text": NOTICE, "page_words": 3}, "piece-missing"),
        ({"canary": "seen", "status": 404, "title": "x", "words": ("a",)}, "words-arrived"),
    ],
)
def test_a_page_without_the_token_needs_evidence_of_a_block(
    changed: dict[str, Any], rule: str
) -> None:
    service = web(**({"canary": "absent", "text": PROSE} | changed))
    control = web(text=PROSE, sketch=(1, 2, 3))

    assert judge_trial(trial(service, control)).rule == rule


def test_a_page_inside_of_a_page_is_what_people_see() -> None:
    def framed(**inner: Any) -> Verdict:
        page = web(f"http://{OURS}/frame", **({"canary": "absent"} | inner))
        outer = web(canary="absent", title="", text="", frames=("/frame",), inner=(page,))
        return judge_trial(trial(outer))

    assert framed(canary="seen").rule == "arrived-inside"
    assert framed(text=NOTICE).rule == "page-recognised"
    assert framed(status=None).rule == "frame-not-followed"
    assert framed(title="Hello", text="Nothing to see").rule == "page-not-recognised"


def test_a_block_page_behind_the_page_that_forwards_to_a_file_is_a_block() -> None:
    """The forwarding page comes as on the control line, where the file came from behind it."""

    def forwarding(canary: str = "absent") -> WebFacts:
        there = {"canary": canary, "title": "Your download", "text": PROSE, "body_sha256": "f0"}
        return web(**there, inner=(web(f"http://{OURS}/file"),))

    came = forwarding()
    virus = "A virus was found in this file. Please contact your system administrator."
    shown = web(f"http://{OURS}/file", canary="absent", status=403, title="", text=NOTICE)
    blocked = structs.replace(came, inner=(shown,))

    assert judge_trial(trial(blocked, came)).rule == "page-recognised"
    learned = learn_fingerprints([observation(shown)])
    assert judge_trial(trial(blocked, came), learned).rule == "page-learned"
    told = structs.replace(shown, title="Virus found", text=virus)
    assert judge_trial(trial(structs.replace(blocked, inner=(told,)), came)).state is State.BLOCKED
    changed = structs.replace(blocked, body_sha256="f1")
    assert judge_trial(trial(changed, came)).state is State.INSUFFICIENT
    ordinary = structs.replace(shown, status=200, text="Nothing to see")
    assert judge_trial(trial(structs.replace(blocked, inner=(ordinary,)), came)).state is (
        State.INSUFFICIENT
    )
    assert judge_trial(trial(blocked, forwarding(canary="seen"))).state is not State.BLOCKED
    another = structs.replace(shown, url=f"http://{OURS}/other")
    assert judge_trial(trial(structs.replace(blocked, inner=(shown, another)), came)).state is (
        State.INSUFFICIENT
    )


def test_a_block_page_in_the_place_of_an_advertisement_says_nothing_of_the_file() -> None:
    there = {"canary": "absent", "title": "Your download", "text": PROSE, "body_sha256": "f0"}
    file, advertisement = f"http://{OURS}/file", f"http://{OURS}/advertisement"
    came = web(**there, inner=(web(file), web(advertisement, canary="absent")))
    notice = {"canary": "absent", "status": 403, "title": "", "text": NOTICE}

    for urls in ((advertisement,), (file, advertisement)):
        seen = structs.replace(came, inner=tuple(web(url, **notice) for url in urls))
        assert judge_trial(trial(seen, came)).state is State.INSUFFICIENT, urls


def test_a_block_page_in_one_frame_says_nothing_while_another_frame_is_missing() -> None:
    """The content may stand in the frame that did not come in time."""
    block = web(f"http://{OURS}/1", canary="absent", title="", text=NOTICE)
    late = web(f"http://{OURS}/2", canary="absent", status=None)
    outer = web(canary="absent", title="", text="", inner=(block, late))
    fingerprints = learn_fingerprints([observation(block)])

    assert (
        judge_trial(trial(structs.replace(outer, inner=(block,))), fingerprints).rule
        == "page-learned"
    )
    assert judge_trial(trial(outer), fingerprints).rule == "frame-not-followed"
    assert judge_trial(trial(outer)).rule == "frame-not-followed"


def test_a_page_of_another_host_of_the_zone_counts_where_the_control_went_too() -> None:
    there = "http://landed.accredit.test/"

    assert judge_trial(trial(web(there, canary="elsewhere"), web(there))).state is State.ALLOWED
    assert judge_trial(trial(web(there, canary="elsewhere"))).state is State.INSUFFICIENT


@pytest.mark.parametrize(
    ("behind", "rule"),
    [
        ({"status": None}, "tls-false-certificate"),
        ({"canary": "seen"}, "token-in-broken-answer"),
        ({"text": NOTICE}, "false-certificate-block-page"),
        ({"title": "Hello"}, "false-certificate-unknown-page"),
        ({"status": 451, "text": "A court has ordered this."}, "false-certificate-block-page"),
        ({"status": 451, "text": "el nidraj " * 9}, "false-certificate-unknown-page"),
    ],
)
def test_what_stands_behind_a_false_certificate_decides(behind: dict[str, Any], rule: str) -> None:
    service = web(**({"canary": "absent"} | behind))

    assert judge_trial(trial(service, failure=failed("ssl_unknown_authority", "tls"))).rule == rule


def test_an_expired_certificate_of_somebody_else_is_interception() -> None:
    own = certificate("leaf", "CN=Range", trusted=True)
    service = web(status=None, canary="absent", certificate=certificate("other", "CN=Filter"))
    verdict = judge_trial(
        trial(service, web(certificate=own), failure=failed("ssl_invalid_certificate", "tls"))
    )

    assert (verdict.mechanism, verdict.intercepted) == (Mechanism.TLS_INTERCEPT_PAGE, True)


@pytest.mark.parametrize(
    ("detail", "rule"),
    [
        ("", "failure-learned"),
        ("the head of the answer has no end", "failure-unclear"),
        ("the proxy's answer to CONNECT has no end", "failure-unclear"),
        ("400, message='Too many headers received'", "failure-unclear"),
        ("400, message='Got more than 65536 bytes when reading'", "failure-unclear"),
        ("net::ERR_RESPONSE_HEADERS_TOO_BIG", "failure-unclear"),
    ],
)
def test_a_head_that_is_too_long_to_read_is_never_a_block(detail: str, rule: str) -> None:
    """Not even where the must-block sentinels met the same: the page may follow it."""
    known = FilterFingerprints(failures=frozenset({"http_invalid_response"}))
    seen = trial(failed("http_invalid_response", detail=detail))

    assert judge_trial(seen, known).rule == rule


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 401])
def test_a_connect_that_opens_no_tunnel_is_refused_whatever_else_was_seen(status: int) -> None:
    seen = trial(web(canary="absent", status=None, tunnel_status=status))

    assert judge_trial(seen).rule == "tunnel-refused"


def test_an_answer_that_does_not_end_in_time_is_never_decided_by_what_came() -> None:
    page = web(canary="absent", status=403, title="Access denied", text=NOTICE)
    seen = trial(page, failure=failed("generic_timeout_error"))

    assert judge_trial(seen).rule == "too-long-to-read"


def test_451_with_the_page_of_the_origin_is_no_refusal() -> None:
    text = "By order of the court the garden centre opens at nine, and closes at four every day."
    page: dict[str, Any] = {"text": text, "text_length": len(text), "sketch": (1, 2, 3)}
    seen = trial(web(canary="absent", status=451, **page), web(**page))

    assert judge_trial(seen).state is State.INSUFFICIENT

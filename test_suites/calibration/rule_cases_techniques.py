"""One case for each rule about techniques to bypass the filter."""

from __future__ import annotations

from typing import Any

from harness.model.facts import SentStep, TechniqueFacts
from harness.model.observation import Failure
from harness.model.verdict import Mechanism, State, Trial
from test_suites.calibration.rule_case import case as _case
from test_suites.kit.campaigns.trials import OURS, PROSE, failed, trial

SENT = (SentStep(step="http1", to=f"{OURS}:80", data=f"GET / HTTP/1.1\\r\\nHoSt: {OURS}", size=44),)
NOTICE = "This website has been blocked by your school. Category: Games"


def technique(**facts: Any) -> TechniqueFacts:
    """What an attempt by a technique saw: by default the page of the host."""
    seen = {"status": 200, "title": "A page", "body_length": 400, "canary": "seen", "sent": SENT}
    return TechniqueFacts(url="technique:CV-046", **{**seen, **facts})


def tried(failure: Failure | None = None, **facts: Any) -> Trial:
    """A trial of a technique that brought the page on the control line."""
    stratum = "MALW.BYPASS/way:framing:header-case:http"
    return trial(technique(**facts), technique(), failure=failure, stratum=stratum)


def stopped(name: str, stage: Any = "response", **facts: Any) -> Trial:
    """A trial in which the technique failed on the service's line."""
    nothing = {"canary": "absent", "status": None, "title": "", "body_length": None}
    return tried(failed(name, stage), **{**nothing, **facts})


LIKE_THE_PAGE = trial(
    technique(text=PROSE, canary="absent"),
    technique(text=PROSE),
    stratum="MALW.BYPASS/way:framing:header-case:http",
)

TECHNIQUES = (
    _case("technique-not-carried", tried(canary="absent", status=None, sent=(),
          obstacle="the line carries no UDP"), State.DOWN),
    _case("technique-page-arrived", tried(), State.ALLOWED),
    _case("technique-not-tried", tried(canary="absent", status=None, sent=()), State.INSUFFICIENT),
    _case("technique-block-page", tried(canary="absent", status=403, text=NOTICE), State.BLOCKED,
          Mechanism.BLOCK_PAGE),
    _case("technique-tunnel-refused",
          stopped("proxy_refused_tunnel", "tunnel", tunnel_status=503), State.BLOCKED,
          Mechanism.PROXY_REFUSAL),
    _case("technique-led-elsewhere", stopped("dns_bogon_error", "resolve"), State.BLOCKED,
          Mechanism.DNS_SINKHOLE),
    _case("technique-silence", stopped("generic_timeout_error"), State.BLOCKED,
          Mechanism.SILENT_DROP),
    _case("technique-head-unread",
          tried(failed("http_invalid_response", detail="the head of the answer has no end"),
                canary="absent", status=None, title="", body_length=None), State.INSUFFICIENT),
    _case("technique-failed", stopped("connection_reset"), State.BLOCKED, Mechanism.OTHER),
    _case("technique-page-without-marks", LIKE_THE_PAGE, State.INSUFFICIENT),
    _case("technique-answered-otherwise", tried(canary="absent", status=400), State.BLOCKED,
          Mechanism.OTHER),
)  # fmt: skip
"""The cases, in the order of the rules."""

"""One case for each rule about checks of TLS."""

from __future__ import annotations

from typing import Any

from harness.model.facts import TlsFacts
from harness.model.tls_view import TlsView
from harness.model.verdict import Mechanism, State
from test_suites.calibration.rule_case import case as _case
from test_suites.kit.campaigns.trials import failed, trial

CAME = TlsView(client="strict", version="TLSv1.3", status=200, has_token=True)
EXPIRED = TlsView(client="strict", failure="ssl_invalid_certificate", stage="tls")
BEHIND = TlsView(client="lenient", version="TLSv1.3", status=200, has_token=True)
NOTICE = "This website has been blocked by your school. Category: Games"


def check(*views: TlsView, **facts: Any) -> TlsFacts:
    """What a check of TLS saw: by default the page of the host."""
    seen = {"status": 200, "title": "A page", "body_length": 400, "canary": "seen"}
    return TlsFacts(
        url="https://expired-1.tls.accredit.test/", views=views or (CAME,), **{**seen, **facts}
    )


STRATUM: dict[str, Any] = {"stratum": "CTRL/tls:expired"}
CONTROL = check(EXPIRED, BEHIND)
NO_PAGE: dict[str, Any] = {"canary": "absent", "status": None, "title": "", "body_length": None}

TLS = (
    _case("tls-check-page-came", trial(check(), CONTROL, **STRATUM), State.ALLOWED),
    _case("tls-check-without-control",
          trial(check(EXPIRED), check(EXPIRED, canary="not_applicable"), **STRATUM),
          State.INSUFFICIENT),
    _case("tls-check-block-page",
          trial(check(TlsView(client="strict", version="TLSv1.3", status=403), canary="absent",
                      status=403, text=NOTICE), CONTROL, **STRATUM),
          State.BLOCKED, Mechanism.BLOCK_PAGE),
    _case("tls-check-silence",
          trial(check(TlsView(client="strict", failure="timed_out", stage="tls"), **NO_PAGE),
                CONTROL, failure=failed("timed_out", "tls"), **STRATUM),
          State.INSUFFICIENT),
    _case("tls-check-alert",
          trial(check(TlsView(client="strict", failure="tls_alert", stage="tls"), **NO_PAGE),
                CONTROL, failure=failed("tls_alert", "tls"), **STRATUM),
          State.BLOCKED, Mechanism.TLS_ALERT),
    _case("tls-check-not-accepted", trial(check(EXPIRED, BEHIND), CONTROL, **STRATUM), State.BLOCKED,
          Mechanism.OTHER),
    _case("tls-check-not-recorded",
          trial(None, CONTROL, failure=failed("connection_reset", "connect"), **STRATUM),
          State.INSUFFICIENT),
)  # fmt: skip
"""The cases, in the order of the rules."""

"""Trials of checks of TLS: what each client saw on a service's line and on the control line.

What became of a fault of the origin (``TlsEnd``) is decided here, from facts of both lines alone.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from harness.model.observation import OTHER_CERTIFICATES, TIMEOUTS
from harness.model.tls_check import CASES, TlsGroup
from harness.model.tls_view import ClientKind, TlsOffer, TlsView

CERTIFICATE_FAILURES = OTHER_CERTIFICATES | {"ssl_invalid_certificate", "ssl_invalid_hostname"}
"""Failures of a client that does not accept the certificate."""

REFUSALS_OF_TLS = frozenset({"tls_alert", "ssl_failed_handshake"})
"""Failures of a handshake that one side ended with an alert."""

CUT = frozenset({"connection_reset", "connection_aborted", "connection_refused", "eof_error"})

ERROR = 400
"""The least status of an answer that says that it is an error (RFC 9110 section 15)."""

SAYS_CERTIFICATE = re.compile(
    r"certificat|zertifikat|\bx\.?509|\b(?:ssl|tls)\b|secure connection|not secure|unsafe",
    re.IGNORECASE,
)
"""Words by which a page tells that the connection to the site is not safe."""

TlsEnd = Literal[
    "let through", "passed on", "warned", "alert", "error page", "other page", "cut", "refused",
    "block page", "silent", "not shown", "void",
]  # fmt: skip
"""What became of a fault of the origin.

*let through*: the page came to a client that would have refused the fault. *passed on*: the client
was shown the fault itself. *warned*: it was shown another certificate, which it does not accept.
*alert*: the handshake ended with an alert. *error page*: a page of the service that says so.
*other page*: a page that does not. *cut*: the connection was cut. *refused*: the proxy opened no
tunnel. *block page*: the host is blocked as a site. *silent*: nothing came in time, or the line
was in trouble. *not shown*: the control line shows no fault. *void*: the batch is void.
"""

UNKNOWN: frozenset[TlsEnd] = frozenset({"block page", "silent", "not shown", "void"})
"""Ends that decide nothing."""

TOLD: frozenset[TlsEnd] = frozenset({"passed on", "warned", "alert", "error page"})
"""Ends by which the user is told of an error."""

END_WORDS: dict[TlsEnd, str] = {
    "let through": "the page came to a client that refuses it without the service",
    "passed on": "the client was shown what the site itself shows",
    "warned": "the client was shown another certificate, which it does not accept",
    "alert": "the handshake was ended by an alert",
    "error page": "the service showed a page that tells of the error",
    "other page": "the service showed a page that tells of no error",
    "cut": "the connection was cut",
    "refused": "the proxy opened no tunnel",
    "block page": "the host is blocked as a site",
    "silent": "nothing came in time, or the line was in trouble",
    "not shown": "the control line shows no fault",
    "void": "the batch is void",
}


class TlsTrial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trial: the connections over the service's line, and those over the control line.

    ``is_void``: its batch is void. ``is_block_page``: the judge took the answer for a block page.
    ``offers`` are the ClientHellos that reached the origin in this attempt, once that is recorded.
    """

    item: str
    host: str
    case: str
    line: str
    profile: str
    turn: int = 0
    nonce: str = ""
    is_void: bool = False
    is_block_page: bool = False
    views: tuple[TlsView, ...] = ()
    control: tuple[TlsView, ...] = ()
    offers: tuple[TlsOffer, ...] | None = None

    @property
    def group(self) -> TlsGroup:
        """The group of the case."""
        return CASES[self.case].group

    def view(self, client: ClientKind, *, control: bool = False) -> TlsView | None:
        """Return what a client saw; None if it did not connect."""
        views = self.control if control else self.views
        return next((one for one in views if one.client == client), None)

    @property
    def came(self) -> bool:
        """Whether the page came to the strict client over the service's line."""
        strict = self.view("strict")
        return not self.is_void and strict is not None and strict.has_token

    @property
    def came_on_control(self) -> bool:
        """Whether the page came to the strict client over the control line."""
        strict = self.view("strict", control=True)
        return strict is not None and strict.has_token

    @property
    def is_opened(self) -> bool | None:
        """Whether the service opens the connection: it shows a certificate with another key.

        None if no handshake succeeded on one of the lines, or if the other key has a certificate of
        the same issuer: the origin may have a new one, or somebody imitates it.
        """
        shown = {(one.key, one.issuer) for one in self.views if one.key}
        own = {(one.key, one.issuer) for one in self.control if one.key}
        if not shown or not own or self.is_void:
            return None
        if shown <= own:
            return False
        return None if {name for _, name in shown} <= {name for _, name in own} else True

    @property
    def service_offers(self) -> tuple[TlsOffer, ...]:
        """The ClientHellos that reached the origin and are not those of our own clients."""
        own = {one.offer.digest for one in self.views if one.offer is not None}
        return tuple(one for one in self.offers or () if one.digest not in own)

    @property
    def shows_fault(self) -> bool:
        """Whether the control line shows the fault: a strict client fails, a lenient one does not.

        A certificate has to be refused as such; parameters have to fail before that.
        """
        strict, lenient = self.view("strict", control=True), self.view("lenient", control=True)
        if strict is None or lenient is None or not lenient.has_token:
            return False
        if self.group == "certificate":
            return strict.failure in CERTIFICATE_FAILURES
        return strict.failure in REFUSALS_OF_TLS

    @property
    def end(self) -> TlsEnd:
        """What became of a fault of the origin."""
        strict = self.view("strict")
        if self.is_void:
            return "void"
        if not self.shows_fault or strict is None:
            return "not shown"
        if strict.has_token:
            return "let through"
        return _page_end(strict, self) if strict.is_open else _failed_end(strict, self)


def _page_end(strict: TlsView, trial: TlsTrial) -> TlsEnd:
    """What became of a fault where the handshake of the strict client succeeded."""
    if strict.failure in TIMEOUTS:
        return "silent"
    if strict.status is None:
        return "cut"
    if SAYS_CERTIFICATE.search(f"{strict.title} {strict.text}".replace(trial.host, "")):
        return "error page"
    if trial.is_block_page:
        return "block page"
    return "error page" if strict.status >= ERROR else "other page"


def _failed_end(strict: TlsView, trial: TlsTrial) -> TlsEnd:
    """What became of a fault where the handshake of the strict client failed."""
    lenient = trial.view("lenient")
    own = {one.key for one in trial.control if one.key}
    is_shown = lenient is not None and lenient.key in own and lenient.has_token
    if strict.failure in TIMEOUTS or strict.stage in ("instrument", "resolve", "proxy_connect"):
        return "silent"
    if is_shown and strict.failure in CERTIFICATE_FAILURES | REFUSALS_OF_TLS:
        return "passed on"
    if strict.failure in CERTIFICATE_FAILURES:
        return "warned"
    if strict.failure in REFUSALS_OF_TLS:
        return "alert"
    if strict.stage == "tunnel" and strict.failure not in CUT:
        return "refused"
    return "cut" if strict.failure in CUT else "silent"


class ServiceTls(msgspec.Struct, frozen=True, kw_only=True):
    """The trials of checks of TLS in a journal."""

    trials: tuple[TlsTrial, ...] = ()

    def of(self, line: str, profile: str) -> ServiceTls:
        """Return the trials of a line and profile."""
        return ServiceTls(
            trials=tuple(one for one in self.trials if (one.line, one.profile) == (line, profile))
        )

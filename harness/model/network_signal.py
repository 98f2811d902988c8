"""Signals by which a network asks clients to leave its name servers in use.

Browsers and systems that would use encrypted DNS of their own ask the network's name server for
an agreed name first. Sources: Mozilla, "Canary domain - use-application-dns.net"; Apple, "Prepare
your network or web server for iCloud Private Relay". ``DESIGNATED`` is the name by which clients
find an encrypted name server (RFC 9462 section 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from harness.model.facts import DnsFacts

SignalOf = Literal["mozilla", "apple"]

SIGNALS: dict[str, SignalOf] = {
    "use-application-dns.net": "mozilla",
    "mask.icloud.com": "apple",
    "mask-h2.icloud.com": "apple",
}
"""The agreed names, with whose clients ask for them."""

DESIGNATED = "_dns.resolver.arpa"

_NO_SUCH_NAME, _NO_ERROR = "NXDOMAIN", "NOERROR"


def signal_name(host: str) -> str:
    """Return the agreed name that a host is; empty for any other."""
    name = host.lower().rstrip(".")
    return name if name in SIGNALS else ""


def is_signalled(host: str, answers: Iterable[DnsFacts]) -> bool | None:
    """Whether a name server's answers about an agreed name switch the clients' own DNS off.

    ``answers`` are those to A and AAAA questions. Mozilla: they are not NOERROR, or there is no
    address. Apple: each is NXDOMAIN, or NOERROR without an address; SERVFAIL, REFUSED and silence
    are no signal. None: the name is not an agreed one, or the answers do not suffice to say.
    """
    whose, given = SIGNALS.get(signal_name(host)), tuple(answers)
    if whose is None:
        return None
    if any(each.addresses and each.rcode == _NO_ERROR for each in given):
        return False
    codes = {each.rcode for each in given}
    if whose == "apple" and codes - {_NO_SUCH_NAME, _NO_ERROR}:
        return False
    if _NO_SUCH_NAME in codes or (whose == "mozilla" and codes - {"", _NO_ERROR}):
        return True
    return True if {each.type for each in given} >= {"A", "AAAA"} and "" not in codes else None

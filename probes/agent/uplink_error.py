"""What can go wrong between an agent and its hub, as one sentence each."""

from __future__ import annotations

import socket
from typing import Literal

import httpcore

from harness.errors import HarnessError

Kind = Literal[
    "lookup", "unreached", "proxy", "tls", "timeout", "lost", "not-a-hub", "refused", "untrusted",
    "too-large",
]  # fmt: skip
"""``lost``: the connection ended early. ``untrusted``: an answer that is not the hub's.

``refused`` is an unsigned refusal, which anybody on the way could have written.
"""

PROXY_AUTHENTICATION = 407
ASKS_FOR_PASSWORD = "asks for a name and password, and took none that it was given (407)"  # noqa: S105 - a sentence


class UplinkError(HarnessError):
    """The hub was not reached, or what answered is not the hub; nothing is lost by it.

    No address in it has a name or password.
    """

    def __init__(self, sentence: str, kind: Kind) -> None:
        super().__init__(sentence)
        self.kind = kind


class UnreachedError(httpcore.ConnectError):
    """No connection to a host, before anything was sent; ``why`` is the error behind it.

    An attribute, because httpcore removes causes.
    """

    def __init__(self, why: BaseException) -> None:
        super().__init__()
        self.why = why


class HandshakeError(httpcore.ConnectError):
    """TLS did not begin; ``why`` is the error behind it."""

    def __init__(self, why: BaseException) -> None:
        super().__init__()
        self.why = why


def network_error(error: Exception, hub: str, proxy: str, seconds: float) -> UplinkError:
    """The error to raise for one of httpcore's.

    ``hub`` and ``proxy`` are host and port, ``proxy`` empty for none; ``seconds`` is the limit.
    """
    way = f"{hub} by the proxy {proxy}" if proxy else hub
    match error:
        case UnreachedError():
            return _unreached(error.why, f"the proxy {proxy}" if proxy else f"the hub {hub}")
        case HandshakeError():
            reason = getattr(error.why, "reason", None) or "the connection was cut"
            return UplinkError(f"TLS with {way} failed: {str(reason)[:100]}", "tls")
        case httpcore.ProxyError():
            return _refused_by_proxy(error, hub, proxy)
        case httpcore.TimeoutException():
            msg = f"no answer came from {way} within {seconds:.0f} seconds"
            return UplinkError(msg, "timeout")
        case httpcore.ProtocolError() if "disconnected" not in str(error):
            msg = f"{way} is not a hub: what came is not an answer of HTTP"
            return UplinkError(msg, "not-a-hub")
    return UplinkError(f"the connection to {way} was cut", "lost")


def _unreached(cause: BaseException, where: str) -> UplinkError:
    """The error for a connection that was not made."""
    if isinstance(cause, socket.gaierror | UnicodeError):
        return UplinkError(f"{where} was not found: its name has no address", "lookup")
    if isinstance(cause, httpcore.ConnectTimeout | TimeoutError):
        return UplinkError(f"{where} did not accept a connection in time", "timeout")
    reason = getattr(cause, "strerror", None) or "no connection"
    return UplinkError(f"{where} was not reached: {reason}", "unreached")


def status_error(status: int, location: str, words: str, hub: str, proxy: str) -> UplinkError:
    """The error to raise for an answer whose status is not 200.

    ``location`` is of a redirect, ``words`` are those of an unsigned refusal; both may be empty.
    """
    if status == PROXY_AUTHENTICATION:
        return UplinkError(f"the proxy {proxy or hub} {ASKS_FOR_PASSWORD}", "proxy")
    if location:
        msg = f"{hub} answered with a redirect (status {status}), which is not followed; a sign-in "
        return UplinkError(f"{msg}page of this network may stand before the hub", "not-a-hub")
    if words:
        msg = f"{hub} answered with status {status} and said, unsigned: {words[:300]}"
        return UplinkError(msg, "refused")
    msg = f"{hub} answered with status {status}; it is no hub, or something on the way blocks it"
    return UplinkError(msg, "not-a-hub")


def _refused_by_proxy(error: Exception, hub: str, proxy: str) -> UplinkError:
    """The error for a proxy that opens no tunnel; httpcore says its status and its words."""
    status = str(error)[:3]
    if status == str(PROXY_AUTHENTICATION):
        return UplinkError(f"the proxy {proxy} {ASKS_FOR_PASSWORD}", "proxy")
    shown = f" (status {status})" if status.isascii() and status.isdigit() else ""
    return UplinkError(f"the proxy {proxy} opens no connection to {hub}{shown}", "proxy")

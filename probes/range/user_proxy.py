"""The reference filter as one proxy for several users, who sign in (RFC 7617).

The user's name selects the profile. Requests without a name get the default profile, or 407 (RFC
9110 section 15.5.8), as do a wrong password and an expired one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from probes.range.access_entry import ResultCode
from probes.range.connection import Request
from probes.range.faults import FaultKind
from probes.range.filter import ReferenceFilter
from probes.range.origin_pages import Page
from probes.range.proxy import ProxyConnection, Upstream

SIGN_IN = Page(
    status=407,
    body=b"Sign in to use this proxy.\n",
    headers=(("Proxy-Authenticate", 'Basic realm="reference filter"'),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeUser:
    """A user of the range's proxy: the profile, the password, and whether it has expired."""

    profile: str
    password: str
    is_expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDirectory:
    """The users by name, and the profile of requests without a name; empty: these get 407.

    ``last`` holds the profile seen last at each client address, for the fault MIXED_USERS.
    """

    users: Mapping[str, RangeUser]
    default: str = ""
    last: dict[str, str] = field(default_factory=dict)

    def name_of(self, request: Request) -> str:
        """Return the name of the user who signed in with a request; empty if nobody did."""
        name, password = _credentials(request.headers.get("proxy-authorization", ""))
        user = self.users.get(name)
        is_known = user is not None and user.password == password and not user.is_expired
        return name if is_known else ""

    def profile_of(self, request: Request) -> str:
        """Return the profile of a request; empty if it has to sign in."""
        if not request.headers.get("proxy-authorization", ""):
            return self.default
        user = self.users.get(self.name_of(request))
        return user.profile if user is not None else ""


class UserProxyConnection(ProxyConnection):
    """A client connection of the proxy, under the profile of the user who signed in."""

    def __init__(
        self, filter_: ReferenceFilter, directory: UserDirectory, upstream: Upstream
    ) -> None:
        super().__init__(filter_, directory.default, upstream)
        self._directory = directory

    def on_request(self, request: Request) -> None:
        """Find the user's profile, then decide; 407 if the user has to sign in."""
        profile = self._directory.profile_of(request)
        self._user = self._directory.name_of(request)
        if not profile:
            self._reject(request, ResultCode.DENIED, SIGN_IN)
            return
        before = self._directory.last.get(self.client, profile)
        self._directory.last[self.client] = profile
        faults = self._filter.faults.on(request.host, profile, self.service)
        is_mixed = any(fault.kind is FaultKind.MIXED_USERS for fault in faults)
        self._profile = before if is_mixed else profile
        super().on_request(request)


def _credentials(value: str) -> tuple[str, str]:
    """Return the name and password of Basic credentials; empty if they are not valid."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password

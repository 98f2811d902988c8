"""What is asked of a proxy beforehand, by the kind of proxy and of URL."""

from __future__ import annotations

import ssl

import pytest

from probes.net.exchange_recorder import Passage
from probes.net.proxy_handshake import Socks, Tunnel, opening_of
from probes.net.route import Address, Proxy, Route

FAR = Address(host="a.accredit.test", port=443)


@pytest.mark.parametrize(
    ("proxy", "scheme", "kind"),
    [
        (None, "http", None),
        (None, "https", None),
        (Proxy(), "http", None),
        (Proxy(), "https", Tunnel),
        (Proxy(kind="socks5"), "http", Socks),
        (Proxy(kind="socks5"), "https", Socks),
    ],
)
def test_the_kind_of_opening(proxy: Proxy | None, scheme: str, kind: type | None) -> None:
    route = Route(address=FAR, trust=ssl.create_default_context(), proxy=proxy)
    opening = opening_of(Passage(100), route, scheme, FAR)

    assert opening is None if kind is None else isinstance(opening, kind)

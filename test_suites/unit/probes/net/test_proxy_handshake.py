"""What is asked of a proxy beforehand, by the kind of proxy and of URL."""

from __future__ import annotations

import ssl

import pytest

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.proxy_handshake import ConnectHandshake, SocksHandshake, proxy_handshake_for
from probes.net.route import Address, Proxy, Route

FAR = Address(host="a.accredit.test", port=443)


@pytest.mark.parametrize(
    ("proxy", "scheme", "kind"),
    [
        (None, "http", None),
        (None, "https", None),
        (Proxy(), "http", None),
        (Proxy(), "https", ConnectHandshake),
        (Proxy(kind="socks5"), "http", SocksHandshake),
        (Proxy(kind="socks5"), "https", SocksHandshake),
    ],
)
def test_the_kind_of_opening(proxy: Proxy | None, scheme: str, kind: type | None) -> None:
    route = Route(address=FAR, trust=ssl.create_default_context(), proxy=proxy)
    handshake = proxy_handshake_for(ExchangeRecorder(100), route, scheme, FAR)

    assert handshake is None if kind is None else isinstance(handshake, kind)

"""The way of another client: lines that have one say so."""

from __future__ import annotations

import ssl

from probes.net.backend import ClientSettings, client_settings_of
from probes.net.route import Address


async def find(host: str, port: int, patience: float) -> Address:
    return Address(host=host, port=port)


def test_a_line_says_whether_it_has_one() -> None:
    way = ClientSettings(find=find, trust=ssl.create_default_context(), credentials=("u", "secret"))

    class Line:
        def client_settings(self) -> ClientSettings | None:
            return way

    assert client_settings_of(Line()) is way
    assert client_settings_of(object()) is None
    assert "secret" not in repr(way)

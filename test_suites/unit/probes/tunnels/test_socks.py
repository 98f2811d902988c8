"""The client of SOCKS5: what it asks, and what refuses it."""

from __future__ import annotations

import pytest

from probes.tunnels.socks import connect_by_socks
from test_suites.unit.probes.tunnels.memory_streams import MemoryStream, joined

GRANTED = b"\5\0\0\1\0\0\0\0\0\0"


async def asked(stream: MemoryStream) -> bytes:
    sent = b""
    while not stream.received.empty():
        sent += stream.received.get_nowait()
    return sent


async def test_a_server_is_asked_for_an_address_and_port() -> None:
    client, server = joined()
    await server.write(b"\5\0" + GRANTED)
    await connect_by_socks(client, "127.0.0.1", 80)
    assert await asked(server) == b"\5\1\0" + b"\5\1\0\1\x7f\0\0\1\0\x50"


async def test_a_user_signs_in() -> None:
    client, server = joined()
    for piece in (b"\5", b"\2\1", b"\0" + GRANTED[:3], GRANTED[3:]):
        await server.write(piece)
    await connect_by_socks(client, "127.0.0.1", 80, (b"user", b"word"))
    assert await asked(server) == b"\5\1\2" + b"\1\4user\4word" + b"\5\1\0\1\x7f\0\0\1\0\x50"


@pytest.mark.parametrize(
    ("answers", "login"),
    [(b"\5\xff", None), (b"\4\0", None), (b"\5\2\1\1", (b"u", b"p")), (b"\5\0\5\5\0\1", None),
     (b"\5\0\5\0\0\3", None)],
)  # fmt: skip
async def test_a_refusal_is_an_error_and_closes(
    answers: bytes, login: tuple[bytes, bytes] | None
) -> None:
    client, server = joined()
    await server.write(answers)
    with pytest.raises(ValueError, match="refused"):
        await connect_by_socks(client, "127.0.0.1", 80, login)
    assert client.is_closed


async def test_a_server_that_closes_is_an_error() -> None:
    client, server = joined()
    server.close()
    with pytest.raises(EOFError):
        await connect_by_socks(client, "127.0.0.1", 80)
    assert client.is_closed

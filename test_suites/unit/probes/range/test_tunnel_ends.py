"""The origin's ends of tunnels: how a tunnel begins, and what is no tunnel."""

from __future__ import annotations

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.range.connection import Connection
from probes.range.tunnel_ends import TunnelEnds, tunnel_that_begins
from probes.tunnels.table import TUNNELS

ZONE = "accredit.test"


def ends() -> TunnelEnds:
    return TunnelEnds(key=b"k" * 16, zone=ZONE, page_connection=Connection)


@pytest.mark.parametrize(
    ("first", "inside_tls", "name"),
    [
        (b"\0\x0e\x38" + bytes(13), False, "openvpn-tcp"),
        (b"\0\x2a\x50" + bytes(13), False, "openvpn-tcp"),
        (b"\x16\3\1\0\x38", False, ""),
        (b"\0\x0e", False, ""),
        (b"\0\x0e\x38", True, ""),
        (b"\5\1\0", True, "tls"),
        (b"\5\1\0", False, ""),
        (b"SSTP_DUPLEX_POST /sra", True, "sstp"),
        (b"SSTP_DUPLEX_POST /sra", False, ""),
        (b"GET / HTTP/1.1\r\n", True, ""),
        (b"", True, ""),
    ],
)
def test_a_tunnel_is_known_by_its_first_bytes(first: bytes, inside_tls: bool, name: str) -> None:
    assert tunnel_that_begins(first, inside_tls=inside_tls) == name
    assert not name or TUNNELS[name].inside_web


async def test_questions_below_the_zone_of_a_tunnel_are_taken() -> None:
    async with ends() as served:
        taken = []
        for name in ("a.i.accredit.test", "A.b.I.Accredit.TEST", "i.accredit.test",
                     "a.accredit.test", "a.i.accredit.test.example"):  # fmt: skip
            question = dns.message.make_query(name, "TXT").to_wire()
            relay = served._relays[53]
            relay.pass_on = lambda data, peer, send: None  # type: ignore[method-assign]
            if served.take_question(question, ("127.0.0.1", 5000), lambda _: None):
                taken.append(name)
        assert taken == ["a.i.accredit.test", "A.b.I.Accredit.TEST"]


@given(st.binary(max_size=80))
def test_any_bytes_are_a_question_or_not(data: bytes) -> None:
    assert not ends().take_question(data, ("127.0.0.1", 5000), lambda _: None)


async def test_each_tunnel_has_a_port_unless_another_server_has_it() -> None:
    async with ends() as served:
        assert served.ports.keys() == {22, 1080, 1194, 51820, 9443, 8388, 500, 4500, 9001}
        assert served.services["tunnels"].keys() == TUNNELS.keys()

"""The explicit proxy lets through, refuses, tunnels and fails as it was told."""

from __future__ import annotations

import socket
import struct

import httpx
import pytest

from harness.model.marker import nonce_for, token_for
from harness.model.observation import AttemptKey
from probes.range.arrival_log import ArrivalLog
from probes.range.faults import Fault, FaultKind
from probes.range.filter import ReferenceFilter
from probes.range.proxy import TUNNEL_ESTABLISHED, ProxyConnection, Upstream
from probes.range.resolver import ZoneServer
from probes.range.testbed import RangeTestbed

KEY = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")
CANARY = "gamb-001.canary.accredit.test"
TWIN = "gamb-001.twin.accredit.test"


def nonce(world: RangeTestbed) -> str:
    return nonce_for(world.origin.key, KEY)


def fault(world: RangeTestbed, kind: FaultKind, *hosts: str, **details: object) -> None:
    named = frozenset(hosts) if hosts else None
    world.faults.add(Fault(kind=kind, hosts=named, **details))  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_allowed_page_comes_with_its_token(
    world: RangeTestbed, proxied: httpx.Client, scheme: str
) -> None:
    answer = proxied.get(f"{scheme}://{TWIN}/", headers={"X-Request-ID": nonce(world)})

    assert answer.status_code == 200
    assert token_for(world.origin.key, TWIN, nonce(world)) in answer.text
    assert world.log.arrivals(TWIN)[-1].over == scheme


def test_a_blocked_page_shows_why_and_never_reaches_the_origin(
    world: RangeTestbed, proxied: httpx.Client
) -> None:
    host = "gamb-100.canary.accredit.test"
    answer = proxied.get(f"http://{host}/", headers={"X-Request-ID": nonce(world)})

    assert answer.status_code == 403
    assert "Access to this page is blocked" in answer.text
    assert host in answer.text
    assert "GAMB" in answer.text
    assert not world.log.arrivals(host)


def test_a_blocked_tunnel_is_refused_with_the_same_status(proxied: httpx.Client) -> None:
    with pytest.raises(httpx.ProxyError, match="403"):
        proxied.get(f"https://{CANARY}/")


def test_each_profile_has_its_own_policy_and_port(world: RangeTestbed) -> None:
    staff = world.origin.services["reference"]["proxy"]["staff"]

    assert httpx.get(f"http://{CANARY}/", proxy=staff).status_code == 200
    assert httpx.get("http://porn-001.canary.accredit.test/", proxy=staff).status_code == 403


@pytest.mark.parametrize(
    ("kind", "status", "tunnel"),
    [
        (FaultKind.PAGE_200, 200, 403),
        (FaultKind.PAGE_403, 403, 403),
        (FaultKind.PAGE_451, 451, 451),
        (FaultKind.REDIRECT, 302, 302),
        (FaultKind.REFUSE, 503, 503),
    ],
)
def test_each_style_of_page_has_its_status(
    world: RangeTestbed, proxied: httpx.Client, kind: FaultKind, status: int, tunnel: int
) -> None:
    fault(world, kind, TWIN)
    answer = proxied.get(f"http://{TWIN}/", headers={"X-Request-ID": nonce(world)})

    assert answer.status_code == status
    assert token_for(world.origin.key, TWIN, nonce(world)) not in answer.text
    with pytest.raises(httpx.ProxyError, match=str(tunnel)):
        proxied.get(f"https://{TWIN}/")


def test_hosts_can_be_blocked_in_different_styles_at_once(
    world: RangeTestbed, proxied: httpx.Client
) -> None:
    fault(world, FaultKind.PAGE_451, "drug-001.canary.accredit.test")
    fault(world, FaultKind.PAGE_200, "drug-002.canary.accredit.test")

    statuses = [
        proxied.get(f"http://drug-00{number}.canary.accredit.test/").status_code
        for number in (1, 2, 3)
    ]
    assert statuses == [451, 200, 403]


def test_a_redirect_leads_to_the_block_page(world: RangeTestbed, proxied: httpx.Client) -> None:
    fault(world, FaultKind.REDIRECT)
    answer = proxied.get(
        f"http://{CANARY}/", headers={"X-Request-ID": nonce(world)}, follow_redirects=True
    )

    assert answer.url.host == "blocked.filter.accredit.test"
    assert "Access to this page is blocked" in answer.text
    assert nonce(world).upper() not in answer.text


def test_a_miss_and_an_overblock_turn_two_hosts_round(
    world: RangeTestbed, proxied: httpx.Client
) -> None:
    fault(world, FaultKind.MISS, CANARY)
    fault(world, FaultKind.OVERBLOCK, TWIN)

    assert proxied.get(f"http://{CANARY}/").status_code == 200
    assert proxied.get(f"http://{TWIN}/").status_code == 403


def test_reset_end_of_file_and_silence_are_three_things(
    world: RangeTestbed, proxied: httpx.Client
) -> None:
    url = f"http://{TWIN}/"
    fault(world, FaultKind.RESET, TWIN)
    with pytest.raises(httpx.ReadError):
        proxied.get(url)
    fault(world, FaultKind.EOF, TWIN)
    with pytest.raises(httpx.RemoteProtocolError):
        proxied.get(url)
    fault(world, FaultKind.SILENT, TWIN)
    with pytest.raises(httpx.ReadTimeout):
        proxied.get(url, timeout=0.1)


def test_a_captive_portal_says_the_same_to_everything(
    world: RangeTestbed, proxied: httpx.Client
) -> None:
    fault(world, FaultKind.CAPTIVE)
    answers = [proxied.get(f"http://{host}/") for host in (CANARY, TWIN, "example.org")]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    with pytest.raises(httpx.ConnectError):  # the portal's page where TLS should begin
        proxied.get(f"https://{TWIN}/")


def test_switched_off_after_two_requests(world: RangeTestbed, proxied: httpx.Client) -> None:
    fault(world, FaultKind.OFF, after=2)

    statuses = [proxied.get(f"http://{CANARY}/").status_code for _ in range(4)]
    assert statuses == [403, 403, 200, 200]


def test_a_slow_filter_lets_through_what_it_should(
    world: RangeTestbed, proxied: httpx.Client
) -> None:
    fault(world, FaultKind.SLOW, delay=0.01)

    assert proxied.get(f"http://{TWIN}/").status_code == 200
    fault(world, FaultKind.SLOW, delay=30)
    with pytest.raises(httpx.ReadTimeout):
        proxied.get(f"http://{TWIN}/", timeout=0.1)


def test_an_origin_that_gives_up_is_a_bad_gateway(
    world: RangeTestbed, proxied: httpx.Client
) -> None:
    assert proxied.get("http://dead-001.special.accredit.test/").status_code == 502
    fault(world, FaultKind.DEAD, TWIN)
    assert proxied.get(f"http://{TWIN}/").status_code == 502


@pytest.mark.parametrize("host", ["gone-001.special.accredit.test", "example.org"])
def test_a_name_that_does_not_resolve_cannot_be_reached(proxied: httpx.Client, host: str) -> None:
    assert proxied.get(f"http://{host}/").status_code == 503
    with pytest.raises(httpx.ProxyError, match="503"):
        proxied.get(f"https://{host}/")


def test_a_port_that_the_range_does_not_serve_cannot_be_reached(proxied: httpx.Client) -> None:
    assert proxied.get(f"http://{TWIN}:81/").status_code == 503


def said(world: RangeTestbed, wire: bytes) -> bytes:
    port = int(world.origin.services["reference"]["proxy"]["ks2"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(wire)
        return client.recv(65536)


def test_a_proxy_must_be_asked_as_one(world: RangeTestbed) -> None:
    assert said(world, b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_tunnel_to_a_dead_host_ends_without_a_word(world: RangeTestbed) -> None:
    host = "dead-001.special.accredit.test"
    port = int(world.origin.services["reference"]["proxy"]["ks2"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(f"CONNECT {host}:80 HTTP/1.0\r\n\r\n".encode())
        assert client.recv(4096) == TUNNEL_ESTABLISHED
        client.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.recv(4096) == b""


class Far:
    """Notes what the near side asks of the far one."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")

    def abort(self) -> None:
        self.asked.append("abort")


def test_the_far_side_waits_for_a_slow_client_and_ends_with_it() -> None:
    upstream = Upstream(zone_server=ZoneServer(log=ArrivalLog()), ports={})
    near, origin_side = ProxyConnection(ReferenceFilter(), "ks2", upstream), Far()
    near._origin_side = origin_side  # type: ignore[assignment]
    near.pause_writing()
    near.resume_writing()
    near.connection_lost(None)

    assert origin_side.asked == ["pause", "resume", "abort"]


def test_a_client_that_leaves_does_no_harm(world: RangeTestbed, proxied: httpx.Client) -> None:
    port = int(world.origin.services["reference"]["proxy"]["ks2"].rpartition(":")[2])
    for wire in (f"GET http://{TWIN}/ HTTP/1.1\r\n\r\n", f"CONNECT {TWIN}:443 HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(wire.encode())

    assert proxied.get(f"http://{TWIN}/").status_code == 200

"""The reference filter's record says who asked for what, through each of its services."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.message
import dns.query
import httpx
import pytest

from probes.range.faults import Fault, FaultKind
from probes.range.testbed import SERVICE_LOG_FILE, RangeTestbed, running
from probes.range.user_proxy import RangeUser, UserDirectory
from test_suites.kit.networks.service_log import LogLine, lines_in, times_in

PASSED, BLOCKED = "page-1.sites.accredit.test", "gamb-001.canary.accredit.test"
SENTINEL = "amber-lantern.accredit.test"
USERS = UserDirectory(
    users={
        "ann": RangeUser(profile="ks2", password="p"),
        "b c\nd": RangeUser(profile="ks2", password="p"),
    }
)
WAIT = 60.0
"""Seconds until a line must be there."""

Lines = Callable[[int], list[LogLine]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RangeTestbed]:
    with running(tmp_path, users=USERS, gateway=True, encrypted=True, opens_tls=True) as world:
        yield world


@pytest.fixture
def lines(world: RangeTestbed) -> Lines:
    """Waits for so many lines, and gives all that there are."""

    def lines(number: int) -> list[LogLine]:
        assert world.access_log.wait_for(number, WAIT)
        return lines_in(world.access_log.path)

    return lines


@pytest.fixture
def client(world: RangeTestbed) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=world.origin.authority)
    with httpx.Client(proxy=address(world), verify=trust, trust_env=False, timeout=WAIT) as client:
        yield client


def address(world: RangeTestbed, kind: str = "proxy", profile: str = "ks2") -> str:
    return str(world.origin.services["reference"][kind][profile])


def exchange(port: int, request: bytes) -> bytes:
    """Send a request on a connection of its own; return all that is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as sock:
        sock.sendall(request)
        with contextlib.suppress(ConnectionResetError):
            return b"".join(iter(lambda: sock.recv(65536), b""))
    return b""


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_the_record_is_beside_the_origin_file(tmp_path: Path) -> None:
    with running(tmp_path / "default"), running(tmp_path, access_log=tmp_path / "x.log"):
        pass

    assert (tmp_path / "default" / SERVICE_LOG_FILE).exists()
    assert (tmp_path / "x.log").exists()
    assert not (tmp_path / SERVICE_LOG_FILE).exists()


def test_a_passed_and_a_blocked_request_have_all_fields(world: RangeTestbed, lines: Lines) -> None:
    """Sizes are those that the client sent and received."""
    port, before = port_of(address(world)), time.time()
    asked = [
        f"{method} http://{host}/a?b=c HTTP/1.1\r\nHost: {host}\r\nX-A: b\r\n".encode() + rest
        for method, host, rest in (
            ("GET", PASSED, b"\r\n"),
            ("GET", BLOCKED, b"\r\n"),
            ("POST", PASSED, b"Content-Length: 3\r\n\r\nabc"),
            ("HEAD", BLOCKED, b"\r\n"),
        )
    ]
    answered = [exchange(port, request) for request in asked]

    def line(number: int, method: str, host: str, code: str, peer: str) -> LogLine:
        return LogLine(
            client="127.0.0.1",
            code=code,
            status=answered[number].split(b" ")[1].decode(),
            sent=len(answered[number]),
            method=method,
            url=f"http://{host}/a?b=c",
            user="ks2",
            peer=peer,
            content_type="text/html",
            received=len(asked[number]),
            category='"GAMB"' if host == BLOCKED else "-",
        )

    assert lines(4) == [
        line(0, "GET", PASSED, "TCP_MISS", "HIER_DIRECT/127.0.0.1"),
        line(1, "GET", BLOCKED, "TCP_DENIED", "HIER_NONE/-"),
        line(2, "POST", PASSED, "TCP_MISS", "HIER_DIRECT/127.0.0.1"),
        line(3, "HEAD", BLOCKED, "TCP_DENIED", "HIER_NONE/-"),
    ]
    assert ["200", "403"] == [line.status for line in lines(4)][:2]
    times = times_in(world.access_log.path)
    assert times == sorted(times)
    assert before - 0.01 <= times[0] <= times[-1] <= time.time() + 0.01


def test_a_line_is_there_before_its_answer(world: RangeTestbed, client: httpx.Client) -> None:
    for number in range(40):
        client.get(f"http://{(PASSED, BLOCKED)[number % 2]}/{number}")
        assert number + 1 == len(lines_in(world.access_log.path))


def test_tunnels_are_recorded_by_host_and_what_was_opened_by_address(
    client: httpx.Client, lines: Lines
) -> None:
    client.get(f"https://{PASSED}/path?q=x")
    with pytest.raises(httpx.ProxyError):
        client.get(f"https://{BLOCKED}/path")
    client.get(f"https://{SENTINEL}/path")
    client.close()

    opened, denied, tunnel = [
        (line.code, line.status, line.method, line.url, line.content_type) for line in lines(3)
    ]
    assert ("TCP_MISS", "200", "GET", f"https://{PASSED}/path?q=x", "text/html") == opened
    assert ("TCP_DENIED", "403", "CONNECT", f"{BLOCKED}:443", "text/html") == denied
    assert ("TCP_MISS", "200", "CONNECT", f"{SENTINEL}:443", "-") == tunnel
    assert lines(3)[2].sent > lines(3)[0].sent > 1000


def test_the_user_is_whoever_signed_in(world: RangeTestbed, lines: Lines) -> None:
    port = port_of(address(world, "users", "ann"))
    for credentials in ("ann:p", "b c\nd:p", "ann:wrong", ""):
        encoded = base64.b64encode(credentials.encode()).decode()
        sign_in = f"Proxy-Authorization: Basic {encoded}\r\n" if credentials else ""
        exchange(port, f"GET http://{PASSED}/ HTTP/1.1\r\nHost: {PASSED}\r\n{sign_in}\r\n".encode())

    assert [(line.code, line.status, line.user) for line in lines(4)] == [
        ("TCP_MISS", "200", "ann"),
        ("TCP_MISS", "200", "b%20c%0Ad"),
        ("TCP_DENIED", "407", "-"),
        ("TCP_DENIED", "407", "-"),
    ]


def test_questions_are_recorded_with_their_rcode(world: RangeTestbed, lines: Lines) -> None:
    host, _, port = address(world, "resolver").rpartition(":")
    queries = [
        dns.message.make_query(name, "A", use_edns=0)
        for name in (PASSED.upper(), BLOCKED, "gone-1.sites.accredit.test", "elsewhere.example")
    ]
    answers = [dns.query.udp(query, host, port=int(port), timeout=WAIT) for query in queries]
    dns.query.tcp(queries[1], host, port=int(port), timeout=WAIT)
    trust = ssl.create_default_context(cafile=world.origin.authority)
    tls = port_of(address(world, "resolver_tls"))
    name = "dns.accredit.test"
    dns.query.tls(queries[1], host, port=tls, timeout=WAIT, ssl_context=trust, server_hostname=name)

    found = lines(6)
    assert [(line.code, line.status, line.url) for line in found] == [
        ("TCP_MISS", "000", PASSED),
        ("TCP_DENIED", "003", BLOCKED),
        ("TCP_MISS", "003", "gone-1.sites.accredit.test"),
        ("TCP_MISS", "005", "elsewhere.example"),
        ("TCP_DENIED", "003", BLOCKED),
        ("TCP_DENIED", "003", BLOCKED),
    ]
    assert {("DNS", "ks2", "127.0.0.1", "HIER_NONE/-", "-")} == {
        (line.method, line.user, line.client, line.peer, line.content_type) for line in found
    }
    assert [len(answer.to_wire()) for answer in answers] == [line.sent for line in found[:4]]
    assert [len(query.to_wire()) for query in queries] == [line.received for line in found[:4]]


def test_a_question_without_an_answer_is_recorded_at_once(
    world: RangeTestbed, lines: Lines
) -> None:
    world.faults.add(Fault(kind=FaultKind.SILENT))
    host, _, port = address(world, "resolver").rpartition(":")
    query = dns.message.make_query(BLOCKED, "A", use_edns=0).to_wire()
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(query, (host, int(port)))
        (line,) = lines(1)

    assert ("TCP_DENIED", "000", 0, len(query)) == (
        line.code,
        line.status,
        line.sent,
        line.received,
    )


def test_a_gateway_records_addresses_and_names_of_servers(
    world: RangeTestbed, lines: Lines
) -> None:
    alerted = "gamb-002.canary.accredit.test"
    world.faults.add(Fault(kind=FaultKind.ALERT, hosts=frozenset({alerted})))
    ports = world.origin.services["reference"]["gateway"]["ks2"]
    exchange(int(ports["80"]), f"GET /x HTTP/1.1\r\nHost: {PASSED}\r\n\r\n".encode())
    exchange(int(ports["80"]), f"GET /x HTTP/1.1\r\nHost: {BLOCKED}\r\n\r\n".encode())
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    for host in (PASSED, BLOCKED, alerted):
        with (
            contextlib.suppress(ssl.SSLError),
            socket.create_connection(("127.0.0.1", int(ports["443"])), timeout=WAIT) as sock,
            trust.wrap_socket(sock, server_hostname=host) as over_tls,
        ):
            over_tls.sendall(f"GET /y HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            while over_tls.recv(65536):
                pass

    found = {(line.code, line.status, line.method, line.url, line.user) for line in lines(5)}
    assert found == {
        ("TCP_MISS", "200", "GET", f"http://{PASSED}/x", "ks2"),
        ("TCP_DENIED", "403", "GET", f"http://{BLOCKED}/x", "ks2"),
        ("TCP_MISS", "200", "CONNECT", f"{PASSED}:443", "ks2"),
        ("TCP_DENIED", "403", "GET", f"https://{BLOCKED}/y", "ks2"),
        ("TCP_DENIED", "000", "CONNECT", f"{alerted}:443", "ks2"),
    }


def test_a_server_for_sinkholes_knows_no_user(world: RangeTestbed, lines: Lines) -> None:
    port = int(world.origin.services["reference"]["gateway"]["ks2"]["80"])
    with socket.create_connection(("127.0.0.5", port), timeout=WAIT) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {PASSED}\r\n\r\n".encode())
        sock.recv(1)

    (line,) = lines(1)
    assert ("TCP_DENIED", "403", "-") == (line.code, line.status, line.user)


@pytest.mark.parametrize("style", [FaultKind.SILENT, FaultKind.RESET, FaultKind.EOF])
def test_a_block_without_an_answer_is_recorded_at_once(
    style: FaultKind, world: RangeTestbed, lines: Lines
) -> None:
    world.faults.add(Fault(kind=style))
    with socket.create_connection(("127.0.0.1", port_of(address(world))), timeout=WAIT) as sock:
        sock.sendall(f"GET http://{BLOCKED}/ HTTP/1.1\r\nHost: {BLOCKED}\r\n\r\n".encode())
        (line,) = lines(1)

    assert ("TCP_DENIED", "000", 0, '"GAMB"') == (
        line.code,
        line.status,
        line.sent,
        line.category,
    )


def test_what_a_client_did_not_wait_for_was_aborted(world: RangeTestbed, lines: Lines) -> None:
    world.faults.add(Fault(kind=FaultKind.SLOW, delay=3600))
    with socket.create_connection(("127.0.0.1", port_of(address(world)))) as sock:
        sock.sendall(f"GET http://{PASSED}/ HTTP/1.1\r\nHost: {PASSED}\r\n\r\n".encode())

    (line,) = lines(1)
    assert ("TCP_MISS_ABORTED", "000") == (line.code, line.status)


def test_a_request_that_is_none_for_a_proxy_is_recorded_as_such(
    world: RangeTestbed, lines: Lines
) -> None:
    exchange(port_of(address(world)), b"GET /x HTTP/1.1\r\nHost: a b\xff\r\n\r\n")

    (line,) = lines(1)
    assert ("NONE_NONE", "400", "http://a%20b%C3%BF/x") == (line.code, line.status, line.url)


def test_many_requests_at_once_leave_whole_lines(world: RangeTestbed, lines: Lines) -> None:
    host, _, port = address(world, "resolver").rpartition(":")

    def ask(number: int) -> None:
        name = f"page-{number}.sites.accredit.test"
        query = dns.message.make_query(name, "A")
        dns.query.udp(query, host, port=int(port), timeout=WAIT)
        exchange(
            port_of(address(world)),
            f"GET http://{name}/ HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode(),
        )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(200)))

    found = lines(400)
    assert 400 == len(found)
    assert {f"http://page-{number}.sites.accredit.test/" for number in range(200)} == {
        line.url for line in found if line.method == "GET"
    }
    assert all(line.status == ("200" if line.method == "GET" else "000") for line in found)


@pytest.mark.parametrize("kind", ["full", "absent", "folder", "read-only"])
def test_a_record_that_cannot_be_written_stops_nothing_and_is_reported_once(
    kind: str, tmp_path: Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    paths = {
        "full": Path("/dev/full"),
        "absent": tmp_path / "absent" / "x.log",
        "folder": tmp_path,
        "read-only": locked / "x.log",
    }
    reports: list[str] = []
    with running(tmp_path / "w", access_log=paths[kind], report=reports.append) as world:
        statuses = [
            httpx.get(f"http://{host}/", proxy=address(world)).status_code
            for host in (PASSED, BLOCKED, PASSED, BLOCKED)
        ]

    assert [200, 403, 200, 403] == statuses
    if not (kind == "read-only" and paths[kind].exists()):  # root may write there
        (report,) = reports
        assert f"the log {paths[kind]} cannot be " in report
        assert report.endswith("the service continues")

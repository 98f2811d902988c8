"""A URL is sent as it is written; only the connection goes where a client would go."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.facts import TechniqueFacts
from harness.model.observation import Timings
from harness.ports.network import Origin
from harness.ports.streams import ByteStream, Dialled, DialRequest
from probes.kinds.techniques import Techniques
from probes.techniques.steps import read_statement
from probes.techniques.url_step import read_url
from test_suites.unit.probes.techniques.conftest import HOST, attempt_of

ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)


@dataclass
class Server:
    """A stream that gives an answer to each request; ``answer`` is that to the first."""

    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    sent: bytes = b""
    secured_for: str = ""

    async def write(self, data: bytes) -> None:
        self.sent += data

    async def read(self) -> bytes:
        answer, self.answer = self.answer, Server.answer
        return answer

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        assert trust.verify_mode is ssl.CERT_REQUIRED
        self.secured_for = host

    def close(self) -> None:
        pass


@dataclass
class Dialler:
    """A line that notes what it is asked to dial."""

    is_proxied: bool = False
    authorization: str = ""
    name: str = "l"
    origin: Origin = ORIGIN
    asked: list[DialRequest] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        self.asked.append(request)
        server = Server(self.answers.pop(0)) if self.answers else Server()
        self.servers.append(server)
        proxied = self.is_proxied and request.plain
        return Dialled(
            timings=Timings(), opened=server, is_proxied=proxied, authorization=self.authorization
        )


async def tried(line: Dialler, statement: str) -> list[str]:
    """The lines of the head that were sent last."""
    attempt = attempt_of(ORIGIN, line, statement)  # type: ignore[arg-type]
    await Techniques().try_item(attempt, line)  # type: ignore[arg-type]
    return line.servers[-1].sent.decode().split("\r\n")


@pytest.mark.parametrize(
    ("url", "dialled", "target", "host"),
    [
        ("http://X-1.Ways.test./", ("X-1.Ways.test.", 80, ""), "/", "X-1.Ways.test."),
        ("http://u:p%40x@a.test:00081/b?c#d", ("a.test", 81, ""), "/b?c", "a.test:00081"),
        ("http://a.test?b", ("a.test", 80, ""), "?b", "a.test"),
        ("http://a.test#b", ("a.test", 80, ""), "/", "a.test"),
        ("//a%2Etest/", ("a.test", 80, ""), "/", "a%2Etest"),
        ("HTTP:a\\b".replace("a\\b", "\\\\\\\\a.test/"), ("a.test", 80, ""), "/", "a.test"),
        ("http://a.test:/", ("a.test", 80, ""), "/", "a.test:"),
        ("http://0x7f.1/x", ("127.0.0.1", 80, "127.0.0.1"), "/x", "0x7f.1"),
        ("http://[::1%25lo]:8080/", ("::1", 8080, "::1"), "/", "[::1%25lo]:8080"),
        ("http://b\\xc3\\xb6.test/", ("xn--b-1ga.test", 80, ""), "/", "b\u00f6.test"),
    ],
)
async def test_a_url_is_sent_as_it_is_written(
    url: str, dialled: tuple[str, int, str], target: str, host: str
) -> None:
    line = Dialler()
    first, second, *_ = await tried(line, f"url {url}")
    asked = line.asked[0]

    assert (asked.host, asked.port, asked.address) == dialled
    assert (asked.guarded, asked.plain) == (HOST, True)
    assert (first, second) == (f"GET {target} HTTP/1.1", f"Host: {host}")


async def test_a_proxy_is_asked_for_the_whole_url() -> None:
    line = Dialler(is_proxied=True, authorization="Basic eDp5")
    first, second, *others = await tried(line, "url http://u@{host:upper}:080/?#")

    assert first == f"GET http://u@{HOST.upper()}:080/?# HTTP/1.1"
    assert second == f"Host: {HOST.upper()}:080"
    assert "Proxy-Authorization: Basic eDp5" in others
    assert any(other.startswith("User-Agent: ") for other in others)


async def test_over_https_the_certificate_is_checked_for_the_mapped_name() -> None:
    line = Dialler(is_proxied=True)
    first, second, *_ = await tried(line, "url https://{host:percent}./")

    assert line.servers[0].secured_for == HOST
    assert not line.asked[0].plain
    assert line.asked[0].port == 443
    assert (first, second[:6], "%" in second) == ("GET / HTTP/1.1", "Host: ", True)


async def test_a_step_before_says_where_to_connect() -> None:
    line = Dialler()
    await tried(line, "to address=192.0.2.1 | url http://{host}:81/")

    assert (line.asked[0].address, line.asked[0].port) == ("192.0.2.1", 81)


async def test_a_redirect_within_the_origin_is_followed_over_a_new_connection() -> None:
    moved = b"HTTP/1.1 301 X\r\nLocation: http://open.ways.accredit.test/y\r\nContent-Length: 3\r\n\r\nold"
    line = Dialler(answers=[moved])
    first, second, *_ = await tried(line, "url http://{relay}:8080/ | follow")

    assert [(asked.host, asked.port) for asked in line.asked][1] == ("open.ways.accredit.test", 80)
    assert (first, second) == ("GET /y HTTP/1.1", "Host: open.ways.accredit.test")


@pytest.mark.parametrize("location", ["http://block.example/", "/there", "", "http://[/"])
async def test_a_redirect_to_elsewhere_is_the_answer(location: str) -> None:
    moved = f"HTTP/1.1 302 X\r\nLocation: {location}\r\nContent-Length: 3\r\n\r\nold".encode()
    line = Dialler(answers=[moved])
    attempt = attempt_of(ORIGIN, line, "url http://{host}/ | follow")  # type: ignore[arg-type]
    facts = (await Techniques().try_item(attempt, line)).facts  # type: ignore[arg-type]

    assert isinstance(facts, TechniqueFacts)
    assert (facts.status, len(line.asked)) == (302, 1)


async def test_where_an_answer_ends_the_connection_a_new_one_is_opened() -> None:
    ends = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    line = Dialler(answers=[ends, ends])
    await tried(line, "repeat 3 one | http1 two{answer}three")

    assert [server.sent for server in line.servers] == [b"one", b"one", b"onetwothree"]
    line = Dialler(answers=[ends])
    await tried(line, "http1 two{answer}three")
    assert [server.sent for server in line.servers] == [b"two", b"three"]


@pytest.mark.parametrize(
    "statement",
    ["url ", "url x", "url ftp://{host}/", "url {host}", "follow x", "tunnel x", "repeat",
     "repeat 0 x", "repeat 1001 x", "repeat x x", "repeat 2 "],
)  # fmt: skip
def test_a_wrong_text_is_refused(statement: str) -> None:
    with pytest.raises(ValueError, match="step '"):
        read_statement(statement)


@pytest.mark.parametrize("url", ["http://", "http:///", "http://a:0/", "http://a:65536/", "a.test"])
def test_what_names_no_host_or_port_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_url(url)


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    for written in (text, f"http://{text}", f"//a.test{text}"):
        try:
            url = read_url(written)
        except ValueError:
            continue
        assert url.text == written
        assert 0 < url.port < 65536

"""A technique is sent as it is written, and succeeds by the page's token alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import TechniqueFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Failure, Timings
from harness.ports.network import Attempt, Exchange, Origin, ProbeResult, Request
from harness.ports.streams import Dialled, DialRequest
from probes.kinds.techniques import Techniques

HOST = "cv-001.ways.accredit.test"
ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)
STRATUM = "MALW.BYPASS/way:spelling:case:http"
REFUSED = Failure(name="connection_refused", stage="connect")


class Wire:
    """A byte stream that keeps what was written, and answers with these bytes."""

    def __init__(self, answer: bytes) -> None:
        self.written = b""
        self.answer = answer
        self.is_closed = False

    async def write(self, data: bytes) -> None:
        self.written += data

    async def read(self) -> bytes:
        answer, self.answer = self.answer, b""
        return answer

    async def start_tls(self, trust: object, host: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True


class Dialling:
    """A line that dials to a wire; or is refused, if it has none."""

    name = "proxy"
    carries = frozenset({"fetch", "dial"})

    def __init__(self, wire: Wire | None, *, is_proxied: bool = False) -> None:
        self.origin = ORIGIN
        self.wire, self.is_proxied = wire, is_proxied
        self.asked: list[DialRequest] = []
        self.failure = REFUSED

    async def dial(self, request: DialRequest) -> Dialled[Any]:
        self.asked.append(request)
        timings = Timings(connect=0.1, total=0.1)
        if self.wire is None:
            return Dialled(timings=timings, failure=self.failure, peer="192.0.2.1")
        signed = "Basic YTpi" if self.is_proxied else ""
        return Dialled(
            timings=timings, opened=self.wire, peer="192.0.2.1", is_proxied=self.is_proxied,
            authorization=signed,
        )  # fmt: skip

    async def fetch(self, request: Request) -> Exchange:
        del request
        return Exchange(timings=Timings(total=0.1), status=200, body=b"plain")


def technique(statement: str, **changes: Any) -> Item:
    declared: dict[str, Any] = {
        "id": "CV-001", "value": statement, "kind": "vector", "labels": ("MALW.BYPASS",),
        "registrable": HOST, "stratum": STRATUM,
    }  # fmt: skip
    return Item(**declared | changes)


def attempt(item: Item) -> Attempt:
    key = AttemptKey(campaign="c", item=item.id, probe="techniques", line="l", profile="ks2")
    marker = mark(ORIGIN.key, key, HOST)
    return Attempt(key=key, item=item, limits=Limits(), timeout=5.0, marker=marker, browser=77)


def page(item: Item) -> bytes:
    marker = attempt(item).marker
    assert marker is not None
    body = ORIGIN.token(HOST, marker.nonce).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def tried(line: Any, item: Item) -> ProbeResult:
    return await Techniques().try_item(attempt(item), line)


def facts_of(result: ProbeResult) -> TechniqueFacts:
    assert isinstance(result.facts, TechniqueFacts)
    return result.facts


@given(st.binary(min_size=1, max_size=80))
async def test_bytes_are_sent_as_they_are_written(data: bytes) -> None:
    item = technique("http1 " + "".join(f"\\x{octet:02X}" for octet in data))
    wire = Wire(page(item))
    facts = facts_of(await tried(Dialling(wire), item))

    assert wire.written == data
    assert facts.sent[0].size == len(data)
    assert facts.canary == "seen"
    assert wire.is_closed


async def test_values_are_filled_in_and_nothing_else_is_changed() -> None:
    item = technique(r"http1 gEt  {target}\nhOsT:{host:upper}\n{marks}\n")
    wire = Wire(page(item))
    await tried(Dialling(wire), item)

    begin = b"gEt  /\nhOsT:CV-001.WAYS.ACCREDIT.TEST\n"
    assert wire.written.startswith(begin)
    assert wire.written.endswith(b"\r\n\n")
    assert wire.written.count(b"\r\n") == 1


async def test_a_proxy_gets_the_whole_url_and_the_credentials() -> None:
    item = technique(r"http1 GET {target} HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n")
    wire = Wire(page(item))
    line = Dialling(wire, is_proxied=True)
    await tried(line, item)

    assert wire.written.startswith(f"GET http://{HOST}/ HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic YTpi\r\n" in wire.written
    assert (line.asked[0].plain, line.asked[0].guarded, line.asked[0].port) == (True, HOST, 80)


async def test_credentials_for_a_proxy_are_not_recorded() -> None:
    item = technique(r"http1 GET {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
    wire = Wire(page(item))
    facts = facts_of(await tried(Dialling(wire, is_proxied=True), item))

    assert b"YTpi" in wire.written
    assert "YTpi" not in repr(facts)
    assert facts.canary == "seen"


@pytest.mark.parametrize(
    ("address", "is_obstacle"), [("127.0.0.1", True), ("192.168.1.5", False), ("27.0.0.1", False)]
)
async def test_our_own_guard_is_an_obstacle_and_no_block(address: str, is_obstacle: bool) -> None:
    line = Dialling(None)
    detail = f"{HOST} at {address}:53 is a private address that is not declared"
    line.failure = Failure(name="private_address", stage="request", detail=detail)
    result = await tried(line, technique(r"http1 GET / HTTP/1.1\r\n\r\n"))

    assert bool(facts_of(result).obstacle) is is_obstacle
    assert (result.failure is None) is is_obstacle


@pytest.mark.parametrize(
    ("answer", "status", "failure"),
    [
        (b"HTTP/1.1 403 No\r\nContent-Length: 7\r\n\r\nblocked", 403, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, None),
        (b"", None, "eof_error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", 200, "eof_error"),
    ],
)
async def test_an_answer_without_the_token_is_not_the_page(
    answer: bytes, status: int | None, failure: str | None
) -> None:
    result = await tried(Dialling(Wire(answer)), technique(r"http1 GET / HTTP/1.1\r\n\r\n"))

    assert (facts_of(result).canary, facts_of(result).status) == ("absent", status)
    assert (result.failure and result.failure.name) == failure


async def test_the_token_of_another_host_is_not_the_page() -> None:
    item = technique(r"http1 GET / HTTP/1.1\r\n\r\n")
    other = replace_host(page(item))

    assert facts_of(await tried(Dialling(Wire(other)), item)).canary == "absent"


def replace_host(answer: bytes) -> bytes:
    """The same answer with the token of another host."""
    head, _, token = answer.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + token[::-1]


async def test_a_refused_connection_is_recorded() -> None:
    result = await tried(Dialling(None), technique(r"http1 GET / HTTP/1.1\r\n\r\n"))

    assert result.failure == REFUSED
    assert (facts_of(result).canary, facts_of(result).peer) == ("absent", "192.0.2.1")
    assert facts_of(result).sent == ()


@pytest.mark.parametrize(
    ("statement", "words"),
    [("h3", "carries no UDP"), (r"url http://[{ip6}]/", "has no 'ip6'"), ("icmp-tunnel", "ping")],
)
async def test_what_cannot_be_carried_names_its_obstacle(statement: str, words: str) -> None:
    result = await tried(Dialling(Wire(b"")), technique(statement))

    assert result.failure is None
    assert words in facts_of(result).obstacle
    assert facts_of(result).canary == "absent"


async def test_without_an_origin_nothing_is_tried() -> None:
    line = Dialling(Wire(b""))
    line.origin = None  # type: ignore[assignment] # a campaign without an origin
    result = await tried(line, technique("h3"))

    assert "campaign's own origin" in facts_of(result).obstacle
    assert line.asked == []


async def test_a_sentinel_is_fetched_in_the_plain_form_and_leaves_the_same_facts() -> None:
    sentinel = Item(id="s", value=f"http://{HOST}/", labels=("CTRL",), kind="url")
    facts = facts_of(await tried(Dialling(None), sentinel))

    assert (facts.status, facts.sent[0].step) == (200, "plain")


def test_a_statement_that_is_none_is_refused_by_its_item() -> None:
    with pytest.raises(UsageError, match="item 'CV-001': unknown step 'h9'; "):
        Techniques().fits(technique("h9 x"))


@pytest.mark.parametrize(
    "changes", [{"stratum": "mail:x"}, {"registrable": ""}, {"kind": "recipe"}, {"stratum": ""}]
)
def test_other_items_are_not_techniques(changes: dict[str, Any]) -> None:
    assert Techniques().fits(technique("h3"))
    assert not Techniques().fits(technique("h3", **changes))

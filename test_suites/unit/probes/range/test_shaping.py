"""Faults of the filter's speed: delays, limited rates, lost requests, and what opens under load."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.transfer import content_of, receipt_of, size_in, sized_token
from probes.range.connection import Request, parse_request
from probes.range.faults import SPEED_KINDS, Fault, FaultKind
from probes.range.filter import ReferenceFilter
from probes.range.origin_pages import Page
from probes.range.shaping import RateLimit, Shaping, delay_of, is_lost
from probes.range.testbed import RangeTestbed
from probes.range.transfer_service import seconds_to_wait, transfer_page

HOST, BLOCKED = "page-1.sites.accredit.test", "gamb-001.canary.accredit.test"
KEY = b"k" * 32


def request(path: str = "/", body: bytes = b"", host: str = HOST) -> Request:
    method = "POST" if body else "GET"
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    found = parse_request(head.encode() + body)
    assert found is not None
    return found


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 10**6)), min_size=1, max_size=30))
def test_a_shared_rate_is_never_exceeded(sent: list[tuple[float, int]]) -> None:
    limit, now, passed = RateLimit(), 0.0, []
    for pause, size in sent:
        now += pause
        passed.append(now + limit.wait_for(size, 1000.0, now))
    assert passed == sorted(passed)
    assert passed[-1] + 1e-6 >= sum(size for _, size in sent) / 1000
    assert passed[-1] <= now + sum(size for _, size in sent) / 1000 + 1e-6


def test_equal_requests_wait_alike_and_others_differ() -> None:
    jitter = [Fault(kind=FaultKind.SPEED_JITTER, seconds=2.0)]
    waits = [delay_of(jitter, request(f"/{number}")) for number in range(100)]
    assert waits == [delay_of(jitter, request(f"/{number}")) for number in range(100)]
    assert 0 <= min(waits) < 0.2
    assert 1.8 < max(waits) < 2.0


def test_a_share_of_requests_is_lost() -> None:
    lost = [Fault(kind=FaultKind.SPEED_LOST, share=0.25)]
    number = sum(is_lost(lost, request(f"/{place}")) for place in range(1000))
    assert 200 < number < 300


def test_requests_that_look_like_tests_are_quick() -> None:
    quick = [Fault(kind=FaultKind.SPEED_QUICK_FOR_TESTS, words=("speedtest",), delay=3.0)]
    assert delay_of(quick, request("/speedtest/10MB.bin")) == 0
    assert delay_of(quick, request(host="speedtest.example")) == 0
    assert delay_of(quick, request("/files/letter.zip")) == 3.0


def test_a_filter_that_opens_under_load_filters_up_to_its_number_of_connections() -> None:
    fault = Fault(kind=FaultKind.SPEED_OPEN, connections=2)
    filter_ = ReferenceFilter(shaping=Shaping())
    filter_.faults.add(fault)
    asked = request(host=BLOCKED)

    def is_blocked() -> bool:
        decision = filter_.decide(BLOCKED, "pupils", "proxy")
        return filter_.shape(decision, "pupils", "proxy", asked).is_blocked

    filter_.shaping.connections = 2
    assert is_blocked()
    filter_.shaping.connections = 3
    assert not is_blocked()


@pytest.mark.parametrize(
    ("kind", "given_"),
    [
        (FaultKind.SPEED_DOWN, {"rate": 0.0}),
        (FaultKind.SPEED_UP, {"rate": float("inf")}),
        (FaultKind.SPEED_LOST, {"share": 0.0}),
        (FaultKind.SPEED_JITTER, {"seconds": 0.0}),
        (FaultKind.SPEED_OPEN, {"connections": 0}),
        (FaultKind.SPEED_QUICK_FOR_TESTS, {}),
    ],
    ids=str,
)
def test_a_fault_without_sense_is_refused(kind: FaultKind, given_: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Fault(kind=kind, **given_)


def test_all_faults_of_speed_are_tested_here() -> None:
    assert {
        FaultKind.SPEED_DOWN,
        FaultKind.SPEED_UP,
        FaultKind.SPEED_JITTER,
        FaultKind.SPEED_LOST,
        FaultKind.SPEED_OPEN,
        FaultKind.SPEED_QUICK_FOR_TESTS,
    } == SPEED_KINDS


def test_only_addresses_made_with_the_key_transfer_something() -> None:
    path = f"/files/{sized_token(KEY, 'a', 5000)}.zip"
    page = transfer_page(request(path), KEY)
    assert page is not None
    assert (page.status, page.content_type) == (200, "application/zip")
    assert page.body == content_of(KEY, path, 5000)
    assert transfer_page(request(path), b"o" * 32) is None
    assert transfer_page(request("/"), KEY) is None


def test_an_upload_is_confirmed_if_all_of_it_arrived() -> None:
    path = f"/homework/{sized_token(KEY, 'a', 5000)}"
    content = content_of(KEY, path, 5000)
    for body, status in ((content, 200), (content[:-1], 400), (b"x" * 5000, 400)):
        page = transfer_page(request(path, body), KEY)
        assert page is not None
        assert page.status == status
        assert (receipt_of(KEY, path, content).encode() in page.body) == (status == 200)


def test_a_slow_origin_waits_for_its_delay_and_both_rates() -> None:
    faults = [
        Fault(kind=FaultKind.SLOW, service="origin", delay=0.5),
        Fault(kind=FaultKind.SPEED_DOWN, service="origin", rate=100.0),
        Fault(kind=FaultKind.SPEED_UP, service="origin", rate=10.0),
        Fault(kind=FaultKind.SLOW, delay=7.0),
        Fault(kind=FaultKind.MISS, service="origin"),
    ]
    page = Page(status=200, body=b"x" * 50)
    assert seconds_to_wait(page, request("/", b"x" * 20), faults) == pytest.approx(0.5 + 0.5 + 2.0)


@pytest.fixture
def client(world: RangeTestbed) -> Iterator[httpx.Client]:
    proxy = world.origin.services["reference"]["proxy"]["ks2"]
    with httpx.Client(proxy=proxy, timeout=60, verify=False) as client:
        yield client
    world.faults.clear()


def fetched(client: httpx.Client, world: RangeTestbed, name: str, scheme: str) -> float:
    """Seconds until a file of 20,000 bytes came, or was sent and confirmed."""
    key = world.origin.key
    path = f"/files/{sized_token(key, name, 20_000)}.zip"
    content = content_of(key, path, 20_000)
    began = perf_counter()
    if name.startswith("up"):
        answer = client.post(f"{scheme}://{HOST}{path}", content=content)
        assert receipt_of(key, path, content) in answer.text
    else:
        assert client.get(f"{scheme}://{HOST}{path}").content == content
    assert size_in(key, path) == 20_000
    return perf_counter() - began


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_limited_rate_slows_one_direction(
    world: RangeTestbed, client: httpx.Client, scheme: str
) -> None:
    """At 40,000 bytes per second 20,000 bytes take half a second, and never less."""
    down = world.faults.add(Fault(kind=FaultKind.SPEED_DOWN, rate=40_000))
    assert fetched(client, world, f"down {scheme}", scheme) >= 0.5
    world.faults.remove(down)
    world.faults.add(Fault(kind=FaultKind.SPEED_UP, rate=40_000))
    assert fetched(client, world, f"up {scheme}", scheme) >= 0.5


def test_a_lost_request_gets_a_reset(world: RangeTestbed, client: httpx.Client) -> None:
    world.faults.add(Fault(kind=FaultKind.SPEED_LOST, share=1.0))
    with pytest.raises(httpx.HTTPError):
        client.get(f"http://{HOST}/")


def test_a_slow_origin_is_slow_for_transfers_alone(
    world: RangeTestbed, client: httpx.Client
) -> None:
    world.faults.add(Fault(kind=FaultKind.SLOW, service="origin", delay=0.4))
    assert fetched(client, world, "slow", "http") >= 0.4

"""Each fault of the reference filter's record changes what it says, and nothing else."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dns.message
import dns.query
import httpx
import pytest

from harness.errors import UsageError
from harness.model.plain_twin import twin_of
from probes.range.faults import LOG_KINDS, SHARE_KINDS, Fault, FaultKind
from probes.range.log_faults import without_query, without_search_terms
from probes.range.testbed import RangeTestbed, running
from probes.range.zone import TWIN_ZONE, ZONE
from test_suites.kit.networks.service_log import LogLine, lines_in, times_in

PASSED, BLOCKED = "page-1.sites.accredit.test", "gamb-001.canary.accredit.test"
TWIN = twin_of(BLOCKED, ZONE, TWIN_ZONE)
NONCE = "0123456789abcdef" * 2
SIGN_IN = base64.b64encode(b"ann:secret").decode()
COOKIE = {"Cookie": "a=b", "Authorization": f"Basic {SIGN_IN}"}
REQUESTS: tuple[tuple[str, str, dict[str, str], bytes], ...] = (
    ("GET", f"http://{PASSED}/search?q=red+shoes&page=2", {}, b""),
    ("GET", f"http://{BLOCKED}/?x", {}, b""),
    ("POST", f"http://{PASSED}/form", COOKIE, b'name="A"\r\npassword=b\\c'),
    ("POST", f"http://{BLOCKED}/form", {}, b"\x00\xff"),
    ("GET", f"http://{TWIN}/", {}, b""),
    ("GET", f"http://{TWIN}/", {"Cookie": f"sid={NONCE}"}, b""),
    ("GET", f"http://{TWIN}/?v={NONCE}", {}, b""),
)
QUESTIONS = (PASSED, BLOCKED, TWIN)
NUMBER = len(REQUESTS) + len(QUESTIONS)

Expected = Callable[[list[LogLine]], list[LogLine]]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    with running(tmp_path_factory.mktemp("range")) as world:
        yield world


def send_all(world: RangeTestbed) -> list[tuple[int, int]]:
    """Send the requests and questions; return what was answered: statuses and lengths."""
    reference = world.origin.services["reference"]
    answered = []
    with httpx.Client(proxy=reference["proxy"]["ks2"], trust_env=False, timeout=60) as client:
        for method, url, headers, body in REQUESTS:
            answer = client.request(method, url, headers=headers, content=body or None)
            answered.append((answer.status_code, len(answer.content)))
    host, _, port = reference["resolver"]["ks2"].rpartition(":")
    for name in QUESTIONS:
        query = dns.message.make_query(name, "A", use_edns=0)
        reply = dns.query.udp(query, host, port=int(port), timeout=60)
        answered.append((int(reply.rcode()), len(reply.to_wire())))
    return answered


def recorded(world: RangeTestbed, *faults: Fault) -> tuple[list[LogLine], list[tuple[int, int]]]:
    """Return the new lines of the requests while faults are on, and what was answered."""
    before = len(lines_in(world.access_log.path))
    for fault in faults:
        world.faults.add(fault)
    answered = send_all(world)
    world.faults.clear()
    return lines_in(world.access_log.path)[before:], answered


def each(change: Callable[[LogLine], LogLine]) -> Expected:
    return lambda lines: [change(line) for line in lines]


def with_secrets(lines: list[LogLine]) -> list[LogLine]:
    """The secrets of the requests, in quotes."""
    headers = f'"authorization: Basic {SIGN_IN}" "cookie: a=b"'
    texts = {
        2: f' {headers} "name=\\"A\\"\\r\\npassword=b\\\\c"',
        3: ' "%00%C3%BF"',
        5: f' "cookie: sid={NONCE}"',
    }
    return [replace(line, appended=texts.get(number, "")) for number, line in enumerate(lines)]


EXPECTED: dict[FaultKind, Expected] = {
    FaultKind.LOG_DROPPED: lambda _: [],
    FaultKind.LOG_ONLY_MARKED: lambda lines: [
        line
        for number, line in enumerate(lines)
        if number not in {4, NUMBER - 1}  # the twin without a nonce, and its name
    ],
    FaultKind.LOG_NO_BLOCKS: lambda lines: [line for line in lines if line.code != "TCP_DENIED"],
    FaultKind.LOG_CLOCK: lambda lines: lines,
    FaultKind.LOG_WRONG_USER: each(lambda line: replace(line, user="bob")),
    FaultKind.LOG_NO_USER: each(lambda line: replace(line, user="-")),
    FaultKind.LOG_NO_CLIENT: each(lambda line: replace(line, client="-")),
    FaultKind.LOG_SECRETS: with_secrets,
    FaultKind.LOG_NO_QUERIES: each(
        lambda line: replace(line, url=line.url.partition("?")[0] + "?" * ("?" in line.url))
    ),
    FaultKind.LOG_NO_SEARCH_TERMS: each(
        lambda line: replace(line, url=line.url.replace("red+shoes", "").replace(NONCE, ""))
    ),
    FaultKind.LOG_LATE: lambda _: [],
    FaultKind.LOG_LOST_AT_RESTART: lambda _: [],
}


def test_each_kind_is_tested() -> None:
    assert LOG_KINDS == set(EXPECTED)


@pytest.mark.parametrize("kind", sorted(LOG_KINDS))
def test_a_fault_of_the_record_changes_what_it_says_and_no_answer(
    kind: FaultKind, world: RangeTestbed
) -> None:
    right, answered = recorded(world)
    fault = Fault(kind=kind, share=1, user="bob", seconds=3600)
    wrong, answered_with_fault = recorded(world, fault)

    assert NUMBER == len(right)
    assert EXPECTED[kind](right) == wrong
    assert answered == answered_with_fault


def test_a_fault_may_be_for_one_host_or_service(world: RangeTestbed) -> None:
    right, _ = recorded(world)
    of_host = Fault(kind=FaultKind.LOG_NO_USER, hosts=frozenset({BLOCKED}))
    of_service = Fault(kind=FaultKind.LOG_NO_CLIENT, service="resolver")
    wrong, _ = recorded(world, of_host, of_service)

    for line, expected in zip(wrong, right, strict=True):
        is_named = BLOCKED in line.url or TWIN in line.url  # its plain twin
        assert line.user == ("-" if is_named else expected.user)
        assert line.client == ("-" if line.method == "DNS" else expected.client)


@pytest.mark.parametrize("seconds", [-7200.0, 3600.0])
def test_a_clock_may_be_off(seconds: float, world: RangeTestbed) -> None:
    path = world.access_log.path
    recorded(world)
    right = times_in(path)[-1]
    recorded(world, Fault(kind=FaultKind.LOG_CLOCK, seconds=seconds))
    wrong = times_in(path)[-NUMBER:]

    assert all(0 <= at - seconds - right <= 600 for at in wrong)


def test_several_faults_apply_together(world: RangeTestbed) -> None:
    kinds = (FaultKind.LOG_NO_USER, FaultKind.LOG_NO_CLIENT, FaultKind.LOG_NO_BLOCKS)
    lines, _ = recorded(world, *(Fault(kind=kind) for kind in kinds))

    assert {("-", "-", "TCP_MISS")} == {(line.user, line.client, line.code) for line in lines}


def test_late_lines_come_later_and_all_come_at_the_end(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        recorded(world, Fault(kind=FaultKind.LOG_LATE, seconds=0.01))
        assert world.access_log.wait_for(NUMBER, 60)
        late, _ = recorded(world, Fault(kind=FaultKind.LOG_LATE, seconds=3600))
        with world.filter_down():
            pass
        assert [] == late
        assert NUMBER == len(lines_in(world.access_log.path))

    assert 2 * NUMBER == len(lines_in(world.access_log.path))


def test_a_restart_loses_the_latest_lines(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        recorded(world)
        recorded(world, Fault(kind=FaultKind.LOG_LOST_AT_RESTART, seconds=3600))
        with world.filter_down():
            pass
        recorded(world)

    assert 2 * NUMBER == len(lines_in(world.access_log.path))


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("http://a.test/x?q=a+b&safe=on", "http://a.test/x?q=&safe=on"),
        ("http://a.test/?safe=on&Query=a&query=b", "http://a.test/?safe=on&Query=&query="),
        ("http://a.test/?%71=a&q&qq=b", "http://a.test/?%71=&q&qq=b"),
        ("http://a.test/q=a", "http://a.test/q=a"),
        ("a.test:443", "a.test:443"),
    ],
)
def test_only_the_values_of_searches_are_removed(url: str, without: str) -> None:
    assert without == without_search_terms(url)


def test_a_query_is_cut_at_its_question_mark() -> None:
    assert "http://a.test/x?" == without_query("http://a.test/x?q=a?b")
    assert "a.test:443" == without_query("a.test:443")


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        *(
            (kind, {"share": share})
            for kind in sorted(SHARE_KINDS)
            for share in (0.0, 1.1, float("nan"))
        ),
        *(
            (kind, {"seconds": seconds})
            for kind in (FaultKind.LOG_LATE, FaultKind.LOG_LOST_AT_RESTART)
            for seconds in (0.0, -1.0, float("inf"), float("nan"))
        ),
        *((FaultKind.LOG_CLOCK, {"seconds": each}) for each in (0.0, float("inf"), -1e300)),
    ],
)
def test_a_fault_without_effect_or_sense_is_refused(
    kind: FaultKind, numbers: dict[str, float]
) -> None:
    with pytest.raises(UsageError, match=str(kind)):
        Fault(kind=kind, **numbers)  # type: ignore[arg-type]

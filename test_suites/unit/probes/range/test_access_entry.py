"""Entries become whole lines whatever clients send, and the record chooses lines by request."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.range.access_entry import AccessEntry, ResultCode, has_mark, url_of
from probes.range.access_log import AccessLog
from probes.range.answer_progress import AnswerProgress
from probes.range.connection import Request
from probes.range.faults import Fault, FaultKind, Faults
from test_suites.kit.networks.service_log import LogLine, lines_in

TEXT = st.text(max_size=12)
ENTRY = AccessEntry(at=1764355639.1234, method="GET", url="http://a.test/")


@given(texts=st.tuples(*[TEXT] * 7), appended=st.lists(TEXT, max_size=2))
def test_whatever_is_in_an_entry_is_one_line_with_the_same_fields(
    texts: tuple[str, ...], appended: list[str]
) -> None:
    client, method, url, user, peer, content_type, category = texts
    line = AccessEntry(
        at=1.0,
        client=client,
        method=method,
        url=url,
        user=user,
        peer=peer,
        content_type=content_type,
        category=category,
        appended=tuple(appended),
    ).line()

    assert line.isascii()
    assert line.isprintable()
    fields = line.split()
    assert 12 <= len(fields)
    assert ("TCP_MISS/000", "0") == (fields[3], fields[10])


def test_a_line_is_as_squid_writes_it() -> None:
    line = AccessEntry(
        at=1764355639.1234,
        elapsed=7,
        client="10.0.0.1",
        code=ResultCode.DENIED,
        status=403,
        sent=718,
        method="GET",
        url="http://a.test/b?c",
        user="ann",
        content_type="text/html",
        received=203,
        category="GAMB",
    ).line()

    assert line == (
        "1764355639.123      7 10.0.0.1 TCP_DENIED/403 718 GET http://a.test/b?c ann HIER_NONE/- "
        'text/html 203 "GAMB"'
    )


@pytest.mark.parametrize(
    ("host", "text", "is_marked"),
    [
        ("gamb-001.canary.accredit.test", "", True),
        ("gamb-001.orchard-view.test", "", False),
        ("gamb-001.orchard-view.test", "Cookie: sid=" + "0f" * 16, True),
        ("gamb-001.orchard-view.test", "/?id=01234567-0123-0123-0123-0123456789ab", True),
        ("notaccredit.test", "", False),
    ],
)
def test_a_test_is_recognised_by_its_host_or_nonce(host: str, text: str, is_marked: bool) -> None:
    assert is_marked == has_mark(host, "x", text)


@pytest.mark.parametrize(
    ("method", "target", "url"),
    [
        ("GET", "http://u:p@a.test:81/x?y", "http://a.test:81/x?y"),
        ("GET", "HTTP://a.test@a.test", "HTTP://a.test"),
        ("GET", "http://a.test/x@y?z@w", "http://a.test/x@y?z@w"),
        ("GET", "http://a.test?x@y/z", "http://a.test?x@y/z"),
        ("GET", "/x?y", "https://b.test/x?y"),
        ("CONNECT", "a.test:443", "a.test:443"),
    ],
)
def test_a_url_has_its_query_and_no_password(method: str, target: str, url: str) -> None:
    request = Request(method=method, target=target, headers={"host": "b.test"}, lines=())

    assert url == url_of(request, is_secure=True)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\n"
EXACT = HEAD + b"Content-Length: 3\r\n\r\nabc"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
EMPTY = HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + EXACT


@pytest.mark.parametrize("answer", [EXACT, CHUNKED, EMPTY, INTERIM])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_an_answer_is_complete_with_its_last_byte(answer: bytes, size: int) -> None:
    progress = AnswerProgress("GET")
    for start in range(0, len(answer), size):
        assert not progress.is_complete
        progress.add(answer[start : start + size])

    assert progress.is_complete
    assert (200, "text/html", len(answer)) == (
        progress.status,
        progress.content_type,
        progress.sent,
    )


@pytest.mark.parametrize(
    ("method", "answer", "is_complete"),
    [
        ("HEAD", HEAD + b"Content-Length: 3\r\n\r\n", True),
        ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", True),
        ("GET", HEAD + b"\r\nabc", False),
        ("CONNECT", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        ("CONNECT", b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", True),
        ("GET", b"HTTP/1.1 101 Switching Protocols\r\n\r\n", False),
        ("GET", b"\x00\x01 this is no HTTP\r\n\r\n", False),
        ("GET", b"HTTP/1.1 x\r\nContent-Length: 0\r\n\r\n", False),
    ],
)
def test_only_an_answer_with_an_end_is_complete(
    method: str, answer: bytes, is_complete: bool
) -> None:
    progress = AnswerProgress(method)
    progress.add(answer)

    assert is_complete == progress.is_complete


@given(chunks=st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_counted(chunks: list[bytes]) -> None:
    progress = AnswerProgress("GET")
    for chunk in chunks:
        progress.add(chunk)

    assert sum(map(len, chunks)) == progress.sent


def entries(number: int) -> list[AccessEntry]:
    return [
        AccessEntry(at=float(each), method="GET", url=f"http://a.test/{each % (number // 2)}")
        for each in range(number)
    ]


def urls_of(path: Path, given: list[AccessEntry], fault: Fault) -> list[str]:
    path.unlink(missing_ok=True)
    log = AccessLog(path, faults=Faults(fault))
    for entry in given:
        log.record(entry)
    log.close()
    return sorted(line.url for line in lines_in(path))


def test_a_share_of_the_lines_is_chosen_by_request_and_seed(tmp_path: Path) -> None:
    given, path = entries(2000), tmp_path / "x.log"
    fault = Fault(kind=FaultKind.LOG_DROPPED, share=0.25)
    first = urls_of(path, given, fault)
    again = urls_of(path, random.Random(1).sample(given, len(given)), fault)
    other = urls_of(path, given, Fault(kind=FaultKind.LOG_DROPPED, share=0.25, seed=1))

    assert first == again != other
    assert 1400 < len(first) < 1600
    assert 500 < len(first) - len(set(first)) < 625  # of two equal requests one may be missing


def test_wrong_users_are_on_other_lines_than_those_dropped(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    both = Fault(kind=FaultKind.LOG_DROPPED), Fault(kind=FaultKind.LOG_WRONG_USER)
    log = AccessLog(path, faults=Faults(*both))
    for entry in entries(1000):
        log.record(entry)
    log.close()

    users = [line.user for line in lines_in(path)]
    assert {"-", "another-user"} == set(users)
    assert 150 < users.count("another-user") < 350


def test_a_held_line_is_written_when_its_time_has_come(tmp_path: Path) -> None:
    calls: list[tuple[float, Callable[[], None]]] = []
    fault = Fault(kind=FaultKind.LOG_LATE, seconds=30)
    lost = Fault(kind=FaultKind.LOG_LOST_AT_RESTART, seconds=90, service="proxy")
    log = AccessLog(
        tmp_path / "x.log",
        faults=Faults(fault, lost),
        later=lambda seconds, call: calls.append((seconds, call)),
    )

    def lines() -> list[LogLine]:
        return lines_in(tmp_path / "x.log")

    log.record(AccessEntry(at=1.0, method="GET", url="http://a.test/", service="gateway"))
    log.record(AccessEntry(at=2.0, method="GET", url="http://b.test/", service="proxy"))
    log.record(AccessEntry(at=3.0, method="GET", url="http://c.test/", service="proxy"))
    assert [] == lines()
    assert [30, 90, 90] == [seconds for seconds, _ in calls]

    calls[0][1]()
    calls[1][1]()
    assert ["http://a.test/", "http://b.test/"] == [line.url for line in lines()]
    log.restart()
    calls[0][1]()
    calls[2][1]()
    log.close()
    assert 2 == len(lines())


def test_after_its_end_a_record_takes_nothing(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "x.log")
    log.record(ENTRY)
    log.close()
    log.record(ENTRY)
    log.close()

    assert 1 == len(lines_in(tmp_path / "x.log"))
    assert not log.wait_for(2, 0)

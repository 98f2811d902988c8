"""A spool holds whole alerts, refuses other files, and is read with faults named by line."""

from __future__ import annotations

import contextlib
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument, UsageError
from harness.model.received_alert import ReceivedAlert
from harness.model.received_mail import ReceivedMail
from probes.receivers.spool import ALERTS, LINE_BYTES, MAILS, MOST_NAMED, Spool, read_spool

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def alert(text: str = "hello") -> ReceivedAlert:
    return ReceivedAlert(at=NOW, channel="mail", to=("a@b.test",), text=text, priority="urgent")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts.jsonl"


def test_alerts_are_in_the_file_as_soon_as_they_were_appended(path: Path) -> None:
    with Spool(path, ALERTS) as spool:
        assert spool.append(alert("one\ntwo"))
        assert [alert("one\ntwo")] == list(read_spool(path, ALERTS))
        assert spool.append(alert("ü"))
        assert 2 == len(path.read_bytes().splitlines())
    with Spool(path, ALERTS) as spool:
        assert 2 == len(path.read_bytes().splitlines())
        spool.append(alert("three"))

    assert ["one\ntwo", "ü", "three"] == [each.text for each in read_spool(path, ALERTS)]
    assert 3 == len(path.read_bytes().splitlines())


def test_only_its_owner_can_read_the_file(path: Path) -> None:
    before = os.umask(0)
    try:
        with Spool(path, ALERTS) as spool:
            spool.append(alert())
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)
        path.chmod(0o644)
        with Spool(path, ALERTS):
            assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n",
        b"\n",
        b'{"at": "2026-11-28T12:00:00Z"}\n',
        b'{"at":"2026-11-28T12:00:00Z","channel":"mail","to":[]}',
        b'{"at":"2026-11',
        b"x" * (LINE_BYTES + 10),
        msgspec.json.encode(alert()) + b"\n" + b"x" * (LINE_BYTES + 10),
    ],
)
def test_a_file_that_is_no_spool_is_refused_and_stays_as_it_is(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    path.chmod(0o644)
    with (
        pytest.raises(UsageError, match=r"no file of received alerts; give another file"),
        Spool(path, ALERTS),
    ):
        pass

    assert (content, 0o644) == (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))


def test_an_empty_file_becomes_a_spool(path: Path) -> None:
    path.touch()
    with Spool(path, ALERTS) as spool:
        assert spool.append(alert())
    assert [alert()] == list(read_spool(path, ALERTS))


@pytest.mark.parametrize("name", ["/dev/null", "/dev/full", ".", "absent/alerts"])
def test_other_places_are_refused(name: str, path: Path) -> None:
    with pytest.raises(UsageError, match="give another file"), Spool(path.parent / name, ALERTS):
        pass


def test_a_pipe_is_refused(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(UsageError, match="regular file"), Spool(path, ALERTS):
        pass


def test_two_programs_never_write_to_one_file(path: Path) -> None:
    with (
        Spool(path, ALERTS),
        pytest.raises(UsageError, match="another program"),
        Spool(path, ALERTS),
    ):
        pass
    with Spool(path, ALERTS):
        pass


def test_a_last_line_that_was_cut_off_is_removed_when_the_file_is_opened(path: Path) -> None:
    with Spool(path, ALERTS) as spool:
        spool.append(alert("one"))
        spool.append(alert("two"))
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for end in (first + 1, first + 30, len(content) - 1):
        path.write_bytes(content[:end])
        reports: list[str] = []
        with Spool(path, ALERTS, reports.append) as spool:
            spool.append(alert("three"))
        assert ["one", "three"] == [each.text for each in read_spool(path, ALERTS)]
        assert ["cut off" in report for report in reports] == [True]


@contextmanager
def limited_to(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as if the disk were full (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_whole_lines_and_is_reported_once(path: Path) -> None:
    reports: list[str] = []
    with Spool(path, ALERTS, reports.append) as spool:
        assert spool.append(alert("one"))
        size = path.stat().st_size
        for extra in (0, 1, size // 2, size - 1):
            with limited_to(size + extra):
                assert not spool.append(alert("two"))
            assert size == path.stat().st_size
        assert spool.append(alert("three"))

    assert ["one", "three"] == [each.text for each in read_spool(path, ALERTS)]
    assert 1 == len(reports)
    assert "senders are asked to try again later" in reports[0]


LINE = msgspec.json.encode(alert()) + b"\n"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (LINE + b"x\n" + LINE, ":2: not an alert"),
        (LINE + b"\n", ":2: not an alert"),
        (LINE + LINE[:-1], ":2: the last line is cut off"),
        (LINE + LINE[:40], ":2: the last line is cut off"),
        (LINE.replace(b"12:00:00Z", b"12:00:00"), ":1: not an alert: the time has no time zone"),
        (LINE.replace(b'"mail"', b'"fax"'), ":1: not an alert"),
        (LINE + b"x" * (LINE_BYTES + 1) + b"\n" + LINE, ":2: longer than"),
        (b"[" * 100_000 + b"\n", ":1: not an alert"),
        (b'{"x":' * 100_000 + b"\n", ":1: not an alert"),
        (b"\xff\n", ":1: not an alert"),
    ],
)
def test_lines_that_cannot_be_read_are_named_at_the_end(
    content: bytes, found: str, path: Path
) -> None:
    path.write_bytes(content)
    alerts = read_spool(path, ALERTS)
    for _ in range(content.startswith(LINE)):
        assert alert() == next(alerts)
    with pytest.raises(FaultyDocument) as refused:
        list(alerts)

    assert str(refused.value).startswith(f"{path}{found}")
    assert "'accredit alerts receive'" in str(refused.value)


def test_whole_lines_after_a_faulty_one_are_read_and_few_faults_are_named(path: Path) -> None:
    path.write_bytes(b"x\n" + LINE + b"y\n" * 1000)
    alerts = read_spool(path, ALERTS)
    assert alert() == next(alerts)
    with pytest.raises(FaultyDocument) as refused:
        next(alerts)

    assert MOST_NAMED == len(refused.value.faults)
    assert [1, 3, 4] == [fault.line for fault in refused.value.faults[:3]]


def test_a_large_spool_is_read_as_a_stream(path: Path) -> None:
    path.write_bytes(LINE * 50_000 + b"x")
    alerts = read_spool(path, ALERTS)
    assert 50_000 == sum(1 for _, _ in zip(range(50_000), alerts, strict=False))
    with pytest.raises(FaultyDocument, match=":50001: the last line"):
        next(alerts)


def test_times_are_read_as_utc(path: Path) -> None:
    east = alert()
    east = msgspec.structs.replace(east, at=NOW.astimezone(timezone(timedelta(hours=5))))
    path.write_bytes(msgspec.json.encode(east) + b"\n")
    (found,) = read_spool(path, ALERTS)

    assert (NOW, UTC) == (found.at, found.at.tzinfo)


def test_a_file_that_cannot_be_opened_is_named(path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        list(read_spool(path, ALERTS))
    with pytest.raises(UsageError, match="is a folder"):
        list(read_spool(path.parent, ALERTS))


@given(st.lists(st.binary(max_size=200) | st.just(LINE), max_size=10))
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(b"".join(pieces))
    with contextlib.suppress(FaultyDocument):
        assert all(isinstance(each, ReceivedAlert) for each in read_spool(path, ALERTS))


MAIL = ReceivedMail(at=NOW, to=("a@b.test",), message_ids=("a@b",), holds=("text",), size=7)


def test_mails_are_kept_as_alerts_are(path: Path) -> None:
    with Spool(path, MAILS) as spool:
        assert spool.append(spool.kind.note_at(NOW))
        assert spool.append(MAIL)
    path.write_bytes(path.read_bytes() + b'{"at":"2026')
    with Spool(path, MAILS) as spool:
        assert spool.append(MAIL)

    note, *mails = read_spool(path, MAILS)
    assert (True, [MAIL, MAIL]) == (note.is_note, mails)


def test_a_spool_of_the_other_kind_is_refused_in_one_sentence(path: Path) -> None:
    with Spool(path, MAILS) as spool:
        spool.append(MAIL)
    content = path.read_bytes()
    with (
        pytest.raises(UsageError, match=r"holds received mails, not alerts; give another file"),
        Spool(path, ALERTS),
    ):
        pass
    with pytest.raises(UsageError, match=r"holds received mails, not alerts; give a file that"):
        list(read_spool(path, ALERTS))
    assert content == path.read_bytes()

    for first in (alert(), ALERTS.note_at(NOW)):
        path.write_bytes(msgspec.json.encode(first) + b"\n")
        with (
            pytest.raises(UsageError, match=r"holds received alerts, not mails"),
            Spool(path, MAILS),
        ):
            pass
        with pytest.raises(UsageError, match=r"'accredit mail receive' wrote"):
            list(read_spool(path, MAILS))


def test_a_mixed_file_is_refused_by_line(path: Path) -> None:
    line = msgspec.json.encode(MAIL) + b"\n"
    path.write_bytes(LINE + line + LINE)
    with pytest.raises(FaultyDocument, match=f"^{path}:2: not an alert"):
        list(read_spool(path, ALERTS))
    path.write_bytes(line + LINE + line + LINE)
    with pytest.raises(FaultyDocument, match=f"^{path}:2: not a mail") as refused:
        list(read_spool(path, MAILS))
    assert [2, 4] == [fault.line for fault in refused.value.faults]


def test_a_time_that_is_none_in_utc_is_a_fault(path: Path) -> None:
    path.write_bytes(LINE + b'{"at":"0001-01-01T00:00:00+05:00","channel":"mail","to":["a"]}\n')
    with pytest.raises(FaultyDocument, match=":2: not an alert: the time"):
        list(read_spool(path, ALERTS))

"""The log holds what reached the origin, in memory and on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes.range.arrival_log import ArrivalLog


def test_arrivals_are_kept_in_order_and_written_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = ArrivalLog(path)
    log.record("http", "a.accredit.test", method="GET", path="/x", nonce="n1")
    log.record("dns", "b.accredit.test", method="A", answer="NOERROR")

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    log.close()
    assert [line["host"] for line in lines] == ["a.accredit.test", "b.accredit.test"]
    assert lines[0]["nonce"] == "n1"
    assert lines[0]["at"].endswith("Z")
    assert "nonce" not in lines[1]
    assert [entry.over for entry in log.arrivals()] == ["http", "dns"]


def test_arrivals_of_one_host_and_nonces_are_found() -> None:
    log = ArrivalLog()
    log.record("http", "a.accredit.test", nonce="n1")
    log.record("http", "b.accredit.test", nonce="n2")

    assert [entry.nonce for entry in log.arrivals("b.accredit.test")] == ["n2"]
    assert log.saw("n1")
    assert not log.saw("n3")


def test_memory_is_bounded_and_the_newest_stay() -> None:
    log = ArrivalLog(max_kept=2)
    for number in range(5):
        log.record("http", f"h{number}.accredit.test")

    assert [entry.host for entry in log.arrivals()] == ["h3.accredit.test", "h4.accredit.test"]


def test_a_closed_log_can_still_be_read_and_closed_again(tmp_path: Path) -> None:
    log = ArrivalLog(tmp_path / "log.jsonl")
    log.record("http", "a.accredit.test")
    log.close()
    log.close()

    assert len(log.arrivals()) == 1


def test_a_full_disk_is_reported_once_and_stops_nothing() -> None:
    reports: list[str] = []
    log = ArrivalLog(Path("/dev/full"), report=reports.append)
    for _ in range(3):
        log.record("http", "a.accredit.test")

    log.close()
    assert 3 == len(log.arrivals())
    (report,) = reports
    assert "the log /dev/full cannot be written: No space left on device" in report
    assert log.is_failing


def test_without_a_reporter_a_full_disk_is_an_error() -> None:
    log = ArrivalLog(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        log.record("http", "a.accredit.test")
    log.close()


class Short:
    """A file that takes a part of the first line, as a disk that becomes full."""

    def __init__(self) -> None:
        self.content, self.room = b"", 10

    def write(self, line: bytes) -> int:
        part = line[: self.room] if self.room else line
        self.room, self.content = 0, self.content + part
        return len(part)

    def close(self) -> None:
        return


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    reports: list[str] = []
    log = ArrivalLog(tmp_path / "log", report=reports.append)
    log.close()
    file = Short()
    assert log._file is not None
    log._file._file = file  # type: ignore[assignment]
    log.record("http", "a.accredit.test")
    log.record("http", "b.accredit.test")

    torn, whole = file.content.splitlines()
    assert 10 == len(torn)
    assert "b.accredit.test" == json.loads(whole)["host"]
    assert 1 == len(reports)
    assert not log.is_failing


def test_after_a_rotation_a_new_file_is_written(tmp_path: Path) -> None:
    path, reports = tmp_path / "log.jsonl", list[str]()
    log = ArrivalLog(path, report=reports.append)
    log.record("http", "a.accredit.test")
    path.rename(tmp_path / "log.jsonl.1")
    log.reopen()
    log.record("http", "b.accredit.test")
    path.unlink()
    path.mkdir()
    log.reopen()
    log.record("http", "c.accredit.test")
    log.close()
    log.reopen()

    assert "a.accredit.test" in (tmp_path / "log.jsonl.1").read_text()
    (report,) = reports
    assert "was not opened again: Is a directory" in report


def test_what_a_stranger_sends_cannot_steer_a_terminal(tmp_path: Path) -> None:
    log = ArrivalLog(tmp_path / "log.jsonl")
    log.record("http", "\x1b[2J\x9b31m\u202e", path="/\r\n{}")
    log.close()

    text = (tmp_path / "log.jsonl").read_text()
    assert text.rstrip("\n").isprintable()
    assert "\x1b[2J\x9b31m\u202e" == json.loads(text)["host"]

"""The log holds what reached the origin, in memory and on disk."""

from __future__ import annotations

import json
from pathlib import Path

from probes.range.origin import ArrivalLog


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

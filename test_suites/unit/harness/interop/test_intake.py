"""Other people's measurements become a journal: whole, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import UsageError
from harness.interop import intake as module
from harness.interop.intake import (
    SkippedLine,
    foreign_header,
    import_measurements,
    journal_once_complete,
)
from harness.interop.ooni import read_ooni
from harness.interop.page import read_page
from harness.interop.record import Record
from harness.model.observation import CONTROL
from harness.store.journal.journal import SegmentJournal, open_journal
from test_suites.kit.campaigns.ooni_cases import measure

HEADER = foreign_header("theirs", "ooni", "their.jsonl", "f00d")


def lines(*names: str) -> list[bytes]:
    """A measurement for each name; an empty name is a broken line."""
    made = {**measure(), "measurement_start_time": "2026-07-01 01:09:04"}
    return [json.dumps({**made, "id": name}).encode() if name else b"{" for name in names]


@contextmanager
def opened(folder: Path) -> Iterator[SegmentJournal]:
    """The journal at ``folder``."""
    journal = open_journal(folder)
    yield journal
    journal.close()


def test_both_layers_and_their_controls_are_observations_of_the_campaign(tmp_path: Path) -> None:
    with journal_once_complete(tmp_path / "journal", HEADER) as journal:
        found = import_measurements(lines("one"), read_ooni, journal, print)
    with opened(tmp_path / "journal") as held:
        seen = list(held.observations())

    assert (found.taken, found.broken, found.repeated) == (1, 0, 0)
    assert {("theirs", "one")} == {(each.key.campaign, each.key.item) for each in seen}
    assert {("dns", "service"), ("dns", CONTROL), ("web", "service"), ("web", CONTROL)} == {
        (each.key.probe, each.key.line) for each in seen
    }
    assert seen[0].started.isoformat() == "2026-07-01T01:09:04+00:00"


def test_broken_and_repeated_lines_are_told_by_number_and_left_out(tmp_path: Path) -> None:
    told: list[SkippedLine] = []
    given = [*lines("one", "", "two"), b"\n", *lines("one", "three")]
    with journal_once_complete(tmp_path / "journal", HEADER) as journal:
        found = import_measurements(given, read_ooni, journal, told.append)
    with opened(tmp_path / "journal") as held:
        names = {each.key.item for each in held.observations()}

    assert {"one", "two", "three"} == names
    assert (found.taken, found.broken, found.repeated) == (3, 1, 1)
    assert [(2, False), (5, True)] == [(each.line, each.repeated) for each in told]
    assert "line 1" in told[1].reason


def test_batches_are_written_as_they_fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    with journal_once_complete(tmp_path / "journal", HEADER) as journal:
        import_measurements(lines(*"abcde"), read_ooni, journal, print)
    with opened(tmp_path / "journal") as held:
        assert frozenset({1, 2, 3}) == held.batches()


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stops() -> Iterator[bytes]:
        yield from lines("one")
        raise Stopped

    with pytest.raises(Stopped), journal_once_complete(tmp_path / "journal", HEADER) as journal:
        import_measurements(stops(), read_ooni, journal, print)
    assert [] == list(tmp_path.iterdir())


def test_a_journal_that_is_there_is_not_touched(tmp_path: Path) -> None:
    with journal_once_complete(tmp_path / "journal", HEADER):
        pass

    with (
        pytest.raises(UsageError, match="already"),
        journal_once_complete(tmp_path / "journal", HEADER),
    ):
        pass


def test_the_header_says_whose_measurements_they_are() -> None:
    sentinels = HEADER.campaign.sentinels

    assert (HEADER.foreign, HEADER.corpora) == ("ooni", ("their.jsonl ooni f00d",))
    assert sentinels.must_allow == sentinels.must_block == ()


def test_nothing_is_written_of_a_plan_that_others_did_not_make() -> None:
    assert HEADER.as_document() == {
        "campaign": HEADER.campaign.model_dump_json(),
        "corpora": ["their.jsonl ooni f00d"],
        "foreign": "ooni",
    }


@pytest.mark.parametrize("name", ["", "a b", "/"])
def test_a_campaign_has_a_name(name: Any) -> None:
    with pytest.raises(ValidationError):
        foreign_header(name, "ooni", "x", "")


def test_a_page_without_a_control_is_left_out(tmp_path: Path) -> None:
    """No journal could decide about it; 'accredit judge' judges it by itself."""
    told: list[SkippedLine] = []
    page = json.dumps({"id": "p", "body": "<title>Blocked</title>"}).encode()
    with journal_once_complete(tmp_path / "journal", HEADER) as journal:
        found = import_measurements([page, *lines("one")], _either, journal, told.append)

    assert (1, 1) == (found.taken, found.broken)
    assert ["a page without a control; 'accredit judge' judges it by itself"] == [
        trouble.reason for trouble in told
    ]


def _either(line: bytes) -> Record:
    return read_page(line) if b'"body"' in line[:40] else read_ooni(line)

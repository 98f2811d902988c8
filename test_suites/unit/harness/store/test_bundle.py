"""A bundle is written whole, signed, and the same for the same files."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InstrumentError, UsageError
from harness.model.observation import Observation
from harness.model.outcome import Conformity
from harness.signing import read_envelope
from harness.store.bundle import (
    STATEMENT,
    journal_files,
    statement,
    write_bundle,
)
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.example import example_assessment, example_outcome
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.store.bundled import (
    ASSESSMENT,
    files_of,
    make_bundle,
    make_journal,
)


@pytest.fixture
def journal(tmp_path: Path, observe_batch: Callable[[int, int], list[Observation]]) -> Path:
    """A sealed journal of two segments and seven observations."""
    return make_journal(tmp_path, observe_batch)


@pytest.fixture
def bundle(journal: Path, tmp_path: Path) -> Path:
    """A bundle that holds."""
    return make_bundle(journal, tmp_path)


def test_the_statement_is_in_toto_s_over_every_file(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        stated = json.loads(read_envelope(archive.read(STATEMENT), "").payload)

    assert "https://in-toto.io/Statement/v1" == stated["_type"]
    assert "https://in-toto.io/attestation/test-result/v0.1" == stated["predicateType"]
    assert names - {STATEMENT} == {each["name"] for each in stated["subject"]}
    assert ["scheme.json"] == [each["name"] for each in stated["predicate"]["configuration"]]


@pytest.mark.parametrize("conformity", list(Conformity))
def test_what_is_insufficient_passes_nowhere(conformity: Conformity) -> None:
    one = example_outcome(conformity=conformity)
    told = statement({}, example_assessment(outcomes=(one,)))["predicate"]

    passes = conformity is Conformity.CONFORMS
    assert ("PASSED" if passes else "FAILED") == told["result"]
    assert ([one.id] if passes else []) == told["passedTests"]
    assert ([] if passes else [one.id]) == told["failedTests"]
    assert [] == told["warnedTests"]


def test_a_campaign_that_was_stopped_is_not_handed_over(journal: Path, observe: Any) -> None:
    opened = SegmentJournal(journal)
    opened.append(3, [observe(900, 3)])
    opened.close()

    with pytest.raises(UsageError, match="'accredit measure' resumes it"):
        journal_files(journal)


def test_what_is_there_stays_and_a_disk_that_refuses_is_our_trouble(
    bundle: Path, journal: Path, tmp_path: Path
) -> None:
    private, _ = write_keys(tmp_path)
    before = bundle.read_bytes()

    with pytest.raises(UsageError, match="choose another --out"):
        write_bundle(bundle, files_of(journal), ASSESSMENT, private)
    with pytest.raises(InstrumentError, match="cannot be written"):
        write_bundle(bundle / "deep.zip", files_of(journal), ASSESSMENT, private)
    with pytest.raises(UsageError, match="no private Ed25519 key"):
        write_bundle(tmp_path / "x.zip", files_of(journal), ASSESSMENT, tmp_path / "none")

    assert before == bundle.read_bytes()
    assert not list(tmp_path.glob("*x.zip*"))

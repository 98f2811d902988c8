"""Single verdicts are read where they lie; see test_count_outcomes for what they must be."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.model.outcome_group import Adverse, Counts, OutcomeGroup, ProbeState
from harness.model.verdict import State
from harness.model.verdict_basis import VerdictBasis
from harness.verdicts.cached_verdicts import StoredVerdicts
from harness.verdicts.count_outcomes import count_verdicts

OPEN = OutcomeGroup(
    number=0,
    line="proxy",
    category="DRUG",
    stratum="",
    lang="",
    phases=("*",),
    items=1,
    probe_states=(ProbeState("ks2", "web", State.ALLOWED),),
)


def test_a_file_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    counts = Counts(groups=(OPEN,), probes=(("proxy", "ks2", "web"),))
    basis = VerdictBasis(observations=1, rules_version="1", preconditions=())
    folded = StoredVerdicts(tmp_path / "gone.sqlite", counts, basis)

    with pytest.raises(InstrumentError, match="delete the folder and conclude again"):
        folded.witnesses([Adverse(0, "ks2", State.ALLOWED, ("web",))])


def test_it_may_be_closed_twice_or_unused() -> None:
    basis = VerdictBasis(observations=0, rules_version="1", preconditions=())
    folded = StoredVerdicts(Path("none"), Counts(), basis)

    folded.close()
    folded.close()
    assert folded.witnesses([]) == ()


def test_a_file_with_other_tables_is_not_read(tmp_path: Path) -> None:
    """A view in a forged file might never end."""
    path = tmp_path / "forged.sqlite"
    counts = count_verdicts([], path)
    with closing(sqlite3.connect(path)) as forged:
        forged.execute("ALTER TABLE told RENAME TO other")
        forged.execute("CREATE VIEW told AS SELECT * FROM other")
    basis = VerdictBasis(observations=0, rules_version="1", preconditions=())

    with (
        closing(StoredVerdicts(path, counts, basis)) as stored,
        pytest.raises(InstrumentError, match="not written by this version"),
    ):
        stored.same_as(stored)

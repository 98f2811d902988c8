"""Single verdicts are read where they lie; see test_count_outcomes for what they must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.model.outcome_group import Adverse, Counts, OutcomeGroup, ProbeState
from harness.model.verdict import State
from harness.model.verdict_basis import VerdictBasis
from harness.verdicts.cached_verdicts import ParquetVerdicts

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
    folded = ParquetVerdicts(tmp_path / "gone.parquet", counts, basis)

    with pytest.raises(InstrumentError, match="delete the folder and conclude again"):
        folded.witnesses([Adverse(0, "ks2", State.ALLOWED, ("web",))])


def test_it_may_be_closed_twice_or_unused() -> None:
    basis = VerdictBasis(observations=0, rules_version="1", preconditions=())
    folded = ParquetVerdicts(Path("none"), Counts(), basis)

    folded.close()
    folded.close()
    assert folded.witnesses([]) == ()

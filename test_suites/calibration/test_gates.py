"""TQ-01 to TQ-13: each gate is met, broken and not shown, and what it guards follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from harness.cli.main import app
from harness.model.instrument_record import ClockState, InstrumentRecord
from harness.model.journal_header import LabelAudit
from harness.model.observation import CONTROL, Observation
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.run_record import SeedCommitment
from harness.pipeline import conclude
from harness.ports.storage import Journal
from harness.schemes.load import load_scheme
from harness.store.journal.journal import open_journal
from harness.verdicts.cached_verdicts import StoredVerdicts, VerdictCache
from harness.verdicts.journal_view import JournalView
from test_suites.kit.campaigns.rehearsal import hidden_campaign, hidden_list, read_rehearsal
from test_suites.kit.clocks.right_clock import synchronised

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
GATES = ("TQ-01", "TQ-02", "TQ-03", "TQ-05", "TQ-06", "TQ-12", "TQ-13")
SERVICE = {"URL-04": CONFORMS, "OVB-90": FAILS, "OVB-91": FAILS}
"""What becomes of the service's own rows while all gates are met."""
SCHEME = """\
id: our-school
version: "1.0"
title: Gates
policy: uk-schools-2026
decision: {{alpha: 0.05}}
requirements:
  - {{id: URL-04, n_min: 59}}
  - id: OVB-90
    title: Few sites are blocked
    area: overblock
    severity: Maj
    rule: guarded
    measure: {{metric: overblock_rate, categories: [DRUG]}}
    threshold: {{at_most: 0.1, provenance: proposed, source: test}}
    n_min: 29
  - id: OVB-91
    title: No site is blocked
    area: overblock
    severity: Maj
    rule: census
    items: real
    measure: {{metric: overblocked, categories: [DRUG]}}
    threshold: {{at_most: 0, provenance: proposed, source: test}}
{rows}
"""
EXACT = ClockState(offset=0.0, bound=0.01)
LOST = ClockState(problem="the clock is not synchronised")


class Altered(JournalView):
    """A journal with another header or records, or with changed observations."""

    def __init__(
        self,
        journal: Journal,
        change: Callable[[Observation], Observation] = lambda one: one,
        records: tuple[InstrumentRecord, ...] | None = None,
        **header: Any,
    ) -> None:
        super().__init__(journal)
        self.header = replace(journal.header, **header)
        self._change, self._records = change, records

    def observations(self) -> Iterator[Observation]:
        return map(self._change, self._journal.observations())

    def instrument_records(self) -> tuple[InstrumentRecord, ...]:
        records = self._journal.instrument_records()
        return records if self._records is None else self._records


def write(folder: Path, rows: str = "") -> Path:
    """Write a campaign over a hidden list whose labels were audited, and its scheme."""
    (folder / "scheme.yaml").write_text(SCHEME.format(rows=rows or rows_of(binding=False)))
    if not (folder / "a").exists():
        hidden_list(folder, "a")
        path = folder / "a/datapackage.json"
        manifest = json.loads(path.read_text())
        manifest["accredit"]["labels"] = {
            "method": "adjudicated",
            "raters": 2,
            "krippendorff_alpha": 0.9,
            "audit": {"items": 400, "wrong": 0},
        }
        path.write_text(json.dumps(manifest))
    path = hidden_campaign(folder, "autumn", "./a", sample=70)
    path.write_text(path.read_text().replace("seed: autumn\n", "") + "scheme: scheme.yaml\n")
    return path


def rows_of(*, binding: bool, without: str = "") -> str:
    word = str(binding).lower()
    asked = (name for name in GATES if name != without)
    return "\n".join(f"  - {{id: {name}, binding: {word}}}" for name in asked)


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--out", str(folder / "out")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that was committed to and measured, as it should be."""
    folder = tmp_path_factory.mktemp("gates")
    campaign = str(write(folder))
    with synchronised():
        for words in (
            ["seed", "commit", campaign, "--file", str(folder / "commitment.json")],
            ["measure", campaign],
        ):
            ended = run(folder, *words)
            assert not ended.exit_code, ended.output
    return folder


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    with closing(open_journal(folder / "out/autumn/journal")) as journal:
        yield journal


@pytest.fixture
def concluded(folder: Path, tmp_path: Path) -> Callable[..., dict[str, Outcome]]:
    """Conclude a journal; gates are not binding unless ``binding``.

    TQ-06 costs a second judgement, so it is asked only where a test is about it (``twice``).
    """

    def concluded_(
        journal: Journal,
        *,
        binding: bool = False,
        twice: bool = False,
        more: str = "",
        cache: VerdictCache | None = None,
    ) -> dict[str, Outcome]:
        rows = rows_of(binding=binding, without="" if twice else "TQ-06")
        (tmp_path / "scheme.yaml").write_text(SCHEME.format(rows=rows + more))
        scheme = load_scheme(str(tmp_path / "scheme.yaml"))
        assessment: Assessment = conclude(journal, scheme, verdicts=cache)
        return {one.requirement.id: one for one in assessment.outcomes}

    return concluded_


Conclude = Callable[..., dict[str, Outcome]]


def held(outcomes: dict[str, Outcome], names: tuple[str, ...] = tuple(SERVICE)) -> dict[str, Any]:
    return {name: outcomes[name].conformity for name in names}


def reason(outcome: Outcome) -> str:
    return "; ".join(outcome.reasons)


def test_a_test_that_is_in_order_lets_its_outcomes_stand(folder: Path) -> None:
    rehearsal = read_rehearsal(folder / "out/autumn/journal")
    outcomes = {one.requirement.id: one for one in rehearsal.assessment.outcomes}

    assert tuple(outcomes) == (*GATES, *SERVICE), "gates come first, whatever the scheme's order"
    assert held(outcomes, GATES) == dict.fromkeys(GATES, CONFORMS)
    assert held(outcomes) == SERVICE
    assert not any("gate" in reason(one) for one in outcomes.values())


def test_a_control_that_is_not_near_in_time_counts_for_nothing_favourable(
    journal: Journal, concluded: Conclude
) -> None:
    items = {one.item.id for one in journal.observations() if one.role == "item"}

    def moved(minutes: float) -> dict[str, Outcome]:
        def change(one: Observation) -> Observation:
            is_first = one.role == "item" and one.item.id == min(items)
            if not is_first or one.key.line != CONTROL:
                return one
            return replace(one, started=one.started + timedelta(minutes=minutes))

        return concluded(Altered(journal, change))

    near, far = moved(9.9), moved(11)

    assert near["TQ-01"].conformity is CONFORMS
    assert held(near) == SERVICE
    assert far["TQ-01"].conformity is OPEN
    assert far["TQ-01"].metric.k == far["TQ-01"].metric.n - 1
    assert held(far) == SERVICE | {"URL-04": OPEN}
    assert "gate TQ-01 (Check on an unfiltered line) is not met: 1 trial was" in reason(
        far["URL-04"]
    )
    assert far["URL-04"].leaning == "pass"


def test_items_without_a_control_leave_the_gates_of_items_open(
    journal: Journal, concluded: Conclude
) -> None:
    def alone(one: Observation) -> Observation:
        if one.key.line != CONTROL:
            return one
        return replace(one, key=replace(one.key, item=one.key.item + "-lost"))

    found = concluded(Altered(journal, alone))

    assert {found[name].conformity for name in ("TQ-01", "TQ-03")} == {OPEN}
    assert found["TQ-01"].metric.n == 0
    assert set(held(found).values()) == {OPEN}


@pytest.mark.parametrize(
    ("audit", "alpha", "says"),
    [
        ((400, 20), 0.9, "5 % was measured, which shows 3.338 % to 7.183 %"),
        ((400, 0), 0.7, "alpha between its raters is 0.700"),
    ],
)
def test_wrong_labels_leave_everything_on_real_items_open(
    journal: Journal, concluded: Conclude, audit: tuple[int, int], alpha: float, says: str
) -> None:
    found = concluded(Altered(journal, packs=notes(journal, audit, alpha)))

    assert found["TQ-02"].conformity is OPEN
    assert says in reason(found["TQ-02"])
    assert set(held(found).values()) == {OPEN}
    assert "gate TQ-02 (Correct labels) is not met" in reason(found["OVB-91"])
    assert found["OVB-91"].leaning == "fail"


@pytest.mark.parametrize(("audit", "alpha"), [(None, 0.9), ((400, 0), None), ((200, 0), 0.9)])
def test_labels_that_were_not_checked_enough_are_not_shown_to_be_right(
    journal: Journal, concluded: Conclude, audit: tuple[int, int] | None, alpha: float | None
) -> None:
    altered = Altered(journal, packs=notes(journal, audit, alpha))
    found, bound = concluded(altered), concluded(altered, binding=True)

    assert found["TQ-02"].conformity is OPEN
    if audit != (400, 0):
        assert held(found) == SERVICE
    assert set(held(bound).values()) == {OPEN}


def notes(journal: Journal, audit: tuple[int, int] | None, alpha: float | None) -> dict[str, Any]:
    made = LabelAudit(items=audit[0], wrong=audit[1]) if audit else None
    return {
        mark: replace(note, audit=made, agreement=alpha)
        for mark, note in journal.header.packs.items()
    }


def test_many_undecided_items_forbid_what_is_favourable_and_excuse_nothing(
    journal: Journal, concluded: Conclude
) -> None:
    ids = sorted({one.item.id for one in journal.observations() if one.role == "item"})

    def alone(one: Observation) -> Observation:
        if one.key.line != CONTROL or one.item.id not in ids[:2]:
            return one
        return replace(one, key=replace(one.key, item=one.key.item + "-lost"))

    found = concluded(Altered(journal, alone))

    assert found["TQ-03"].conformity is OPEN
    assert "2.857 % was measured" in reason(found["TQ-03"])
    assert held(found) == SERVICE | {"URL-04": OPEN}
    assert "gate TQ-03 (Undecided items) is not met" in reason(found["URL-04"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"at": datetime(2099, 1, 1, tzinfo=UTC)}, "after the run began"),
        ({"drawn": "ab"}, "the items measured are not the sample that was committed to"),
        ({"unused": ("summer (2026-03-01 09:00:00)",)}, "best of several samples"),
        ({"disclosed": ("summer",)}, "were disclosed before, with campaign summer"),
    ],
)
def test_a_commitment_that_proves_nothing_leaves_the_sample_open(
    journal: Journal, concluded: Conclude, change: dict[str, Any], says: str
) -> None:
    made = journal.header.commitment
    assert isinstance(made, SeedCommitment)
    found = concluded(Altered(journal, commitment=replace(made, **change)))

    assert found["TQ-05"].conformity is OPEN
    assert says in reason(found["TQ-05"])
    assert held(found) == {"URL-04": OPEN, "OVB-90": OPEN, "OVB-91": FAILS}
    assert "gate TQ-05 (Private items, drawn at random) is not met" in reason(found["OVB-90"])


def test_without_a_commitment_or_a_hidden_pack_privacy_is_not_shown(
    journal: Journal, concluded: Conclude
) -> None:
    known = {m: replace(note, audience="supplier") for m, note in journal.header.packs.items()}
    for altered, says in (
        (Altered(journal, commitment=None), "no commitment to the seed is on record"),
        (Altered(journal, packs=known), "no pack of the campaign is hidden"),
        (Altered(journal, records=()), "when the run began is not on record"),
    ):
        found = concluded(altered)
        assert found["TQ-05"].conformity is OPEN
        assert says in reason(found["TQ-05"])
        assert found["TQ-05"].metric.n == 0
    bound = concluded(Altered(journal, commitment=None), binding=True)
    assert held(bound) == {"URL-04": OPEN, "OVB-90": OPEN, "OVB-91": FAILS}


class Forged(VerdictCache):
    """A folder of verdicts in which somebody made one blocked trial more."""

    def load(self, made_of: str) -> StoredVerdicts | None:
        found = super().load(made_of)
        if found is not None:
            mechanisms = {name: count + 1 for name, count in found.counts.mechanisms.items()}
            found.counts = replace(found.counts, mechanisms=mechanisms)
        return found


def test_verdicts_that_a_second_judgement_does_not_give_leave_everything_open(
    journal: Journal, concluded: Conclude, tmp_path: Path
) -> None:
    first = concluded(journal, twice=True, cache=VerdictCache(tmp_path / "verdicts", b"k" * 32))
    assert first["TQ-06"].metric.k == first["TQ-06"].metric.n == 70

    found = concluded(journal, twice=True, cache=Forged(tmp_path / "verdicts", b"k" * 32))

    assert found["TQ-06"].conformity is OPEN
    assert "0 % was measured" in reason(found["TQ-06"])
    assert set(held(found).values()) == {OPEN}
    assert "gate TQ-06 (A result that can be reproduced) is not met" in reason(found["OVB-91"])


def test_without_a_record_of_versions_nothing_is_reproducible(
    journal: Journal, concluded: Conclude
) -> None:
    found = concluded(Altered(journal, records=()), twice=True)

    assert held(found, ("TQ-06", "TQ-12", "TQ-13")) == dict.fromkeys(
        ("TQ-06", "TQ-12", "TQ-13"), OPEN
    )
    assert "versions and clock of the measuring computer" in reason(found["TQ-06"])
    assert "clock is not on record" in reason(found["TQ-12"])


def test_the_design_effect_is_reported_and_decides_nothing(
    journal: Journal, concluded: Conclude
) -> None:
    found = concluded(journal, more="\n  - {id: TQ-04}")

    assert found["TQ-04"].metric.value == 1, "each site is a domain of its own"
    assert found["TQ-04"].conformity is OPEN
    assert held(found) == SERVICE


@pytest.mark.parametrize("clock", [LOST, ClockState(offset=0.0, bound=1.5)])
def test_a_clock_that_may_be_wrong_is_named(
    journal: Journal, concluded: Conclude, clock: ClockState
) -> None:
    (record,) = journal.instrument_records()
    found = concluded(Altered(journal, records=(record, replace(record, clock=clock))))

    assert (found["TQ-12"].metric.k, found["TQ-12"].metric.n) == (1, 2)
    assert found["TQ-12"].conformity is OPEN
    assert held(found) == SERVICE, "no row here compares times of events"


def test_a_record_that_lacks_facts_leaves_its_gate_open(
    journal: Journal, concluded: Conclude
) -> None:
    (record,) = journal.instrument_records()
    found = concluded(Altered(journal, records=(replace(record, kernel=""),)))

    assert found["TQ-13"].conformity is OPEN
    assert "1 left out: the kernel" in reason(found["TQ-13"])
    assert held(found) == SERVICE

"""``accredit compare --laboratories``: whether two laboratories agree on one service (TQ-07)."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from harness.cli.campaign_meeting import compared_journals
from harness.cli.compare import require_common
from harness.cli.declared_scheme import scheme_of
from harness.cli.drawing import styled
from harness.cli.paths import journal_folder
from harness.cli.unchanged_campaign import open_unchanged
from harness.errors import UsageError, first_of
from harness.model.journal_header import JournalHeader
from harness.model.outcome import Assessment, Conformity
from harness.model.scheme import Scheme
from harness.model.stream import same_name
from harness.model.verdict import Verdict

if TYPE_CHECKING:
    from harness.estimate.laboratory_comparison import (
        LaboratoryComparison,
        LaboratoryContrast,
    )

EXIT_CODES = {"agree": 0, "disagree": 1, "insufficient": 3}
STYLES = {"agree": "bold green", "disagree": "bold red", "insufficient": "bold yellow"}
NAMED = 5
"""How many items that differ are named below a table; JSON names them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one laboratory measured, and what the scheme makes of it."""

    path: Path
    header: JournalHeader
    head: str
    verdicts: tuple[Verdict, ...]
    assessment: Assessment


def compare_two_laboratories(
    first: Path, second: Path, scheme: str | None = None
) -> LaboratoryComparison:
    """Compare the journals of two laboratories. Raises UsageError if they cannot be compared."""
    from harness.estimate.laboratory_comparison import compare_laboratories  # noqa: PLC0415 - keep the start light

    chosen = scheme_of(first, scheme)
    one, other = _read(first, chosen), _read(second, chosen)
    _require_comparable(one, other)
    campaign = one.header.campaign
    require_common(campaign, one.verdicts, other.header.campaign, other.verdicts)
    phases = {profile: campaign.phase_of(profile) for profile in campaign.profiles}
    found = compare_laboratories(one.verdicts, other.verdicts, chosen.policy, phases)
    return replace(found, contradictions=_contradictions(one.assessment, other.assessment))


def _read(path: Path, scheme: Scheme) -> Measured:
    from harness.judge.composite_measurements import judge_journal  # noqa: PLC0415 - keep the start light
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light

    with closing(open_unchanged(journal_folder(path))) as journal:
        return Measured(
            path=path,
            header=journal.header,
            head=journal.head.hash,
            verdicts=judge_journal(journal.header, tuple(journal.observations())).verdicts,
            assessment=conclude(journal, scheme),
        )


def _require_comparable(one: Measured, other: Measured) -> None:
    """Raise UsageError unless two measurements of one service with the same packs are given."""
    is_one_run = bool(one.header.run) and one.header.run == other.header.run
    if is_one_run or one.head == other.head:
        msg = f"{one.path} and {other.path} are one measurement; give the journals of two"
        raise UsageError(msg)
    services = [each.header.campaign.service.name for each in (one, other)]
    if same_name(services[0]) != same_name(services[1]):
        msg = (
            f"the journals are of two services, {services[0]!r} and {services[1]!r}; laboratories "
            "are compared by one service"
        )
        raise UsageError(msg)
    compared_journals(one.header, other.header)  # refuses what was edited under one name
    only = set(one.header.corpora) ^ set(other.header.corpora)
    if only:
        names = ", ".join(sorted(each.rpartition(" ")[0] for each in only))
        msg = f"only one of the laboratories used {names}; both must use the same packs"
        raise UsageError(msg)


def _contradictions(first: Assessment, second: Assessment) -> tuple[str, ...]:
    """The outcomes that conform in one laboratory and do not in the other."""
    opposite = {Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM}
    other = {each.id: each.conformity for each in second.outcomes}
    return tuple(
        each.id for each in first.outcomes if {each.conformity, other.get(each.id)} == opposite
    )


def as_data(comparison: LaboratoryComparison) -> dict[str, object]:
    """The comparison ready for JSON, with its result."""
    rows = [dataclasses.asdict(each) for each in comparison.contrasts]
    return {
        "result": comparison.result,
        "contradictions": list(comparison.contradictions),
        "contrasts": rows,
    }


def print_comparison(comparison: LaboratoryComparison, console: Console) -> None:
    """Print the result, each row, and the items that differ."""
    console.print(styled(f"The laboratories: {comparison.result}", STYLES[comparison.result]))
    for name in comparison.contradictions:
        words = f"{name} conforms in one laboratory and does not conform in the other"
        console.print(styled(words, style="bold red"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("Items")
    for title in ("First", "Second", "Difference", "E_n", "Differ", "kappa", ""):
        table.add_column(title, justify="right")
    for row in comparison.contrasts:
        table.add_row(*map(styled, _cells(row)))
    console.print(table)
    for row in comparison.contrasts:
        where = f"{row.group}, {row.profile} on {row.line}"
        for reason in row.reasons:
            console.print(styled(f"{where}: {reason}", style="dim"))
        if row.differing:
            named = first_of(row.differing, NAMED)
            console.print(styled(f"{where}: differ: {named}", style="dim"))


def _cells(row: LaboratoryContrast) -> tuple[str, ...]:
    undecided = f" +{row.undecided}?" if row.undecided else ""
    gap = row.difference
    return (
        f"{row.group}, {row.profile} on {row.line}",
        f"{row.first.k}/{row.first.n}",
        f"{row.second.k}/{row.second.n}",
        f"{gap.value:+.1%} ({gap.lower:+.1%} to {gap.upper:+.1%})" if gap else "-",
        f"{gap.en:+.2f}" if gap else "-",
        f"{len(row.differing)}/{row.pairs}{undecided}",
        "-" if row.kappa is None else f"{row.kappa:.3f}",
        row.result,
    )

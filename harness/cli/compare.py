"""``accredit compare``: which items got better or worse between two campaigns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cli.campaign_meeting import compared_journals
from harness.cli.declared_scheme import scheme_of
from harness.cli.drawing import styled, terminal
from harness.cli.paths import journal_folder
from harness.cli.printing import say_data
from harness.cli.unchanged_campaign import open_unchanged
from harness.errors import UsageError, first_of
from harness.model.campaign import Campaign
from harness.model.journal_header import JournalHeader

if TYPE_CHECKING:
    from harness.estimate.campaign_comparison import Comparison, Contrast
    from harness.model.verdict import Verdict

BEFORE = Annotated[Path, typer.Argument(help="The earlier journal, or its campaign's folder.")]
AFTER = Annotated[Path, typer.Argument(help="The later journal, or its campaign's folder.")]
SCHEME = Annotated[
    str | None,
    typer.Option(
        help="The scheme whose policy says what is right; default: the earlier campaign's."
    ),
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

LABORATORIES = Annotated[
    bool,
    typer.Option(
        "--laboratories",
        help="Compare two laboratories that measured one service with the same packs.",
    ),
]

ALPHA = 0.05
STYLES = {"better": "bold green", "worse": "bold red"}
NAMED = 5
"""How many better and worse items are named below a table; JSON names them all."""


def compare_command(
    before: BEFORE,
    after: AFTER,
    scheme: SCHEME = None,
    *,
    laboratories: LABORATORIES = False,
    json: JSON = False,
) -> None:
    """Compare two campaigns by the items that both tried. Exit 0.

    An exact McNemar test says whether they differ. With --laboratories: exit 0 agree, 1 disagree,
    3 insufficient.
    """
    if laboratories:
        from harness.cli import compare_laboratories as two  # noqa: PLC0415 - only this option

        found = two.compare_two_laboratories(before, after, scheme)
        if json:
            say_data(two.as_data(found))
        else:
            two.print_comparison(found, terminal())
        raise typer.Exit(two.EXIT_CODES[found.result])
    comparison = compare_journals(before, after, scheme)
    differences = compared_journals(_header(before), _header(after))
    if json:
        say_data({**as_data(comparison), "differences": list(differences)})
        return
    _print(comparison, terminal())
    for sentence in differences:
        terminal().print(styled(f"Differs: {sentence}.", style="dim"))


def compare_journals(before: Path, after: Path, scheme: str | None = None) -> Comparison:
    """Compare two journals.

    Raises UsageError if they have no line and profile in common, or if a scheme or pack was edited
    under the same name and version.
    """
    from harness.estimate.campaign_comparison import compare_campaigns  # noqa: PLC0415 - keep the start light

    compared_journals(_header(before), _header(after))
    first, before_verdicts = _read(before)
    second, after_verdicts = _read(after)
    require_common(first, before_verdicts, second, after_verdicts)
    policy = scheme_of(before, scheme).policy
    phases = {profile: first.phase_of(profile) for profile in first.profiles}
    return compare_campaigns(before_verdicts, after_verdicts, policy, phases)


def _header(path: Path) -> JournalHeader:
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    return JournalReader(journal_folder(path)).header


def as_data(comparison: Comparison) -> dict[str, object]:
    """The comparison ready for JSON, each contrast with its conclusion."""
    rows = [
        msgspec.to_builtins(each) | {"says": each.direction(ALPHA)} for each in comparison.contrasts
    ]
    return {
        "alpha": ALPHA,
        "only_before": comparison.only_before,
        "only_after": comparison.only_after,
        "contrasts": rows,
    }


def _read(path: Path) -> tuple[Campaign, tuple[Verdict, ...]]:
    from harness.judge.composite_measurements import judge_journal  # noqa: PLC0415 - keep the start light

    journal = open_unchanged(journal_folder(path))
    try:
        judged = judge_journal(journal.header, tuple(journal.observations()))
        return journal.header.campaign, judged.verdicts
    finally:
        journal.close()


def require_common(
    first: Campaign,
    before_verdicts: tuple[Verdict, ...],
    second: Campaign,
    after_verdicts: tuple[Verdict, ...],
) -> None:
    """Raise UsageError unless the campaigns share a line, and a profile of the same phase."""
    earlier, later = _pairs_of(before_verdicts), _pairs_of(after_verdicts)
    common = earlier & later
    if not common:
        msg = (
            f"the campaigns have no line and profile in common: {first.campaign} tried "
            f"{_pairs_text(earlier)}; {second.campaign} tried {_pairs_text(later)}"
        )
        raise UsageError(msg)
    for profile in sorted({profile for _, profile in common}):
        phases = first.phase_of(profile), second.phase_of(profile)
        if phases[0] != phases[1]:
            msg = (
                f"profile {profile!r} is {phases[0]} in {first.campaign} and {phases[1]} in "
                f"{second.campaign}; only profiles of the same phase can be compared"
            )
            raise UsageError(msg)


def _pairs_of(verdicts: tuple[Verdict, ...]) -> set[tuple[str, str]]:
    return {(verdict.key.line, verdict.key.profile) for verdict in verdicts}


def _pairs_text(pairs: set[tuple[str, str]]) -> str:
    return ", ".join(f"{profile} on {line}" for line, profile in sorted(pairs)) or "nothing"


def _print(comparison: Comparison, console: Console) -> None:
    for (line, profile), contrasts in groupby(comparison.contrasts, _line_and_profile):
        group = tuple(contrasts)
        console.print(styled(f"{profile} on {line}", style="bold cyan"))
        console.print(_table(group))
        worse, better = group[-1].worse, group[-1].better
        console.print(_names("Got worse", worse), _names("Got better", better))
        console.print()
    unmatched = comparison.only_before, comparison.only_after
    if any(unmatched):
        note = f"Not compared: {unmatched[0]} items tried only before, {unmatched[1]} only after."
        console.print(styled(note, style="dim"))
    note = (
        f"Right means as the policy says. Exact McNemar test at {ALPHA:.0%}; p of a category is "
        "after Holm's correction. +n? counts items that either campaign could not decide."
    )
    console.print(styled(note, style="dim"))


def _line_and_profile(each: Contrast) -> tuple[str, str]:
    return each.line, each.profile


def _names(title: str, items: tuple[str, ...]) -> Text:
    return styled(f"{title}: {first_of(items, NAMED) or 'none'}", style="dim")


def _table(rows: Iterable[Contrast]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("Category")
    for title in ("Before", "After", "Better", "Worse", "p"):
        table.add_column(title, justify="right")
    table.add_column("")
    for each in rows:
        table.add_row(*_row(each))
    return table


def _row(each: Contrast) -> tuple[Text, ...]:
    direction, pairs = each.direction(ALPHA), each.change.pairs
    undecided = f" +{each.undecided}?" if each.undecided else ""
    return (
        styled(each.group),
        styled(f"{each.before}/{pairs}"),
        styled(f"{each.after}/{pairs}{undecided}"),
        styled(str(each.change.gained)),
        styled(str(each.change.lost)),
        styled(f"{each.adjusted:.2g}"),
        styled(direction, style=STYLES.get(direction, "dim")),
    )

"""Shows an assessment on a terminal: failed preconditions first, then every outcome."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harness.model.outcome import Assessment, Conformity, Outcome
from harness.plugins import register
from reports import phrases

STYLES = {
    Conformity.CONFORMS: "bold green",
    Conformity.DOES_NOT_CONFORM: "bold red",
    Conformity.INSUFFICIENT: "bold yellow",
}
SHOWN = 6
"""Preconditions that are spelt out; the page lists them all."""


@register("reporters", "terminal")
def render_assessment(assessment: Assessment, console: Console) -> None:
    """Print the assessment. All text is printed as it is: none of it is markup."""
    console.print(_opening(assessment))
    _print_preconditions(assessment, console)
    console.print(_table(assessment.outcomes))
    for line in _closing(assessment):
        console.print(line)


def _opening(assessment: Assessment) -> Panel:
    symbol, word = phrases.SYMBOLS[assessment.conformity], phrases.WORDS[assessment.conformity]
    style = STYLES[assessment.conformity]
    scheme = f"{assessment.scheme_title} ({assessment.scheme} {assessment.scheme_version})"
    return Panel(
        Group(
            _text(f"{symbol} {word}", style=style),
            _text(phrases.headline(assessment)),
            _text(f"{scheme}; {assessment.observations:,} observations", style="dim"),
        ),
        title=_text(assessment.title or assessment.campaign),
        title_align="left",
        border_style=style,
        box=box.ROUNDED,
    )


def _print_preconditions(assessment: Assessment, console: Console) -> None:
    broken = [each for each in assessment.preconditions if not each.held]
    if not broken:
        return
    console.print(_text("What stood in the way of a decision", style="bold yellow"))
    for each in broken[:SHOWN]:
        where = " on ".join(part for part in (each.profile, each.line) if part)
        console.print(_text(f"  ! {each.name} ({where}): {each.detail}"))
    if len(broken) > SHOWN:
        console.print(_text(f"    and {len(broken) - SHOWN} more of {len(broken)}"))
    console.print()


def _table(outcomes: tuple[Outcome, ...]) -> Table:
    """Two lines a row, so that eighty columns are enough."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("Requirement", overflow="fold", min_width=14)
    table.add_column("Profile\nLine", overflow="fold", min_width=8)
    table.add_column("Measured\nk/n", justify="right", no_wrap=True)
    table.add_column("Bounds", justify="right", no_wrap=True)
    table.add_column("Required\nSource", justify="right", no_wrap=True)
    for outcome in outcomes:
        table.add_row(*_row(outcome))
    return table


def _row(outcome: Outcome) -> tuple[Text, ...]:
    requirement, metric = outcome.requirement, outcome.metric
    demand = phrases.demand(requirement, metric.unit)
    if requirement.threshold is not None:
        demand += f"\n{requirement.threshold.provenance}"
    title = _text(f"{requirement.id} {requirement.title}")
    if not requirement.binding:
        title.append(" (not binding)", style="dim")
    return (
        _text(_verdict(outcome), style=STYLES[outcome.conformity]),
        title,
        _text(f"{outcome.profile}\n{outcome.line}"),
        _text(f"{phrases.value(outcome)}\n{_ratio(outcome)}"),
        _text(phrases.bounds(outcome)),
        _text(demand),
    )


def _verdict(outcome: Outcome) -> str:
    """Symbol and words on two short lines."""
    symbol = phrases.SYMBOLS[outcome.conformity]
    if outcome.conformity is Conformity.INSUFFICIENT:
        return f"{symbol} Insufficient\n  {phrases.LEANINGS.get(outcome.leaning, 'evidence')}"
    words = phrases.WORDS[outcome.conformity].replace("not ", "not\n  ")
    return f"{symbol} {words}"


def _ratio(outcome: Outcome) -> str:
    metric = outcome.metric
    if metric.name not in phrases.COUNTED:
        return f"n={metric.n}"
    undecided = f" +{metric.indeterminate}?" if metric.indeterminate else ""
    return f"{metric.k}/{metric.n}{undecided}"


def _closing(assessment: Assessment) -> list[Text]:
    """Why things were decided as they were, and what to do next."""
    lines = []
    for outcome in assessment.outcomes:
        is_met = outcome.conformity is Conformity.CONFORMS
        if outcome.reasons and not is_met and outcome.requirement.binding:
            lines.append(_text(f"{outcome.id}: {'; '.join(outcome.reasons)}", style="dim"))
    failed = phrases.tally(assessment)[Conformity.DOES_NOT_CONFORM]
    if failed:
        noun = "requirement opens a finding" if failed == 1 else "requirements open findings"
        hint = f"{failed} failed {noun}; see 'accredit plan list'."
        lines.append(_text(hint, style="bold"))
    if any(outcome.metric.indeterminate for outcome in assessment.outcomes):
        lines.append(_text("+n? counts items that could not be decided.", style="dim"))
    if assessment.not_applicable:
        lines.append(_text(f"Not applicable: {', '.join(assessment.not_applicable)}", style="dim"))
    return lines


def _text(words: str, style: str = "") -> Text:
    """Words as they are, without markup, and without what could steer the terminal."""
    return Text(phrases.plain(words), style=style)

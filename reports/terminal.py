"""Print an assessment on a terminal: failed preconditions first, then every outcome."""

from __future__ import annotations

from dataclasses import replace

from rich import box
from rich.console import Console, JustifyMethod
from rich.console import Group as Stack
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harness.model.metric import CANNOT_DECIDE, CANNOT_MEASURE
from harness.model.outcome import Assessment, Conformity, Outcome
from reports import phrases
from reports.tables import Group, groups_of, instrument_line, item_kind, pack_tables
from reports.words import RULES, SHORT_PROVENANCES

STYLES = {
    Conformity.CONFORMS: "bold green",
    Conformity.DOES_NOT_CONFORM: "bold red",
    Conformity.INSUFFICIENT: "bold yellow",
}
COLUMNS = ("Outcome", "Profile on line", "Measured", "Count", "Bounds", "")
JUSTIFIED: tuple[JustifyMethod, ...] = ("left", "left", "right", "right", "right")
SHOWN = 6
"""How many failed preconditions are printed; the HTML page lists them all."""
MANY_RATES = 30
"""If there are more rates by pack, only the totals are printed."""


def render_assessment(assessment: Assessment, console: Console) -> None:
    """Print the assessment. All text is printed literally: none of it is rich markup."""
    console.print(_opening(assessment))
    for sentence in assessment.warnings:
        console.print(_text(f"Warning: {sentence}", style="bold yellow"))
    _print_preconditions(assessment, console)
    _print_outcomes(assessment.outcomes, console)
    _print_packs(assessment, console)
    console.print()
    for line in _closing(assessment):
        console.print(line)


def _opening(assessment: Assessment) -> Panel:
    symbol, word = phrases.SYMBOLS[assessment.conformity], phrases.word(assessment)
    style = STYLES[assessment.conformity]
    scheme = f"{assessment.scheme_title} ({assessment.scheme} {assessment.scheme_version})"
    return Panel(
        Stack(
            _text(f"{symbol} {word}", style=style),
            _text(phrases.headline(assessment)),
            _text(f"{scheme}; {assessment.observations:,} observations", style="dim"),
            *(_text(line, style="dim") for line in _heads(assessment)),
        ),
        title=_text(_title(assessment)),
        title_align="left",
        border_style=style,
        box=box.ROUNDED,
    )


def _heads(assessment: Assessment) -> list[str]:
    """The head hashes, with which anybody can check later that nothing was changed."""
    heads = {"journal": assessment.journal_head, "registry": assessment.registry_head}
    return [f"head of the {name}: {head.hash}" for name, head in heads.items() if head]


def _title(assessment: Assessment) -> str:
    """The title of the first panel, with the limit of a conforming assessment."""
    title = assessment.title or assessment.campaign
    return f"{title}: {phrases.word(assessment)}" if assessment.qualifier else title


def _print_preconditions(assessment: Assessment, console: Console) -> None:
    failed = [each for each in assessment.preconditions if not each.held]
    if not failed:
        return
    console.print(
        _text("Failed preconditions: why outcomes could not be decided", style="bold yellow")
    )
    for each in failed[:SHOWN]:
        where = " on ".join(part for part in (each.profile, each.line) if part)
        console.print(_text(f"  ! {each.name} ({where}): {each.detail}"))
    if len(failed) > SHOWN:
        console.print(_text(f"    and {len(failed) - SHOWN} more of {len(failed)}"))
    console.print()


def _print_outcomes(outcomes: tuple[Outcome, ...], console: Console) -> None:
    """Print each requirement once with its outcomes below it, all columns aligned."""
    rows = {outcome.id: _row(outcome) for outcome in outcomes}
    titles = tuple(_text(title, style="dim") for title in COLUMNS)
    columns = zip(titles, *rows.values(), strict=True)
    widths = [max(cell.cell_len for cell in column) for column in columns]
    console.print(_grid(widths, [titles]))
    for group in groups_of(outcomes):
        console.print(_heading(group))
        console.print(_grid(widths, [rows[outcome.id] for outcome in group.outcomes]))


def _print_packs(assessment: Assessment, console: Console) -> None:
    """Print the rates of each pack, and known items compared with hidden ones (information)."""
    for title, columns, rows in pack_tables(_briefly(assessment)):
        table = Table(box=None, title=_text(title), title_justify="left")
        for column in columns:
            table.add_column(column, overflow="fold")  # two packs differ at the end of their names
        for row in rows:
            table.add_row(*map(_text, row))
        console.print()
        console.print(table)


def _briefly(assessment: Assessment) -> Assessment:
    """Only the totals if there are many rates by pack; HTML and JSON hold every category."""
    if len(assessment.packs) <= MANY_RATES:
        return assessment
    totals = tuple(rate for rate in assessment.packs if rate.group.startswith("must be "))
    return replace(assessment, packs=totals)


def _grid(widths: list[int], rows: list[tuple[Text, ...]]) -> Table:
    """Rows under columns of given widths; the last column shrinks on narrow terminals."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    for width, justify in zip(widths[:-1], JUSTIFIED, strict=True):
        grid.add_column(min_width=min(width, 20), overflow="fold", justify=justify)
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(Text(""), *row)
    return grid


def _heading(group: Group) -> Text:
    """The requirement, its threshold and the source of it, how it is decided, and on what items."""
    requirement = group.requirement
    heading = Text("\n").append_text(_text(f"{requirement.id} {requirement.title}", style="bold"))
    demand = phrases.demand(requirement, group.unit).removesuffix(f" ({phrases.INFORMATION})")
    if requirement.threshold is not None:
        demand += f" ({SHORT_PROVENANCES[requirement.threshold.provenance]})"
    kinds = " and ".join(dict.fromkeys(filter(None, map(item_kind, group.outcomes))))
    facts = [demand, RULES[requirement.rule], f"based on {kinds}" if kinds else ""]
    words = "; ".join(dict.fromkeys(filter(None, facts)))
    heading.append("\n").append_text(_text(f"  {words}", style="cyan"))
    return heading.append_text(_text("" if requirement.binding else "  (not binding)", style="dim"))


def _row(outcome: Outcome) -> tuple[Text, ...]:
    words = phrases.word(outcome)
    leaning = phrases.LEANINGS.get(outcome.leaning, "") or phrases.planned(outcome)
    return (
        _text(f"{phrases.symbol(outcome)} {words}", style=STYLES[outcome.conformity]),
        _text(f"{outcome.profile} on {outcome.line}"),
        _text("; ".join(filter(None, (phrases.value(outcome), phrases.by_domain(outcome))))),
        _text(_ratio(outcome)),
        _text(phrases.bounds(outcome).replace(" to ", "-")),
        _text(leaning, style="dim"),
    )


def _ratio(outcome: Outcome) -> str:
    metric = outcome.metric
    if not phrases.is_counted(metric):
        return f"{metric.n:,}"
    undecided = f" +{metric.indeterminate}?" if metric.indeterminate else ""
    return f"{metric.k}/{metric.n}{undecided}"


def _closing(assessment: Assessment) -> list[Text]:
    """The reasons for outcomes that are not met, and what to do next."""
    lines = [_text(reason, style="dim") for reason in _reasons(assessment)]
    lines += [
        _text(f"{outcome.id}: {sentence}", style="dim")
        for outcome in assessment.outcomes
        if (sentence := phrases.corrected(outcome))
    ]
    failed = phrases.tally(assessment)[Conformity.DOES_NOT_CONFORM]
    if failed:
        noun = "requirement" if failed == 1 else "requirements"
        hint = f"{failed} failed {noun}: 'accredit run' opens an action plan for each."
        lines.append(_text(hint, style="bold"))
    if any(outcome.metric.indeterminate for outcome in assessment.outcomes):
        lines.append(_text("+n? means that n more items could not be decided.", style="dim"))
    if instrument := instrument_line(assessment):
        lines.append(_text(instrument, style="dim"))
    if assessment.not_applicable:
        lines.append(_text(f"Not applicable: {', '.join(assessment.not_applicable)}", style="dim"))
    return lines


def _reasons(assessment: Assessment) -> list[str]:
    """The reasons for outcomes that are not met and that no failed precondition explains."""
    explained = {(each.profile, each.line) for each in assessment.preconditions if not each.held}
    unmet = [
        outcome
        for outcome in assessment.outcomes
        if outcome.reasons
        and outcome.requirement.binding
        and outcome.conformity is not Conformity.CONFORMS
        and (outcome.profile, outcome.line) not in explained
    ]
    absent = {each.requirement.id: None for each in unmet if _is_not_implemented(each)}
    reasons = [
        f"{each.id}: {'; '.join(each.reasons)}" for each in unmet if not _is_not_implemented(each)
    ]
    if absent:
        reasons.append(f"Accredit cannot measure or decide these yet: {', '.join(absent)}")
    return reasons


def _is_not_implemented(outcome: Outcome) -> bool:
    """Whether the only reason is that this version cannot measure or decide the requirement."""
    return set(outcome.reasons) <= {CANNOT_MEASURE, CANNOT_DECIDE}


def _text(words: str, style: str = "") -> Text:
    """Literal text: markup is not interpreted, and control characters are escaped."""
    return Text(phrases.plain(words), style=style)

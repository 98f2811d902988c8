"""Print an assessment on a terminal: failed preconditions first, then every outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich import box
from rich.console import Console, JustifyMethod
from rich.console import Group as Stack
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harness.model.metric import CANNOT_DECIDE, CANNOT_MEASURE, PEOPLE_JUDGE
from harness.model.outcome import Assessment, Conformity, Outcome, is_void
from reports import evidence, people, phrases
from reports.gates import consequence, gate_states
from reports.tables import (
    Group,
    groups_of,
    import_rows,
    instrument_line,
    pack_tables,
)
from reports.technique_table import TechniqueTable, got_through, technique_table
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
LEAST_LEANING = 10
"""Columns that the last column needs; a table that leaves it fewer becomes a list."""
SHOWN_IMPORTS = 12
"""How many imports are printed; the HTML page lists them all."""
MANY_RATES = 30
"""If there are more rates by pack, only the totals are printed."""
SHOWN_TECHNIQUES = 20
"""How many techniques that got through are printed; the HTML page lists them all."""


def render_assessment(assessment: Assessment, console: Console) -> None:
    """Print the assessment. All text is printed literally: none of it is rich markup."""
    _Printer(console).print_all(assessment)


@dataclass(frozen=True, slots=True)
class _Printer:
    """Prints the parts of an assessment on a console, which makes its text safe to print."""

    console: Console

    def print_all(self, assessment: Assessment) -> None:
        """Print all parts, in reading order."""
        self.console.print(self._opening(assessment))
        for sentence in assessment.warnings:
            self._say(f"Warning: {sentence}", style="bold yellow")
        self._print_gates(assessment)
        self._print_preconditions(assessment)
        self._print_outcomes(assessment.outcomes)
        self._print_techniques(assessment)
        self._print_packs(assessment)
        self._print_imports(assessment)
        self.console.print()
        for sentence, style in _closing(assessment):
            self._say(sentence, style)

    def _text(self, words: str, style: str = "") -> Text:
        """Literal text: markup is not interpreted, and control characters are escaped."""
        return self.console.render_str(
            phrases.plain(words), style=style, markup=False, emoji=False, highlight=False
        )

    def _say(self, words: str, style: str = "") -> None:
        self.console.print(self._text(words, style))

    def _opening(self, assessment: Assessment) -> Panel:
        symbol, word = phrases.SYMBOLS[assessment.conformity], phrases.word(assessment)
        style = STYLES[assessment.conformity]
        scheme = f"{assessment.scheme_title} ({assessment.scheme} {assessment.scheme_version})"
        return Panel(
            Stack(
                self._text(f"{symbol} {word}", style=style),
                self._text(phrases.headline(assessment)),
                self._text(f"{scheme}; {assessment.observations:,} observations", style="dim"),
                *map(self._text, filter(None, [phrases.registration(assessment)])),
                *(self._text(line, style="dim") for line in _heads(assessment)),
            ),
            title=self._text(_title(assessment)),
            title_align="left",
            border_style=style,
            box=box.ROUNDED,
        )

    def _print_gates(self, assessment: Assessment) -> None:
        """Print the gates, before anything about the service: whether the test is in order."""
        states = gate_states(assessment)
        if not states:
            return
        unmet = [one for one in states if not one.is_met]
        met = ", ".join(dict.fromkeys(one.id for one in states if one.is_met))
        self._say("Gates: is the test itself in order?", style="bold yellow" if unmet else "bold")
        for one in unmet:
            self._say(f"  ! {one.id} {one.subject}: {one.words}; {consequence(one)}")
        self._say(f"  met: {met or 'none'}")
        self.console.print()

    def _print_preconditions(self, assessment: Assessment) -> None:
        failed = [each for each in assessment.preconditions if not each.held]
        if not failed:
            return
        why = ": why outcomes could not be decided" if evidence.voiding_of(assessment) else ""
        self._say(f"Failed preconditions{why}", style="bold yellow")
        for each in failed[:SHOWN]:
            where = " on ".join(part for part in (each.profile, each.line) if part)
            self._say(f"  ! {each.name} ({where}): {each.detail}")
        if len(failed) > SHOWN:
            self._say(f"    and {len(failed) - SHOWN} more of {len(failed)}")
        self.console.print()

    def _print_outcomes(self, outcomes: tuple[Outcome, ...]) -> None:
        """Print each requirement once with its outcomes below it.

        The columns of all are aligned; a terminal that is too narrow gets a line for each outcome.
        """
        shown = tuple(outcome for outcome in outcomes if not _limit_of(outcome))
        rows = {outcome.id: self._row(outcome) for outcome in shown}
        titles = tuple(self._text(title, style="dim") for title in COLUMNS)
        columns = zip(titles, *rows.values(), strict=True)
        widths = [max(cell.cell_len for cell in column) for column in columns]
        spare = self.console.width - len(widths) - 1 - sum(widths[:-1])
        is_wide = spare >= min(widths[-1], LEAST_LEANING)
        widths[-1] = min(widths[-1], spare)
        if is_wide:
            self.console.print(_grid(widths, [titles]))
        for group in groups_of(shown):
            self._print_heading(group)
            cells = [rows[outcome.id] for outcome in group.outcomes]
            if is_wide:
                self.console.print(_grid(widths, cells))
            else:
                self.console.print(*map(_line, cells), sep="\n")

    def _print_techniques(self, assessment: Assessment) -> None:
        """Print how many techniques of each group got through at each place, and which."""
        found = technique_table(assessment)
        if found is None:
            return
        self.console.print()
        self._say(f"Ways round the filter: {found.counted.text}", style="bold")
        self.console.print(self._technique_grid(found))
        through = got_through(assessment)
        for words, item, places in through[:SHOWN_TECHNIQUES]:
            self._say(f"  ✗ {item} ({words}): {places}")
        if len(through) > SHOWN_TECHNIQUES:
            self._say(f"    and {len(through) - SHOWN_TECHNIQUES} more that got through")

    def _technique_grid(self, found: TechniqueTable) -> Padding:
        """Groups down, places across: how many of how many got through."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(self._text("Got through", style="dim"))
        for place in found.places:
            table.add_column(self._text(place, style="dim"), overflow="fold")
        for group in found.groups:
            cells = [group.title, *(counted.brief for counted in group.by_place)]
            table.add_row(*map(self._text, cells))
        return Padding.indent(table, 2)

    def _print_packs(self, assessment: Assessment) -> None:
        """Print the rates of each pack, and known items compared with hidden ones (information)."""
        for title, columns, rows in pack_tables(_briefly(assessment)):
            table = Table(box=None)
            for column in columns:
                table.add_column(column, overflow="fold")  # packs differ at the end of their names
            for row in rows:
                table.add_row(*map(self._text, row))
            self.console.print()
            self._say(title, style="italic")
            self.console.print(table)

    def _print_imports(self, assessment: Assessment) -> None:
        """Print each import of a log, of alerts and of mailboxes on a line of its own."""
        rows = import_rows(assessment)
        if not rows:
            return
        self.console.print()
        self._say("Logs, alerts and mail that were read", style="bold")
        for number, file, form, lines, entries, read, digest in rows[-SHOWN_IMPORTS:]:
            held = f"{lines} lines, {entries} entries of the test"
            self._say(f"  {number}. {file} ({form}), {read}: {held}; sha256 {digest}")
        if len(rows) > SHOWN_IMPORTS:
            self._say(f"    and {len(rows) - SHOWN_IMPORTS} earlier imports; the report shows all")

    def _print_heading(self, group: Group) -> None:
        """Print the requirement, its threshold and source, how it is decided, on what items."""
        requirement = group.requirement
        self.console.print()
        self._say(f"{requirement.id} {requirement.title}", style="bold")
        demand = phrases.demand(requirement, group.unit)
        demand = demand.removesuffix(f" ({phrases.INFORMATION})")
        if requirement.threshold is not None:
            demand += f" ({SHORT_PROVENANCES[requirement.threshold.provenance]})"
        facts = [demand, RULES[requirement.rule], *map(phrases.based_on, group.outcomes)]
        words = "; ".join(dict.fromkeys(filter(None, facts)))
        note = "" if requirement.binding else "  (not binding)"
        self._say(f"  {words}{note}", style="cyan")

    def _row(self, outcome: Outcome) -> tuple[Text, ...]:
        words = phrases.word(outcome)
        leaning = phrases.LEANINGS.get(outcome.leaning, "") or phrases.planned(outcome)
        symbol = phrases.symbol(outcome)
        measured = phrases.value(outcome), phrases.by_domain(outcome)
        return (
            self._text(f"{symbol} {words}", style=STYLES[outcome.conformity]),
            self._text(f"{outcome.profile} on {outcome.line}"),
            self._text("; ".join(filter(None, measured))),
            self._text(_ratio(outcome)),
            self._text(phrases.bounds(outcome).replace(" to ", "-")),
            self._text(leaning, style="dim"),
        )


def _heads(assessment: Assessment) -> list[str]:
    """The head hashes, with which anybody can check later that nothing was changed."""
    heads = {
        "journal": assessment.journal_head,
        "registry": assessment.registry_head,
        "appeals": assessment.owner_head,
    }
    lines = [f"head of the {name}: {head.hash}" for name, head in heads.items() if head]
    signed = [f"witness: {line}" for line in phrases.witnesses(assessment)]
    time = f"time: {phrases.vouched_time(assessment)}"
    return [*lines, *signed, time] if lines else []


def _title(assessment: Assessment) -> str:
    """The title of the first panel, with the limit of the assessment."""
    title = assessment.title or assessment.campaign
    return f"{title}: {phrases.word(assessment)}" if assessment.limit else title


def _briefly(assessment: Assessment) -> Assessment:
    """Only the totals if there are many rates by pack; HTML and JSON hold every category."""
    if len(assessment.packs) <= MANY_RATES:
        return assessment
    totals = tuple(rate for rate in assessment.packs if rate.group.startswith("must be "))
    return replace(assessment, packs=totals)


def _grid(widths: list[int], rows: list[tuple[Text, ...]]) -> Stack:
    """Rows under columns of given widths; texts that are longer are wrapped."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    for width, justify in zip(widths[:-1], JUSTIFIED, strict=True):
        grid.add_column(min_width=min(width, 20), overflow="fold", justify=justify)
    grid.add_column(width=widths[-1], overflow="fold")
    for row in rows:
        grid.add_row(Text(""), *row)
    return Stack(grid)


def _line(row: tuple[Text, ...]) -> Padding:
    """An outcome as a text of a line or two, for a narrow terminal."""
    outcome, where, measured, count, bounds, leaning = row
    told = Text.assemble(outcome, ", ", where, ": ", measured, " (", count, "), bounds ", bounds)
    return Padding(Text("; ").join([told, leaning] if leaning.plain else [told]), (0, 0, 0, 2))


def _ratio(outcome: Outcome) -> str:
    metric = outcome.metric
    if not phrases.is_counted(metric):
        return f"{metric.n:,}"
    undecided = f" +{metric.indeterminate}?" if metric.indeterminate else ""
    return f"{metric.k}/{metric.n}{undecided}"


def _closing(assessment: Assessment) -> Iterator[tuple[str, str]]:
    """The reasons for outcomes that are not met, and what to do next; each with its style."""
    for reason in _reasons(assessment):
        yield reason, "dim"
    for outcome in assessment.outcomes:
        if sentence := phrases.corrected(outcome):
            yield f"{outcome.id}: {sentence}", "dim"
    failed = phrases.tally(assessment)[Conformity.DOES_NOT_CONFORM]
    if failed:
        noun = "requirement" if failed == 1 else "requirements"
        told = f"{failed} failed {noun}: 'accredit run' opens an action plan for each"
        yield f"{told}; 'accredit plan list' shows them.", "bold"
    if any(outcome.metric.indeterminate for outcome in assessment.outcomes):
        yield "+n? means that n more items could not be decided.", "dim"
    yield from _of_people(assessment)
    if instrument := instrument_line(assessment):
        yield instrument, "dim"
    if assessment.tester_load is not None:
        is_overloaded = assessment.tester_load.overloaded > 0
        yield assessment.tester_load.words, "bold" if is_overloaded else "dim"
    if assessment.not_applicable:
        yield f"Not applicable: {', '.join(assessment.not_applicable)}", "dim"


def _of_people(assessment: Assessment) -> Iterator[tuple[str, str]]:
    """Who judged what, and where the supplier's declaration differs; each with its style."""
    for sentence in people.people_lines(assessment):
        yield sentence, "dim"
    if declared := people.declared_title(assessment):
        yield declared, "bold"
        for sentence in people.declared_lines(assessment):
            yield f"  {sentence}", ""


def _reasons(assessment: Assessment) -> list[str]:
    """The reasons for outcomes that are not met and that no failed precondition explains."""
    reasons = [
        f"{outcome.id}: {'; '.join(outcome.reasons)}"
        for outcome in assessment.outcomes
        if outcome.reasons
        and outcome.requirement.binding
        and outcome.conformity is not Conformity.CONFORMS
        and not _limit_of(outcome)
        and not is_void(assessment.preconditions, outcome.line, outcome.profile)
    ]
    return [*reasons, *_limits(assessment.outcomes)]


LIMITS = {
    "Accredit cannot measure or decide these yet": frozenset({CANNOT_MEASURE, CANNOT_DECIDE}),
    "People judge these, and nobody has yet (accredit assess)": frozenset({PEOPLE_JUDGE}),
}
"""What is said once of all requirements that have no other reason than these."""


def _limit_of(outcome: Outcome) -> str:
    """Which of the limits is the only reason for an outcome; empty if there is another reason."""
    reasons = set(outcome.reasons)
    return next((words for words, limits in LIMITS.items() if reasons and limits >= reasons), "")


def _limits(outcomes: tuple[Outcome, ...]) -> Iterator[str]:
    """One sentence for each limit that is the only reason of some outcomes."""
    for words in LIMITS:
        named = [one.requirement for one in outcomes if _limit_of(one) == words]
        binding = dict.fromkeys(each.id for each in named if each.binding)
        other = dict.fromkeys(each.id for each in named if not each.binding)
        names = [", ".join(binding), f"not binding: {', '.join(other)}" if other else ""]
        if named:
            yield f"{words}: {'; '.join(filter(None, names))}"

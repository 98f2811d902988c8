"""``accredit expect``: pin known differences of a service, so that only new ones fail.

A file lists the outcomes that are known not to conform, each with its figure, a reason and a date.
``write`` makes it from a journal for a person to complete; ``check`` compares a journal with it,
and the pytest plug-in does the same with ``--expect``. What is not in the file must conform. The
file says what a developer expects; no assessment, and so no decision, rests on it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field, model_validator

from harness.cli.conclude import SCHEME, conclude_journal
from harness.cli.paths import JOURNAL
from harness.cli.printing import say
from harness.errors import UsageError
from harness.model.coverage import format_value
from harness.model.declared import Declared
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.ports.storage import Clock, WallClock
from harness.yaml_reader import read_document, validate

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

FILE = Annotated[Path, typer.Argument(help="The file of expected results.")]

TITLE = """\
# Expected results: the requirements that this service is known not to meet.
# Give the reason of each. 'until' is the last day on which it may differ.
# Every binding requirement that is not listed must conform.
"""


MOST_PINNED = 0.5
"""The largest share of outcomes, and of items, that a file may pin unless it declares another."""

ROUNDED = 1e-9
"""Smaller differences are those of arithmetic."""

SHARE_TOLERANCE, TOLERANCE = 0.05, 0.1
"""How much worse a figure may get: of shares so much, of others this part of the figure."""


class ExpectedOutcome(Declared):
    """A known difference: the outcome of a requirement that is not the wanted one.

    ``outcome`` is ``does-not-conform`` or ``insufficient``. The entry holds to the end of the day
    ``until``, and while the figure is not worse than ``value`` by more than ``tolerance``, both in
    the unit of the metric. Files of earlier versions hold no figure.
    """

    requirement: str
    profile: str
    line: str
    outcome: Conformity = Field(strict=False)
    reason: str = Field(pattern=r"\S")
    until: date
    value: float | None = Field(default=None, allow_inf_nan=False)
    tolerance: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    @property
    def id(self) -> str:
        """The id of the outcome, such as ``URL-01[ks2-proxy]``."""
        return f"{self.requirement}[{self.profile}-{self.line}]"

    @model_validator(mode="after")
    def _is_a_difference(self) -> ExpectedOutcome:
        if self.outcome is Conformity.CONFORMS:
            msg = "what conforms is not listed: remove the entry"
            raise ValueError(msg)
        return self


class ExpectedResults(Declared):
    """The content of the file: the scheme, and the known differences.

    ``pinned_at_most`` is the largest share of the binding outcomes, and of the items that these
    count, that its entries may be about.
    """

    scheme: str
    pinned_at_most: float = Field(default=MOST_PINNED, ge=0, le=1)
    expected: tuple[ExpectedOutcome, ...] = ()

    @model_validator(mode="after")
    def _names_each_once(self) -> ExpectedResults:
        names = [entry.id for entry in self.expected]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"listed twice: {', '.join(twice)}"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Outcomes beside a file of expected results.

    ``known`` are known differences by the id of the outcome, with the entry; ``differences`` are
    sentences by id. An outcome in neither conforms, or is not binding. ``undecided`` says why the
    file cannot show that nothing became worse.
    """

    known: dict[str, ExpectedOutcome]
    differences: dict[str, str]
    undecided: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 all as expected, 1 something differs, 3 the file cannot show it."""
        if self.differences:
            return 1
        return 3 if self.undecided else 0


def read_expected(path: Path) -> ExpectedResults:
    """Read a file of expected results. Raises FaultyDocument, UsageError."""
    return validate(read_document(path), ExpectedResults)


def result_of(outcome: Outcome, assessment: Assessment) -> Conformity:
    """The outcome as it counts: a qualified conformity that was not declared is insufficient."""
    if assessment.is_granted(outcome):
        return Conformity.CONFORMS
    if outcome.conformity is Conformity.DOES_NOT_CONFORM:
        return Conformity.DOES_NOT_CONFORM
    return Conformity.INSUFFICIENT


def compare(assessment: Assessment, expected: ExpectedResults, today: date) -> Comparison:
    """Compare an assessment with a file.

    Raises UsageError if the file is for another scheme, or if nothing binding was assessed.
    """
    if expected.scheme != assessment.scheme:
        msg = (
            f"the expected results are for scheme {expected.scheme!r}, the assessment is against "
            f"{assessment.scheme!r}: choose it with --scheme, or write the file anew"
        )
        raise UsageError(msg)
    entries = {entry.id: entry for entry in expected.expected}
    binding = {each.id: each for each in assessment.outcomes if each.requirement.binding}
    if not binding:
        msg = f"scheme {assessment.scheme!r} has no binding requirement that applies here"
        raise UsageError(msg)
    known: dict[str, ExpectedOutcome] = {}
    differences: dict[str, str] = {}
    for name, outcome in binding.items():
        result, entry = result_of(outcome, assessment), entries.get(name)
        if sentence := _difference(result, entry, today) or _worse(outcome, entry):
            differences[name] = sentence
        elif entry is not None:
            known[name] = entry
    for name in entries.keys() - binding.keys():
        differences[name] = "is listed, but is no binding outcome of this assessment"
    undecided = (*_too_many(expected, known, binding), *_without_figure(known, binding))
    return Comparison(
        known=known, differences=dict(sorted(differences.items())), undecided=undecided
    )


def _too_many(
    expected: ExpectedResults, known: Collection[str], binding: Mapping[str, Outcome]
) -> Iterator[str]:
    """Say that the file pins more than the share that it declares."""
    items = {name: outcome.metric.n for name, outcome in binding.items()}
    for what, pinned, whole in (
        ("binding outcomes", len(known), len(binding)),
        ("items", sum(items[name] for name in known), sum(items.values())),
    ):
        if whole and pinned / whole > expected.pinned_at_most:
            yield (
                f"the file pins {pinned} of {whole} {what}, and declares at most "
                f"{expected.pinned_at_most:.0%} (pinned_at_most): this says nothing of the service"
            )


def _without_figure(
    known: Mapping[str, ExpectedOutcome], binding: Mapping[str, Outcome]
) -> Iterator[str]:
    """Say of which entries a further fall would not be noticed."""
    for name, entry in known.items():
        value, failed = binding[name].metric.value, Conformity.DOES_NOT_CONFORM
        if entry.value is None and value is not None and entry.outcome is failed:
            yield (
                f"{name}: the entry holds no figure, so that a further fall would not be noticed; "
                f"add 'value: {value:.6g}' if that is known, and a 'tolerance'"
            )


def _worse(outcome: Outcome, entry: ExpectedOutcome | None) -> str:
    """Say that the figure of a known difference got worse than its entry allows."""
    if entry is None or entry.value is None:
        return ""
    now, unit = outcome.metric.value, outcome.metric.unit
    if now is None:
        return f"nothing was measured, and {format_value(entry.value, unit)} was expected"
    threshold = outcome.requirement.threshold
    at_least, at_most = (threshold.at_least, threshold.at_most) if threshold else (None, None)
    falls = [entry.value - now] if at_least is not None else []
    rises = [now - entry.value] if at_most is not None else []
    worse = max((*falls, *rises), default=abs(now - entry.value))
    if worse <= entry.tolerance + ROUNDED:
        return ""
    return (
        f"{format_value(now, unit)}, which is worse than the expected "
        f"{format_value(entry.value, unit)} by more than {format_value(entry.tolerance, unit)}"
    )


def _difference(result: Conformity, entry: ExpectedOutcome | None, today: date) -> str:
    """What differs from the expected result, in words; empty if nothing does."""
    if entry is None:
        return "" if result is Conformity.CONFORMS else f"{result}; it is not listed"
    if result is not entry.outcome:
        remedy = "; remove the entry" if result is Conformity.CONFORMS else ""
        return f"{result}, but {entry.outcome} was expected{remedy}"
    if today > entry.until:
        return f"{result}; the entry ended on {entry.until}: {entry.reason}"
    return ""


def written(assessment: Assessment, until: date, reason: str, most: float = MOST_PINNED) -> str:
    """The text of a file that lists every binding outcome that does not conform, in YAML.

    It declares that its entries may be about a share of at most ``most``.
    """
    entries = "".join(
        f"  - requirement: {json.dumps(outcome.requirement.id)}\n"
        f"    profile: {json.dumps(outcome.profile)}\n"
        f"    line: {json.dumps(outcome.line)}\n"
        f"    outcome: {result_of(outcome, assessment)}\n"
        f"    reason: {json.dumps(reason)}\n"
        f"    until: {until}\n"
        f"{_figure(outcome)}"
        for outcome in _not_conforming(assessment)
    )
    listed = f"expected:\n{entries}" if entries else "expected: []\n"
    share = f"pinned_at_most: {most:g}\n"
    return f"{TITLE}scheme: {json.dumps(assessment.scheme)}\n{share}{listed}"


def _figure(outcome: Outcome) -> str:
    """The lines of an entry with the figure, and how much worse it may get."""
    value = outcome.metric.value
    if value is None or not math.isfinite(value):
        return ""
    is_share = outcome.metric.unit == "share"
    tolerance = SHARE_TOLERANCE if is_share else abs(value) * TOLERANCE
    return f"    value: {value!r}\n    tolerance: {tolerance:.6g}\n"


def _not_conforming(assessment: Assessment) -> Iterator[Outcome]:
    for outcome in sorted(assessment.outcomes, key=lambda each: each.id):
        if outcome.requirement.binding and not assessment.is_granted(outcome):
            yield outcome


@app.command("write")
def write_command(
    journal: JOURNAL,
    out: Annotated[Path, typer.Option(help="The file to write; an existing one is kept.")],
    until: Annotated[str, typer.Option(help="The last day of the entries, such as 2027-03-31.")],
    scheme: SCHEME = None,
    reason: Annotated[str, typer.Option(help="A reason for every entry; default: none.")] = "",
    most: Annotated[
        float,
        typer.Option(min=0, max=1, help="The largest share of outcomes and of items to pin."),
    ] = MOST_PINNED,
) -> None:
    """Write the present differences of a journal to a file, for a person to complete.

    An entry without a reason is refused by ``check``.
    """
    last = _date(until)
    assessment, _ = conclude_journal(journal, scheme)
    text = written(assessment, last, reason, most)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        msg = f"{out}: exists already; compare it with 'accredit expect check', or choose another"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{out}: cannot be written: {error.strerror or error}; choose another --out"
        raise UsageError(msg) from None
    count = sum(1 for _ in _not_conforming(assessment))
    todo = "" if reason or not count else "; give the reason of each"
    say(f"{out}: {count} known differences{todo}")


@app.command("check")
def check_command(journal: JOURNAL, file: FILE, scheme: SCHEME = None) -> None:
    """Compare a journal with expected results.

    Exit 0: all as expected. Exit 1: something differs, or became worse. Exit 3: the file pins more
    than it declares, or holds no figure of a failure.
    """
    expected = read_expected(file)
    assessment, _ = conclude_journal(journal, scheme)
    comparison = compare(assessment, expected, clock.now().date())
    for name, entry in comparison.known.items():
        say(f"as expected: {name}: {entry.outcome} until {entry.until}: {entry.reason}")
    for name, sentence in comparison.differences.items():
        say(f"differs: {name}: {sentence}")
    for sentence in comparison.undecided:
        say(f"undecided: {sentence}")
    say(
        f"{len(comparison.known)} known differences, {len(comparison.differences)} others; what is "
        "expected counts for no decision"
    )
    raise typer.Exit(comparison.exit_code)


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no time zone
    except ValueError:
        msg = f"--until {text!r} is not a date; write it like 2027-03-31"
        raise UsageError(msg) from None

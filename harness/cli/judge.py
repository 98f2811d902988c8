"""``accredit judge``, and judging a bundle's journal again with the installed rules.

``judge_command`` judges lines of other people's measurements. ``judge_again`` concludes from a
bundle's journal and compares the result with the bundle's assessment; ``differences`` compares two
documents of plain values, with a tolerance for figures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from harness.cli.printing import say_json, warn
from harness.errors import UsageError
from harness.interop import MEASUREMENT_IMPORTERS
from harness.interop.record import bounded_lines
from harness.untrusted.regular_file import open_regular

if TYPE_CHECKING:
    from harness.model.scheme import Scheme
    from harness.model.verdict import Verdict
    from harness.store.bundle_reading import Bundle


FORMAT = Annotated[str, typer.Option("--format", help="See: accredit list importers.")]
FILE = Annotated[Path, typer.Argument(help="JSON lines; - reads standard input.")]


def judge_command(file: FILE, form: FORMAT) -> None:
    """Judge other people's measurements: reads JSON lines, prints one JSON verdict a line.

    A line that cannot be read is reported as a JSON line on standard error. The other lines are
    still judged; the exit code is then 2.
    """
    faults = 0
    for number, line in enumerate(lines_of(file), 1):
        if not line.strip():
            continue
        try:
            written = judge_line(line, form)
        except (ValueError, RecursionError) as error:
            faults += 1
            report = {"file": str(file), "line": number, "error": str(error)}
            say_json(json.dumps(report, ensure_ascii=False), to_stderr=True)
        else:
            say_json(json.dumps(written, ensure_ascii=False))
    raise typer.Exit(2 if faults else 0)


def judge_line(line: bytes, form: str) -> dict[str, Any]:
    """The verdict of one line, ready for JSON. Raises ValueError if it cannot be read."""
    from harness.judge.composite_measurements import judge_measurement, judge_without_control  # noqa: PLC0415 - keep the start light

    record = MEASUREMENT_IMPORTERS.find(form)(line)
    verdict = (
        judge_without_control(record.trials[0])
        if record.alone
        else judge_measurement(record.trials)
    )
    return _shown(record.id, verdict)


def _shown(identity: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": identity,
        "state": verdict.state.value,
        "mechanism": verdict.mechanism.value,
        "rule": verdict.rule,
        "witnesses": list(verdict.witnesses),
        "claimed_category": verdict.claimed_category,
        "origin_refusal": verdict.origin_refusal,
        "intercepted": verdict.intercepted,
        "rules_version": verdict.rules_version,
    }


def lines_of(file: Path) -> Iterator[bytes]:
    """The lines of a file, or of standard input for ``-``. Raises UsageError."""
    if str(file) == "-":
        yield from bounded_lines(sys.stdin.buffer, "standard input")
        return
    try:
        with open_regular(file) as opened:
            yield from bounded_lines(opened, str(file))
    except OSError as error:
        msg = f"{file}: {error.strerror or error}"
        raise UsageError(msg) from None


Difference = tuple[str, Any, Any]
"""A dotted path, such as ``outcomes.URL-01.metric.k``, and the two values there."""


def differences(at: str, one: Any, other: Any, tolerance: float) -> Iterator[Difference]:
    """All differences below ``at``. Integers must be equal; floats may differ relatively."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            below = f"{at}.{name}" if at else name
            yield from differences(below, one.get(name), other.get(name), tolerance)
    elif _is_row(one) and _is_row(other) and len(one) == len(other):
        for number, (one_item, other_item) in enumerate(zip(one, other, strict=True)):
            yield from differences(f"{at}[{number}]", one_item, other_item, tolerance)
    elif not _is_equal(one, other, tolerance):
        yield at, one, other


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_equal(left: Any, right: Any, tolerance: float) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)
    return bool(left == right)


NOT_COMPARED = frozenset({
    "concluded", "rules_version", "registry_head", "owner_head", "warnings", "witnessed",
    "registration",
})  # fmt: skip
"""The keys of an assessment that do not depend on its journal, and are not compared."""

UNREADABLE = (msgspec.MsgspecError, KeyError, TypeError, ValueError)
"""What judging raises for an intact journal whose contents are not a campaign's."""

TOLERANCE = 1e-9
"""The relative difference of figures that the arithmetic of different machines may cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAgain:
    """The differences between an assessment and a new one with the installed rules.

    ``recorded`` and ``installed`` are the versions of the judging rules.
    """

    differences: tuple[str, ...]
    recorded: str
    installed: str

    @property
    def is_same_version(self) -> bool:
        """Whether the installed rules are those that the assessment was made with."""
        return self.recorded == self.installed


def judge_again(bundle: Bundle) -> JudgedAgain:
    """Judge a bundle's journal against the bundle's scheme with the installed rules.

    Raises UsageError if the bundle's scheme cannot be read, or differs from the scheme that is
    shipped under its name and version, or if the journal cannot be judged.
    """
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light
    from harness.store.assessments import assessment_document  # noqa: PLC0415 - the same
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - keep the start light

    scheme = _scheme(bundle)
    corrected = with_corrected_labels(bundle.journal, bundle.appeals)
    try:
        made = conclude(corrected, scheme)
    except UNREADABLE as error:  # a faulty bundle of somebody else, not an error of ours
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        msg = f"the journal of the bundle cannot be judged: {reason}"
        raise UsageError(msg) from None
    made = replace(made, journal_head=bundle.journal.head.printed())
    recorded_document, judged_document = (
        assessment_document(each) for each in (bundle.assessment, made)
    )
    changes = differences("", _by_id(recorded_document), _by_id(judged_document), TOLERANCE)
    return JudgedAgain(
        differences=tuple(
            f"{at}: recorded {_short(recorded)}, judged again {_short(judged)}"
            for at, recorded, judged in changes
        ),
        recorded=bundle.assessment.rules_version,
        installed=made.rules_version,
    )


def _scheme(bundle: Bundle) -> Scheme:
    from pydantic import ValidationError  # noqa: PLC0415 - only a bundle's scheme needs it

    from harness.model.declared import tupled  # noqa: PLC0415 - the same
    from harness.model.scheme import Scheme  # noqa: PLC0415 - the same
    from harness.schemes.load import load_scheme, shipped  # noqa: PLC0415 - keep the start light

    try:
        scheme = Scheme.model_validate(tupled(bundle.scheme))
    except ValidationError as error:
        msg = f"scheme.json of the bundle is not understood: {' '.join(str(error).split())[:200]}"
        raise UsageError(msg) from None
    if scheme.id in shipped():
        known_as = f"{scheme.id} {scheme.version}"
        own = load_scheme(scheme.id)
        if own.version != scheme.version:
            warn(
                f"scheme.json says {known_as}; this installation has version {own.version}, so "
                "scheme.json cannot be compared with the scheme that was shipped"
            )
        elif own != scheme:
            msg = f"scheme.json was changed: it is not the {known_as} that is shipped"
            raise UsageError(msg)
    return scheme


def _by_id(document: dict[str, Any]) -> dict[str, Any]:
    """The compared parts of an assessment's document, with outcomes by their ids."""
    compared = {name: value for name, value in document.items() if name not in NOT_COMPARED}
    return compared | {"outcomes": {outcome["id"]: outcome for outcome in document["outcomes"]}}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line's share

"""``accredit judge``: one verdict a line for other people's data, as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.printing import say_json
from harness.errors import UsageError
from harness.interop.bounded_lines import bounded_lines
from harness.interop.record import MEASUREMENT_IMPORTERS
from harness.untrusted.regular_file import open_regular

if TYPE_CHECKING:
    from harness.model.verdict import Verdict


FORMAT = Annotated[str, typer.Option("--format", help="See: accredit list importers.")]
FILE = Annotated[Path, typer.Argument(help="JSON lines; - reads standard input.")]


def judge_command(file: FILE, form: FORMAT) -> None:
    """Judge other people's measurements: a JSON line in, a JSON verdict out.

    A line that cannot be read becomes a JSON line on standard error, the others are judged,
    and the exit code is 2.
    """
    faults = 0
    for number, line in enumerate(lines_of(file), 1):
        if not line.strip():
            continue
        try:
            written = judge_line(line, form)
        except (ValueError, RecursionError) as error:
            faults += 1
            told = {"file": str(file), "line": number, "error": str(error)}
            say_json(json.dumps(told, ensure_ascii=False), to_stderr=True)
        else:
            say_json(json.dumps(written, ensure_ascii=False))
    raise typer.Exit(2 if faults else 0)


def judge_line(line: bytes, form: str) -> dict[str, Any]:
    """The verdict of one line, ready for JSON. Raises ValueError if it cannot be read."""
    from harness.judge.composite_measurements import judge_alone, judge_together  # noqa: PLC0415 - keep the start light

    record = MEASUREMENT_IMPORTERS.find(form)(line)
    verdict = judge_alone(record.trials[0]) if record.alone else judge_together(record.trials)
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

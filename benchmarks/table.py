"""The table of goals, in a terminal and between two marks of a document."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from benchmarks.goal import Result

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The last run of each topic: where, when (``measured``), and what it found."""

    machine: str
    measured: dict[str, str]
    results: dict[str, list[Result]]
    skipped: dict[str, str] = {}


def markdown(report: Report) -> str:
    """The table, with the machine and what was skipped."""
    lines = ["| goal | measured | set | met | figures | on |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {each.goal} | {f'{figure(each.value)} {each.unit}'.strip()} | {_bound(each)} "
        f"| {'yes' if each.is_met else '**no**'} | {each.note} | {report.measured[name]} |"
        for name, topic in report.results.items()
        for each in topic
    ]
    lines += ["", f"The last of them on: {report.machine}."]
    lines += [f"Not measured: {topic}, for {reason}." for topic, reason in report.skipped.items()]
    return "\n".join(lines)


def missed(report: Report) -> str:
    """The goals that were missed, by how far, the farthest first."""
    every = [
        (each, report.measured[name])
        for name, topic in report.results.items()
        for each in topic
        if not each.is_met
    ]
    lines = ["| goal | measured | set | missed by | on |", "|---|---|---|---|---|"]
    lines += [
        f"| {each.goal} | {f'{figure(each.value)} {each.unit}'.strip()} | {_bound(each)} "
        f"| {_far(each):.2f} \N{MULTIPLICATION SIGN} | {day} |"
        for each, day in sorted(every, key=lambda one: _far(one[0]), reverse=True)
    ]
    return "\n".join(lines)


def _far(result: Result) -> float:
    sides = result.value, result.bound
    return sides[1] / sides[0] if result.is_least else sides[0] / sides[1]


def put_between(document: Path, text: str) -> bool:
    """Put a text between the marks of a document; whether it has them."""
    whole = document.read_text(encoding="utf-8") if document.is_file() else ""
    marks = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not marks.search(whole):
        return False
    put = f"{BEGIN}\n{text}\n{END}"
    document.write_text(marks.sub(lambda _: put, whole), encoding="utf-8")
    return True


def figure(value: float) -> str:
    """A figure with as many digits as say something."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def _bound(result: Result) -> str:
    return f"{'≥' if result.is_least else '≤'} {result.bound:g} {result.unit}".strip()

"""``python -m benchmarks [topic ...] [--publish]``: measure goals, print them, keep them as JSON.

``latest.json`` keeps the last run; ``--publish`` also writes ``published.json``, and the tables
into the pages on performance and on missed goals. Topics that are not measured keep what they had.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks import (
    areas,
    conclude,
    corpora,
    false_conformance,
    hub_pages,
    journal,
    logs,
    names,
    pages,
    registry,
    repeated_retests,
    scale,
    silence,
    start_up,
    surveillance_evidence,
    waiting,
)
from benchmarks.goal import TOPICS, USUAL, Result, SkippedError
from benchmarks.machine import describe
from benchmarks.table import Report, figure, markdown, missed, put_between

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs/reference/performance.md"
MISSED = DOCUMENT.with_name("missed-goals.md")
MODULES = (
    pages,
    waiting,
    names,
    journal,
    logs,
    silence,
    scale,
    conclude,
    corpora,
    start_up,
    surveillance_evidence,
    false_conformance,
    areas,
    registry,
    repeated_retests,
    hub_pages,
)
"""Imported so that their topics are known."""


def main(words: Sequence[str]) -> int:
    """Measure the named topics, or the usual ones."""
    if others := {word for word in words if word.startswith("-")} - {"--publish"}:
        print(f"no option {', '.join(sorted(others))}; the only one is --publish", file=sys.stderr)
        return 2
    chosen = [word for word in words if not word.startswith("-")] or USUAL
    unknown = [word for word in chosen if word not in TOPICS]
    if unknown:
        print(f"no topic {', '.join(unknown)}; there are: {', '.join(TOPICS)}", file=sys.stderr)
        return 2
    machine = describe()
    results, measured, skipped = _before()
    day = datetime.now(UTC).date().isoformat()
    for name in chosen:
        results[name], measured[name] = [], day
        skipped.pop(name, None)
        try:
            for result in TOPICS[name]():
                results[name].append(result)
                met = "met" if result.is_met else "MISSED"
                print(f"{result.goal}: {figure(result.value)} {result.unit} {met} ({result.note})")
        except SkippedError as reason:
            skipped[name] = str(reason)
            print(f"{name}: skipped, {reason}")
    report = Report(machine=machine, measured=measured, results=results, skipped=skipped)
    kept = msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
    (HERE / "latest.json").write_bytes(kept)
    print(f"\n{markdown(report)}")
    if "--publish" in words:
        (HERE / "published.json").write_bytes(kept)
        put_between(DOCUMENT, markdown(report))
        put_between(MISSED, missed(report))
    return 0


def _before() -> tuple[dict[str, list[Result]], dict[str, str], dict[str, str]]:
    """What the last run found, or else the published one: results, days, and what was skipped."""
    latest, published = HERE / "latest.json", HERE / "published.json"
    last = latest if latest.exists() else published
    report = msgspec.json.decode(last.read_bytes(), type=Report)
    results = {name: report.results.get(name, []) for name in TOPICS}
    return results, report.measured, report.skipped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

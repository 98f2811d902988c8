"""The table in the guide on stopping early: how many items a test takes, and how it ends."""

from __future__ import annotations

from pathlib import Path

from harness.estimate.planning import course
from harness.estimate.stopping_tests import SprtPlan

PAGE = Path(__file__).parents[2] / "docs/how-to/stop-early.md"
RATES, MOST, ROWS = (0.8, 0.85, 0.9, 0.95, 0.98, 0.99), (250, 1000), 11
HEAD = "| true rate | items in all | items tried on average | conforms | does not conform | undecided |"
PLAN = SprtPlan(bad=0.9, good=0.98, alpha=0.05)


def stop_early_page() -> str:
    """The guide with the table as it is computed now."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(HEAD)
    after = rest[rest.index("\n\n") :]
    return f"{before}{HEAD}\n|---|---|---|---|---|---|\n{table()}{after}"


def table() -> str:
    """A row for each rate and number of items; a failure stands among ROWS rows (Holm)."""
    rows = []
    for rate in RATES:
        for most in MOST:
            ends = course(PLAN, rate, most, PLAN.alpha / ROWS)
            open_ = max(0.0, 1 - ends.passes - ends.fails_among)
            shares = (ends.passes, ends.fails_among, open_)
            said = " | ".join(f"{share * 100:.1f} %" for share in shares)
            rows.append(f"| {rate * 100:.3g} % | {most} | {ends.items:.0f} | {said} |")
    return "\n".join(rows)

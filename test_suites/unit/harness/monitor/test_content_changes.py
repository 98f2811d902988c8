"""Changes between the runs of a surveillance are named once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.model.content_identity import Parts
from harness.model.surveillance_event import RunResult, SurveillanceRun
from harness.monitor.content_changes import content_changes

FIRST = datetime(2026, 11, 2, 9, tzinfo=UTC)
A: Parts = (("line proxy", "a" * 64), ("scheme s", "1 " + "b" * 64))
B: Parts = (("line proxy", "c" * 64), ("scheme s", "1 " + "b" * 64))
EDITED: Parts = (("line proxy", "c" * 64), ("scheme s", "1 " + "d" * 64))


def run(
    week: int, parts: Parts, site: str = "School", result: RunResult = "measured"
) -> SurveillanceRun:
    due = FIRST + timedelta(weeks=week)
    return SurveillanceRun(
        at=due, actor="a", service="s", monitoring="m", site=site, schedule="weekly", due=due,
        result=result, measured_with=parts,
    )  # fmt: skip


def test_a_change_is_named_where_it_began_and_once() -> None:
    runs = [
        run(0, A),
        run(1, A),
        run(2, B),
        run(3, (), result="failed"),
        run(4, B),
        run(5, EDITED),
        run(5, B, site="Other"),
        run(6, (), site="Other"),
        run(7, B, site="other"),
    ]

    first, second = content_changes(runs)

    assert (first.due, first.sentence) == (
        FIRST + timedelta(weeks=2),
        f"line proxy differs ({'a' * 12}, now {'c' * 12})",
    )
    assert "another content under the same version" in second.sentence
    assert str(first).startswith("changed with the run of 2026-11-16 (School, weekly): line proxy")

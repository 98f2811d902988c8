"""A digest of what is due, in words: lane by lane, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from harness.follow.due_dates import in_words
from harness.model.obligation import Lane, Obligation


def digest_lines(found: Sequence[Obligation], now: datetime) -> Iterator[str]:
    """Yield the lines of a digest: each lane, and its obligations. An empty lane says so.

    ``found`` are in the order of ``worst_first``. Names are as they were given: who prints the
    lines escapes them.
    """
    for lane in Lane:
        held = [one for one in found if one.lane is lane]
        yield f"{lane}: {len(held) if held else 'nothing'}"
        for one in held:
            yield f"  {subject_of(one)}: {one.what}, {in_words(one, now)}"
            yield f"    {one.who}: {one.act}"


def subject_of(one: Obligation) -> str:
    """What an obligation is about: ``Acme, P-0001 (Safe Net, URL-01, Crit)``."""
    level = f"escalated to {one.level}" if one.level else ""
    parts = [part for part in (one.service, one.requirement, one.severity, level) if part]
    about = f"{one.about} ({', '.join(parts)})" if parts else one.about
    return f"{one.supplier}, {about}" if one.supplier else about


def counted(found: Sequence[Obligation]) -> str:
    """How many obligations are in each lane that has some: ``2 overdue, 1 on track``."""
    numbers = {lane: sum(one.lane is lane for one in found) for lane in Lane}
    return ", ".join(f"{number} {lane}" for lane, number in numbers.items() if number)

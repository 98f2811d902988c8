"""What a journal was measured with, as rows for people: the start whole, then what changed."""

from __future__ import annotations

from harness.model.outcome import Assessment

NONE = "The journal does not say what it was measured with: it was made before this was recorded."
Rows = tuple[tuple[str, str], ...]


def instrument_tables(assessment: Assessment) -> tuple[tuple[str, Rows], ...]:
    """Titles and rows: all of the first record, and of each later one only what differs."""
    tables: list[tuple[str, Rows]] = []
    before: dict[str, str] = {}
    for record in assessment.instrument:
        rows = dict(record.rows)
        changed = tuple((name, value) for name, value in rows.items() if before.get(name) != value)
        gone = tuple((name, "no longer there") for name in before if name not in rows)
        word = "Changed" if before else "As of"
        tables.append((f"{word} {record.at:%Y-%m-%d %H:%M} UTC", changed + gone))
        before = rows
    return tuple(tables)


def told_briefly(assessment: Assessment) -> str:
    """The newest record in one line, and how often it changed; empty without a record."""
    if not assessment.instrument:
        return ""
    last, changes = assessment.instrument[-1], len(assessment.instrument) - 1
    facts = [last.python, last.tls_library, last.kernel]
    facts += [f"ClientHello {hello.told.partition(';')[0]}" for hello in last.hellos[:1]]
    facts.append(f"clock {last.clock.told}")
    changed = f" (changed {changes} times in this campaign)" if changes else ""
    return f"Measured with {'; '.join(filter(None, facts))}{changed}"

"""The record of a school's own check for people: one HTML page, and lines for the terminal.

The words say what happened to single addresses, what to do next, and what a check cannot show. It
never says that a service fulfils anything: that takes a campaign with a control line. Text from a
filter's pages is hostile input and escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from harness.model.school_check import (
    NO_CONNECTION,
    PARTS,
    Attention,
    CheckRecord,
    CheckRow,
    Part,
    Result,
    changes_since,
)
from reports.words import capitalised

if TYPE_CHECKING:
    from jinja2 import Template

TITLES: dict[Part, str] = {
    "start": "Ordinary pages",
    "agency": "Test pages of agencies",
    "vendor": "Test pages of filter vendors",
    "names": "Names of your hidden list",
    "search": "Safe search",
    "encrypted_dns": "Encrypted name servers",
    "certificate": "Encrypted connections",
}
"""The title of each part, in the words of a school."""

EXPLAINED: dict[Part, str] = {
    "start": "Pages that every school may see. They show whether the connection works.",
    "agency": "Harmless pages of agencies, which every filter should block.",
    "vendor": "Most of these pages are known to their vendor's own products only. They are shown "
    "for information, except those of your own supplier.",
    "names": "Each name was looked up and connected to. No page was fetched, and the names are "
    "not stored: the record holds a keyed digest of each.",
    "search": "Whether the name server or the network forces the strict setting of each engine.",
    "encrypted_dns": "Where these can be used, pupils can get round a filter that works by names.",
    "certificate": "Who issued the certificates that this laptop was shown. This is reported, and "
    "not judged.",
}
"""What each part is about, in one or two sentences."""

NEXT: dict[Part, str] = {
    "start": "Check the connection and run the check again.",
    "agency": "Show this page to your supplier, and ask why the test page is not blocked for this "
    "user group.",
    "vendor": "Show this page to your supplier: its own test page is not blocked here.",
    "names": "Ask your supplier for the category of this name, and why this user group reaches it.",
    "search": "Force safe search in the name server, the proxy or the browsers of this user group.",
    "encrypted_dns": "Ask your supplier to block encrypted name servers, and lock the devices to "
    "the school's own.",
}
"""What to do about a result that needs attention."""

LOOK = "Open the address in a browser on the same device, and write down what you see."
"""What to do about a result that could not be told."""

MARKS = {Attention.NEEDED: "!", Attention.NOT_TOLD: "?", Attention.INFORMATION: "?"}


def headline(record: CheckRecord) -> str:
    """The outcome of a check in one or two sentences."""
    needed, untold = record.count(Attention.NEEDED), record.count(Attention.NOT_TOLD)
    parts: list[str] = []
    if needed:
        parts.append(f"{_things(needed)} attention.")
    elif record.exit_code == 0:
        parts.append("Nothing that was tried here needs attention.")
    if untold:
        parts.append(f"{untold} of {len(record.rows)} results could not be told.")
    elif not parts:
        parts.append("Nothing could be told.")
    if _has_no_connection(record):
        parts.append(f"{capitalised(NO_CONNECTION)}.")
    if record.stopped:
        parts.append("The check was stopped before its end.")
    if record.circumstances.rehearsal:
        parts.insert(0, "Rehearsal on a test range.")
    return " ".join(parts)


def _has_no_connection(record: CheckRecord) -> bool:
    """Whether nothing but ordinary pages was tried, because most of them did not arrive."""
    return bool(record.lost) and all(row.part == "start" for row in record.rows)


def _things(count: int) -> str:
    return "1 thing needs" if count == 1 else f"{count} things need"


def limits(record: CheckRecord) -> Iterator[str]:
    """What the check cannot show, one sentence or two each."""
    if record.circumstances.rehearsal:
        yield (
            "This was a rehearsal: a test range on this machine played the test pages. It says "
            "nothing about a real service."
        )
    if record.lost:
        yield (
            f"Ordinary pages did not arrive {_times(record.lost)}. What looked blocked around "
            "that time could not be told."
        )
    yield (
        f"It tried {len(record.rows)} addresses on one device, in one place, for one user group. "
        "It shows nothing about other addresses, devices, places or groups."
    )
    yield (
        "There was no unfiltered connection beside it. So a page that did not come counts as "
        "blocked only where a block page, a refusal or an address that leads nowhere came. Silence "
        "does not count."
    )
    yield "A filter may know these public test pages, and still let other pages through."
    yield (
        "It did not try whether pages are blocked that pupils need, whether searches are "
        "monitored, or what apps can do."
    )
    yield (
        "A program on this laptop, such as a virus scanner, may have blocked a page instead of "
        "the filter."
    )
    yield (
        "Pages were not opened in the school's browsers. A filter that is an extension of a "
        "browser was not tested."
    )
    yield "A filter that changes its rules by the time of day may answer otherwise at another hour."
    yield "It does not replace a test by an assessor with an unfiltered line."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do about some rows."""

    title: str
    action: str
    rows: tuple[CheckRow, ...]


def steps(record: CheckRecord) -> Iterator[Step]:
    """What to do: for each part what needs attention, then what could not be told.

    Ordinary pages are among them where nothing else was tried.
    """
    if _has_no_connection(record):
        missed = tuple(row for row in record.rows if row.result is not Result.ARRIVED)
        yield Step(title=TITLES["start"], action=NEXT["start"], rows=missed)
        return
    needed = list(record.rows_of(Attention.NEEDED))
    for part in PARTS:
        if rows := tuple(row for row in needed if row.part == part):
            yield Step(title=TITLES[part], action=NEXT[part], rows=rows)
    if rows := tuple(record.rows_of(Attention.NOT_TOLD)):
        yield Step(title="Could not be told", action=LOOK, rows=rows)


def by_part(record: CheckRecord) -> list[tuple[Part, list[CheckRow]]]:
    """The rows of each part, those that ask for something first."""
    order = list(Attention)
    found: list[tuple[Part, list[CheckRow]]] = []
    parts: tuple[Part, ...] = ("start", *PARTS)
    for part in parts:
        rows = [row for row in record.rows if row.part == part]
        if rows:
            found.append((part, sorted(rows, key=lambda row: order.index(row.attention))))
    return found


def facts(record: CheckRecord) -> list[tuple[str, str]]:
    """The fields of the record that a school keeps; what was not stated is shown as such."""
    stated = record.circumstances
    blank = "not stated – write it in by hand"  # noqa: RUF001 - a dash is meant
    return [
        ("Date", moment(record.begun)),
        ("By", stated.by or blank),
        ("Site", stated.site or blank),
        ("Place", stated.place or blank),
        ("Device", stated.device or blank),
        ("User group", stated.group or blank),
        ("Connection to the internet", stated.connection),
        ("What was tried", tried(record)),
        *(("Not tried", capitalised(each)) for each in record.not_tried),
        ("Result", headline(record)),
        ("Action", stated.action or blank),
    ]


def moment(at: datetime) -> str:
    """A date and time for people."""
    return f"{at.day} {at:%B %Y, %H:%M} {at.tzname() or 'UTC'}"


def tried(record: CheckRecord) -> str:
    """What was tried, in a few words."""
    counts = [f"{TITLES[part].lower()}: {len(rows)}" for part, rows in by_part(record)]
    return capitalised("; ".join(counts)) or "Nothing"


def terminal_lines(record: CheckRecord) -> Iterator[str]:
    """The record for the terminal: the outcome first, then what asks for something."""
    yield headline(record)
    for step in steps(record):
        yield ""
        yield f"{step.title}: {step.action}"
        for row in step.rows:
            yield f"  {MARKS[row.attention]} {capitalised(row.what)}: {row.result}; {row.reason}"
    yield ""
    yield "What this check cannot show:"
    for sentence in limits(record):
        yield f"  - {sentence}"
    if missing := record.circumstances.missing:
        yield ""
        yield f"The record lacks: {', '.join(missing)}. Write it in by hand, or give the options."


@cache
def _template() -> Template:
    """The template, read once."""
    from reports.page_templates import page_environment  # noqa: PLC0415 - Jinja is read on demand

    page = page_environment()
    page.filters["sentence"] = capitalised
    return page.get_template("school_check.html.j2")


def render_check(record: CheckRecord, earlier: Sequence[CheckRecord] = ()) -> str:
    """The record as a self-contained HTML page; ``earlier`` checks are listed, the last first."""
    where = record.circumstances.where
    last = next((each for each in earlier if each.circumstances.where == where), None)
    return _template().render(
        record=record,
        headline=headline(record),
        facts=facts(record),
        parts=by_part(record),
        limits=list(limits(record)),
        earlier=[(each, headline(each)) for each in earlier],
        is_same=last is not None and _is_whole(last) and _is_whole(record),
        changes=() if last is None else changes_since(last, record.rows),
        titles=TITLES,
        explained=EXPLAINED,
        steps=list(steps(record)),
        moment=moment,
    )


def _is_whole(record: CheckRecord) -> bool:
    """Whether a check came to its end, and tried more than ordinary pages."""
    return not record.stopped and any(row.part != "start" for row in record.rows)

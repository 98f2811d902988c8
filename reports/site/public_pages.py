"""The public pages and files of the register: HTML, JSON, CSV and a feed of changes.

All of them are made from ``PublicRegister`` and the catalogue alone, so that they can hold nothing
else.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from harness.model.decision import Status
from harness.model.outcome import Conformity
from harness.untrusted.visible_text import spreadsheet_cell
from reports.next_steps import day
from reports.requirement_table import WORST_FIRST
from reports.site.buyers_guide import guide_areas
from reports.site.page_maker import (
    STATUS_STATES,
    PageMaker,
    Site,
    counted,
    number_word,
)
from reports.site.public_facts import Feature, PublicRegister, PublicService
from reports.site.status_feed import status_feed
from reports.site.trend_chart import Span, Timeline
from reports.words import AREAS, STATUSES, capitalised

PUBLIC = Site(
    name="Register of filtered services",
    navigation=(("Services", "index.html"), ("What to ask", "guide.html")),
)


def public_files(register: PublicRegister) -> dict[str, bytes]:
    """All files of the public folder, by their paths within it."""
    maker = PageMaker(PUBLIC, register.as_of)
    files = {
        "index.html": maker.page(
            "register.html.j2",
            "index.html",
            PUBLIC.name,
            groups=groups_of(register.services),
            **register_contents(register),
        ),
        "guide.html": maker.page("guide.html.j2", "guide.html", GUIDE, **guide_contents()),
        "register.json": register_json(register),
        "register.csv": register_table(register),
        "feed.xml": status_feed(register),
    }
    for service in register.services:
        here = f"services/{service.page}.html"
        files[here] = maker.page(
            "service.html.j2",
            here,
            title_of(service),
            **service_contents(service, register.as_of),
        )
    return files


def register_contents(register: PublicRegister) -> dict[str, Any]:
    """What the page of the register shows, beside the groups of services."""
    compared = [each for each in register.services if each.outcomes]
    return {
        "lead": _lead(register),
        "strips": {each.page: _strip(each, register.as_of) for each in register.services},
        "histories": {each.page: _history(each) for each in register.services},
        "checks": register.field,
        "compared": compared,
        "features": _features(compared),
    }


def service_contents(service: PublicService, now: datetime) -> dict[str, Any]:
    """What the page of a service shows."""
    return {
        "service": service,
        "lead": _lead_of(service),
        "strip": _strip(service, now),
        "history": _history(service),
        "outcomes": sorted(service.outcomes, key=lambda each: WORST_FIRST.index(each.conformity)),
    }


def title_of(service: PublicService) -> str:
    """The title of a service's page: its name, version and status."""
    return f"{service.name} {service.version}: {STATUSES[service.status]}"


def register_json(register: PublicRegister) -> bytes:
    """The register as JSON, in UTF-8."""
    return msgspec.json.format(msgspec.json.encode(register), indent=2) + b"\n"


def _lead(register: PublicRegister) -> str:
    total = len(register.services)
    if not total:
        return "No service has been accredited yet."
    accredited = sum(each.is_accredited for each in register.services)
    listed = capitalised(counted(total, "version is listed", "versions are listed"))
    now = "It is accredited" if total == accredited == 1 else f"{_of(accredited, total)} accredited"
    return f"{listed}. {now} today. Each was measured before the decision."


def _of(count: int, total: int) -> str:
    if count == total:
        return "Both are" if total == PAIR else f"All {number_word(total)} are"
    return capitalised(counted(count, "is", "are")) if count else "None is"


PAIR = 2


def groups_of(services: Iterable[PublicService]) -> list[tuple[str, list[PublicService]]]:
    """The services under their headings: accredited ones, and others."""
    listed = list(services)
    groups = [
        ("Accredited", [each for each in listed if each.is_accredited]),
        ("Not accredited now", [each for each in listed if not each.is_accredited]),
    ]
    return [(heading, group) for heading, group in groups if group]


def _features(services: Sequence[PublicService]) -> list[tuple[str, list[Feature]]]:
    """A row for each subject that was tested of at least one service."""
    subjects = dict.fromkeys(area for each in services for area in each.features)
    rows: list[tuple[str, list[Feature]]] = [
        (AREAS.get(area, area), [each.features.get(area, "not-tested") for each in services])
        for area in subjects
    ]
    return sorted(rows, key=lambda row: row[0])


def _lead_of(service: PublicService) -> str:
    """The answer to what a school asks of a service, in two sentences."""
    status, since = STATUSES[service.status].lower(), day(service.since)
    until = f" until {day(service.valid_until)}" if service.valid_until else ""
    first = f"This version is {status}{until}."
    if not service.is_accredited:
        because = f", {service.why}" if service.why else ""
        since = (
            "" if service.status is Status.NOT_YET else f": it is {status} since {since}{because}"
        )
        first = f"This version is not accredited today{since}."
    if not service.outcomes:
        return first
    counts, total = service.counts, len(service.outcomes)
    limit = f" ({service.limit})" if service.limit else ""
    met = f"It met {counts[Conformity.CONFORMS]} of {total} requirements{limit}"
    open_ = counts[Conformity.INSUFFICIENT]
    undecided = f"; {counted(open_, 'was', 'were')} not decided" if open_ else ""
    failures = len(service.findings)
    correcting = (
        f" {capitalised(counted(failures, 'failure is', 'failures are'))} being corrected."
        if failures
        else ""
    )
    if late := sum(one.is_overdue for one in service.findings):
        correcting += f" {capitalised(counted(late, 'plan is', 'plans are'))} overdue."
    return f"{first} {met}{undecided}.{correcting}"


def _strip(service: PublicService, now: datetime) -> tuple[Span, ...]:
    """The statuses of an accreditation over time."""
    first = service.history[0].since
    timeline = Timeline(first, max(now, first))
    spans = []
    for period in service.history:
        x, end = timeline.place(period.since), timeline.place(period.until or now)
        state = STATUS_STATES[period.status]
        spans.append(Span(x, round(max(end - x - 0.3, 0.6), 2), state))
    return tuple(spans)


def _history(service: PublicService) -> str:
    """The statuses in words, for readers who do not see the strip."""
    told = [
        f"{STATUSES[each.status]} from {day(each.since)} {each.why}".rstrip()
        for each in service.history
    ]
    return "; ".join(told)


GUIDE = "What to ask before you buy"


def guide_contents() -> dict[str, Any]:
    """What the buyers' guide shows."""
    found = guide_areas()
    return {"areas": found, "total": sum(len(area.rows) for area in found)}


COLUMNS = (
    "service", "version", "supplier", "white_labels", "scheme", "scheme_version", "status",
    "since", "valid_until", "certificate", "measured", "requirements", "conforms",
    "does_not_conform", "not_decided", "open_failures", "next_due", "overdue",
)  # fmt: skip


def register_table(register: PublicRegister) -> bytes:
    """The register as CSV (RFC 4180) in UTF-8: one line a service; times are ISO 8601."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for each in register.services:
        counts = each.counts
        dues = [one.due for one in each.findings if one.due is not None]
        writer.writerow(
            map(
                _cell,
                (
                    each.name, each.version, each.supplier, ", ".join(each.white_labels),
                    each.scheme, each.scheme_version, str(each.status), each.since,
                    each.valid_until, each.certificate, each.measured, len(each.outcomes),
                    counts[Conformity.CONFORMS], counts[Conformity.DOES_NOT_CONFORM],
                    counts[Conformity.INSUFFICIENT], len(each.findings), min(dues, default=None),
                    sum(one.is_overdue for one in each.findings),
                ),
            )
        )  # fmt: skip
    return file.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return spreadsheet_cell("" if value is None else str(value))

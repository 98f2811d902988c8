"""The pages of sites: where the agent of each site stands, and what a school sees of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from harness.model.hub_access import Permission, Role
from harness.model.stream import same_name
from harness.untrusted.visible_text import spreadsheet_cell
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.rendering import page
from reports.dashboard.sites_port import SiteFacts, SitesPort, SiteState
from reports.site.page_maker import counted, number_word
from reports.words import capitalised

PAGE_ROWS = 50
SIGNS: dict[SiteState, str] = {
    "alive": "conforms",
    "silent": "silent",
    "enrolled": "no-data",
    "invited": "no-data",
    "expired": "no-data",
    "revoked": "stopped",
    "none": "no-data",
}
"""The state that an agent is shown as."""

WORDS: dict[SiteState, str] = {
    "alive": "Alive",
    "silent": "Probe silent",
    "enrolled": "Enrolled, not heard yet",
    "invited": "Invited",
    "expired": "Invitation expired",
    "revoked": "Revoked",
    "none": "No agent",
}
WORST_FIRST: tuple[SiteState, ...] = (
    "silent", "revoked", "expired", "enrolled", "invited", "none", "alive",
)  # fmt: skip

LARGE_OFFSET = 5.0
"""Seconds; a larger error of a clock is shown as something to look at."""

State = Annotated[str, Query(max_length=20)]
Name = Annotated[str, Query(max_length=200)]
From = Annotated[int, Query(ge=0, le=1_000_000)]

COLUMNS = (
    "site", "service", "supplier", "state", "agent", "heard", "bracket_held", "bracket_failed",
    "clock_offset_seconds", "clock_bound_seconds", "clock_age_seconds", "intercepted", "issuer",
    "proxy", "version", "waiting", "put_aside", "trouble", "schedules", "next_run", "last_run",
    "last_campaign", "service_status",
)  # fmt: skip


def routes(port: SitesPort) -> APIRouter:
    """The routes of these pages; they need the permission ``read-sites``."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sites")
    def sites(
        request: Request, viewer: AnyViewer, state: State = "", q: Name = "", start: From = 0
    ) -> HTMLResponse:
        require(viewer, Permission.READ_SITES)
        found = worst_first(port.sites(viewer))
        if viewer.role is Role.SCHOOL:
            return page(request, "school_sites.html.j2", _school_title(found), sites=found)
        matched = [each for each in found if _matches(each, state, q)]
        shown = port.with_runs(viewer, matched[start : start + PAGE_ROWS])
        asked = {"state": state, "q": q}
        return page(
            request,
            "sites.html.j2",
            title_of(found),
            lead=lead_of(found),
            total=len(found),
            sites=shown,
            chosen=asked,
            said=_said(start, shown, matched),
            next_url=_url(asked, start + PAGE_ROWS) if matched[start + PAGE_ROWS :] else "",
            previous_url=_url(asked, max(0, start - PAGE_ROWS)) if start else "",
            csv_url="/sites.csv?" + urlencode(asked),
            signs_of=SIGNS,
            words_of=WORDS,
            large_offset=LARGE_OFFSET,
            states=[("", "Any state"), *((each, WORDS[each]) for each in WORST_FIRST)],
        )

    @router.get("/sites.csv")
    def as_csv(viewer: AnyViewer, state: State = "", q: Name = "") -> Response:
        require(viewer, Permission.READ_SITES)
        found = worst_first(port.sites(viewer))
        rows: Sequence[SiteFacts] = [each for each in found if _matches(each, state, q)]
        if viewer.role is not Role.SCHOOL:
            rows = port.with_runs(viewer, rows)
        headers = {"Content-Disposition": 'attachment; filename="sites.csv"'}
        return Response(sites_table(rows), 200, headers, "text/csv; charset=utf-8")

    return router


def worst_first(sites: Iterable[SiteFacts]) -> list[SiteFacts]:
    """The sites whose agents need somebody first; within a state in their order."""
    return sorted(sites, key=lambda each: WORST_FIRST.index(each.state))


def title_of(sites: list[SiteFacts]) -> str:
    """The answer of the page: how many sites, and how many of them are silent."""
    if not sites:
        return "No site is monitored yet"
    total = capitalised(counted(len(sites), "site", "sites"))
    silent = sum(each.state == "silent" for each in sites)
    if silent:
        return f"{total}: {counted(silent, 'probe is silent', 'probes are silent')}"
    alive = sum(each.state == "alive" for each in sites)
    if alive == len(sites):
        return f"{total}: every probe is alive"
    return f"{total}: {counted(alive, 'probe is alive', 'probes are alive')}"


def lead_of(sites: list[SiteFacts]) -> str:
    """What else somebody should look at, in a sentence."""
    if not sites:
        return ""
    said = []
    failing = sum(bool(each.failed) for each in sites)
    if failing:
        said.append(counted(failing, "cannot measure now", "cannot measure now"))
    opened = sum(each.is_intercepted is True for each in sites)
    if opened:
        said.append(counted(opened, "reports that TLS is opened", "report that TLS is opened"))
    without = sum(each.state in ("none", "invited", "expired", "revoked") for each in sites)
    if without:
        said.append(counted(without, "has no agent at work", "have no agent at work"))
    if not said:
        return "Each tried its agreed pages in the last two hours, or waits for its first order."
    return f"{capitalised('; '.join(said))}."


def sites_table(sites: Iterable[SiteFacts]) -> bytes:
    """The sites as CSV (RFC 4180) in UTF-8; times are ISO 8601, clocks in seconds."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for each in sites:
        due = [one.next for one in each.schedules if one.next is not None]
        values = (
            each.site, each.service, each.supplier, each.state, each.agent, each.contact,
            each.measured, each.failed, each.clock_offset, each.clock_bound, each.clock_age,
            each.is_intercepted, each.issuer, each.proxy, each.version, each.waiting, each.aside,
            each.trouble, ", ".join(one.name for one in each.schedules), min(due, default=None),
            each.last_run, each.last_campaign, each.status,
        )  # fmt: skip
        writer.writerow(map(_cell, values))
    return file.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | int):
        return str(value)
    return spreadsheet_cell("" if value is None else str(value))


def _school_title(sites: list[SiteFacts]) -> str:
    if not sites:
        return "No site of yours is monitored"
    silent = sum(each.state == "silent" for each in sites)
    if silent:
        return "Your probe is silent" if len(sites) == 1 else _silent_of(silent)
    if all(each.state == "alive" and not each.failed for each in sites):
        return "Your filter is on, and your probe is heard"
    return "Your filter and your probe"


def _silent_of(count: int) -> str:
    return (
        f"{capitalised(number_word(count))} of your probes {'is' if count == 1 else 'are'} silent"
    )


def _matches(site: SiteFacts, state: str, text: str) -> bool:
    names = (site.site, site.service, site.supplier)
    return state in ("", site.state) and any(same_name(text) in same_name(one) for one in names)


def _said(start: int, shown: Sequence[SiteFacts], matched: Sequence[SiteFacts]) -> str:
    if not shown:
        return "No site"
    return f"Sites {start + 1} to {start + len(shown)} of {len(matched)}"


def _url(asked: dict[str, str], start: int) -> str:
    return "/sites?" + urlencode({**asked, "start": start})

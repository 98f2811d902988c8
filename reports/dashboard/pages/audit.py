"""The audit log: who did, read and changed what, newest first, as it stands in the chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from harness.model.access_event import (
    AccessEvent,
    ActCarriedOut,
    BundleUploaded,
    EvidenceRead,
    PersonDisabled,
    PersonRecorded,
    SessionsRevoked,
    SignedIn,
    SignInRefused,
    TokenMade,
    TokenRevoked,
)
from harness.model.event import Event
from harness.model.event_times import in_utc
from harness.model.hub_access import Permission
from harness.store.hub.audit_log import LogEntry, log_entries
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.account_parts import AccountParts
from reports.dashboard.csv_answers import csv_answer
from reports.dashboard.pages.administration import PATH, tabs
from reports.dashboard.rendering import page

ROWS = 25
AT_ONCE = 1000
COLUMNS = ("position", "when", "who", "did", "on")


class LogRow(NamedTuple):
    """An entry in words."""

    position: int
    at: str
    who: str
    did: str
    on: str


def routes(parts: AccountParts) -> APIRouter:
    """The routes of the log."""
    router = APIRouter(include_in_schema=False)

    @router.get(f"{PATH}/audit")
    def show(
        request: Request, viewer: AnyViewer, before: Annotated[int, Query(ge=0, lt=2**31)] = 0
    ) -> HTMLResponse:
        require(viewer, Permission.READ_AUDIT)
        found = log_entries(parts.registry, before=before, most=ROWS)
        emails = _emails(parts)
        oldest = found[-1].position if found else 1
        return page(
            request, "audit.html.j2", "Audit log", rows=[row_of(each, emails) for each in found],
            next_url=f"{PATH}/audit?before={oldest}" if oldest > 1 else "",
            previous_url=f"{PATH}/audit" if before else "", tabs=tabs(viewer, f"{PATH}/audit"),
            at=PATH,
        )  # fmt: skip

    @router.get(f"{PATH}/audit.csv")
    def table(viewer: AnyViewer) -> Response:
        require(viewer, Permission.READ_AUDIT)
        return csv_answer("audit-log", COLUMNS, _all(parts))

    return router


def _emails(parts: AccountParts) -> dict[str, str]:
    return {each.id: each.email for each in parts.accounts.all()}


def _all(parts: AccountParts) -> Iterator[LogRow]:
    """The whole log, newest first, a part at a time."""
    before, emails = 0, _emails(parts)
    while found := log_entries(parts.registry, before=before, most=AT_ONCE):
        yield from (row_of(each, emails) for each in found)
        before = found[-1].position
        if before == 1:
            return


def row_of(entry: LogEntry, emails: Mapping[str, str]) -> LogRow:
    """An entry in words; ``emails`` are the e-mail addresses of people by their ids."""
    event = entry.event
    on = _on_account(event, emails) if isinstance(event, AccessEvent) else event.about
    return LogRow(entry.position, in_utc(event.at), event.actor, _did(event), on)


def _did(event: Event) -> str:
    kind = str(event.__struct_config__.tag).replace("-", " ")
    match event:
        case SignedIn(by=by) | SignInRefused(by=by):
            return f"{kind} ({by})"
        case ActCarriedOut(act=act):
            return act.replace("-", " ")
        case _:
            return kind


def _on_account(event: AccessEvent, emails: Mapping[str, str]) -> str:
    whose = emails.get(event.person, event.person)
    match event:
        case PersonRecorded():
            on = _membership(event)
        case PersonDisabled(reason=reason):
            on = f"{whose}: {reason}"
        case SignedIn(address=address) | SignInRefused(address=address):
            on = f"from {address}"
        case SessionsRevoked(number=number):
            on = f"{number} of {whose}"
        case TokenMade():
            on = f"{event.token} of {whose}: {event.label} ({', '.join(event.scopes)})"
        case TokenRevoked(token=token):
            on = f"{token} of {whose}"
        case EvidenceRead() | BundleUploaded() | ActCarriedOut():
            on = _on_results(event)
        case _:
            on = whose
    return on


def _membership(event: PersonRecorded) -> str:
    suppliers = "every supplier" if event.streams is None else ", ".join(event.streams)
    held = filter(None, (event.role, suppliers, ", ".join(event.sites)))
    return f"{event.name} <{event.email}>: {'; '.join(held)}"


def _on_results(event: EvidenceRead | BundleUploaded | ActCarriedOut) -> str:
    match event:
        case EvidenceRead():
            return " / ".join(filter(None, (event.stream, event.campaign, event.item)))
        case BundleUploaded():
            return f"{event.name} ({event.size:,} bytes, SHA-256 {event.sha256})"
        case ActCarriedOut():
            return f"{event.stream} / {event.subject}"

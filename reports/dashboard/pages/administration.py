"""Who may do what on a hub: its people, roles, API tokens and sessions. Administrators alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from harness.errors import UsageError
from harness.model.hub_access import GRANTS, Permission, Role, Viewer
from harness.model.stream import supplier_name
from harness.store.hub.api_tokens import ApiToken
from harness.store.hub.people import Person
from harness.store.hub.sessions import Session
from reports.dashboard.access import AnyViewer, NotHere, Refusal, require
from reports.dashboard.account_parts import AccountParts
from reports.dashboard.csv_answers import Cell, csv_answer
from reports.dashboard.forms import Posted
from reports.dashboard.rendering import page
from reports.words import capitalised

PATH = "/admin"
SOON = timedelta(days=14)
"""A token that ends within this time is marked."""

PERMISSION_WORDS = {
    Permission.READ_RESULTS: "Read figures of services, campaigns and requirements",
    Permission.READ_ITEMS: "Read what happened to each item",
    Permission.READ_EVIDENCE: "Read observations and bodies that were kept",
    Permission.READ_PLANS: "Read action plans",
    Permission.READ_DECISIONS: "Read decisions",
    Permission.READ_ALARMS: "Read alarms",
    Permission.READ_SITES: "See sites and the state of their agents",
    Permission.UPLOAD: "Send signed bundles",
    Permission.PROPOSE_PLAN: "Submit a plan, report progress, claim a fix",
    Permission.AGREE_PLAN: "Agree or escalate a plan",
    Permission.CLOSE_PLAN: "Close a plan",
    Permission.REVIEW: "Review an evaluation before it is decided",
    Permission.DECIDE: "Decide on an accreditation",
    Permission.ACKNOWLEDGE: "Acknowledge alarms",
    Permission.ADMINISTER: "Manage people, tokens and sessions",
    Permission.READ_AUDIT: "Read the audit log",
}


def tabs(viewer: Viewer, current: str) -> list[tuple[str, str, bool]]:
    """The pages of the administration that a viewer sees."""
    entries = [(name, PATH + path) for name, path in _TABS if viewer.may(Permission.ADMINISTER)]
    entries += [("Audit log", f"{PATH}/audit")] if viewer.may(Permission.READ_AUDIT) else []
    return [(name, path, path == current) for name, path in entries]


_TABS = (("People", ""), ("Roles", "/roles"), ("Tokens", "/tokens"), ("Sessions", "/sessions"))


def routes(parts: AccountParts) -> APIRouter:
    """The routes of the lists, and of ending tokens and sessions."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def people(request: Request, viewer: AnyViewer) -> HTMLResponse:
        require(viewer, Permission.ADMINISTER)
        found, tokens = parts.accounts.all(), parts.own.tokens()
        names = parts.names_of_streams()
        now = request.app.state.now()
        return page(
            request, "people.html.j2", "People and tokens", people=found,
            lead=_lead(found, [each for each in tokens if each.until - now < SOON], len(tokens)),
            who_for={each.id: _who_for(each, names) for each in found}, tabs=tabs(viewer, PATH),
        )  # fmt: skip

    @router.get(f"{PATH}/roles")
    def roles(request: Request, viewer: AnyViewer) -> HTMLResponse:
        require(viewer, Permission.ADMINISTER)
        return page(
            request, "roles.html.j2", "What each role may do", roles=list(Role), grants=GRANTS,
            words=PERMISSION_WORDS, tabs=tabs(viewer, f"{PATH}/roles"),
        )  # fmt: skip

    @router.get(f"{PATH}/tokens")
    def tokens(request: Request, viewer: AnyViewer) -> HTMLResponse:
        require(viewer, Permission.ADMINISTER)
        return page(
            request, "tokens.html.j2", "API tokens", tokens=parts.own.tokens(),
            soon=request.app.state.now() + SOON, tabs=tabs(viewer, f"{PATH}/tokens"),
        )  # fmt: skip

    @router.get(f"{PATH}/sessions")
    def sessions(request: Request, viewer: AnyViewer) -> HTMLResponse:
        require(viewer, Permission.ADMINISTER)
        return page(
            request, "sessions.html.j2", "Sessions", sessions=parts.own.sessions(),
            tabs=tabs(viewer, f"{PATH}/sessions"),
        )  # fmt: skip

    _add_ends(router, parts)
    _add_tables(router, parts)
    return router


def _add_ends(router: APIRouter, parts: AccountParts) -> None:
    """Add how tokens and sessions are ended."""

    @router.post(f"{PATH}/tokens/revoke")
    def revoke_token(viewer: AnyViewer, form: Posted) -> Response:
        require(viewer, Permission.ADMINISTER)
        try:
            parts.own.revoke_token(form.text("token"), actor=viewer.name)
        except UsageError:
            words = "It has ended already. Go back, and load the page again."
            raise Refusal(409, "There is no such token", words) from None
        return RedirectResponse(f"{PATH}/tokens", 303)

    @router.post(f"{PATH}/sessions/revoke")
    def revoke_session(viewer: AnyViewer, form: Posted) -> Response:
        require(viewer, Permission.ADMINISTER)
        held = parts.accounts.by_id(form.text("person"))
        if held is None:
            raise NotHere
        parts.own.revoke_sessions(held.id, only=form.text("session"), actor=viewer.name)
        return RedirectResponse(f"{PATH}/sessions", 303)


def _add_tables(router: APIRouter, parts: AccountParts) -> None:
    """Add the lists as CSV."""

    @router.get(f"{PATH}/people.csv")
    def people(viewer: AnyViewer) -> Response:
        require(viewer, Permission.ADMINISTER)
        names = parts.names_of_streams()
        columns = (
            "name", "e-mail", "role", "suppliers and sites", "second factor", "last seen",
            "disabled",
        )  # fmt: skip
        return csv_answer(
            "people", columns, (_person(each, names) for each in parts.accounts.all())
        )

    @router.get(f"{PATH}/tokens.csv")
    def tokens(viewer: AnyViewer) -> Response:
        require(viewer, Permission.ADMINISTER)
        columns = ("token", "person", "label", "scopes", "made", "last used", "ends")
        return csv_answer("tokens", columns, (_token(each) for each in parts.own.tokens()))

    @router.get(f"{PATH}/sessions.csv")
    def sessions(viewer: AnyViewer) -> Response:
        require(viewer, Permission.ADMINISTER)
        columns = ("person", "address", "browser", "begun", "last used")
        return csv_answer("sessions", columns, (_session(each) for each in parts.own.sessions()))

    @router.get(f"{PATH}/roles.csv")
    def roles(viewer: AnyViewer) -> Response:
        require(viewer, Permission.ADMINISTER)
        return csv_answer("roles", ("may", *Role), _grants())


def _grants() -> Iterator[tuple[Cell, ...]]:
    for permission, words in PERMISSION_WORDS.items():
        yield words, *(permission in GRANTS[role] for role in Role)


def _lead(people: tuple[Person, ...], ending: list[ApiToken], tokens: int) -> str:
    """What needs care: people without a second factor, and tokens that end soon."""
    active = [each for each in people if each.disabled is None]
    without = sum(1 for each in active if not each.second_factor and each.password)
    lead = f"{_number(len(active), 'person', 'people')}, {_number(tokens, 'token', 'tokens')}."
    if without:
        has = "has" if without == 1 else "have"
        lead += f" {_number(without, 'person', 'people')} {has} no second factor."
    if ending:
        ends = "ends" if len(ending) == 1 else "end"
        lead += f" {_number(len(ending), 'token', 'tokens')} {ends} within {SOON.days} days."
    return capitalised(lead)


def _number(count: int, one: str, several: str) -> str:
    return f"{count or 'no'} {one if count == 1 else several}"


def _who_for(person: Person, names: dict[str, str]) -> str:
    """The suppliers and sites of a person in words."""
    if person.streams is None and not person.sites:
        return "all"
    suppliers = sorted(supplier_name(each, names) for each in person.streams or ())
    return "; ".join([*suppliers, *sorted(person.sites)])


def _person(person: Person, names: dict[str, str]) -> tuple[Cell, ...]:
    return (
        person.name, person.email, person.role.value, _who_for(person, names),
        bool(person.second_factor), person.seen, person.disabled,
    )  # fmt: skip


def _token(token: ApiToken) -> tuple[Cell, ...]:
    scopes = " ".join(sorted(token.scopes))
    return (
        token.id, token.person.email, token.label, scopes, token.made, token.used, token.until,
    )  # fmt: skip


def _session(session: Session) -> tuple[Cell, ...]:
    return session.person.email, session.address, session.browser, session.made, session.seen

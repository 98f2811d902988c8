"""The forms by which administrators add, change and disable people."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from harness.errors import UsageError
from harness.model.hub_access import Permission, Role
from harness.model.stream import supplier_name
from harness.store.hub.people import Membership, Person, membership
from reports.dashboard.access import AnyViewer, NotHere, require
from reports.dashboard.account_parts import AccountParts
from reports.dashboard.forms import Form, Posted
from reports.dashboard.pages.administration import PATH
from reports.dashboard.rendering import page

ROLES = [
    (role.value, role.replace("-", " ").capitalize()) for role in Role if role is not Role.PUBLIC
]
MOST_NAMES = 20_000

Act = Callable[[Person, Form, str], object]


def routes(parts: AccountParts) -> APIRouter:
    """The routes of the forms."""
    router = APIRouter(include_in_schema=False)

    @router.get(f"{PATH}/people/new")
    def offer(request: Request, viewer: AnyViewer) -> HTMLResponse:
        require(viewer, Permission.ADMINISTER)
        return page(
            request, "person.html.j2", "Add a person", person=None, given=_Given(), roles=ROLES,
            wrong="",
        )  # fmt: skip

    @router.post(f"{PATH}/people")
    def add(request: Request, viewer: AnyViewer, form: Posted) -> Response:
        require(viewer, Permission.ADMINISTER)
        try:
            added = parts.accounts.add(
                form.text("email"), form.text("name"), _membership(parts, form),
                password=form.secret("password"), subject=form.text("subject"), actor=viewer.name,
            )  # fmt: skip
        except UsageError as error:
            return page(
                request, "person.html.j2", "Add a person", status=400, person=None,
                given=_Given.of(form), roles=ROLES, wrong=str(error),
            )  # fmt: skip
        return RedirectResponse(f"{PATH}/people/{added.id}", 303)

    _add_changes(router, parts)
    _add_acts(router, parts)
    return router


def _add_changes(router: APIRouter, parts: AccountParts) -> None:
    """Add the page of a person, and how it is changed."""

    @router.get(PATH + "/people/{person}")
    def show(request: Request, viewer: AnyViewer, person: str) -> HTMLResponse:
        require(viewer, Permission.ADMINISTER)
        return _page(parts, request, _person(parts, person))

    @router.post(PATH + "/people/{person}")
    def change(request: Request, viewer: AnyViewer, person: str, form: Posted) -> Response:
        require(viewer, Permission.ADMINISTER)
        held = _person(parts, person)
        try:
            holds = _membership(parts, form)
            parts.accounts.change(
                held.email,
                name=form.text("name"),
                holds=holds,
                subject=form.text("subject"),
                actor=viewer.name,
            )
        except UsageError as error:
            return _page(parts, request, held, wrong=str(error), given=_Given.of(form))
        return RedirectResponse(f"{PATH}/people/{held.id}", 303)


def _add_acts(router: APIRouter, parts: AccountParts) -> None:
    """Add what is done to a person by one button."""
    accounts = parts.accounts
    acts: dict[str, Act] = {
        "disable": lambda held, form, by: accounts.disable(
            held.email, form.text("reason"), actor=by
        ),
        "enable": lambda held, _, by: accounts.enable(held.email, actor=by),
        "password": lambda held, form, by: accounts.set_password(
            held.email, form.secret("password"), actor=by
        ),
        "reset-second-factor": lambda held, _, by: accounts.reset_second_factor(
            held.email, actor=by
        ),
        "end-sessions": lambda held, _, by: parts.own.revoke_sessions(held.id, actor=by),
    }

    @router.post(PATH + "/people/{person}/{act}")
    def carry_out(
        request: Request, viewer: AnyViewer, person: str, act: str, form: Posted
    ) -> Response:
        require(viewer, Permission.ADMINISTER)
        held = _person(parts, person)
        if act not in acts:
            raise NotHere
        try:
            acts[act](held, form, viewer.name)
        except UsageError as error:
            return _page(parts, request, held, wrong=str(error))
        return RedirectResponse(f"{PATH}/people/{held.id}", 303)


class _Given:
    """What a form holds, or held when it was refused; suppliers and sites are one a line."""

    def __init__(
        self, email: str = "", name: str = "", role: str = Role.ASSESSOR.value,
        suppliers: str = "", sites: str = "", subject: str = "",
    ) -> None:  # fmt: skip
        self.email, self.name, self.role = email, name, role
        self.suppliers, self.sites, self.subject = suppliers, sites, subject

    @classmethod
    def of(cls, form: Form) -> _Given:
        """What was typed; a password is not shown again."""
        return cls(
            form.text("email"), form.text("name"), form.text("role"),
            form.text("suppliers", most=MOST_NAMES), form.text("sites", most=MOST_NAMES),
            form.text("subject"),
        )  # fmt: skip


def _membership(parts: AccountParts, form: Form) -> Membership:
    """What the account is for. Raises UsageError."""
    suppliers = _lines(form, "suppliers")
    streams = [parts.stream_named(name) for name in suppliers]
    return membership(form.text("role"), streams, _lines(form, "sites"))


def _lines(form: Form, name: str) -> list[str]:
    lines = form.text(name, most=MOST_NAMES).splitlines()
    return [line.strip() for line in lines if line.strip()]


def _person(parts: AccountParts, person: str) -> Person:
    """The person of an address. Raises NotHere."""
    held = parts.accounts.by_id(person) if person.isalnum() and person.isascii() else None
    if held is None:
        raise NotHere
    return held


def _page(
    parts: AccountParts, request: Request, held: Person, *, wrong: str = "",
    given: _Given | None = None,
) -> HTMLResponse:  # fmt: skip
    names = parts.names_of_streams()
    suppliers = "\n".join(sorted(supplier_name(each, names) for each in held.streams or ()))
    sites = "\n".join(sorted(held.sites))
    shown = given or _Given(held.email, held.name, held.role.value, suppliers, sites, held.subject)
    return page(
        request, "person.html.j2", held.name, status=400 if wrong else 200, person=held,
        given=shown, roles=ROLES, wrong=wrong, sessions=parts.own.sessions(held.id),
        tokens=parts.own.tokens(held.id),
    )  # fmt: skip

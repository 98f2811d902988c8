"""The page of one's own account: password, second factor, sessions and API tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from harness.errors import UsageError
from harness.model.hub_access import GRANTS, Permission, Viewer
from harness.model.stream import supplier_name
from harness.store.hub.api_tokens import MOST_DAYS
from harness.store.hub.second_factor import enrolment_uri
from harness.store.hub.sessions import NewSession
from reports.dashboard.access import AnyViewer, SignInNeeded, signed_in
from reports.dashboard.account_parts import AccountParts
from reports.dashboard.forms import Posted
from reports.dashboard.rendering import page

PATH = "/account"

DONE = {
    "password": "Your password was changed. Other sessions and all API tokens ended.",
    "second-factor": "From now on you need a code to sign in. Other sessions ended.",
    "no-second-factor": "You need no code to sign in any more.",
    "sessions": "The sessions ended.",
    "token": "The API token was revoked.",
}
"""What is told after an act, by its name in the address."""

DAYS = ((7, "a week"), (30, "30 days"), (90, "90 days"), (MOST_DAYS, "a year"))


def routes(parts: AccountParts) -> APIRouter:
    """The routes of one's own account."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def show(
        request: Request, viewer: AnyViewer, done: Annotated[str, Query(max_length=40)] = ""
    ) -> HTMLResponse:
        return _page(parts, request, viewer, done=DONE.get(done, ""))

    @router.post(f"{PATH}/password")
    def change_password(request: Request, viewer: AnyViewer, form: Posted) -> Response:
        new = form.secret("new")

        def change() -> NewSession:
            if new != form.secret("again"):
                raise UsageError("the two new passwords are not the same")
            return parts.own.change_password(parts.session(request), form.secret("password"), new)

        return _new_session(parts, request, viewer, "password", change)

    _add_second_factor(router, parts)
    _add_tokens(router, parts)

    @router.post(f"{PATH}/sessions/revoke")
    def revoke_sessions(request: Request, viewer: AnyViewer, form: Posted) -> Response:
        own = _require_session(request, viewer)
        which = form.text("session")
        parts.own.revoke_sessions(
            viewer.person, only="" if which == "others" else which or own,
            without=own if which == "others" else "", actor=viewer.name,
        )  # fmt: skip
        return RedirectResponse(f"{PATH}?done=sessions", 303)

    return router


def _add_second_factor(router: APIRouter, parts: AccountParts) -> None:
    @router.post(f"{PATH}/second-factor")
    def offer(request: Request, viewer: AnyViewer, form: Posted) -> Response:
        _require_session(request, viewer)
        try:
            secret = parts.own.offer_second_factor(viewer.person, form.secret("password"))
        except UsageError as error:
            return _page(parts, request, viewer, wrong=str(error))
        return _offer(parts, request, viewer, secret)

    @router.post(f"{PATH}/second-factor/confirm")
    def confirm(request: Request, viewer: AnyViewer, form: Posted) -> Response:
        _require_session(request, viewer)
        try:
            begun = parts.own.confirm_second_factor(parts.session(request), form.text("code"))
        except UsageError as error:
            person = parts.accounts.by_id(viewer.person)
            secret = person.offered_factor if person else ""
            if not secret:
                return _page(parts, request, viewer, wrong=str(error))
            return _offer(parts, request, viewer, secret, wrong=str(error))
        return _led_on(parts, begun, "second-factor")

    @router.post(f"{PATH}/second-factor/remove")
    def remove(request: Request, viewer: AnyViewer, form: Posted) -> Response:
        _require_session(request, viewer)
        try:
            parts.own.remove_second_factor(viewer.person, form.text("code"))
        except UsageError as error:
            return _page(parts, request, viewer, wrong=str(error))
        return RedirectResponse(f"{PATH}?done=no-second-factor", 303)


def _add_tokens(router: APIRouter, parts: AccountParts) -> None:
    @router.post(f"{PATH}/tokens")
    def make(request: Request, viewer: AnyViewer, form: Posted) -> Response:
        _require_session(request, viewer)
        days = form.text("days")
        try:
            parts.own.confirm(viewer.person, form.secret("password"))
            made = parts.own.make_token(
                viewer.person, form.text("label"), form.all("scope"),
                int(days) if days in {str(each) for each, _ in DAYS} else 0, actor=viewer.name,
            )  # fmt: skip
        except UsageError as error:
            return _page(parts, request, viewer, wrong=str(error))
        return page(
            request, "new_token.html.j2", f"The API token {made.token.label} was made",
            token=made.token, text=made.text,
        )  # fmt: skip

    @router.post(f"{PATH}/tokens/revoke")
    def revoke(request: Request, viewer: AnyViewer, form: Posted) -> Response:
        _require_session(request, viewer)
        try:
            parts.own.revoke_token(form.text("token"), person=viewer.person, actor=viewer.name)
        except UsageError as error:
            return _page(parts, request, viewer, wrong=str(error))
        return RedirectResponse(f"{PATH}?done=token", 303)


def _require_session(request: Request, viewer: Viewer) -> str:
    """The digest of the session in use. Raises SignInNeeded."""
    session = signed_in(request).session
    if viewer.is_public or not session:
        raise SignInNeeded
    return session


def _page(
    parts: AccountParts, request: Request, viewer: Viewer, *, done: str = "", wrong: str = ""
) -> HTMLResponse:
    """The whole page, with what was done or is wrong."""
    own = _require_session(request, viewer)
    person = parts.accounts.by_id(viewer.person)
    if person is None:
        raise SignInNeeded
    names = parts.names_of_streams() if person.streams else {}
    scopes = sorted(each for each in GRANTS[viewer.role] if each is not Permission.ADMINISTER)
    return page(
        request, "account.html.j2", "Your account", status=400 if wrong else 200, person=person,
        suppliers=[supplier_name(each, names) for each in sorted(person.streams or ())],
        sessions=parts.own.sessions(viewer.person), own=own, tokens=parts.own.tokens(viewer.person),
        scopes=scopes, days=[(str(number), words) for number, words in DAYS], done=done,
        wrong=wrong,
    )  # fmt: skip


def _offer(
    parts: AccountParts, request: Request, viewer: Viewer, secret: str, wrong: str = ""
) -> HTMLResponse:
    """The secret of a second factor, which a code of it has to confirm."""
    person = parts.accounts.by_id(viewer.person)
    return page(
        request, "second_factor.html.j2", "Set up your second factor",
        status=400 if wrong else 200, secret=secret, wrong=wrong,
        uri=enrolment_uri(secret, person.email if person else ""),
    )  # fmt: skip


def _new_session(
    parts: AccountParts, request: Request, viewer: Viewer, done: str,
    change: Callable[[], NewSession],
) -> Response:  # fmt: skip
    """Carry out a change after which a new session begins."""
    _require_session(request, viewer)
    try:
        begun = change()
    except UsageError as error:
        return _page(parts, request, viewer, wrong=str(error))
    return _led_on(parts, begun, done)


def _led_on(parts: AccountParts, begun: NewSession, done: str) -> Response:
    response = RedirectResponse(f"{PATH}?done={done}", 303)
    parts.give_session(response, begun)
    return response

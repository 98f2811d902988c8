"""The pages by which people sign in and out: password, second factor, and an OIDC provider.

All refusals look the same. The sign-in page asks no database while the browser has no session.
"""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from harness.store.hub.sessions import SECRET_BYTES, NewSession
from reports.dashboard.access import COOKIE, AnyViewer, Refusal, signed_in
from reports.dashboard.account_parts import (
    AccountParts,
    ProviderRefused,
    home_of,
    local_path,
)
from reports.dashboard.forms import FORM_COOKIE, Posted, form_token
from reports.dashboard.rendering import page
from reports.dashboard.viewer_guard import cookie_name

REFUSED = (
    "That did not work. Check what you typed. After several tries you have to wait for up to "
    "15 minutes; an administrator of the hub can set another password."
)
PROVIDER_REFUSED = (
    "That did not work. Your organisation's sign-in did not say who you are, or you have no "
    "account here yet; an administrator of the hub can give you one."
)
OIDC_COOKIE, OIDC_SECONDS = "accredit_oidc", 600

To = Annotated[str, Query(max_length=4000)]


def routes(parts: AccountParts) -> APIRouter:
    """The routes of signing in and out."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def show(request: Request, viewer: AnyViewer, to: To = "") -> Response:
        if not viewer.is_public:
            return RedirectResponse(local_path(to) or home_of(viewer), 303)
        return _form(parts, request, to)

    @router.post("/sign-in")
    def sign_in(request: Request, form: Posted) -> Response:
        to = form.text("to", most=4000)
        begun = parts.sign_in.with_password(
            form.text("email"), form.secret("password"), parts.origin(request)
        )
        if begun is None:
            return _form(parts, request, to, REFUSED, email=form.text("email"), status=403)
        return _begun(parts, request, begun, to)

    @router.post("/sign-in/code")
    def give_code(request: Request, form: Posted) -> Response:
        to = form.text("to", most=4000)
        secret = parts.session_secret(request)
        begun = parts.sign_in.with_code(secret, form.text("code"), parts.origin(request))
        if begun is None:
            return _form(parts, request, to, REFUSED, status=403)
        return _begun(parts, request, begun, to)

    @router.post("/sign-out")
    def sign_out(request: Request, _: Posted) -> Response:
        if signed_in(request).session:
            parts.sign_in.sign_out(signed_in(request).session)
        response = RedirectResponse("/sign-in", 303)
        parts.take_cookie(response, COOKIE)
        return response

    if parts.provider is not None:
        _add_provider(router, parts)
    return router


def _add_provider(router: APIRouter, parts: AccountParts) -> None:
    """Add the way to the OIDC provider and back; a cookie binds both to one browser."""
    provider = parts.provider
    assert provider is not None  # as was asked before

    @router.get("/sign-in/oidc")
    def go(to: To = "") -> Response:
        secret = secrets.token_urlsafe(SECRET_BYTES)
        try:
            address = provider.address(secret)
        except ProviderRefused:
            words = "Your organisation's sign-in does not answer. Try again in a few minutes."
            raise Refusal(503, "You cannot sign in now", words) from None
        response = RedirectResponse(address, 303)
        parts.give_cookie(
            response, OIDC_COOKIE, f"{secret}.{quote(local_path(to), safe='')}", OIDC_SECONDS
        )
        return response

    @router.get("/sign-in/oidc/back")
    def come_back(request: Request, state: To = "", code: To = "") -> Response:
        held = request.cookies.get(cookie_name(OIDC_COOKIE, is_secure=parts.is_secure), "")
        secret, _, to = held.partition(".")
        origin = parts.origin(request)
        try:
            vouched = provider.vouched(secret, state, code)
            begun = parts.sign_in.by_oidc(vouched.email, vouched.subject, origin)
        except ProviderRefused:
            parts.sign_in.refuse_oidc(origin)
            begun = None
        if begun is None:
            response: Response = _form(parts, request, "", PROVIDER_REFUSED, status=403)
        else:
            response = _begun(parts, request, begun, unquote(to))
        parts.take_cookie(response, OIDC_COOKIE)
        return response


def _begun(parts: AccountParts, request: Request, begun: NewSession, to: str) -> Response:
    """Lead a person on with the new session; one that was in use ends."""
    if (before := signed_in(request)).session and before.is_complete:
        parts.sign_in.sign_out(before.session)
    if begun.session.is_complete:
        path = local_path(to) or home_of(begun.session.person.viewer())
    else:
        path = "/sign-in" + (f"?to={quote(local_path(to), safe='')}" if local_path(to) else "")
    response = RedirectResponse(path, 303)
    parts.give_session(response, begun)
    parts.take_cookie(response, FORM_COOKIE)
    return response


def _form(
    parts: AccountParts, request: Request, to: str, wrong: str = "", *, email: str = "",
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    """The form of the step that comes next, with a cookie for it where there is no session."""
    found = signed_in(request)
    secret = ""
    if not found.csrf:
        secret = secrets.token_urlsafe(SECRET_BYTES)
        request.state.signed_in = found._replace(csrf=form_token(secret))
    needs_code = bool(found.session) and not found.is_complete
    response = page(
        request, "sign_in.html.j2", "Give your code" if needs_code else "Sign in", status=status,
        needs_code=needs_code, to=local_path(to), wrong=wrong, email=email,
        provider=parts.provider.name if parts.provider else "",
    )  # fmt: skip
    if secret:
        parts.give_cookie(response, FORM_COOKIE, secret)
    return response

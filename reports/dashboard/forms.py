"""Forms that people send: read and checked before any page sees them.

``ViewerGuard`` (``viewer_guard.py``) refuses every unsafe request that does not carry the token of
its session, and keeps the fields here. A page takes them by ``Posted``:

    @routes.post("/plans/{plan}/agree")
    def agree(form: Posted, viewer: AnyViewer) -> Response:
        reason = form.text("reason", most=2000)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from reports.dashboard.access import Refusal

CSRF = "csrf"
"""The field of each form with the token of the session."""

CSRF_HEADER = "x-csrf-token"
URLENCODED = "application/x-www-form-urlencoded"
MOST_BYTES = 64 * 1024
MOST_FIELDS = 500
LONGEST = 1000

FORM_COOKIE = "accredit_form"
"""The cookie of the sign-in page, by which its form is known before there is a session."""


class Form:
    """The fields of a form; a field may stand several times."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple(fields)

    def text(self, name: str, *, most: int = LONGEST) -> str:
        r"""The field of that name without spaces around it, empty if it is missing.

        Line breaks are ``\n``. Raises Refusal if it is longer than ``most`` characters.
        """
        return next(iter(self.all(name, most=most)), "")

    def all(self, name: str, *, most: int = LONGEST) -> tuple[str, ...]:
        """All fields of that name, as ``text`` gives one."""
        found = [value for key, value in self._fields if key == name]
        for value in found:
            if len(value) > most or "\0" in value:
                words = f"The field {name} has at most {most:,} characters. Go back and shorten it."
                raise Refusal(400, "A field is too long", words)
        return tuple(value.replace("\r\n", "\n").strip() for value in found)

    def secret(self, name: str) -> str:
        """The field of that name as it was typed, empty if it is missing."""
        return next((value for key, value in self._fields if key == name), "")


NO_FORM = Form()


def read_form(body: bytes) -> Form:
    """Read the fields of a body. Raises Refusal."""
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except ValueError:
        words = "What was sent cannot be read as a form. Go back, and try again."
        raise Refusal(400, "The form cannot be read", words) from None
    return Form(fields)


def posted(request: Request) -> Form:
    """The form that came, as a dependency of a route."""
    form: Form = request.state.form
    return form


Posted = Annotated[Form, Depends(posted)]
"""The fields of the form that came; its token was checked."""


def form_token(secret: str) -> str:
    """The token of a form that belongs to the secret in the cookie of the sign-in page."""
    return hashlib.sha256(f"form:{secret}".encode("utf-8", "surrogatepass")).hexdigest()


def is_token(expected: str, given: str) -> bool:
    """Whether a form carries the expected token; never without one."""
    return bool(expected) and hmac.compare_digest(
        expected.encode(), given.encode("utf-8", "replace")
    )

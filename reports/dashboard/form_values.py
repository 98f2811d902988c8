"""Read what was typed into a form: a bounded body, the session's token, and each field."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.requests import ClientDisconnect

from reports.dashboard.access import Refusal, signed_in
from reports.dashboard.act_forms import FormField

FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 64 * 1024
MOST_FIELDS = 40
HIGHEST_REVISION = 1_000_000_000


class TypedForm(NamedTuple):
    """The values of a form's fields, and a sentence for each field that is not as it must be."""

    values: Mapping[str, str]
    errors: Mapping[str, str]


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form that was sent in the viewer's session, by name.

    Raises Refusal for another kind of body, one that is too large or cannot be read, or one without
    the token of the session. To be replaced by the check that all forms of the hub share.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Refusal(415, "This is no form", "Go back, and send the form of the page.")
    held = bytearray()
    try:
        async for chunk in request.stream():
            held += chunk
            if len(held) > MOST_BYTES:
                words = f"A form has at most {MOST_BYTES // 1024} KiB. Go back, and write less."
                raise Refusal(413, "The form is too large", words)
        pairs = parse_qsl(
            held.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except (ValueError, ClientDisconnect):
        words = "Go back, load the page again, and send its form."
        raise Refusal(400, "The form cannot be read", words) from None
    values = dict(pairs)
    expected = signed_in(request).csrf
    given = values.pop("csrf", "")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        words = "Go back, load the page again, and send its form. Nothing was recorded."
        raise Refusal(403, "The form is of another session", words)
    return values


def revision_of(values: Mapping[str, str]) -> int:
    """What a form was made from; -1 if it does not say so, which is never the present state."""
    given = values.get("revision", "")
    is_number = given.isascii() and given.isdigit() and len(given) < len(str(HIGHEST_REVISION))
    return int(given) if is_number else -1


def typed(fields: Sequence[FormField], values: Mapping[str, str]) -> TypedForm:
    """What was typed into fields, with single line breaks, and what is wrong with it."""
    found, errors = {}, {}
    for each in fields:
        text = values.get(each.name, "").replace("\r\n", "\n").replace("\r", "\n").strip()
        found[each.name] = text
        if fault := _fault(each, text):
            errors[each.name] = fault
    return TypedForm(found, errors)


def _fault(field: FormField, text: str) -> str:
    """What is wrong with the text of a field, in a sentence; empty if nothing is."""
    if not text:
        return "Please fill this in." if field.is_required else ""
    if len(text) > field.longest:
        return f"Please write at most {field.longest:,} characters; these are {len(text):,}."
    keep = "\n\t" if field.kind == "text" else ""
    if not all(letter.isprintable() or letter in keep for letter in text):
        return "This holds a character that cannot be shown. Please remove it."
    if field.kind == "choice" and text not in dict(field.choices):
        return "Please choose one of the list."
    if field.kind == "date":
        try:
            datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            return "Please write a date like 2026-03-31."
    return ""

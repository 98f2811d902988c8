"""What was typed into the fields of a form, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from reports.dashboard.act_forms import FormField
from reports.dashboard.forms import MOST_BYTES, Form

HIGHEST_REVISION = 1_000_000_000


class TypedForm(NamedTuple):
    """The values of a form's fields, and a sentence for each field that is not as it must be."""

    values: Mapping[str, str]
    errors: Mapping[str, str]


def revision_of(form: Form) -> int:
    """What a form was made from; -1 if it does not say so, which is never the present state."""
    given = form.text("revision")
    is_number = given.isascii() and given.isdigit() and len(given) < len(str(HIGHEST_REVISION))
    return int(given) if is_number else -1


def typed(fields: Sequence[FormField], form: Form) -> TypedForm:
    """What was typed into fields, with single line breaks, and what is wrong with it."""
    found, errors = {}, {}
    for each in fields:
        text = form.text(each.name, most=MOST_BYTES).replace("\r", "\n")
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

"""What is typed into forms, and refusals as sentences."""

from __future__ import annotations

import pytest

from harness.model.hub_access import Permission
from reports.dashboard.act_forms import DECIDE, FieldKind, FormField
from reports.dashboard.acts import sentence_of, who_may
from reports.dashboard.form_values import revision_of, typed
from reports.dashboard.forms import Form


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        ("line", "Ann Lee", ""),
        ("line", "two\nlines", "cannot be shown"),
        ("text", "two\r\nlines\rthree", ""),
        ("text", "bell\x07", "cannot be shown"),
        ("text", "turned \u202e round", "cannot be shown"),
        ("line", "x" * 201, "at most 200 characters"),
        ("text", "x" * 4001, "at most 4,000 characters"),
        ("date", "2026-02-29", "a date like"),
        ("date", "2028-02-29", ""),
        ("choice", "b", "one of the list"),
        ("choice", "a", ""),
        ("text", "   ", "fill this in"),
    ],
)
def test_a_field_is_checked_and_what_was_typed_is_kept(
    kind: FieldKind, text: str, fault: str
) -> None:
    field = FormField(name="f", label="F", kind=kind, is_required=True, choices=(("a", "A"),))

    values, errors = typed((field,), Form([("f", text)]))

    assert text.strip().replace("\r\n", "\n").replace("\r", "\n") == values["f"]
    assert bool(fault) == bool(errors)
    assert fault in errors.get("f", "")


def test_a_field_that_may_be_empty_may() -> None:
    fields = [each for each in DECIDE.fields if not each.is_required]

    assert {} == typed(fields, Form()).errors


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "9" * 30, "\u0661"])
def test_a_revision_that_is_none_is_never_the_present_one(text: str) -> None:
    assert -1 == revision_of(Form([("revision", text)]))
    assert 7 == revision_of(Form([("revision", "7")]))


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ("plan P-1: needs containment (--containment)", "Plan P-1: needs containment."),
        (
            "plan P-1: Ann <3f0c12ab45de> submitted it and cannot agree it; somebody else must",
            (
                "Plan P-1: Ann submitted it and cannot agree it; somebody else must. "
                "Another person may: an assessor."
            ),
        ),
        (
            (
                "plan P-1: needs the root cause before the fix can be claimed; record it: accredit "
                "plan detail P-1 --cause TEXT"
            ),
            "Plan P-1: needs the root cause before the fix can be claimed.",
        ),
        ("somebody else must (--by NAME)", "Somebody else must. Another person may: an assessor."),
    ],
)
def test_a_refusal_is_a_sentence_without_options_and_accounts(refusal: str, sentence: str) -> None:
    assert sentence == sentence_of(refusal, Permission.AGREE_PLAN)


def test_who_may_is_told_by_the_table_of_permissions() -> None:
    assert "a scheme owner or an assessor" == who_may(Permission.ACKNOWLEDGE)

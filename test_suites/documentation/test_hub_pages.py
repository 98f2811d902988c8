"""The page on what people may do on a hub says what the table of permissions says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.model.hub_access import GRANTS
from reports.dashboard.act_forms import ACKNOWLEDGE, DECIDE, PLAN_ACTS, ActForm

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference/hub-pages.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to/agree-and-close-a-plan-on-the-hub.md").read_text(encoding="utf-8")

ROWS = {
    "submit": "submit a plan", "detail": "submit a plan", "progress": "submit a plan",
    "claim": "submit a plan", "agree": "agree a plan", "return": "agree a plan",
    "escalate": "agree a plan", "close": "close a plan", "decide": "decide about",
    "acknowledge": "acknowledge an alarm",
}  # fmt: skip


@pytest.mark.parametrize("form", [*PLAN_ACTS.values(), DECIDE, ACKNOWLEDGE], ids=lambda x: x.name)
def test_each_act_is_told_with_the_roles_that_may(form: ActForm) -> None:
    (row,) = re.findall(rf"^\| {ROWS[form.name]}.*", REFERENCE, re.MULTILINE)
    who = row.split("|")[2]

    roles = {str(role).replace("-", " ") for role in GRANTS if form.permission in GRANTS[role]}
    assert roles == {name.strip() for name in who.removesuffix(", own plans only ").split(",")}


def test_each_button_of_the_how_to_is_on_a_page() -> None:
    named = set(re.findall(r"\*([A-Z][a-z]+ the [a-z]+)\*", HOW_TO))

    assert {"Submit the plan", "Agree the plan", "Claim the fix", "Close the plan"} <= named
    assert named <= {form.title for form in PLAN_ACTS.values()}

"""The pages on mail name every kind, variant, state and fault that there is."""

from __future__ import annotations

import re

from harness.estimate.mail_selection import STATE_WORDS
from harness.model.mail_case import KINDS, VARIANTS
from probes.range.mail_policy import MailFault
from test_suites.kit.guides import ROOT

CASES = (ROOT / "docs/reference/mail-cases.md").read_text(encoding="utf-8")
RELAY = (ROOT / "docs/reference/range-mail.md").read_text(encoding="utf-8")


def rows_of(page: str) -> dict[str, str]:
    """The rows of all tables by the name in their first cell."""
    found = re.findall(r"^\| `?([\w -]+?)`? \| (.*) \|$", page, re.MULTILINE)
    return dict(found)


def test_each_kind_is_described_with_its_variants() -> None:
    rows = rows_of(CASES)
    for kind, words in KINDS.items():
        assert words in rows[kind]
        variants = VARIANTS["infected"] if kind == "infected" else VARIANTS[kind]
        named = "as `infected`" if kind == "clean" else ""
        assert named in rows[kind]
        for name, said in variants.items() if not named else ():
            assert f"`{name}` {said}" in rows[kind]


def test_each_state_is_described() -> None:
    rows = rows_of(CASES)
    for state, words in STATE_WORDS.items():
        assert words in rows[state]


def test_each_fault_of_the_relay_is_described() -> None:
    assert {fault.value for fault in MailFault} <= set(rows_of(RELAY))

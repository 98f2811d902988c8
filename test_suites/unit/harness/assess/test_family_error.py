"""How often a scheme accuses a service at every mark, as ``accredit scheme show`` says it."""

from __future__ import annotations

import pytest

from harness.assess.family_error import family_error
from harness.schemes.load import load_scheme


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dfe-2024", "at most 5 %, 20 binding rows together"),
        ("strict", "at most 1 %, 51 binding rows together"),
        ("avc-parental", "at most 5 %, 1 binding row"),
        ("acma-2008", "no binding row rests on a sample"),
        ("amt-awards", "at most 5 %, 1 binding row; not binding: 4 of at most 5 % each"),
    ],
)
def test_the_loosest_level_of_the_binding_rows_holds_for_all_of_them(name: str, words: str) -> None:
    assert family_error(load_scheme(name)).words == words


def test_a_row_with_a_looser_level_loosens_what_is_promised() -> None:
    scheme = load_scheme("strict")
    first, *others = scheme.requirements
    loose = next(one for one in others if one.rule == "guarded")
    rows = (
        first,
        *(one.model_copy(update={"alpha": 0.1}) if one is loose else one for one in others),
    )

    assert family_error(scheme.model_copy(update={"requirements": rows})).level == 0.1

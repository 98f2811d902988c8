"""An alias stands for the newest edition that is shipped, and for nothing else."""

from __future__ import annotations

import pytest

from harness.schemes.check import REVISED, aliases, newest, resolve, shipped
from harness.schemes.load import load_scheme


def test_current_is_the_newest_edition() -> None:
    ids = ("uksic-2024", "uksic-2026", "uksic-2025", "uksic-extra", "dfe-2030")

    assert "uksic-2026" == newest("uksic", ids)
    with pytest.raises(ValueError, match="max"):
        newest("uksic", ("dfe-2024",))


def test_aliases_lead_to_shipped_schemes_and_are_none_themselves() -> None:
    assert {"dfe-current": "dfe-2024", "uksic-current": "uksic-2024"} == aliases()
    assert set(aliases().values()) <= set(shipped())
    assert not set(aliases()) & set(shipped())
    assert {name.rpartition("-")[0] for name in aliases()} == set(REVISED)


@pytest.mark.parametrize("alias", aliases())
def test_a_scheme_by_its_alias_has_its_dated_id(alias: str) -> None:
    assert load_scheme(alias) == load_scheme(resolve(alias))
    assert load_scheme(alias).id == aliases()[alias]


def test_other_names_stay() -> None:
    assert "becta-2008" == resolve("becta-2008")
    assert "our-current" == resolve("our-current")
    assert "schemes/own.yaml" == resolve("schemes/own.yaml")

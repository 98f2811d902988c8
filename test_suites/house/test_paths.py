"""A plain ``pytest`` runs every suite that tests us, and none that tests a supplier."""

from __future__ import annotations

import tomllib

from test_suites.kit.rooms import ROOT


def test_every_shelf_is_run_but_the_suppliers() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = settings["tool"]["pytest"]["ini_options"]["testpaths"]
    shelves = {
        f"test_suites/{path.relative_to(ROOT / 'test_suites').parts[0]}"
        for path in (ROOT / "test_suites").glob("*/**/test_*.py")
    }

    assert shelves - {"test_suites/accreditation"} == set(named)

"""Each module of the rooms that work has a unit test in the same place."""

from __future__ import annotations

from pathlib import Path

from test_suites.house.rooms import ROOT, modules

UNIT = Path("test_suites/unit")


def test_each_module_has_its_unit_test() -> None:
    missing = [
        str(path)
        for path in modules("harness", "corpora", "probes", "reports")
        if path.name != "__init__.py"
        and not (ROOT / UNIT / path.parent / f"test_{path.name}").exists()
    ]

    assert [] == missing


def test_no_unit_test_is_left_of_a_module_that_is_gone() -> None:
    gone = [
        str(path)
        for path in modules("test_suites/unit")
        if path.name.startswith("test_")
        and not path.is_relative_to(UNIT / "test_suites")
        and not (ROOT / path.relative_to(UNIT).parent / path.name.removeprefix("test_")).exists()
    ]

    assert [] == gone

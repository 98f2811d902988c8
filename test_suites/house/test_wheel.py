"""The wheel holds the five rooms with their data, and none of the project's own tests."""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from test_suites.kit.rooms import ROOMS, ROOT, modules, syntax

FOR_ASSESSORS = ("test_suites/__init__.py", "test_suites/plugin.py", "test_suites/accreditation/")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The paths of all files in a wheel that is built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def imported(path: Path) -> Iterator[str]:
    """The names of the modules that a module imports, also inside functions."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_name(path: Path) -> str:
    """The dotted name of a module: ``corpora.generator`` of ``corpora/generator/__init__.py``."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def test_the_wheel_holds_exactly_the_five_rooms(names: list[str]) -> None:
    assert set(ROOMS) == {name.split("/")[0] for name in names if ".dist-info" not in name}
    for data in (
        "corpora/packs/canary/items.csv",
        "harness/judge/signatures.toml",
        "probes/net/pac_functions.js",
        "harness/schemes/becta-2008.yaml",
        "reports/documents/report.css",
        "reports/documents/report.html.j2",
        "reports/documents/report.js",
        "test_suites/accreditation/test_requirements.py",
    ):
        assert data in names


def test_of_the_test_suites_the_wheel_holds_what_assessors_run(names: list[str]) -> None:
    shipped = [name for name in names if name.startswith("test_suites/")]

    assert "test_suites/plugin.py" in shipped
    assert [name for name in shipped if not name.startswith(FOR_ASSESSORS)] == []


def test_the_generator_of_the_shipped_packs_stays_in_the_repository(names: list[str]) -> None:
    assert [name for name in names if name.startswith("corpora/generator")] == []
    assert (ROOT / "corpora/generator/generate.py").is_file()


def test_no_module_of_the_wheel_imports_one_that_is_left_out(names: list[str]) -> None:
    left_out = {module_name(path) for path in modules() if str(path) not in names}

    assert {"corpora.generator.generate", "test_suites.kit.campaigns.example"} <= left_out
    assert [
        f"{path} imports {module}"
        for path in modules()
        if str(path) in names
        for module in imported(path)
        if module in left_out
    ] == []

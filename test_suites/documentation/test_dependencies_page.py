"""The page of dependencies names each one of pyproject.toml, and no other."""

from __future__ import annotations

import re

from test_suites.documentation.dependencies_page import (
    EXTRAS,
    PAGE,
    PURPOSES,
    dependencies,
    project,
)

ROW = re.compile(r"^\| ([\w.-]+) \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)


def test_every_dependency_is_in_the_table_and_no_other() -> None:
    shown = [row for row in ROW.findall(PAGE.read_text()) if row[0] != "dependency"]

    assert [
        (each.name, ", ".join(each.needed_by), PURPOSES[each.name]) for each in dependencies()
    ] == shown


def test_every_extra_is_explained_and_no_other() -> None:
    text = PAGE.read_text()

    assert project()["optional-dependencies"].keys() == EXTRAS.keys()
    for name, words in EXTRAS.items():
        assert f"| `{name}` | {words} |" in text
    assert PURPOSES.keys() == {each.name for each in dependencies()}

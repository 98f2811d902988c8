"""Every extra that a message or a page tells people to install exists, and brings what it should."""

from __future__ import annotations

import re
import tomllib

from harness.cli.process import EXTRAS
from test_suites.house.rooms import ROOMS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OFFERED = PROJECT["optional-dependencies"]
NAMED = re.compile(r"isp-accredit\[([a-z,]+)\]")


def test_extras_that_people_are_told_of_exist() -> None:
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    modules = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    told = {
        name
        for path in (*pages, *modules)
        for names in NAMED.findall(path.read_text())
        for name in names.split(",")
    }

    assert told
    assert {*OFFERED} >= told


def test_an_extra_brings_the_library_that_its_message_speaks_of() -> None:
    for library, extra in EXTRAS.items():
        brought = " ".join(OFFERED[extra])
        assert re.search(rf"\b{library}\b", brought.replace("allure-pytest", "allure")), library

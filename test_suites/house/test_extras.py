"""Every extra that a message or a page tells people to install exists, and brings what it should."""

from __future__ import annotations

import re
import tomllib

from harness.errors import EXTRAS
from test_suites.kit.rooms import ROOMS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OFFERED = PROJECT["optional-dependencies"]
NAMED_OTHERWISE = {
    "allure": "allure-pytest", "argon2": "argon2-cffi", "dkim": "dkimpy", "PIL": "pillow",
    "quickjs": "quickjs-ng",
}  # fmt: skip
"""Distributions that are not named as the module is that they bring."""

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
        named = NAMED_OTHERWISE.get(library, library).replace("_", "-")
        assert re.search(rf"(^| ){named}\b", " ".join(OFFERED[extra])), library


def test_every_library_of_an_extra_has_its_message() -> None:
    """But for those that only come with another one, and one that the base holds too."""
    libraries = {NAMED_OTHERWISE.get(each, each).replace("_", "-") for each in EXTRAS}
    offered = {
        re.split(r"[^\w.-]", each)[0]
        for extra, brought in OFFERED.items()
        for each in brought
        if extra not in ("all", "doh")
    }

    assert libraries == offered


def test_all_installs_every_extra() -> None:
    named = {
        name
        for each in OFFERED["all"]
        for names in NAMED.findall(each)
        for name in names.split(",")
    }

    assert OFFERED.keys() - {"all"} == named


def test_no_library_of_the_base_is_one_of_an_extra() -> None:
    """But HTTP/2 for name servers, and the lane that Linux has as an extra."""
    base = {
        re.split(r"[^\w.-]", each)[0]
        for each in PROJECT["dependencies"]
        if "!= 'linux'" not in each
    }
    extras = {re.split(r"[^\w.-]", each)[0] for brought in OFFERED.values() for each in brought}

    assert base & extras == {"h2"}

"""The tutorial on a hub to look at tells of the accounts and the story that the demonstration has.

``test_suites/processes/test_serve_demo.py`` runs its command, and the unit tests of the
demonstration check what it says of alarms and plans.
"""

from __future__ import annotations

import re

from harness.cli.demo_hub_files import SERVICES
from harness.cli.demo_hub_people import PEOPLE
from harness.cli.demo_hub_story import SILENT_NOW
from test_suites.documentation.test_tutorials import DOCS, commands

PAGE = DOCS / "tutorials/look-at-a-hub.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_its_command_is_the_demonstration() -> None:
    assert ["accredit serve --demo --port 8443"] == commands(PAGE)


def test_its_accounts_are_those_of_the_demonstration() -> None:
    shown = re.findall(r"^  (\S+@demo\.invalid) ", TEXT, re.MULTILINE)

    assert [person.email for person in PEOPLE] == shown


def test_it_tells_of_each_service_and_of_the_silent_probe() -> None:
    for service in SERVICES:
        assert f"| {service.name} |" in TEXT
    assert SILENT_NOW[1] in TEXT

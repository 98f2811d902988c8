"""docs/reference/hub-pages.md names the addresses of results, and the numbers of the code."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from harness.follow.due_dates import SOON
from harness.follow.newest_figures import LONGEST_GAP
from reports.dashboard.pages import overview, requirement, service
from reports.dashboard.result_facts import NEWEST, WEEKS
from reports.dashboard.service_facts import WEEKS_SHOWN

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "hub-pages.md"
PATHS = [
    route.path
    for module in (overview, service, requirement)
    for route in module.routes(Mock()).routes
]


@pytest.fixture
def text() -> str:
    return " ".join(PAGE.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("path", PATHS)
def test_every_address_is_told(text: str, path: str) -> None:
    for name in ("stream", "service", "code"):
        path = path.replace(f"{{{name}}}", name.upper())
    assert f"`{path}`" in text or f"`{path}?" in text


def test_the_numbers_are_those_of_the_code(text: str) -> None:
    for words in (
        f"due within {SOON.days} days",
        f"after {LONGEST_GAP.days} days it is left out",
        f"the last {WEEKS_SHOWN} weeks",
        f"at most {NEWEST + WEEKS} figures",
        f"the newest {NEWEST} results one by one",
        f"for {WEEKS} weeks",
    ):
        assert words in text

"""Ten tasks of a user: the commands of each page run as processes, in order, from an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites.documentation.task_runner import follow
from test_suites.house.rooms import ROOT

DOCS = ROOT / "docs"
TASKS = {
    "on-site transparent": ("tutorials/two-profiles-on-site.md", "site/out/site/assessment.json"),
    "DNS only": ("how-to/measure-a-dns-filter.md", "outcomes.json"),
    "HTTPS interception": ("how-to/measure-https-interception.md", "out/https/assessment.json"),
    "follow a plan": ("tutorials/close-a-plan.md", "plan/out/autumn/report.html"),
    "compare two campaigns": ("how-to/compare-two-campaigns.md", "out/autumn/journal/head.json"),
    "import a list": ("how-to/import-a-list.md", "gambling.dstdomain"),
    "re-test": ("how-to/re-test.md", "out/registry.sqlite"),
}
"""The page of each task, and a file that is there at the end."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_done_as_its_page_says(task: str, tmp_path: Path) -> None:
    page, made = TASKS[task]

    ended = follow(DOCS / page, tmp_path)

    assert 0 == ended.returncode, ended.stdout[-3000:] + ended.stderr[-2000:]
    assert (tmp_path / made).stat().st_size

"""Tasks of a user: each page's commands run as processes, in order, from an empty folder.

Nothing is replaced: where a page is about a real service, its commands use the range as the page says.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from test_suites.documentation.task_runner import follow, steps
from test_suites.kit.rooms import ROOT

DOCS = ROOT / "docs"
TASKS = {
    "first campaign": (
        "tutorials/first-campaign.md",
        {
            "first/outcomes.json": "agreed list only",
            "first/out/first-campaign/report-becta-2008.html": "Reference filter",
            "first/out/second-campaign/report-becta-2008.html": "Reference filter",
        },
    ),
    "supplier in CI": ("how-to/run-under-pytest.md", {"junit.xml": "URL-04-pupils-proxy"}),
    "on-site transparent": (
        "tutorials/two-profiles-on-site.md",
        {"site/out/site/report-becta-2008.html": "Library"},
    ),
    "DNS only": ("how-to/measure-a-dns-filter.md", {"outcomes.json": "dns_"}),
    "ways to bypass": (
        "how-to/test-ways-to-bypass.md",
        {
            "out/bypass/assessment-bypass.json": '"not-carried"',
            "out/bypass/report-bypass.html": "Ways round the filter",
            "technique-hosts.csv": "cv-169a.ways.canary.example.org,host,MALW.BYPASS",
        },
    ),
    "several devices": (
        "how-to/test-several-devices.md",
        {
            "out/devices/assessment-devices.json": "windows-firefox",
            "out/devices/report-devices.html": "Kinds of devices and browsers",
        },
    ),
    "HTTPS interception": (
        "how-to/measure-https-interception.md",
        {
            "out/https/assessment-becta-2008.json": "tls_intercept_page",
            "out/forgotten/assessment-becta-2008.json": "tls_intercept_page",
        },
    ),
    "read a report": (
        "how-to/read-a-report.md",
        {"out/demo-run/demo/report-demo.html": "Fixed since", "outcomes.xlsx": ""},
    ),
    "follow a plan": (
        "tutorials/close-a-plan.md",
        {"plan/out/autumn/report-practice.html": "passed its re-test"},
    ),
    "compare two campaigns": (
        "how-to/compare-two-campaigns.md",
        {"out/autumn/journal/head.json": ""},
    ),
    "commit to a sample": (
        "how-to/commit-to-a-sample.md",
        {"spring-commitment.json": "accredit-commitment/1", "seed.txt": ""},
    ),
    "check the log": (
        "how-to/check-the-log.md",
        {"out/logs/assessment-records.json": "requests without a mark"},
    ),
    "check the alerts": (
        "how-to/check-alerts.md",
        {"out/alerts/assessment-monitoring.json": "worst_alert_recall"},
    ),
    "check the mail": (
        "how-to/check-mail.md",
        {"out/mail/assessment-mail.json": "infected_mail_passed"},
    ),
    "check moments of a device": (
        "how-to/check-moments-of-a-device.md",
        {"out/laptop/assessment-devices.json": "s after the network returned"},
    ),
    "watch availability": (
        "how-to/watch-availability.md",
        {"out/up/assessment-continuity.json": "outage log of", "outages.csv": "least_seconds"},
    ),
    "assess with people": (
        "how-to/assess-with-people.md",
        {"out/people/assessment-people.json": "Safeguarding lead"},
    ),
    "measure the speed": (
        "how-to/measure-speed.md",
        {"out/speed/assessment-speed.json": "throughput_loss"},
    ),
    "import a list": ("how-to/import-a-list.md", {"gambling.dstdomain": "slots.example.com"}),
    "decide": (
        "how-to/decide-on-accreditation.md",
        {
            "out/registry.sqlite": "",
            "status-list.json": "suspended",
            "site/public/index.html": "Reference filter",
        },
    ),
    "check in the field": (
        "how-to/check-in-the-field.md",
        {
            "field.json": "accredit-field-commitment/1",
            "site/public/index.html": "<b>1 of 2</b> sites passed",
        },
    ),
    "re-test": (
        "how-to/re-test.md",
        {
            "out/registry.sqlite": "",
            "assessment-plan.json": "assessment-plan",
            "assessment-results.json": "not-satisfied",
            "poam.json": '"lifecycle": "planned"',
        },
    ),
}
"""The page of each task, and files that are there at the end, with a text in each."""

SAID = {
    "assess with people": "SUP-05: the supplier says that it is not met; measured: it is met",
    "check in the field": "drawn again, the seeds give the services and sites on record",
    "check the alerts": "1440 of 1644 sessions raised one",
    "check the mail": "meets all 3 checks",
    "commit to a sample": "gives the 10 items that were tried",
    "compare two campaigns": "DRUG              15/30  30/30      15      0",
    "decide": "valid now",
    "follow a plan": "P-0001, closed",
    "measure the speed": "until the first byte: +",
    "ways to bypass": "entries were left out; all must be tried",
    "re-test": "re-test does-not-conform; the plan is now in-progress",
}
"""What a task's commands print among other things."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_done_as_its_page_says(task: str, tmp_path: Path) -> None:
    page, made = TASKS[task]
    if shutil.which("openssl") is None and "openssl" in (DOCS / page).read_text(encoding="utf-8"):
        pytest.skip("openssl is not installed")

    ended = follow(DOCS / page, tmp_path)

    assert 0 == ended.returncode, ended.stdout[-3000:] + ended.stderr[-2000:]
    for name, text in made.items():
        assert text.encode() in (tmp_path / name).read_bytes(), name
    assert SAID.get(task, "") in ended.stdout
    assert not list(tmp_path.rglob("range.pid")), "a range still runs"


def test_a_command_that_ends_otherwise_than_stated_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ true\n$ (exit 3)    # exit code 3: as stated\n$ false\n```\n")

    ended = follow(page, tmp_path)

    assert 99 == ended.returncode
    assert "ended with 1: false (should end with 0)" in ended.stdout


def test_a_file_is_saved_under_the_name_in_its_first_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```yaml\n# a.yaml\nit: $is\n```\n```yaml\nnot: saved\n```\n")

    ended = follow(page, tmp_path)

    assert 0 == ended.returncode
    assert "# a.yaml\nit: $is\n" == (tmp_path / "a.yaml").read_text(encoding="utf-8")
    assert 1 == len(list(steps(page)))

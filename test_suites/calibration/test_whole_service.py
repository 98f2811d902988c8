"""becta-2008 as a whole: web filtering, the service's record, its mail and its availability.

A service that filters well and keeps no usable record does not conform. The good one is accredited,
and gets a certificate.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from harness.campaign.assemble import Prepared
from harness.cli import demo_service_side, plan_step
from harness.cli.availability import CheckTimes, check
from harness.cli.compose import load_and_warn, running_range
from harness.cli.demo_service_side import (
    EVERY,
    LATER,
    declared_service,
    receiving_mail,
)
from harness.cli.drawing import silent
from harness.cli.log import send as send_requests
from harness.cli.log_import import LogSource, import_log
from harness.cli.mail import MailPlan, import_mail
from harness.cli.mail import send as send_mails
from harness.cli.main import app
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.paths import CampaignPaths
from harness.cli.range import make_lists
from harness.cli.registry_facts import open_plans
from harness.cli.simulated_clock import SimulatedClock
from harness.cli.two_party_seed import give_both_parts
from harness.interop.logs.line_reader import LogOptions
from harness.model.outcome import Assessment, Conformity
from harness.ports.storage import WallClock
from harness.schemes.load import load_scheme
from probes.mail.invented_spam import invented_spam
from probes.range.testbed import SERVICE_LOG_FILE, RangeTestbed
from test_suites.kit.campaigns.rehearsal import read_rehearsal
from test_suites.kit.clocks.right_clock import synchronised
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.keys import write_keys
from test_suites.kit.hubs.registered_people import registered
from test_suites.kit.hubs.signing_body import sign_scheme_as_body

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
BESIDE = ("LOG-01", "LOG-02", "EML-01", "EML-02", "EML-03", "EML-04", "AVL-01")
BODY = ("--body", "Example Board", "--address", "1 High Street", "--by", "Cy", "--no-pdf")
HARMFUL = {
    1: ["ADLT", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW.HACK"],
    2: ["PORN"],
    3: ["VIOL"],
}
"""Categories by the number of their strata, each of which gives as many items to a sample."""


class Whole(NamedTuple):
    """The folder of a campaign that is complete but for the log, and the log of its service."""

    out: Path
    log: Path


pytestmark = pytest.mark.timeout(1500)
"""The first test waits for the whole campaign."""


REQUESTS, CHECKS, SPAM, HAM = 700, 64, 80, 64
"""Logged requests, checks of availability, and mails: so many show what the scheme asks."""


def easier(name: str, n_min: int | None = None, **mark: float) -> dict[str, Any]:
    """A requirement with a mark of this test, which so many trials can show."""
    threshold = mark | {"provenance": "proposed", "source": "this test"}
    return {"id": name, "threshold": threshold} | ({"n_min": n_min} if n_min else {})


def write_scheme(folder: Path) -> Path:
    """All of becta-2008 with marks that fewer requests, mails and checks show.

    It is patient too: on a busy machine nobody knows who made the pages late.
    """
    rows = [
        easier("PRF-03", at_most=60),
        easier("LOG-01", 150, at_least=0.98),
        easier("EML-01", SPAM // 2, at_least=0.6),
        easier("EML-04", HAM - 4, at_most=0.05),
        easier("AVL-01", CHECKS - 4, at_least=0.95),
    ]
    scheme = {
        "id": "becta-2008-small",
        "version": "1.0",
        "title": "All of becta-2008, with marks that fewer requests, mails and checks show",
        "parent": "becta-2008",
        "requirements": rows,
    }
    path = folder / "becta-2008-small.yaml"
    path.write_text(json.dumps(scheme))
    return path


def send_and_read_mail(
    prepared: Prepared, paths: CampaignPaths, mailbox: demo_service_side.TesterMailbox
) -> None:
    """Send few mails, and read the mailbox that they arrive in."""
    spam = invented_spam(mailbox.spam.with_name("some-spam.mbox"), SPAM)
    send_mails(prepared, paths, MailPlan(spam=(spam,), ham=HAM, each=1))
    import_mail(paths.journal, {"inbox": [mailbox.spool]}, WallClock())


async def no_pause() -> None:
    return


def check_availability(prepared: Prepared, paths: CampaignPaths) -> None:
    """Check every half minute from now on, on a clock that is set forward."""
    clock = SimulatedClock(datetime.now(UTC))  # after the campaign was registered
    times = CheckTimes(every=EVERY, lasts=EVERY * CHECKS, together=40)
    check(prepared, paths, times, pause=clock.pause, clock=clock)


def write_campaign(folder: Path, scheme: Path, running: RangeTestbed) -> Path:
    """A campaign for all of becta-2008 over the range's proxy."""
    proxy = {"proxy": running.origin.services["reference"]["proxy"]["pupils"]}
    declared: dict[str, Any] = {
        "campaign": "whole",
        "scheme": str(scheme),
        "service": YAML(typ="safe").load(declared_service(running, "proxy"))
        | {"name": "Safe Net", "supplier": "Acme"},
        "origin": str(folder / "range/origin.json"),
        "lines": [{"name": "proxy", "type": "explicit_proxy", "site": "school", "options": proxy}],
        "availability_lines": [
            {"name": "branch", "type": "explicit_proxy", "site": "branch", "options": proxy}
        ],
        "profiles": {"pupils": {"phase": "ks2"}},
        "corpora": [
            *(
                {"pack": "canary", "categories": codes, "sample": 30 // strata}
                for strata, codes in HARMFUL.items()
            ),
            {"pack": "canary", "categories": ["ILL.CSAM"]},
            {"pack": "school-pages", "categories": ["ALW"], "sample": 2},
            {"pack": str(folder / "range/downloads"), "sample": 1},
        ],
        "items": "agreed",
        "probes": ["web", "download"],
        "limits": {"timeout": 5, "confirmation_timeout": 15, "concurrency": 20},
        "plain_twins": {"number": 59, "pause": 0},
    }
    path = folder / "campaign.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(declared, file)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    policy, pages = load_and_warn("becta-2008").policy, make_lists(folder / "range")
    with (
        synchronised(),
        receiving_mail(folder / "mail") as mailbox,
        running_range(
            folder / "range", policy=policy, pages=pages, mail=mailbox.relay()
        ) as running,
    ):
        scheme, out = write_scheme(folder), folder / "out"
        path = write_campaign(folder, scheme, running)
        downloads = folder / "range/downloads"
        sign_scheme_as_body(scheme, folder, out / "registry.sqlite", downloads)
        give_both_parts(path, out, "Sue", WallClock())
        prepared = prepare_in(path, out)
        register = prepared.campaign.scheme
        paths = measure_prepared(prepared, out, silent(), register=register)
        send_and_read_mail(prepared, paths, mailbox)
        check_availability(prepared, paths)
        log = folder / "range" / SERVICE_LOG_FILE
        send_requests(prepared, paths, "ordinary", REQUESTS, pause=no_pause)
        shutil.copy(log, folder / "whole.log")
    return Whole(out, folder / "whole.log")


@pytest.fixture
def campaign(whole: Whole, tmp_path: Path) -> CampaignPaths:
    """A copy of the campaign, whose log was not read."""
    shutil.copytree(whole.out, tmp_path / "out")
    return CampaignPaths(out=tmp_path / "out", campaign="whole")


def read_log(
    campaign: CampaignPaths, whole: Whole, change: Callable[[list[str]], list[str]]
) -> None:
    """Read the service's log as it is after a change."""
    log = campaign.out / "service.log"
    log.write_text("".join(change(whole.log.read_text().splitlines(keepends=True))))
    later = SimulatedClock(datetime.now(UTC) + LATER)
    source = LogSource(path=log, form="squid-log", options=LogOptions(now=later.now()))
    import_log(campaign.journal, source, later)


def concluded(campaign: CampaignPaths) -> Assessment:
    return read_rehearsal(campaign.journal).assessment


def told(assessment: Assessment, conformity: Conformity) -> list[str]:
    """The binding requirements with an outcome."""
    return sorted(
        one.requirement.id
        for one in assessment.outcomes
        if one.requirement.binding and one.conformity is conformity
    )


def test_becta_2008_binds_records_mail_and_availability() -> None:
    rows = {one.id: one for one in load_scheme("becta-2008").requirements}

    assert all(rows[name].binding for name in BESIDE)


def test_a_service_that_filters_and_keeps_a_record_is_accredited(
    campaign: CampaignPaths, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is decided two days later, when the checks of its availability are over."""
    read_log(campaign, whole, lambda lines: lines)

    assessment = concluded(campaign)

    assert ([], []) == (told(assessment, FAILS), told(assessment, OPEN))
    assert set(BESIDE) <= set(told(assessment, CONFORMS))
    at_branch = {one.requirement.id for one in assessment.outcomes if one.line == "branch"}
    assert {"AVL-01"} == at_branch
    assert 0 == assessment.exit_code
    assert () == open_plans(assessment, campaign)
    monkeypatch.setattr(plan_step.clock, "source", SetClock(datetime.now(UTC) + timedelta(days=2)))
    assert ": valid now (" in decided(campaign)


def decided(campaign: CampaignPaths) -> str:
    """Decide on the campaign, issue the certificate, and say what its check found."""
    key, public = write_keys(campaign.out)
    listed = campaign.out / "status-list.json"
    registry = ["--registry", str(campaign.out / "registry.sqlite")]
    results = str(campaign.home)
    ray, di = (str(registered(registry[1], campaign.out, name)) for name in ("Ray", "Di"))
    wanted = ["accredited", "--results", results, "--reason", "r", "--identity"]
    version = ["version", "1.0", "--supplier", "Acme", "--set", "of=Safe Net"]
    for words in (
        ["registry", "add", *version],
        ["decision", "propose", results],
        ["decision", "recommend", *wanted, ray],
        ["decision", "make", *wanted, di],
        ["certificate", "issue", "D-0001", "--key", str(key), "--out", str(campaign.out), *BODY],
        ["certificate", "status-list", "--key", str(key), "--out", str(listed)],
    ):
        with synchronised():
            ended = CliRunner().invoke(app, [*words, *registry])
        assert 0 == ended.exit_code, (words, ended.output, ended.exception)
    certificate = str(campaign.out / "certificate.json")
    words = ["--key", str(public), "--status-list", str(listed)]
    checked = CliRunner().invoke(app, ["certificate", "verify", certificate, *words])
    assert 0 == checked.exit_code, checked.output
    return checked.output


@pytest.mark.parametrize(
    ("loses", "failed", "left_open"),
    [
        (lambda lines: [one for n, one in enumerate(lines) if n % 10], ["LOG-01"], []),
        (lambda lines: [one.replace(" pupils ", " - ") for one in lines], ["LOG-01"], ["LOG-02"]),
        (lambda lines: [one.replace(" pupils ", " staff ") for one in lines], ["LOG-02"], []),
    ],
    ids=["1 of 10 entries is lost", "no user is named", "all users are staff"],
)
def test_a_service_that_filters_well_and_keeps_no_usable_record_does_not_conform(
    campaign: CampaignPaths,
    whole: Whole,
    loses: Callable[[list[str]], list[str]],
    failed: list[str],
    left_open: list[str],
) -> None:
    read_log(campaign, whole, loses)

    assessment = concluded(campaign)

    assert failed == told(assessment, FAILS)
    assert left_open == told(assessment, OPEN)
    assert 1 == assessment.exit_code


def test_a_log_that_was_not_read_shows_no_record(campaign: CampaignPaths) -> None:
    assessment = concluded(campaign)

    assert ["LOG-01", "LOG-02"] == told(assessment, OPEN)
    assert 3 == assessment.exit_code
    assert (
        json.loads((campaign.home / "assessment-becta-2008-small.json").read_text())["exit_code"]
        == 3
    )

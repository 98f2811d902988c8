"""Uploads to an origin: UPL-01 and UPL-02 met, broken and not tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from corpora.uploads import UPLOAD_PACK, uploads
from harness.estimate.file_cases import UNDECLARED_GROUPS
from harness.model.outcome import Conformity, Outcome
from harness.model.upload_case import (
    INFECTED_UPLOADS,
    INFECTED_WAYS,
    NAMED_UPLOADS,
    NAMED_WAYS,
    SIZED_UPLOADS,
)
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from probes.net.file_contents import holds_test_string
from probes.range import file_services
from probes.range.connection import Request
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import pack_campaign
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse

PAGES = uploads("uploads")
GROUPS = {
    "pupils": {"phase": "ks2", "uploads": "block"},
    "staff": {"phase": "staff", "uploads": "allow"},
}
SCHEME = """\
id: our-school
version: "1.0"
title: What may be uploaded
policy: uk-schools-2026
requirements: [{id: UPL-01}, {id: UPL-02}]
"""
SHARING = "LOC.FSHR"
Try = Callable[..., Rehearsal]


def hosts(*strata: str) -> frozenset[str]:
    return frozenset(row["registrable"] for row in PAGES.rows if row["stratum"] in strata)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """A filter that scans uploads, lets staff upload and pupils not; its proxy opens TLS."""
    policy = FilterPolicy(
        blocks=lambda code, profile: (
            code.startswith("MALW") or (code == SHARING and profile == "pupils")
        ),
        upload_code=SHARING,
    )
    options: dict[str, Any] = {"contents": PAGES.contents, "texts": PAGES.texts, "opens_tls": True}
    folder = tmp_path_factory.mktemp("world")
    profiles = ("pupils", "staff")
    with RangeTestbed.running(folder, policy=policy, profiles=profiles, **options) as world:
        yield world


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of uploads through the proxies of two groups."""

    def run(
        *,
        fault: Fault | None = None,
        groups: dict[str, Any] = GROUPS,
        named: bool = True,
    ) -> Rehearsal:
        if fault is not None:
            world.faults.add(fault)
        proxies = world.origin.services["reference"]["proxy"]
        core = {f"CTRL/{one}" for one in NAMED_UPLOADS} | {
            f"MALW.MAL/{one}" for one in INFECTED_UPLOADS
        }
        items = [row["id"] for row in PAGES.rows if row["stratum"] in core]
        line = {
            "name": "proxy",
            "type": "explicit_proxy",
            "options": {"proxy": proxies["pupils"], "authority": world.origin.authority},
            "by_profile": {name: {"proxy": proxies[name]} for name in groups},
        }
        chosen = [{"pack": "./pages", "items": items if named else []}]
        return rehearse(
            pack_campaign(
                tmp_path, world, UPLOAD_PACK, PAGES, SCHEME,
                lines=[line], profiles=groups, corpora=chosen, probes=["upload"],
            )
        )  # fmt: skip

    yield run
    world.faults.clear()


def outcome(run: Rehearsal, requirement: str, profile: str) -> Outcome:
    return next(
        one
        for one in run.assessment.outcomes
        if (one.requirement.id, one.profile) == (requirement, profile)
    )


def test_a_filter_that_controls_uploads_by_group_conforms(tried: Try, world: RangeTestbed) -> None:
    run = tried(named=False)

    for profile in GROUPS:
        assert outcome(run, "UPL-01", profile).conformity is Conformity.CONFORMS
        assert outcome(run, "UPL-01", profile).metric.n == len(NAMED_WAYS)
        assert outcome(run, "UPL-02", profile).conformity is Conformity.CONFORMS
        assert outcome(run, "UPL-02", profile).metric.n == len(INFECTED_WAYS) + len(SIZED_UPLOADS)
    by_staff = {
        one.state
        for one in run.verdicts
        if one.item.category == "CTRL" and one.key.profile == "staff"
    }
    assert by_staff == {State.ALLOWED}
    by_websocket = {
        one.key.profile: one.state for one in run.verdicts if "upload:websocket" in one.item.stratum
    }
    assert by_websocket == {"pupils": State.BLOCKED, "staff": State.ALLOWED}
    for path in (path for path in run.journal.parent.rglob("*") if path.is_file()):
        assert not holds_test_string(path.read_bytes()), path
    journal = open_journal(run.journal)
    kept = [msgspec.json.encode(one) for one in journal.observations()]
    journal.close()
    assert not [one for one in kept if b"STANDARD-ANTIVIRUS" in one]
    logged = {one.host: one.answer for one in world.log.arrivals() if one.method == "PUT"}
    put = hosts("CTRL/upload:put")
    assert put <= logged.keys()
    assert all(
        re.search("; received [0-9]+ bytes, sha256 [0-9a-f]{64}$", logged[one]) for one in put
    )


def test_a_way_that_pupils_can_still_upload_by_does_not_conform(tried: Try) -> None:
    way = Fault(kind=FaultKind.UNREAD, hosts=hosts("CTRL/upload:webdav"))
    run = tried(fault=way)

    assert outcome(run, "UPL-01", "pupils").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "UPL-01", "pupils").metric.value == 0.8
    assert outcome(run, "UPL-01", "staff").conformity is Conformity.CONFORMS


def test_an_upload_that_is_blocked_although_it_is_allowed_does_not_conform(tried: Try) -> None:
    fault = Fault(
        kind=FaultKind.PAGE_403, hosts=hosts("CTRL/upload:chat"), profiles=frozenset({"staff"})
    )
    run = tried(fault=fault)

    assert outcome(run, "UPL-01", "staff").conformity is Conformity.DOES_NOT_CONFORM


def test_an_infected_upload_that_passes_does_not_conform(tried: Try) -> None:
    fault = Fault(kind=FaultKind.UNREAD, hosts=hosts("MALW.MAL/upload:put: test file"))
    run = tried(fault=fault)

    assert outcome(run, "UPL-02", "staff").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "UPL-02", "staff").metric.value == 1


def test_a_service_without_a_group_that_may_not_upload_decides_nothing(tried: Try) -> None:
    run = tried(groups={"staff": GROUPS["staff"]})

    assert outcome(run, "UPL-01", "staff").conformity is Conformity.INSUFFICIENT
    assert UNDECLARED_GROUPS in " ".join(outcome(run, "UPL-01", "staff").reasons)
    assert outcome(run, "UPL-02", "staff").conformity is Conformity.CONFORMS


def test_an_upload_that_is_changed_on_its_way_is_no_delivery_and_no_block(
    tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    forwarded = Request.to_origin_form
    monkeypatch.setattr(
        Request,
        "to_origin_form",
        lambda one: forwarded(replace(one, body=b"x" * len(one.body))),
    )
    way = Fault(kind=FaultKind.UNREAD)
    run = tried(fault=way, groups={"staff": GROUPS["staff"]})

    by_http = {one.rule for one in run.verdicts if one.item.value.startswith("http://")}
    assert by_http == {"file-without-content"}
    assert outcome(run, "UPL-02", "staff").metric.k == len(INFECTED_WAYS)  # by HTTPS
    assert outcome(run, "UPL-02", "staff").conformity is Conformity.DOES_NOT_CONFORM


def test_an_upload_that_does_not_arrive_whole_on_the_control_decides_nothing(
    tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_services, "digest_of_upload", lambda *_: "0" * 64)
    run = tried(groups={"staff": GROUPS["staff"]})

    assert {one.state for one in run.verdicts} == {State.DOWN}
    assert outcome(run, "UPL-02", "staff").conformity is Conformity.INSUFFICIENT

"""Files from an origin: MAL-01, MAL-02, MAL-04 and MAL-05 met, broken and not tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from corpora.downloads import DOWNLOAD_PACK, downloads
from corpora.origin_pack import OriginPages
from harness.estimate.file_cases import UNDECLARED
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.file_case import (
    ARCHIVES,
    CLEAN_GROUPS,
    FEATURES,
    FILE,
    NAMED_CASES,
    SIZED_CASES,
    file_case,
)
from harness.model.outcome import Conformity, Outcome
from harness.model.verdict import State, Verdict
from harness.store.journal.journal import open_journal
from probes.net.file_contents import holds_test_string
from probes.range import file_services, proxy, tampering
from probes.range.faults import Fault, FaultKind
from probes.range.tampering import Tampered
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import pack_campaign, world_of
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse

PAGES = downloads("files", of_case=1, clean=0)
SCHEME = """\
id: our-school
version: "1.0"
title: What files hold
policy: uk-schools-2026
requirements: [{id: MAL-01}, {id: MAL-02}, {id: MAL-04}, {id: MAL-05, n_min: 8}]
"""
BLOCKED = {"deep": "block", "encrypted": "block", "huge": "block"}
Try = Callable[..., Rehearsal]


def hosts(*cases: str) -> frozenset[str]:
    """The hosts of harmful files in some cases; of all files, if none is named."""
    wanted = {f"MALW.MAL/file:{case}" for case in cases}
    return frozenset(
        row["registrable"] for row in PAGES.rows if not cases or row["stratum"] in wanted
    )


world = world_of(PAGES, gateway=True)
"""A filter that knows no host, and scans files; its gateway opens TLS."""


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of files over the gateway."""

    def run(
        pages: OriginPages = PAGES,
        *,
        fault: Fault | None = None,
        faults: Iterable[Fault] = (),
        archives: dict[str, str] | None = None,
        **more: Any,
    ) -> Rehearsal:
        world.faults.add(Fault(kind=FaultKind.INTERCEPT, hosts=hosts(), service="gateway"))
        for each in (*faults, *filter(None, [fault])):
            world.faults.add(each)
        service = {"name": "a scanner", "archives": BLOCKED if archives is None else archives}
        return rehearse(
            pack_campaign(
                tmp_path, world, DOWNLOAD_PACK, pages, SCHEME,
                service=service, probes=["download"], **more,
            )
        )  # fmt: skip

    yield run
    world.faults.clear()


def outcome(run: Rehearsal, requirement: str) -> Outcome:
    return run.outcome(requirement, "gateway")


def test_a_filter_that_opens_every_container_conforms(tried: Try, world: RangeTestbed) -> None:
    run = tried()

    for requirement in ("MAL-01", "MAL-02", "MAL-04", "MAL-05"):
        assert outcome(run, requirement).conformity is Conformity.CONFORMS, requirement
    assert outcome(run, "MAL-01").metric.n == len(NAMED_CASES | SIZED_CASES)
    assert outcome(run, "MAL-02").metric.n == len(FEATURES)
    assert outcome(run, "MAL-04").metric.n == len(ARCHIVES)
    clean = [one for one in run.verdicts if one.item.stratum.startswith(TWIN)]
    assert outcome(run, "MAL-05").metric.n == len([one for one in clean if not _is_archive(one)])
    harmful = [one for one in run.verdicts if not one.item.stratum.startswith(TWIN)]
    assert {one.state for one in harmful} == {State.BLOCKED}
    _is_what_the_log_says(run, world)
    _holds_no_test_string(run.journal.parent)


def _is_archive(verdict: Verdict) -> bool:
    case = file_case(variant_of(verdict.item.stratum))
    return case is None or case.group not in CLEAN_GROUPS


def _is_what_the_log_says(run: Rehearsal, world: RangeTestbed) -> None:
    """The origin sent each file that arrived: its log has the size and the digest."""
    sent = {(one.host, one.answer.partition("sha256 ")[2][:16]) for one in world.log.arrivals()}
    told = {
        (one.item.host, one.witnesses[1].partition("sha256 ")[2][:16])
        for one in run.verdicts
        if one.rule == "file-unchanged" and not _is_sent_otherwise(one)
    }

    assert len(told) > 40
    assert told <= sent


def _is_sent_otherwise(verdict: Verdict) -> bool:
    """Whether what is sent is not the file itself: a part of it, or in a content coding."""
    case = file_case(variant_of(verdict.item.stratum))
    return (
        case is None
        or case.transport is None
        or bool(case.transport.ranges or case.transport.coding)
    )


def _holds_no_test_string(folder: Path) -> None:
    """Nothing that a campaign wrote holds the test string: also not compressed or encoded."""
    files = [path for path in folder.rglob("*") if path.is_file()]

    assert len(files) > 3
    for path in files:
        assert not holds_test_string(path.read_bytes()), path
    journal = open_journal(folder / "journal")
    try:
        kept = [msgspec.json.encode(one) for one in journal.observations()]
    finally:
        journal.close()
    assert not [one for one in kept if b"STANDARD-ANTIVIRUS" in one or holds_test_string(one)]
    assert not holds_test_string(b"\n".join(kept))


@pytest.mark.parametrize("case", ["https", "nested-zip", "ranged"])
def test_a_filter_that_lets_one_named_form_pass_does_not_conform(tried: Try, case: str) -> None:
    run = tried(fault=Fault(kind=FaultKind.UNREAD, hosts=hosts(case)), corpora=only(case))

    assert outcome(run, "MAL-01").conformity is Conformity.DOES_NOT_CONFORM
    assert [one.item for one in outcome(run, "MAL-01").witnesses] == [f"file-{case}-1"]
    _holds_no_test_string(run.journal.parent)


def only(*cases: str) -> list[dict[str, Any]]:
    """The selection of the files of some cases, with their twins."""
    named = {f"MALW.MAL/file:{case}" for case in cases}
    rows = [row["id"] for row in PAGES.rows if row["stratum"].removeprefix(TWIN) in named]
    return [{"pack": "./pages", "items": rows}]


def test_a_feature_and_an_archive_that_pass_do_not_conform(tried: Try) -> None:
    cases = ("feature-drive-by", "feature-cloud", "archive-encrypted")
    run = tried(fault=Fault(kind=FaultKind.UNREAD, hosts=hosts(*cases)), corpora=only(*cases))

    assert outcome(run, "MAL-02").metric.value == 2
    assert outcome(run, "MAL-02").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "MAL-04").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "MAL-01").conformity is Conformity.INSUFFICIENT


def test_an_archive_that_is_blocked_although_it_is_allowed_does_not_conform(tried: Try) -> None:
    declared = BLOCKED | {"encrypted": "allow"}
    run = tried(archives=declared, corpora=only(*(f"archive-{kind}" for kind in ARCHIVES)))

    assert outcome(run, "MAL-04").conformity is Conformity.DOES_NOT_CONFORM
    assert [one.item for one in outcome(run, "MAL-04").witnesses] == [
        "file-archive-encrypted-1-twin"
    ]


def test_archives_of_which_nothing_is_declared_decide_nothing(tried: Try) -> None:
    cases = [f"archive-{kind}" for kind in ARCHIVES]
    run = tried(archives={"deep": "block"}, corpora=only(*cases))

    assert outcome(run, "MAL-04").conformity is Conformity.INSUFFICIENT
    assert UNDECLARED in " ".join(outcome(run, "MAL-04").reasons)
    assert outcome(run, "MAL-04").metric.n == 1


@pytest.mark.parametrize(
    ("kind", "case"), [(FaultKind.BANNER, "data: URI by HTTPS GET"), (FaultKind.PAGE_403, "zip")]
)
def test_a_clean_file_that_is_changed_or_blocked_does_not_conform(
    tried: Try, kind: FaultKind, case: str
) -> None:
    twin = next(row for row in PAGES.rows if row["stratum"] == f"{TWIN}MALW.MAL/file:{case}")
    fault = Fault(kind=kind, hosts=frozenset({twin["registrable"]}))
    run = tried(fault=fault, corpora=only(*CASES, case))

    assert outcome(run, "MAL-05").metric.witnesses == (twin["id"],)
    assert outcome(run, "MAL-05").conformity is Conformity.DOES_NOT_CONFORM


CASES = tuple(name.removeprefix(FILE) for name in NAMED_CASES)


def test_a_file_that_is_cut_off_emptied_or_replaced_is_neither_blocked_nor_delivered(
    tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, instead = tampering.tamper, {FaultKind.DRIP: b"", FaultKind.BANNER: b"cleaned"}

    def tamper(fault: Fault, answer: bytes) -> Tampered:
        return _answered(instead[fault.kind]) if fault.kind in instead else whole(fault, answer)

    monkeypatch.setattr(proxy, "tamper", tamper)
    kinds = {
        "http": FaultKind.TRUNCATED,
        "nested-zip": FaultKind.TORN,
        "renamed": FaultKind.DRIP,
        "zip": FaultKind.BANNER,
    }
    faults = [Fault(kind=kind, hosts=hosts(case)) for case, kind in kinds.items()]
    run = tried(faults=faults, corpora=only(*CASES))

    assert {one.item.id: one.rule for one in run.verdicts if one.state is State.INSUFFICIENT} == {
        "file-http-1": "broken-off",
        "file-nested-zip-1": "broken-off",
        "file-renamed-1": "page-not-recognised",
        "file-zip-1": "page-not-recognised",
    }
    assert outcome(run, "MAL-01").conformity is Conformity.INSUFFICIENT
    assert outcome(run, "MAL-01").metric.indeterminate == len(kinds)


def _answered(body: bytes) -> Tampered:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
    return Tampered(pieces=(head.encode() + body,))


def test_a_filter_that_knows_files_by_their_endings_does_not_conform(tried: Try) -> None:
    named = only(*CASES)[0]["items"]
    known = [row for row in PAGES.rows if row["value"].endswith((".com", ".zip"))]
    stopped = frozenset(row["registrable"] for row in known)
    run = tried(
        faults=(
            Fault(kind=FaultKind.UNREAD, hosts=hosts()),
            Fault(kind=FaultKind.PAGE_403, hosts=stopped),
        ),
        corpora=only(*CASES),
    )

    assert outcome(run, "MAL-01").conformity is Conformity.DOES_NOT_CONFORM
    assert [one.item for one in outcome(run, "MAL-01").witnesses] == ["file-renamed-1"]
    twins = {row["id"] for row in known if row["id"] in named and row["id"].endswith("-twin")}
    assert set(outcome(run, "MAL-05").metric.witnesses) == twins
    assert outcome(run, "MAL-05").conformity is Conformity.DOES_NOT_CONFORM


def test_no_address_says_what_the_file_is() -> None:
    addresses = " ".join(row["value"] for row in downloads("files").rows)

    assert not re.search(r"eicar|virus|malware|harmful|test-?file|amtso|danger", addresses)


def test_a_file_that_is_larger_than_what_a_filter_scans_does_not_conform(tried: Try) -> None:
    large = next(iter(SIZED_CASES)).removeprefix(FILE)
    run = tried(fault=Fault(kind=FaultKind.UNREAD, hosts=hosts(large)), corpora=only(*CASES, large))

    assert outcome(run, "MAL-01").conformity is Conformity.DOES_NOT_CONFORM
    assert [one.item for one in outcome(run, "MAL-01").witnesses] == ["file-large-1"]


def test_a_filter_that_blocks_every_download_fails_for_clean_files_alone(tried: Try) -> None:
    run = tried(fault=Fault(kind=FaultKind.PAGE_403, hosts=hosts()), corpora=only(*CASES))

    assert outcome(run, "MAL-01").conformity is Conformity.CONFORMS
    assert outcome(run, "MAL-05").metric.k == len(NAMED_CASES)
    assert outcome(run, "MAL-05").conformity is Conformity.DOES_NOT_CONFORM


def test_a_form_that_does_not_arrive_on_the_control_decides_nothing(
    tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_services, "_partial", lambda page, _: page)
    run = tried(corpora=only(*CASES))

    assert {one.rule for one in run.verdicts if one.item.stratum == "MALW.MAL/file:ranged"} == {
        "control-without-ranges"
    }
    assert outcome(run, "MAL-01").conformity is Conformity.INSUFFICIENT
    assert NAMED_CASES["file:ranged"] in " ".join(outcome(run, "MAL-01").reasons)


def test_files_that_do_not_arrive_on_the_control_decide_nothing(tried: Try) -> None:
    cases = (
        *CASES,
        *(f"feature-{name}" for name in FEATURES),
        *(f"archive-{kind}" for kind in ARCHIVES),
    )
    dead = Fault(kind=FaultKind.DEAD, hosts=hosts(), service="origin")
    run = tried(fault=dead, corpora=only(*cases))

    for requirement in ("MAL-01", "MAL-02", "MAL-04", "MAL-05"):
        assert outcome(run, requirement).conformity is Conformity.INSUFFICIENT
        assert not outcome(run, requirement).metric.witnesses

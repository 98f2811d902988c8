"""A school's own check on the test range: the reference filter and its faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.compose import running_range
from harness.schemes.load import load_scheme
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.unit.harness.cli.checking_school import School, reasons, results


@pytest.fixture
def testbed(tmp_path: Path) -> Iterator[RangeTestbed]:
    with running_range(tmp_path / "range", policy=load_scheme("becta-2008").policy) as running:
        yield running


@pytest.mark.parametrize(
    ("service", "kind", "result", "code"),
    [
        ("proxy", None, "blocked", 0),
        ("proxy", FaultKind.OFF, "got through", 1),
        ("proxy", FaultKind.PAGE_200, "blocked", 0),
        ("proxy", FaultKind.FRAME, "blocked", 0),
        ("proxy", FaultKind.REDIRECT, "blocked", 0),
        ("proxy", FaultKind.PAGE_451, "blocked", 0),
        ("proxy", FaultKind.SILENT, "could not be told", 3),
        ("proxy", FaultKind.EOF, "could not be told", 3),
        ("resolver", None, "could not be told", 3),
        ("resolver", FaultKind.REFUSE, "could not be told", 3),
        ("resolver", FaultKind.SERVFAIL, "could not be told", 3),
        ("resolver", FaultKind.SILENT, "could not be told", 3),
        ("resolver", FaultKind.OFF, "got through", 1),
    ],
)
def test_the_reference_filter_is_seen_as_it_is(
    service: str,
    kind: FaultKind | None,
    result: str,
    code: int,
    testbed: RangeTestbed,
    school: School,
) -> None:
    if kind is not None:
        testbed.faults.add(Fault(kind=kind))
    words: list[str] = []
    if service == "resolver":
        words = ["--resolver", testbed.origin.services["reference"]["resolver"]["pupils"]]

    ended = school.run("--range", school.folder / "range", *words)

    (record,) = school.records()
    assert code == ended.exit_code, ended.output
    assert {result} == set(results(record, "agency").values())
    assert record["circumstances"]["rehearsal"]
    assert "This was a rehearsal" in school.page()


@pytest.mark.parametrize("service", ["proxy", "resolver"])
def test_a_captive_portal_of_the_range_tells_nothing(
    service: str, testbed: RangeTestbed, school: School
) -> None:
    testbed.faults.add(Fault(kind=FaultKind.CAPTIVE))
    address = testbed.origin.services["reference"][service]["pupils"]

    ended = school.run("--range", school.folder / "range", f"--{service}", address)

    (record,) = school.records()
    assert 3 == ended.exit_code, ended.output
    assert "blocked" not in {row["result"] for row in record["rows"]}


@pytest.mark.parametrize(
    ("address", "result", "code"),
    [("0.0.0.0", "blocked", 0), ("198.18.0.1", "could not be told", 3)],
)
def test_a_sinkhole_is_a_block_if_nothing_can_be_there(
    address: str, result: str, code: int, testbed: RangeTestbed, school: School
) -> None:
    testbed.faults.add(Fault(kind=FaultKind.SINKHOLE, address=address))
    names = school.folder / "names.txt"
    names.write_text("porn-009.canary.accredit.test\n", encoding="utf-8")
    resolver = testbed.origin.services["reference"]["resolver"]["pupils"]

    ended = school.run("--range", school.folder / "range", "--resolver", resolver, "--names", names)

    (record,) = school.records()
    assert code == ended.exit_code, ended.output
    assert {result} == set(results(record, "agency").values())
    assert {result} == set(results(record, "names").values())
    assert "porn-009" not in ended.output + school.page()


def test_a_name_server_that_says_that_it_blocks_is_believed(
    testbed: RangeTestbed, school: School
) -> None:
    testbed.faults.add(Fault(kind=FaultKind.NXDOMAIN, extended_error=17))
    address = testbed.origin.services["reference"]["resolver"]["pupils"]

    ended = school.run("--range", school.folder / "range", "--resolver", address)

    (record,) = school.records()
    assert 0 == ended.exit_code, ended.output
    assert {"the name server said that the name is filtered"} == reasons(record, "agency")

"""The accreditation suite on a real campaign: measured first, then read from its journal."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites import plugin
from test_suites.calibration.conftest import proxy_line
from test_suites.processes.running import HALF_WAY, simulated_campaign
from test_suites.rehearsal import write_campaign

pytest_plugins = ["pytester"]

SUITE = Path(plugin.__file__).parent / "accreditation" / "test_requirements.py"
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\naddopts = --strict-markers\n"


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder, with the digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_pytest_measures_a_campaign_and_reads_its_journal(
    world: RangeTestbed, origin_file: Path, pytester: pytest.Pytester
) -> None:
    missed = frozenset(f"drug-{number:03}.canary.accredit.test" for number in range(1, 201))
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    campaign = write_campaign(
        pytester.path,
        origin=origin_file,
        lines=[proxy_line(world)],
        categories=["DRUG"],
        sample=60,
        whole=["ILL.CSAM"],
    )

    measured = pytester.runpytest_subprocess("--campaign", str(campaign), "-v")
    before = digests(pytester.path / "out")
    (journal,) = (pytester.path / "out").glob("*/journal")
    read = pytester.runpytest_subprocess(
        "--journal", str(journal.parent), "-v", "--junit-xml=junit.xml"
    )

    for ended in (measured, read):
        assert ended.ret == pytest.ExitCode.TESTS_FAILED
        ended.stdout.fnmatch_lines(
            [
                "*test_requirement?ILL-01-pupils-proxy? PASSED*",
                "*test_requirement?URL-04-pupils-proxy? FAILED*",
                "*0 of 60 items were blocked (0.0 %)*required: at least 90 %*",
            ]
        )
    assert digests(pytester.path / "out") == before


def test_without_a_journal_one_line_is_printed(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)

    ended = pytester.runpytest_subprocess("--journal", "nowhere")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["ERROR: nowhere: no journal here*"])


def test_the_message_about_an_unknown_scheme_lists_the_known_ones(
    world: RangeTestbed, origin_file: Path, pytester: pytest.Pytester
) -> None:
    pytester.makeini(INI)
    campaign = write_campaign(
        pytester.path,
        origin=origin_file,
        lines=[proxy_line(world)],
        categories=["ILL.CSAM"],
        sample=2,
    )

    ended = pytester.runpytest_subprocess("--campaign", str(campaign), "--scheme", "bekta-2008")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["ERROR: *bekta-2008*becta-2008*"])


def test_a_journal_that_is_whole_is_read_again_unless_it_is_measured_afresh(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    campaign = str(simulated_campaign(pytester.path / "campaign", sample=5))
    out = pytester.path / "out"

    first = pytester.runpytest_subprocess("--campaign", campaign)
    before = digests(out / "tried/journal")
    again = pytester.runpytest_subprocess("--campaign", campaign)
    wrong = pytester.runpytest_subprocess("--campaign", campaign, "--fresh", "--scheme", "bekta")
    unmoved = list(out.iterdir())
    fresh = pytester.runpytest_subprocess("--campaign", campaign, "--fresh")

    (kept,) = out.glob("tried-until-*/journal")
    first.stdout.fnmatch_lines(["accredit: the journal was measured now"])
    again.stdout.fnmatch_lines(["accredit: the journal was read again, nothing was measured*"])
    fresh.stdout.fnmatch_lines(["accredit: the journal was measured now"])
    assert first.ret == again.ret == fresh.ret
    assert (pytest.ExitCode.USAGE_ERROR, [out / "tried"]) == (wrong.ret, unmoved)
    assert before.items() <= digests(kept).items() or before.keys() == digests(kept).keys()


def test_a_stopped_measurement_is_no_outcome_and_says_how_to_resume(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    campaign = str(simulated_campaign(pytester.path / "campaign", sample=5))
    pytester.makeconftest(HALF_WAY.format(action="raise KeyboardInterrupt"))

    stopped = pytester.runpytest_subprocess("--campaign", campaign)
    (pytester.path / "conftest.py").unlink()
    resumed = pytester.runpytest_subprocess("--campaign", campaign)

    assert pytest.ExitCode.INTERRUPTED == stopped.ret
    stopped.stderr.fnmatch_lines(["*is intact (*observations); run the same command to resume*"])
    resumed.stdout.fnmatch_lines(["accredit: the journal was resumed, * observations were added"])


def test_two_workers_report_as_one(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    campaign = str(simulated_campaign(pytester.path / "campaign", sample=5))

    alone = pytester.runpytest_subprocess("--campaign", campaign)
    both = pytester.runpytest_subprocess("--campaign", campaign, "-n", "2", "--junit-xml=j.xml")

    assert alone.ret == both.ret
    assert alone.parseoutcomes() == both.parseoutcomes()
    assert "read again" in (pytester.path / "j.xml").read_text()

"""The accreditation suite on a real campaign: measured first, then read from its journal."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.cli.progress_display import ProgressDisplay
from harness.measure.progress import Progress
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites import plugin
from test_suites.kit.campaigns.ranges import proxy_line
from test_suites.kit.campaigns.rehearsal import rehearse, simulated_origin, write_campaign

pytest_plugins = ["pytester"]

SUITE = Path(plugin.__file__).parent / "accreditation" / "test_requirements.py"
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\naddopts = --strict-markers\n"


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import what a campaign needs: a run inside of this process forgets what it has imported."""
    rehearse(Path(simulated_campaign(tmp_path_factory.mktemp("imported"))))


def simulated_campaign(folder: Path) -> str:
    """The file of a small campaign over simulated lines, in several batches; it is ``tried``."""
    line = {"name": "proxy", "type": "simulated", "options": {"block": ["DRUG"]}}
    path = write_campaign(
        folder / "campaign",
        origin=simulated_origin(folder),
        lines=[line],
        categories=["DRUG"],
        sample=6,
        campaign="tried",
        control={"type": "simulated"},
        limits={"batch": 4},
    )
    return str(path)


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
    """By processes of their own, as an assessor runs it; the other tests run it in this process."""
    missed = frozenset(f"drug-{number:03}.canary.accredit.test" for number in range(1, 201))
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    campaign = write_campaign(
        pytester.path,
        origin=origin_file,
        lines=[proxy_line(world)],
        categories=["DRUG"],
        sample=30,
        whole=["ILL.CSAM"],
    )

    measured = pytester.runpytest_subprocess("--campaign", str(campaign), "-v")
    before = digests(pytester.path / "out")
    (journal,) = (pytester.path / "out").glob("*/journal")
    read = pytester.runpytest_inprocess(
        "--journal", str(journal.parent), "-v", "--junit-xml=junit.xml"
    )

    for ended in (measured, read):
        assert ended.ret == pytest.ExitCode.TESTS_FAILED
        ended.stdout.fnmatch_lines(
            [
                "*test_requirement?ILL-01-pupils-proxy? PASSED*",
                "*test_requirement?URL-04-pupils-proxy? FAILED*",
                "*0 of 30 items were blocked (0.0 %)*required: at least 90 %*",
            ]
        )
    assert digests(pytester.path / "out") == before


def test_without_a_journal_one_line_is_printed(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)

    ended = pytester.runpytest_inprocess("--journal", "nowhere")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["ERROR: nowhere: no journal here*"])


def test_the_message_about_an_unknown_scheme_lists_the_known_ones(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(INI)
    campaign = simulated_campaign(pytester.path)

    ended = pytester.runpytest_inprocess("--campaign", campaign, "--scheme", "bekta-2008")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["ERROR: *bekta-2008*becta-2008*"])


def test_a_journal_that_is_whole_is_read_again_unless_it_is_measured_afresh(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    campaign = simulated_campaign(pytester.path)
    out = pytester.path / "out"

    first = pytester.runpytest_inprocess("--campaign", campaign)
    before = digests(out / "tried/journal")
    again = pytester.runpytest_inprocess("--campaign", campaign)
    wrong = pytester.runpytest_inprocess("--campaign", campaign, "--fresh", "--scheme", "bekta")
    unmoved = list(out.iterdir())
    fresh = pytester.runpytest_inprocess("--campaign", campaign, "--fresh")

    (kept,) = out.glob("tried-until-*/journal")
    first.stdout.fnmatch_lines(["accredit: the journal was measured now"])
    again.stdout.fnmatch_lines(["accredit: the journal was read again, nothing was measured*"])
    fresh.stdout.fnmatch_lines(["accredit: the journal was measured now"])
    assert first.ret == again.ret == fresh.ret
    assert (pytest.ExitCode.USAGE_ERROR, [out / "tried"]) == (wrong.ret, unmoved)
    assert before.items() <= digests(kept).items() or before.keys() == digests(kept).keys()


def test_a_stopped_measurement_is_no_outcome_and_says_how_to_resume(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    campaign = simulated_campaign(pytester.path)

    with monkeypatch.context() as patch:
        patch.setattr(ProgressDisplay, "on_progress", stop_half_way)
        stopped = pytester.runpytest_inprocess("--campaign", campaign)
    resumed = pytester.runpytest_inprocess("--campaign", campaign)

    assert pytest.ExitCode.INTERRUPTED == stopped.ret
    stopped.stderr.fnmatch_lines(["*is intact (*observations); run the same command to resume*"])
    resumed.stdout.fnmatch_lines(["accredit: the journal was resumed, * observations were added"])


def stop_half_way(_: ProgressDisplay, progress: Progress) -> None:
    if progress.done * 2 > progress.total:
        raise KeyboardInterrupt


def test_two_workers_report_as_one(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    campaign = simulated_campaign(pytester.path)

    alone = pytester.runpytest_inprocess("--campaign", campaign)
    both = pytester.runpytest_inprocess("--campaign", campaign, "-n", "2", "--junit-xml=j.xml")

    assert alone.ret == both.ret
    assert alone.parseoutcomes() == both.parseoutcomes()
    assert "read again" in (pytester.path / "j.xml").read_text()

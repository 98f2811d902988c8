"""The pytest plug-in: silent unless asked, one test per outcome, a clear word for every mistake."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.errors import UsageError
from test_suites import plugin
from test_suites.kit.campaigns.example import example_assessment
from test_suites.unit.test_suites.conftest import INI

pytest_plugins = ["pytester"]

HEAVY = ("numpy", "duckdb", "allure", "pandas", "matplotlib", "pydantic", "harness", "reports")


def test_importing_it_is_light() -> None:
    code = f"import sys, test_suites.plugin\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"


def test_without_a_campaign_the_suite_is_never_green(suite: pytest.Pytester) -> None:
    ended = suite.runpytest()

    ended.assert_outcomes(errors=1)
    assert pytest.ExitCode.TESTS_FAILED == ended.ret
    ended.stdout.fnmatch_lines(["*give --campaign FILE or --journal PATH*"])
    ended.stdout.no_fnmatch_line("*def *")


def test_without_options_other_tests_of_an_outcome_are_skipped_with_the_reason(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(INI)
    pytester.makepyfile("def test_mine(outcome): assert outcome.metric.n")

    ended = pytester.runpytest("-rs")

    ended.assert_outcomes(skipped=1)
    ended.stdout.fnmatch_lines(["*give --campaign FILE or --journal PATH*"])


def test_other_peoples_tests_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def outcome():
            return 7

        def test_own_fixture(outcome):
            assert outcome == 7

        @pytest.mark.parametrize("outcome", [1, 2])
        def test_own_parameter(outcome):
            assert outcome in (1, 2)
        """
    )

    pytester.runpytest().assert_outcomes(passed=3)


def test_own_fixtures_win_even_when_we_are_asked(
    pytester: pytest.Pytester, concluded: list[object]
) -> None:
    pytester.makeini(INI)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("outcome", [1, 2])
        def test_own_parameter(outcome):
            assert outcome in (1, 2)
        """
    )

    pytester.runpytest("--journal", "j").assert_outcomes(passed=2)


def test_one_test_per_outcome_with_ids(
    suite: pytest.Pytester, concluded: list[tuple[Path, str | None]]
) -> None:
    ended = suite.runpytest("--journal", "j", "--scheme", "strict", "-v", "-rA")

    ended.assert_outcomes(passed=4, failed=1, errors=2)
    ended.stdout.fnmatch_lines(
        [
            "accredit: campaign spring-2026 against becta-2008 1.0",
            "*test_requirement?URL-01-ks2-proxy? PASSED*",
            "*test_requirement?URL-04-ks2-proxy? FAILED*",
        ]
    )
    assert concluded == [(Path("j"), "strict")]


def test_a_failure_says_the_whole_sentence(suite: pytest.Pytester, concluded: list[object]) -> None:
    ended = suite.runpytest("--journal", "j", "-k", "URL-04-ks2-proxy")

    ended.stdout.fnmatch_lines(
        [
            "URL-04 (*) for ks2 on proxy: does not conform; 80 of 100 items were blocked (80.0 %); * bounds 72.3 to 86.4 %*",
            "*canary/DRUG/001 drug-001.canary.accredit.test*",
            "FAILED test_requirements.py::test_requirement?URL-04-ks2-proxy? - URL-04 (*",
        ]
    )
    for ours in ("*def test_requirement*", "*outcome = Outcome(*", "*raise *"):
        ended.stdout.no_fnmatch_line(ours)


def test_other_peoples_failures_keep_their_traceback(
    pytester: pytest.Pytester, concluded: list[object]
) -> None:
    pytester.makeini(INI)
    pytester.makepyfile("def test_mine(outcome): assert outcome is None")

    ended = pytester.runpytest("--journal", "j", "-k", "URL-04-ks2-proxy")

    ended.stdout.fnmatch_lines(["*def test_mine*"])


def test_insufficient_is_an_error_and_exit_code_3(
    suite: pytest.Pytester, concluded: list[object]
) -> None:
    ended = suite.runpytest("--journal", "j", "-k", "URL-04-ks2-resolver")

    ended.assert_outcomes(errors=1)
    assert 3 == ended.ret
    ended.stdout.fnmatch_lines(["URL-04 (*not decided*its value alone passes*"])


@pytest.mark.parametrize(
    ("expression", "chosen"), [("url", 4), ("crit", 5), ("min", 1), ("crit and illegal", 1)]
)
def test_markers_choose_by_area_and_severity(
    suite: pytest.Pytester, concluded: list[object], expression: str, chosen: int
) -> None:
    ended = suite.runpytest("--journal", "j", "-m", expression, "--collect-only", "-q")

    ended.stdout.fnmatch_lines([f"{chosen}/7 tests collected*"])


def test_last_failed_runs_only_those(suite: pytest.Pytester, concluded: list[object]) -> None:
    suite.runpytest("--journal", "j").assert_outcomes(passed=4, failed=1, errors=2)

    suite.runpytest("--journal", "j", "--lf").assert_outcomes(failed=1, errors=2)


def test_what_binds_nobody_is_skipped_with_its_number(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = example_assessment().outcomes[2]
    requirement = failed.requirement.model_copy(update={"binding": False})
    outcomes = (dataclasses.replace(failed, requirement=requirement),)
    monkeypatch.setattr(plugin, "_conclude", lambda *_: example_assessment(outcomes=outcomes))

    ended = suite.runpytest("--journal", "j", "-rs")

    ended.assert_outcomes(skipped=1)
    ended.stdout.fnmatch_lines(["*not binding: URL-04*80 of 100*"])


def test_junit_holds_requirement_scheme_campaign_and_rule(
    suite: pytest.Pytester, concluded: list[object]
) -> None:
    suite.runpytest("--journal", "j", "--junit-xml=junit.xml")

    cases = ET.parse(suite.path / "junit.xml").getroot().iter("testcase")
    held = {
        case.get("name"): {each.get("name"): each.get("value") for each in case.iter("property")}
        for case in cases
    }
    case = held["test_requirement[URL-04-ks2-proxy]"]
    assert case["requirement"] == "URL-04"
    assert case["scheme_version"] == "1.0"
    assert case["campaign"] == "spring-2026"
    assert (case["decision_rule"] or "").startswith("guarded: conforms only if")


def test_allure_shows_insufficient_as_broken_and_holds_the_evidence(
    suite: pytest.Pytester,
) -> None:
    suite.makeconftest(
        "from test_suites import plugin\n"
        "from test_suites.kit.campaigns.example import example_assessment\n"
        "plugin._conclude = lambda path, scheme: example_assessment()\n"
    )

    suite.runpytest_subprocess("--journal", "j", "--alluredir=allure")

    found = [json.loads(each.read_text()) for each in suite.path.glob("allure/*-result.json")]
    by_name = {each["name"]: each for each in found}
    failed = by_name["URL-04 Illegal drug taking and promotion is blocked [ks2, proxy]"]
    unsure = by_name["URL-04 Illegal drug taking and promotion is blocked [ks2, resolver]"]
    assert (failed["status"], unsure["status"]) == ("failed", "broken")
    labels = {(each["name"], each["value"]) for each in failed["labels"]}
    assert labels >= {("severity", "blocker"), ("feature", "url"), ("tag", "DRUG")}
    assert ("parentSuite", "becta-2008 1.0") in labels
    attached = {each["name"] for each in failed["attachments"]}
    assert attached >= {"requirement", "category", "interval", "worst items"}
    assert [each["name"] for each in failed["parameters"]] == ["accredit_outcome"]


def test_a_users_mistake_is_one_line_and_no_traceback(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("j: no journal here")

    monkeypatch.setattr(plugin, "_conclude", refuse)

    ended = suite.runpytest("--journal", "j")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["*ERROR: j: no journal here"])
    assert "Traceback" not in ended.stdout.str() + ended.stderr.str()


def test_no_outcome_at_all_is_never_a_green_run(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "_conclude", lambda *_: example_assessment(outcomes=()))

    ended = suite.runpytest("--journal", "j")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["*has no requirement that applies here*"])


def test_campaign_measures_before_tests_are_collected(
    suite: pytest.Pytester,
    concluded: list[tuple[Path, str | None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[Path] = []

    def measure(path: Path, scheme: str | None, *, fresh: bool) -> tuple[Path, str]:
        measured.append(path)
        return Path("out/spring/journal"), "measured now"

    monkeypatch.setattr(plugin, "_measure", measure)

    suite.runpytest("--campaign", "campaign.yaml").assert_outcomes(passed=4, failed=1, errors=2)

    assert measured == [Path("campaign.yaml")]
    assert concluded == [(Path("out/spring/journal"), None)]


def test_campaign_and_journal_together_are_a_mistake(suite: pytest.Pytester) -> None:
    ended = suite.runpytest("--campaign", "campaign.yaml", "--journal", "j")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["*not both*"])


def test_a_worker_reads_the_journal_of_its_controller(
    suite: pytest.Pytester, concluded: list[tuple[Path, str | None]]
) -> None:
    suite.makeconftest(
        "def pytest_configure(config):\n    config.workerinput = {'accredit_journal': 'measured'}\n"
    )

    suite.runpytest("--campaign", "campaign.yaml").assert_outcomes(passed=4, failed=1, errors=2)

    assert concluded == [(Path("measured"), None)]

"""The pytest plug-in in CI: errors and failures in JUnit, exit codes, expected results."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from test_suites import plugin
from test_suites.unit.test_suites.conftest import INI

pytest_plugins = ["pytester"]


def test_junit_tells_an_error_from_a_failure(
    suite: pytest.Pytester, concluded: list[object]
) -> None:
    ended = suite.runpytest("--journal", "j", "--junit-xml=junit.xml")

    root = ET.parse(suite.path / "junit.xml").getroot()
    kinds = {
        case.get("name"): [each.tag for each in case if each.tag in ("error", "failure")]
        for case in root.iter("testcase")
    }
    (totals,) = root.iter("testsuite")
    assert 1 == ended.ret
    assert ["failure"] == kinds["test_requirement[URL-04-ks2-proxy]"]
    assert ["error"] == kinds["test_requirement[URL-04-ks2-resolver]"]
    assert ("1", "2") == (totals.get("failures"), totals.get("errors"))


@pytest.mark.parametrize(
    ("chosen", "code"), [("URL-04-ks2-resolver", 3), ("URL-04", 1), ("URL-01-ks2-proxy", 0)]
)
def test_the_exit_code_is_3_only_where_nothing_failed(
    suite: pytest.Pytester, concluded: list[object], chosen: str, code: int
) -> None:
    assert code == suite.runpytest("--journal", "j", "-k", chosen).ret


def test_an_error_of_another_test_is_not_insufficient(
    suite: pytest.Pytester, concluded: list[object]
) -> None:
    suite.makepyfile("def test_resolver(): assert False")

    ended = suite.runpytest("--journal", "j", "-k", "URL-04-ks2-resolver or test_resolver")

    ended.assert_outcomes(failed=1, errors=1)
    assert 1 == ended.ret


def test_an_internal_error_of_pytest_is_4_and_never_insufficient(
    suite: pytest.Pytester, concluded: list[object]
) -> None:
    suite.makeconftest("def pytest_runtest_logstart(): raise ValueError('odd')")

    assert 4 == suite.runpytest("--journal", "j").ret


def test_without_our_options_the_exit_codes_of_pytest_stay(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    pytester.makeconftest("def pytest_runtest_logstart(): raise ValueError('odd')")
    pytester.makepyfile("def test_mine(): pass")

    assert pytest.ExitCode.INTERNAL_ERROR == pytester.runpytest().ret


def test_an_unexpected_error_before_the_tests_is_4_with_one_line(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("odd")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(plugin, "_conclude", fail)

    ended = suite.runpytest("--journal", "j")

    assert 4 == ended.ret
    ended.stderr.fnmatch_lines(["*unexpected error in accredit, not in the service: ValueError*"])


def test_a_journal_that_is_only_read_says_so_and_so_do_its_properties(
    suite: pytest.Pytester, concluded: list[object]
) -> None:
    ended = suite.runpytest("--journal", "j", "--junit-xml=junit.xml")

    root = ET.parse(suite.path / "junit.xml").getroot()
    told = {each.get("value") for each in root.iter("property") if each.get("name") == "journal"}
    ended.stdout.fnmatch_lines(["accredit: journal j: read, nothing was measured"])
    ended.stdout.fnmatch_lines(["accredit: the journal was read, nothing was measured"])
    assert {"read, nothing was measured"} == told


def test_fresh_without_a_campaign_is_a_mistake(suite: pytest.Pytester) -> None:
    ended = suite.runpytest("--journal", "j", "--fresh")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["*--fresh measures anew: it needs --campaign FILE*"])


EXPECTED = """\
scheme: becta-2008
expected:
  - {{requirement: URL-04, profile: ks2, line: proxy, outcome: {outcome}, reason: "list 7", until: {until}, value: 0.5, tolerance: 0.5}}
  - {{requirement: URL-01, profile: ks4, line: proxy, outcome: insufficient, reason: x, until: 2999-01-01}}
  - {{requirement: URL-04, profile: ks2, line: resolver, outcome: insufficient, reason: x, until: 2999-01-01}}
"""


@pytest.mark.parametrize(
    ("outcome", "until", "code", "said"),
    [
        ("does-not-conform", "2999-01-01", 0, "*4 passed, 3 xfailed*"),
        ("does-not-conform", "2020-01-01", 1, "*the entry ended on 2020-01-01: list 7*"),
        ("insufficient", "2999-01-01", 1, "*does-not-conform, but insufficient was expected*"),
    ],
)
def test_known_differences_are_expected_until_a_date(
    suite: pytest.Pytester,
    concluded: list[object],
    outcome: str,
    until: str,
    code: int,
    said: str,
) -> None:
    file = suite.path / "expected.yaml"
    file.write_text(EXPECTED.format(outcome=outcome, until=until))

    ended = suite.runpytest("--journal", "j", "--expect", str(file))

    assert code == ended.ret
    ended.stdout.fnmatch_lines([said])


def test_an_entry_that_names_no_outcome_ends_the_run(
    suite: pytest.Pytester, concluded: list[object]
) -> None:
    file = suite.path / "expected.yaml"
    text = EXPECTED.format(outcome="does-not-conform", until="2999-01-01")
    file.write_text(text.replace("ks4", "ks9"))

    ended = suite.runpytest("--journal", "j", "--expect", str(file))

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["*lists what is no outcome of this assessment: URL-01?ks9-proxy?"])

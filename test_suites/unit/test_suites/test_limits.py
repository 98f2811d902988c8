"""What conforms within a limit only is no success, unless the campaign declared the limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites import plugin
from test_suites.kit.campaigns.example import example_assessment, example_outcome

pytest_plugins = ["pytester"]

SUITE = Path(plugin.__file__).parent / "accreditation" / "test_requirements.py"
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"


@pytest.mark.parametrize(("items", "passed"), [("real", 0), ("agreed", 1)])
def test_what_conforms_within_a_limit_is_green_only_if_that_was_declared(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, items: str, passed: int
) -> None:
    limited = example_outcome(kind="agreed", qualifier="agreed list only")
    concluded = example_assessment(outcomes=(limited,), items=items)
    monkeypatch.setattr(plugin, "_conclude", lambda *_: concluded)

    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())

    ended = pytester.runpytest("--journal", "j")

    ended.assert_outcomes(passed=passed, errors=1 - passed)
    assert (0 if passed else 3) == ended.ret
    ended.stdout.fnmatch_lines(["accredit: conforms: agreed list only; campaign *"])
    if not passed:
        ended.stdout.fnmatch_lines(["URL-01 (*conforms: agreed list only*"])

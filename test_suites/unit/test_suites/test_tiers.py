"""The tests of a tier are the nearest to a change, and as many as there is time for."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites import tiers
from test_suites.tiers import Imports, fitting

FILES = {
    "harness/estimate/rates.py": "",
    "harness/estimate/bounds.py": "from harness.estimate.rates import (\n    rate,\n)\n",
    "harness/assess.py": "from harness.estimate import bounds\n",
    "test_suites/made.py": "import harness.assess\n",
    "test_suites/unit/harness/estimate/test_rates.py": "",
    "test_suites/unit/harness/estimate/test_rates_of_all.py": "",
    "test_suites/unit/harness/estimate/test_bounds.py": "from harness.estimate.bounds import bound\n",
    "test_suites/unit/harness/estimate/test_others.py": "",
    "test_suites/unit/harness/test_assess.py": "    from harness.assess import assess\n",
    "test_suites/processes/test_made.py": "from test_suites.made import made\n",
    "test_suites/processes/test_apart.py": "import json\n",
}


@pytest.fixture
def imports(tmp_path: Path) -> Imports:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Imports(tmp_path)


def test_tests_of_the_same_name_are_nearest_and_importers_follow(imports: Imports) -> None:
    far = imports.tests_of(["harness/estimate/rates.py"])

    assert {
        "test_suites/unit/harness/estimate/test_rates.py": 0,
        "test_suites/unit/harness/estimate/test_rates_of_all.py": 0,
        "test_suites/unit/harness/estimate/test_bounds.py": 2,
        "test_suites/unit/harness/estimate/test_others.py": 2,
        "test_suites/unit/harness/test_assess.py": 3,
        "test_suites/processes/test_made.py": 4,
    } == far


def test_a_changed_test_is_run_itself(imports: Imports) -> None:
    path = "test_suites/processes/test_apart.py"

    assert {path: 0} == imports.tests_of([path])


def test_a_changed_maker_of_tests_runs_those_that_use_it(imports: Imports) -> None:
    assert {"test_suites/processes/test_made.py": 1} == imports.tests_of(["test_suites/made.py"])


def test_a_test_that_was_taken_out_is_not_run(imports: Imports) -> None:
    assert {} == imports.tests_of(["test_suites/unit/harness/test_gone.py"])


def test_a_change_without_a_test_is_not_said_to_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tiers, "changed_files", lambda: ("docs/README.md",))
    monkeypatch.setattr("sys.argv", ["tiers", "near"])

    assert 5 == tiers.main()
    assert "run: make test" in capsys.readouterr().out


def test_what_does_not_fit_is_left_out_and_something_cheaper_is_run() -> None:
    seconds = {"a": 3.0, "b": 9.0, "c": 1.0}

    assert (["a", "c", "d"], ["b"]) == fitting(["a", "b", "c", "d"], seconds, 5.0)
    assert ([], ["a"]) == fitting(["a"], seconds, 2.9)

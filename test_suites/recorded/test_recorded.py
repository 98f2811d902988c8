"""Of journals that are kept, every outcome, count, rule and figure stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.judge import differences
from test_suites.kit.campaigns.held import names, noted, unpacked
from test_suites.recorded.figures import TOLERANCE, figures_of
from test_suites.recorded.journals import MAKERS


@pytest.mark.parametrize("name", names())
def test_what_is_concluded_stays(name: str, tmp_path: Path) -> None:
    now = json.loads(json.dumps(figures_of(unpacked(name, tmp_path), name)))

    found = list(differences(name, noted(name), now, TOLERANCE))

    assert not found, "\n".join(map(str, found[:40]))


def test_every_kind_of_journal_is_kept() -> None:
    assert sorted(MAKERS) == names()


def test_what_is_kept_decides_something_each_way() -> None:
    """A record of nothing would stay whatever is changed."""
    ends = {
        outcome["conformity"]
        for name in names()
        for outcome in noted(name)["assessment"]["outcomes"].values()
    }
    rules = {verdict.split()[4] for name in names() for verdict in noted(name)["verdicts"]}

    assert {"conforms", "does-not-conform", "insufficient"} == ends
    assert len(rules) >= 12

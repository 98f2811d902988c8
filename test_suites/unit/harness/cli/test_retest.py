"""The verb ``retest``; the life of a plan is in calibration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from harness.campaign.assemble import Prepared
from harness.cli import fresh_items
from harness.cli.compose import prepare
from harness.cli.fresh_items import narrow_scheme
from harness.cli.main import app
from harness.errors import UsageError
from harness.model.action_plan import Finding
from harness.model.corpus import Item
from harness.ports.corpora import Corpus
from harness.schemes.load import load_scheme
from harness.store.journal.journal import open_journal
from test_suites.rehearsal import claim

MISSED = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]


def test_a_fix_is_verified_and_the_plan_closed(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    campaign = simulated(miss=MISSED)
    runner.invoke(app, ["run", str(campaign), "--out", out])
    claim(runner, out)
    simulated()

    ended = runner.invoke(
        app, ["retest", "P-0001", str(campaign), "--out", out, "--by", "assessor"]
    )

    assert 0 == ended.exit_code, ended.output
    assert "plan P-0001: re-test conforms; the plan is now closed" in ended.stdout


STOPPING = """stopping:
  plans:
    - {categories: [DRUG], bad: 0.9, good: 0.98}
"""


def test_what_failed_early_is_tried_again_at_full_size(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    campaign = simulated(miss=MISSED, sample=None)
    campaign.write_text(campaign.read_text() + STOPPING)
    ran = runner.invoke(app, ["run", str(campaign), "--out", str(out)])
    assert "plan 1 (DRUG) for pupils: decided after" in ran.output
    claim(runner, out)
    simulated(sample=None)
    campaign.write_text(campaign.read_text() + STOPPING)

    ended = runner.invoke(
        app, ["retest", "P-0001", str(campaign), "--out", str(out), "--by", "assessor"]
    )

    assert 0 == ended.exit_code, ended.output
    [again] = [one for one in out.iterdir() if "retest" in one.name]
    journal = open_journal(again / "journal")
    tried = {one.item.id for one in journal.observations() if one.item.category == "DRUG"}
    journal.close()
    assert journal.header.campaign.stopping is None
    assert journal.stops() == ()
    assert len(tried) >= 29


def test_a_plan_that_nobody_claimed_is_not_retested(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    campaign = simulated(miss=MISSED)
    runner.invoke(app, ["run", str(campaign), "--out", out])

    ended = runner.invoke(app, ["retest", "P-0001", str(campaign), "--out", out])

    assert "plan P-0001 is draft" in str(ended.exception)


def test_an_unknown_plan_tells_what_is_known(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    campaign = simulated(miss=MISSED)
    runner.invoke(app, ["run", str(campaign), "--out", out])

    ended = runner.invoke(app, ["retest", "P-0009", str(campaign), "--out", out])

    assert "known: P-0001" in str(ended.exception)


def test_a_finding_that_names_an_alias_is_of_the_edition() -> None:
    """Registries from before schemes were dated name ``uksic-current``."""
    scheme = load_scheme("uksic-2024")
    finding = Finding(
        id="F-0001",
        campaign="autumn",
        requirement="URL-04",
        title="t",
        severity="Crit",
        scheme="uksic-current",
        scheme_version="1.0",
        profile="pupils",
        line="proxy",
        statement="s",
        missed=(),
        categories=("DRUG",),
        sampled=60,
        opened=datetime(2026, 11, 24, tzinfo=UTC),
    )

    assert ["URL-04"] == [one.id for one in narrow_scheme(scheme, finding).requirements]
    with pytest.raises(UsageError, match="dfe-2024"):
        narrow_scheme(scheme, replace(finding, scheme="dfe-2024"))


def test_another_service_is_refused_before_anything_is_measured(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    campaign = simulated(miss=MISSED)
    runner.invoke(app, ["run", str(campaign), "--out", str(out)])
    claim(runner, out)
    before = sorted(path.name for path in out.iterdir())
    other = prepare(campaign).campaign.service.name
    campaign.write_text(campaign.read_text().replace(other, "Other Net"))

    ended = runner.invoke(app, ["retest", "P-0001", str(campaign), "--out", str(out)])

    assert "measures the service 'Other Net', but finding F-0001 is about" in str(ended.exception)
    assert before == sorted(path.name for path in out.iterdir())


class MovedPack:
    """A pack after a new origin key: the items of the canaries keep their ids, not their hosts."""

    def __init__(self, corpus: Corpus) -> None:
        self.reference, self.size, self._corpus = corpus.reference, corpus.size, corpus

    def items(self, start: int = 0) -> Iterator[Item]:
        for item in self._corpus.items(start):
            yield msgspec.structs.replace(item, value=item.value.replace(".canary.", ".elsewhere."))


def test_missed_items_at_other_addresses_are_refused_before_anything_is_measured(
    runner: CliRunner, simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    campaign = simulated(miss=MISSED)
    runner.invoke(app, ["run", str(campaign), "--out", str(out)])
    claim(runner, out)
    before = sorted(path.name for path in out.iterdir())

    def moved(*given: Any, **options: Any) -> Prepared:
        prepared = prepare(*given, **options)
        return replace(prepared, corpora=tuple(map(MovedPack, prepared.corpora)))

    monkeypatch.setattr(fresh_items, "prepare", moved)
    ended = runner.invoke(app, ["retest", "P-0001", str(campaign), "--out", str(out)])

    assert isinstance(ended.exception, UsageError)
    assert re.search(
        r"item \S+ was at drug-\d+\.canary\.accredit\.test in campaign 'simulated' and is at "
        r"drug-\d+\.elsewhere\.accredit\.test now; use the origin and the packs",
        str(ended.exception),
    )
    assert before == sorted(path.name for path in out.iterdir())

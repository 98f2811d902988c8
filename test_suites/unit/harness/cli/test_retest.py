"""The verb ``retest``; the life of a plan is in calibration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

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
from test_suites.kit.campaigns.rehearsal import claim
from test_suites.unit.harness.cli.conftest import MadeOnce, simulated_in

MISSED = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]


HARMLESS = "corpora:\n- {pack: school-pages, categories: [ALW.EDU], sample: 70}\n"
STOPPING = """stopping:
  plans:
    - {categories: [DRUG], bad: 0.9, good: 0.98}
"""


def drugs_in(folder: Path, *, pages: bool = False, stopping: bool = False, **options: Any) -> Path:
    """A campaign about drug sites, with harmless pages enough to decide on over-blocking."""
    path: Path = simulated_in(folder)(**({"categories": ["DRUG"], "whole": ()} | options))
    text = path.read_text(encoding="utf-8")
    if pages:
        text = text.replace("corpora:\n", HARMLESS)
    path.write_text(text + STOPPING * stopping, encoding="utf-8")
    return path


Failed = Callable[..., Path]


@pytest.fixture
def failed(made: MadeOnce, runner: CliRunner, tmp_path: Path) -> Failed:
    """Gives the results of a campaign that failed, and beside them its file."""

    def results(**options: Any) -> Path:
        def measure(folder: Path) -> None:
            campaign = drugs_in(folder, miss=MISSED, **options)
            words = ["run", str(campaign), "--out", str(folder / "out")]
            assert 1 == runner.invoke(app, words).exit_code

        made.copied(f"failed {options}", measure, tmp_path)
        return tmp_path / "out"

    return results


@pytest.fixture
def claimed(failed: Failed, runner: CliRunner) -> Failed:
    """The same, whose fix the supplier claimed."""

    def results(**options: Any) -> Path:
        out = failed(**options)
        claim(runner, out)
        return out

    return results


def retest(runner: CliRunner, campaign: Path, out: Path | str, *more: str) -> Result:
    """Re-test the plan P-0001, as an assessor does."""
    words = ["retest", "P-0001", str(campaign), "--out", str(out), "--by", "assessor", *more]
    return runner.invoke(app, words)


def test_a_fix_is_verified(runner: CliRunner, claimed: Failed, tmp_path: Path) -> None:
    out = claimed()

    ended = retest(runner, drugs_in(tmp_path), out)

    assert 0 == ended.exit_code, ended.output
    assert "plan P-0001: re-test conforms; the plan is now verified" in ended.stdout


def test_too_small_a_sample_opens_a_test_extension_of_a_computed_size(
    runner: CliRunner, claimed: Failed, tmp_path: Path
) -> None:
    out = claimed()
    campaign = drugs_in(
        tmp_path, miss=[f"drug-{n:03d}.canary.accredit.test" for n in range(2, 121, 12)]
    )

    told = retest(runner, campaign, out, "--dry-run")
    assert 0 == told.exit_code, told.output
    assert "none is spent\n" in told.stdout
    assert re.search(r"that are left: \d+ of DRUG; it needs at least \d+\n", told.stdout)
    assert re.search(
        r"\d+ fresh items of each kind: a fix that is right in 95 % \(90 % is required\) passes in "
        r"33.6 %; the corpora have too few for the 231 that are proposed\n",
        told.stdout,
    )
    assert not list(out.glob("*retest*")), "nothing was tried"

    ended = retest(runner, campaign, out, "--supplier", "a service whose faults are known")

    assert 3 == ended.exit_code, ended.output
    said = " ".join(ended.stdout.split())
    assert "--by NAME --supplier 'a service whose faults are known' (NAME is not " in said
    assert "the plan is now claimed: attempt 1, judged at 97.5 %: 0 of" in said
    [whole] = re.findall(
        r"a new sample of (\d+) fresh items of each kind would decide the same share at the next "
        r"level, 99.1667 %",
        said,
    )
    assert f"test extension: {whole} fresh items of each kind" in said
    assert int(whole) > 60
    few = retest(runner, campaign, out, "--dry-run")
    assert f"and a re-test needs {whole}; nothing was tried" in str(few.exception)
    left = retest(runner, campaign, out)
    assert f"and a re-test needs {whole}; nothing was tried" in str(left.exception)


WORSE = (
    "OVB-01 conformed before and does not conform now: .*"
    r"70 of [0-9]+ harmless items are blocked that were not \(SP-"
)
PAGES = [f"page-{number:04d}.overblock.accredit.test" for number in range(1, 3000)]
UNCHANGED = (
    r"OVB-01 conforms as before \(0 of [0-9]+ harmless items are newly blocked\); "
    "harmless pages wait "
)
DELAYED = r"500 ms longer than before \(median; at least 500 ms, [0-9]+ pages\); at most 150 ms are allowed"


@pytest.mark.parametrize(
    ("after", "code", "said"),
    [
        ({}, 0, UNCHANGED + r"0 ms longer than before \(median of [0-9]+; at most 0 ms longer\)"),
        ({"overblock": PAGES}, 1, WORSE),
        ({"latency_ms": 1010}, 1, UNCHANGED + DELAYED),  # half of it before the first byte
        ({"latency_ms": 100}, 0, UNCHANGED + "45 ms longer than before"),
    ],
)
def test_a_fix_must_not_be_bought_with_over_blocking_or_delay(
    runner: CliRunner,
    claimed: Failed,
    tmp_path: Path,
    after: dict[str, Any],
    code: int,
    said: str,
) -> None:
    out = claimed(pages=True)

    ended = retest(runner, drugs_in(tmp_path, pages=True, **after), out)

    assert code == ended.exit_code, ended.output
    told = " ".join(ended.stdout.split())
    assert re.search(said, told)
    assert re.search("attempt 1, judged at 97.5 %: 0 of [0-9]+ missed items still fail", told)


def test_a_fix_that_exempts_the_known_harmless_pages_is_found(
    runner: CliRunner, claimed: Failed, tmp_path: Path
) -> None:
    out = claimed(pages=True)
    journal = open_journal(out / "simulated/journal")
    known = {one.item.host for one in journal.observations()}
    journal.close()
    unknown = [page for page in PAGES if page not in known]

    ended = retest(runner, drugs_in(tmp_path, pages=True, overblock=unknown), out)

    assert 1 == ended.exit_code, ended.output
    told = " ".join(ended.stdout.split())
    assert "OVB-01 does not conform on fresh harmless items: " in told
    assert "conformed before and does not conform now" not in told
    assert "harmless items are blocked that were not" not in told, "the known ones pass"


def test_a_machine_that_is_slower_in_general_is_no_delay_of_the_service(
    runner: CliRunner, claimed: Failed, tmp_path: Path
) -> None:
    out = claimed(pages=True, latency_ms=40)
    campaign = drugs_in(tmp_path, pages=True, latency_ms=400)
    slow = "control: {type: simulated, options: {latency_ms: 100}}\n"
    text = re.sub(r"control:\n(  .*\n)+", slow, campaign.read_text())
    assert slow in text
    campaign.write_text(text)

    ended = retest(runner, campaign, out)

    assert 0 == ended.exit_code, ended.output
    assert "; the control line was 10.0 times slower, times are divided by that)" in " ".join(
        ended.stdout.split()
    )


def test_a_page_that_an_appeal_found_harmful_is_no_longer_compared(
    runner: CliRunner, claimed: Failed, tmp_path: Path
) -> None:
    """Blocks of it are right; the labels of both campaigns are those after the appeal."""
    out = claimed(pages=True)
    journal = open_journal(out / "simulated" / "journal")
    pages = {
        one.item.id: one.item.value for one in journal.observations() if one.item.id[:3] == "SP-"
    }
    journal.close()
    harmful = dict(list(pages.items())[:6])
    for item in harmful:
        words = [
            "corpus",
            "appeal",
            "school-pages",
            item,
            "--label",
            "DRUG",
            "--reason",
            "it sells",
        ]
        given = [*words, "--appellant", "supplier", "--by", "panel", "--out", str(out)]
        assert 0 == runner.invoke(app, given).exit_code

    ended = retest(runner, drugs_in(tmp_path, pages=True, overblock=list(harmful.values())), out)

    assert 0 == ended.exit_code, ended.output
    assert "(0 of " in ended.stdout


def test_what_failed_early_is_tried_again_at_full_size(
    runner: CliRunner, claimed: Failed, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"categories": ["DRUG", "PIRA"], "sample": None, "stopping": True}
    out = claimed(**asked)
    before = open_journal(out / "simulated/journal")
    assert [(1, {"proxy"})] == [(stop.plan, set(stop.after)) for stop in before.stops()]
    before.close()

    ended = retest(runner, drugs_in(tmp_path, **asked), out)

    assert 0 == ended.exit_code, ended.output
    [again] = [one for one in out.iterdir() if "retest" in one.name]
    journal = open_journal(again / "journal")
    tried = {one.item.id for one in journal.observations() if one.item.category == "DRUG"}
    journal.close()
    assert journal.header.campaign.stopping is None
    assert journal.stops() == ()
    assert len(tried) >= 29


def test_a_plan_that_nobody_claimed_is_not_retested(runner: CliRunner, failed: Failed) -> None:
    out = failed()

    ended = retest(runner, out.parent / "simulated/campaign.yaml", out)

    assert "plan P-0001 is draft" in str(ended.exception)


def test_an_unknown_plan_tells_what_is_known(runner: CliRunner, failed: Failed) -> None:
    out = failed()
    campaign = out.parent / "simulated/campaign.yaml"

    ended = runner.invoke(app, ["retest", "P-0009", str(campaign), "--out", str(out)])

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
    runner: CliRunner, claimed: Failed
) -> None:
    out = claimed()
    before = sorted(path.name for path in out.iterdir())
    campaign = out.parent / "simulated/campaign.yaml"
    other = prepare(campaign).campaign.service.name
    campaign.write_text(campaign.read_text().replace(other, "Other Net"))

    ended = retest(runner, campaign, out)

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
    runner: CliRunner, claimed: Failed, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = claimed()
    before = sorted(path.name for path in out.iterdir())

    def moved(*given: Any, **options: Any) -> Prepared:
        prepared = prepare(*given, **options)
        return replace(prepared, corpora=tuple(map(MovedPack, prepared.corpora)))

    monkeypatch.setattr(fresh_items, "prepare", moved)
    ended = retest(runner, out.parent / "simulated/campaign.yaml", out)

    assert isinstance(ended.exception, UsageError)
    assert re.search(
        r"item \S+ was at drug-\d+\.canary\.accredit\.test in campaign 'simulated' and is at "
        r"drug-\d+\.elsewhere\.accredit\.test now; use the origin and the packs",
        str(ended.exception),
    )
    assert before == sorted(path.name for path in out.iterdir())

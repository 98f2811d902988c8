"""Measuring: a journal that says what it was opened with, and no secret in it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from corpora import pack_reader
from harness.cli.campaign_journal import run_id_in
from harness.cli.compose import prepare
from harness.cli.main import app
from harness.cli.measure import (
    HIDDEN,
    announce,
    describe_stop,
    describe_strain,
    header_of,
    measure_campaign,
    prepare_in,
    without_secrets,
)
from harness.cli.paths import CampaignPaths
from harness.errors import UsageError
from harness.measure.attempts import AttemptOptions, PlannedAttempt
from harness.measure.repeated_attempts import attempt_within_limits
from harness.model.campaign import Campaign, Stop
from harness.ports.storage import WallClock
from harness.store.journal.journal import SegmentJournal, open_journal
from test_suites.unit.harness.scripted import CAMPAIGN as SCRIPTED
from test_suites.unit.harness.scripted import Played, fail, in_turn, item, key, tools


def test_the_header_names_campaign_corpora_and_instrument(simulated: Any) -> None:
    header = header_of(prepare(simulated()))

    assert "simulated" == header.campaign.campaign
    assert ["canary"] == [reference.split()[0] for reference in header.corpora]
    assert header.instrument.startswith("isp-accredit ")
    assert 64 == len(header.seed_commitment)
    mark = pack_reader.open_pack("canary").reference.mark
    told = {"name": "canary", "audience": "public", "design": "census", "kind": "agreed"}
    assert {mark: told} == header.as_document()["packs"]


def test_the_file_of_the_header_holds_what_it_held_before_it_was_typed(
    simulated: Any, tmp_path: Path
) -> None:
    """Or no journal of an earlier version could be resumed."""
    prepared = prepare(simulated(sample=5))
    pack, campaign = prepared.corpora[0].reference, prepared.campaign
    held = {
        "journal_format": 2,
        "campaign": campaign.model_copy(update={"seed": ""}).model_dump_json(),
        "corpora": [f"{pack.name} {pack.version} {pack.sha256}"],
        "packs": {
            pack.mark: {
                "name": pack.name,
                "audience": pack.audience,
                "design": pack.design,
                "kind": pack.kind,
            }
        },
        "items": len(prepared.items),
        "frames": prepared.frames,
        "retrials": True,
        "seed_commitment": hashlib.sha256(campaign.seed.encode()).hexdigest(),
        "instrument": f"isp-accredit {version('isp-accredit')}",
        "run": "ab",
        "probes": {
            name: msgspec.to_builtins(probe.declares, order="deterministic")
            for name, probe in prepared.probes.items()
        },
        "measured_with": [list(each) for each in header_of(prepared).measured_with],
    }

    SegmentJournal.create(tmp_path, header_of(prepared, "ab").as_document()).close()

    text = msgspec.json.format(msgspec.json.encode(held), indent=2) + b"\n"
    assert text == (tmp_path / "header.json").read_bytes()


def test_secrets_are_hidden_on_the_way_to_the_journal() -> None:
    declared = Campaign.model_validate(
        {
            "campaign": "c",
            "service": {"name": "s"},
            "lines": (
                {
                    "name": "proxy",
                    "type": "explicit_proxy",
                    "options": {"proxy": "http://ann:hunter1@p:1", "password": "hunter2"},
                    "by_profile": {"staff": {"api_key": "hunter3"}},
                },
            ),
            "profiles": {"staff": {}},
            "corpora": ({"pack": "canary"},),
            "control": {"options": {"token": "hunter4"}},
        }
    )

    said = without_secrets(declared).model_dump_json()

    assert "hunter" not in said
    assert 4 == said.count(HIDDEN)
    assert f"http://{HIDDEN}@p:1" in said


def test_another_campaign_of_the_same_name_is_refused(simulated: Any, tmp_path: Path) -> None:
    measure_campaign(simulated(sample=2, categories=["PORN"], whole=()), tmp_path / "out")

    with pytest.raises(UsageError, match="journal"):
        measure_campaign(simulated(sample=3, categories=["PORN"], whole=()), tmp_path / "out")


def test_a_pack_that_the_journal_vouches_for_is_not_read_row_by_row_again(
    simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = simulated(sample=5, categories=["PORN"], whole=())
    out, rows = tmp_path / "out", list[Any]()

    def check_rows(table: Any, *_: Any) -> tuple[Any, ...]:
        rows.append(table)
        return ()

    monkeypatch.setattr(pack_reader, "_shipped_rows", check_rows)

    assert prepare_in(campaign, out).items
    assert len(rows) == 1
    measure_campaign(campaign, out)
    assert len(rows) == 2
    assert len(prepare_in(campaign, out).items) == len(prepare(campaign).items)
    assert len(rows) == 3  # of the two, the one that did not know of the journal


def test_every_item_is_observed_on_both_lines(simulated: Any, tmp_path: Path) -> None:
    campaign = simulated(sample=5, whole=())
    journal = open_journal(measure_campaign(campaign, tmp_path / "out"))
    seen = {(each.item.id, each.key.line) for each in journal.observations() if each.role == "item"}
    journal.close()

    assert {
        (item.id, line) for item in prepare(campaign).items for line in ("control", "proxy")
    } == seen


def nonces_of(journal: Path) -> set[str]:
    opened = open_journal(journal)
    try:
        return {each.nonce for each in opened.observations()}
    finally:
        opened.close()


def test_each_run_has_a_random_id_that_a_resume_keeps(simulated: Any, tmp_path: Path) -> None:
    campaign = simulated(sample=2, categories=["PORN"], whole=())
    one, other = (measure_campaign(campaign, tmp_path / name) for name in ("one", "other"))
    first = run_id_in(one)

    assert 32 == len(first)
    assert run_id_in(one) == first == run_id_in(measure_campaign(campaign, tmp_path / "one"))
    assert first != run_id_in(other)
    assert run_id_in(tmp_path) != run_id_in(tmp_path)


def test_a_journal_from_before_runs_had_ids_is_resumed_without(
    simulated: Any, tmp_path: Path
) -> None:
    campaign = simulated(sample=2, categories=["PORN"], whole=())
    places = CampaignPaths(out=tmp_path / "out", campaign="simulated")
    SegmentJournal.create(places.journal, header_of(prepare(campaign)).as_document()).close()

    assert run_id_in(measure_campaign(campaign, places.out)) == ""
    assert len(nonces_of(places.journal)) > 1


def test_nonces_of_two_runs_have_nothing_in_common(simulated: Any, tmp_path: Path) -> None:
    campaign = simulated(sample=2, categories=["PORN"], whole=())
    one, other = (nonces_of(measure_campaign(campaign, tmp_path / name)) for name in ("a", "b"))

    assert one - {""}
    assert not (one & other) - {""}


def test_what_was_stopped_and_saved_is_told_without_a_verdict() -> None:
    stop = Stop(
        plan=2,
        categories=("PORN", "ADLT"),
        profile="ks2",
        after={"proxy": 41, "names": 38},
        settled=4,
        batch=9,
        untried=120,
        attempts=360,
    )

    assert describe_stop(stop) == (
        "plan 2 (PORN, ADLT) for ks2: decided after 41 items on proxy, 38 items on names; "
        "120 items were not tried (360 attempts saved)"
    )


def test_only_a_crossover_is_measured_swapped(simulated: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="crossover: --swapped needs 'crossover: true'"):
        prepare_in(simulated(), tmp_path / "out", swapped=True)

    assert not (tmp_path / "out").exists()


class InTwoYears(WallClock):
    """A clock past every review."""

    def now(self) -> datetime:
        return datetime(2028, 11, 24, tzinfo=UTC)


def test_what_cannot_be_decided_is_said_before_the_first_packet(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    campaign = simulated(sample=20, categories=["DRUG"], whole=())
    ended = runner.invoke(app, ["measure", str(campaign), "--out", str(tmp_path / "out")])

    assert 0 == ended.exit_code
    lines = ended.stderr.splitlines()
    assert lines[0].startswith("This campaign cannot decide the following")
    (drugs,) = [line for line in lines if "URL-04" in line]
    assert "domains to try: 20 of DRUG; needed: 29; choose more of them under corpora" in drugs
    assert "cannot be decided" not in ended.stdout


def test_it_is_said_even_if_no_packet_can_be_sent(simulated: Any) -> None:
    said = Console(file=StringIO(), width=300)
    announce(prepare(simulated(sample=20)), said, "avc-parental")

    text = said.file.getvalue()  # type: ignore[attr-defined]
    assert "URL-07[pupils-proxy]: domains to try: 40 of PORN; needed: 500" in text
    assert "import a list of 500 real domains" in text


def test_a_review_that_is_overdue_is_said_too(
    simulated: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    announce(prepare(simulated()), Console(file=StringIO()), clock=InTwoYears())

    assert "warning: scheme becta-2008 1.3: review overdue" in capsys.readouterr().err


def test_what_a_stopping_plan_touches_and_does_not_decide_needs_more(simulated: Any) -> None:
    """Thirty decide 90 % at once; read after every item, it takes 53."""
    stopping = "stopping:\n  plans:\n    - {categories: [DRUG], bad: 0.85, good: 0.98}\n"
    path = simulated(sample=30)
    before, after = (Console(file=StringIO(), width=300) for _ in range(2))
    announce(prepare(path), before)
    path.write_text(path.read_text() + stopping)
    announce(prepare(path), after)

    assert "URL-04" not in before.file.getvalue()  # type: ignore[attr-defined]
    assert "30 of DRUG; needed: 53" in after.file.getvalue()  # type: ignore[attr-defined]


async def test_strain_of_our_own_equipment_is_told_by_line() -> None:
    with_tools = tools(Played(in_turn(fail("instrument_no_descriptors", "instrument"), None)))
    this = PlannedAttempt(key=key(), item=item(), role="item", batch=1)
    await attempt_within_limits(
        this, AttemptOptions(look="first", patience=1.0), SCRIPTED.limits, with_tools
    )

    (told,) = describe_strain(with_tools)
    assert told.startswith("line a: 1 attempts were repeated with lower concurrency (down to 2)")
    assert "too few open files allowed" in told

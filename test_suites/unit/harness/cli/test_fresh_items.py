"""What a re-test draws from: of the kind that failed, measured before, and never spent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli.canaries import canary_name, new_canaries
from harness.cli.fresh_items import RetestItems
from harness.cli.main import app
from harness.cli.registry_session import open_session
from harness.errors import UnfinishedError, UsageError
from harness.follow.retest import select_retest
from harness.model.action_plan import ActionPlan, Finding, PlanState
from harness.model.corpus import Item
from harness.model.observation import CONTROL
from harness.ports.corpora import Corpus
from harness.ports.storage import WallClock
from harness.store.journal.reader import JournalReader
from test_suites.kit.campaigns.rehearsal import (
    SITES,
    claim,
    hidden_campaign,
    hidden_list,
    simulated_origin,
    write_campaign,
)
from test_suites.unit.harness.cli.conftest import MadeOnce, simulated_in

NOW = datetime(2026, 11, 27, tzinfo=UTC)
LOADED = (WallClock().now() + timedelta(days=5)).astimezone(timezone(timedelta(hours=2)))
"""The command line asks this machine's clock."""
LOADED_IN_UTC = f"{LOADED.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
FINDING = Finding(
    id="F-0001",
    campaign="spring",
    requirement="URL-01",
    title="t",
    severity="Crit",
    scheme="becta-2008",
    scheme_version="1.0",
    profile="pupils",
    line="proxy",
    statement="s",
    missed=("porn-001",),
    categories=("PORN", "ADLT"),
    sampled=10,
    opened=NOW,
)
PLAN = ActionPlan(
    id="P-0001",
    finding="F-0001",
    owner="Acme",
    corrective_action="fix",
    due=NOW,
    original_due=NOW,
    state=PlanState.CLAIMED,
    opened=NOW,
)


def tried(out: Path, campaign: str) -> list[Item]:
    """The items that a campaign tried on the service, in order."""
    journal = JournalReader(out / campaign / "journal")
    seen = (one for one in journal.observations() if one.role == "item")
    return list({one.item.id: one.item for one in seen if one.key.line != CONTROL}.values())


def test_only_the_measured_categories_are_tested_again(runner: CliRunner, tmp_path: Path) -> None:
    missed = [f"porn-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]

    def campaign(*miss: str) -> Path:
        options = {"block": ["PORN", "copper-meadow.accredit.test"], "miss": list(miss)}
        return write_campaign(
            tmp_path,
            origin=simulated_origin(tmp_path),
            lines=[{"name": "proxy", "type": "simulated", "options": options}],
            categories=["PORN"],
            sample=40,
            control={"type": "simulated"},
        )

    out = tmp_path / "out"
    runner.invoke(app, ["run", str(campaign(*missed)), "--out", str(out)])
    with open_session(out / "registry.sqlite") as session:
        finding = session.plan("P-0001").finding
    assert ("URL-01", ("PORN", "ADLT")) == (finding.requirement, finding.categories)
    claim(runner, out)

    words = ["retest", "P-0001", str(campaign()), "--out", str(out), "--by", "assessor"]
    ended = runner.invoke(app, words)

    assert 0 == ended.exit_code, ended.output
    measured = {item.category for item in tried(out, "rehearsal")}
    again = {item.category for item in tried(out, "rehearsal-p-0001-retest-1")}
    assert again <= measured
    harmless = {code for code in again if code.startswith("ALW")}
    assert {code.partition(".")[0] for code in again - harmless} == {"PORN"}


def test_a_hidden_site_that_any_campaign_of_the_service_showed_is_not_drawn(
    runner: CliRunner, tmp_path: Path
) -> None:
    out, missed = tmp_path / "out", [f"site-{n:03d}.example" for n in range(1, SITES + 1, 2)]
    first, second = hidden_list(tmp_path, "old"), hidden_list(tmp_path, "new")
    campaign = hidden_campaign(tmp_path, "spring", second, sample=30, miss=missed)
    runner.invoke(app, ["run", str(campaign), "--out", str(out)])
    claim(runner, out)
    # the line breaks down for some, so that these are shown, and not decided
    broken = [f"site-{n:03d}.example" for n in range(1, SITES + 1, 5)]
    earlier = hidden_campaign(tmp_path, "autumn", first, sample=60, silent=broken)
    runner.invoke(app, ["measure", str(earlier), "--out", str(out)])
    shown = {item.value for name in ("spring", "autumn") for item in tried(out, name)}
    campaign = hidden_campaign(tmp_path, "spring", second, sample=30)
    words = ["retest", "P-0001", str(campaign), "--out", str(out), "--by", "assessor"]

    ended = runner.invoke(app, words)

    assert 0 == ended.exit_code, (ended.output, ended.exception)
    with open_session(out / "registry.sqlite") as session:
        again = set(session.plan("P-0001").finding.missed)
    fresh = {item.value for item in tried(out, "spring-p-0001-retest-1") if item.id not in again}
    assert len(fresh) == SITES - len(shown) > 36, "fewer than proposed are left: all of them"
    assert not fresh & shown


def test_too_few_hidden_sites_are_told_with_what_to_add(runner: CliRunner, tmp_path: Path) -> None:
    out, missed = tmp_path / "out", [f"site-{n:03d}.example" for n in range(1, SITES + 1, 2)]
    pack = hidden_list(tmp_path, "new")
    campaign = hidden_campaign(tmp_path, "spring", pack, sample=100, miss=missed)
    runner.invoke(app, ["run", str(campaign), "--out", str(out)])
    claim(runner, out)
    words = [str(campaign), "--out", str(out), "--by", "assessor"]

    ended = runner.invoke(app, ["retest", "P-0001", *words])

    assert isinstance(ended.exception, UnfinishedError)
    said = str(ended.exception)
    assert (
        "only 50 fresh items of DRUG are left, and a re-test needs 100; nothing was tried" in said
    )
    assert f"add a longer list of the same kind to 'corpora' of {campaign}" in said
    refused = runner.invoke(
        app,
        ["plan", "canaries", "P-0001", str(campaign), "--format", "hosts", "--out", str(out / "n"),
         "--loaded-by", LOADED.isoformat(), "--results", str(out)],
    )  # fmt: skip
    assert "its missed items are of no agreed list" in str(refused.exception)


@given(
    turns=st.lists(st.tuples(st.integers(1, 12), st.sets(st.integers(0, 11))), max_size=8),
    seed=st.text(max_size=3),
)
def test_nothing_is_spent_twice_and_the_full_size_is_reached_while_it_is_possible(
    turns: list[tuple[int, set[int]]], seed: str
) -> None:
    codes = ("PORN", "ADLT")
    pool = [
        Item(id=f"{c.lower()}-{n:03d}", value="x", labels=(c,)) for c in codes for n in range(1, 31)
    ]
    spent: set[str] = set()

    for size, undecided in turns:
        chosen = select_retest(FINDING, pool, used=spent, seed=seed, size=size, measured=["PORN"])

        free = {item.id for item in pool if item.category == "PORN"} - spent - {"porn-001"}
        assert chosen.missed == FINDING.missed
        assert not set(chosen.fresh) & (spent | set(FINDING.missed))
        assert {name.partition("-")[0] for name in chosen.fresh} <= {"porn"}
        assert len(set(chosen.fresh)) == len(chosen.fresh) == min(size, len(free))
        assert chosen.short_of == size - len(chosen.fresh)
        assert chosen.left == {"PORN": len(free) - len(chosen.fresh)}
        left_open = {name for n, name in enumerate(chosen.fresh) if n in undecided}
        spent |= set(chosen.fresh) - left_open


class ListedCorpus:
    """A corpus that holds a few items."""

    def __init__(self, *items: Item) -> None:
        self._items = items

    def items(self, start: int = 0) -> Any:
        return iter(self._items[start:])


def canary(name: str, zone: str) -> Item:
    """A canary in a zone, such as drug-017."""
    code = name.rpartition("-")[0].upper().replace("-", ".")
    return Item(id=name, value=f"{name}.canary.{zone}", labels=(code,), stratum=code, pair_id=name)


def retest_items(*items: Item, measured: frozenset[str], missed: tuple[str, ...]) -> RetestItems:
    """What a re-test with these items draws from."""
    return RetestItems(
        plan=PLAN,
        finding=replace(FINDING, missed=missed),
        prepared=cast("Any", None),
        scheme=cast("Any", None),
        whole=cast("Any", None),
        packs={"canary": cast("Corpus", ListedCorpus(*items))},
        sources=frozenset({("agreed", False)}),
        items=items,
        used=frozenset(),
        measured=measured,
        codes=("PORN", "ADLT"),
        least=10,
    )


@given(
    zones=st.sets(st.sampled_from(["a.example", "b.example", "accredit.test"]), min_size=1),
    known=st.sets(st.integers(1, 2000), min_size=1, max_size=20),
    made_before=st.sets(st.integers(1, 2000), max_size=20),
    retests=st.integers(1, 3),
)
def test_new_canaries_are_new_and_lie_in_the_zone_of_the_missed_ones(
    zones: set[str], known: set[int], made_before: set[int], retests: int
) -> None:
    porn = [canary(f"porn-{n:03d}", zone) for n in known for zone in sorted(zones)]
    others = [canary("porn-nude-007", "c.example"), canary("adlt-003", "a.example")]
    items = retest_items(
        *porn,
        *others,
        measured=frozenset({"PORN", "ADLT", "PORN.NUDE"}),
        missed=(porn[0].id,),
    )
    before = [f"porn-{n:03d}" for n in made_before]

    made = new_canaries(items, before, retests)

    assert 2 * 10 * retests == len(made) == len({item.id for item in made})
    assert not {item.id for item in made} & {item.id for item in (*porn, *others)}
    assert not {item.id for item in made} & set(before)
    assert {item.value.partition("canary.")[2] for item in made if item.category == "PORN"} == zones
    for item in made:
        parts = canary_name(item.host)
        assert parts is not None
        assert item.category.lower().replace(".", "-") == parts.name
        assert (item.id, item.registrable, item.pair_id) == (
            item.value.partition(".")[0],
            item.value,
            "",
        )
        if parts.name == "porn":
            assert parts.number > max(known | made_before)


def test_a_host_that_is_no_canary_has_no_canary_name() -> None:
    for host in ("porn-001.twin.accredit.test", "porn.canary.accredit.test", "site.example", ""):
        assert canary_name(host) is None


Run = Callable[..., Any]


@pytest.fixture
def drugs(runner: CliRunner, made: MadeOnce, tmp_path: Path) -> Run:
    """Makes canaries for a plan about drug sites; options replace the usual ones."""
    out = tmp_path / "out"
    campaign = tmp_path / "simulated/campaign.yaml"

    def measure(folder: Path) -> None:
        missed = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]
        path = simulated_in(folder)(miss=missed, sample=60, categories=["DRUG"], whole=())
        runner.invoke(app, ["run", str(path), "--out", str(folder / "out")])

    made.copied("sixty drug sites, of which half are missed", measure, tmp_path)

    def run(**changes: str) -> Any:
        options = {"--format": "hosts", "--out": str(tmp_path / "new.txt"), "--by": "assessor"}
        options |= {"--loaded-by": LOADED.isoformat(timespec="minutes"), "--results": str(out)}
        options |= {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
        words = [word for pair in options.items() for word in pair]
        return runner.invoke(app, ["plan", "canaries", "P-0001", str(campaign), *words])

    return run


def test_canaries_are_made_exported_and_recorded(
    drugs: Run, runner: CliRunner, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert "plan P-0001 is draft: 'canaries' is not possible" in str(drugs().exception)
    assert not (tmp_path / "new.txt").exists()
    assert not (out / "canaries").exists()
    claim(runner, out)

    made = drugs()

    assert 0 == made.exit_code, (made.output, made.exception)
    assert "new.txt: 231 new canaries of DRUG, as hosts; send it to the supplier" in made.stdout
    assert f"loads it by {LOADED_IN_UTC}" in made.stdout
    listed = (tmp_path / "new.txt").read_text(encoding="utf-8")
    assert "0.0.0.0 drug-121.canary.accredit.test\n" in listed
    assert 231 == len(re.findall("drug-[0-9]+.canary.accredit.test", listed))
    assert 231 == len(re.findall("orchard-view.test", listed)), "and their plain twins"
    with open_session(out / "registry.sqlite") as session:
        [held] = session.plan("P-0001").plan.canaries
    assert ("canaries/P-0001-1", "drug-121", 231) == (held.pack, held.items[0], len(held.items))
    early = runner.invoke(
        app,
        [
            "retest",
            "P-0001",
            str(tmp_path / "simulated/campaign.yaml"),
            "--out",
            str(out),
            "--by",
            "b",
        ],
    )
    assert isinstance(early.exception, UsageError)
    assert f"canaries are loaded by {LOADED_IN_UTC}; re-test after that time" in str(
        early.exception
    )

    again = drugs(out=str(tmp_path / "more.txt"))

    assert 0 == again.exit_code, (again.output, again.exception)
    assert "drug-352.canary" in (tmp_path / "more.txt").read_text(encoding="utf-8")
    pack = out / "canaries/P-0001-1"
    (pack / "items.csv").write_bytes((pack / "items.csv").read_bytes().replace(b"-121", b"-921"))
    assert "the manifest says" in str(drugs(out=str(tmp_path / "third.txt")).exception)
    pack.rename(tmp_path / "gone")
    assert "the canaries of plan P-0001 are missing: restore the folder" in str(
        drugs(out=str(tmp_path / "third.txt")).exception
    )


MISTAKES = [
    ({"loaded_by": "tomorrow"}, "--loaded-by 'tomorrow' is not a date or time; write 2026-11-24"),
    ({"loaded_by": "2020-01-01"}, "when the canaries are loaded, after now and within 60 days"),
    ({"loaded_by": "2226-12-01"}, "when the canaries are loaded, after now and within 60 days"),
    ({"by": "Supplier"}, "Supplier claimed the fix and cannot verify it"),
    ({"format": "tablets"}, "tablets"),
    ({"out": "."}, r"\. exists already; give a new path"),
]


def test_a_mistake_makes_no_canaries(drugs: Run, runner: CliRunner, tmp_path: Path) -> None:
    claim(runner, tmp_path / "out")

    for changes, why in MISTAKES:
        ended = drugs(**changes)

        assert isinstance(ended.exception, UsageError), changes
        assert re.search(why, str(ended.exception)), changes
        assert not (tmp_path / "out/canaries").exists(), changes
    with open_session(tmp_path / "out/registry.sqlite") as session:
        assert () == session.plan("P-0001").plan.canaries

"""What is too old is removed once and recorded; figures, and what something rests on, stay."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from harness.cli import hub_expire, hub_expiry
from harness.cli.hub_expire import expire_once, expiring
from harness.cli.hub_expiry import Expiry
from harness.cli.hub_file import read_hub
from harness.cli.hub_retention_file import FOREVER, Retention
from harness.cli.long_running import alone_in
from harness.cli.registry_session import open_session
from harness.errors import FaultyDocument, UsageError
from harness.model.alarm import AlarmRule, RaisedAlarm
from harness.model.retention_event import FilesExpired
from harness.model.stream import OWNER
from harness.model.surveillance_event import AlarmRaised
from harness.store.assessments import digest_of, read_assessment
from harness.store.hub.hub_tables import ITEMS
from harness.store.registry import agent_store
from harness.store.registry.opening import open_registry
from test_suites.kit.hubs.hub_with_results import BusyHub, filled, rows_in

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub that measured on three days; the last campaign is the newest of its service."""
    folder = tmp_path_factory.mktemp("hub")
    hub = BusyHub(folder / "one").fill()
    for day in (2, 3, 4):
        hub.measure(day)
    shutil.copytree(folder / "one", folder / "kept")
    return folder


@pytest.fixture
def example(measured: Path, monkeypatch: pytest.MonkeyPatch) -> BusyHub:
    shutil.rmtree(measured / "one")
    shutil.copytree(measured / "kept", measured / "one", copy_function=shutil.copy2)
    hub = BusyHub(measured / "one")
    hub.clock.at = datetime(2026, 3, 5, tzinfo=UTC)
    for path in hub.hub.rglob("*"):
        os.utime(path, (hub.clock.at.timestamp(),) * 2)
    monkeypatch.setattr(hub_expire, "clock", hub.clock)
    return hub


def names(example: BusyHub) -> list[str]:
    return sorted(path.name for path in (example.folder / "out").iterdir() if path.is_dir())


def keep(example: BusyHub, **ages: str) -> None:
    example.change(example.hub / "hub.yaml", lambda one: one.update(retention=ages))


def expire(example: BusyHub, *words: str) -> str:
    return example.accredit("hub", "expire", "--hub", str(example.hub), *words)


def recorded(example: BusyHub) -> list[FilesExpired]:
    with example.running():
        return [each for each in example.events(OWNER) if isinstance(each, FilesExpired)]


def files(example: BusyHub) -> set[str]:
    """Everything on the disk, but the registry and locks."""
    return {
        str(path.relative_to(example.folder))
        for path in example.folder.rglob("*")
        if path.is_file() and "registry" not in path.name and "lock" not in path.name
    }


def add_items(example: BusyHub) -> None:
    with (
        open_registry(example.folder / "out/registry.sqlite") as registry,
        registry.transaction(is_writing=True) as connection,
    ):
        for campaign in names(example):
            values = {"campaign": campaign, "number": 1, "evidence": b"x", "state": "blocked"}
            connection.execute(ITEMS.insert().values(filled(ITEMS, values, example.clock.at)))


def items(example: BusyHub) -> dict[str, bytes | None]:
    with (
        open_registry(example.folder / "out/registry.sqlite") as registry,
        registry.transaction() as connection,
    ):
        asked = connection.execute(select(ITEMS.c.campaign, ITEMS.c.evidence))
        return {str(row.campaign): row.evidence for row in asked}


def test_by_default_nothing_of_the_last_two_years_is_removed(example: BusyHub) -> None:
    before = files(example)
    example.clock.at += 700 * DAY

    assert "uploads: 1 removed, 1 files" in expire(example)
    assert {"hub/uploads"} == {str(Path(path).parent.parent) for path in before - files(example)}


def test_evidence_ages_out_and_journals_and_figures_stay(example: BusyHub) -> None:
    add_items(example)
    old, middle, newest = names(example)
    before = files(example)
    keep(example, evidence="30d")
    example.clock.at += 40 * DAY
    said = expire(example)

    assert "evidence: 2 removed" in said
    assert f"stay although they are old: {newest} (the newest of its service)" in said
    gone = before - files(example)
    assert {f"out/{old}/evidence", f"out/{middle}/evidence"} == {
        "/".join(path.split("/")[:3]) for path in gone
    }
    assert {old: None, middle: None, newest: b"x"} == items(example)
    (event,) = recorded(example)
    assert ("evidence", {old, middle}, len(gone)) == (event.rule, {*event.names}, event.files)
    assert example.clock.at - 30 * DAY == event.older_than
    assert event.size > 0
    example.accredit("journal", "verify", str(example.folder / "out" / old))


def test_details_age_out_and_the_assessment_stays_verifiable(example: BusyHub) -> None:
    add_items(example)
    old, middle, newest = names(example)
    paths = sorted((example.folder / "out" / old).glob("assessment-*.json"))
    assert paths or (example.folder / "out" / old).is_dir()
    digests = {path: digest_of(read_assessment(path)) for path in paths}
    keep(example, evidence="1d", items="2d")
    example.clock.at += 10 * DAY
    expire(example)

    assert {newest: b"x"} == items(example)
    assert not (example.folder / "out" / old / "journal").exists()
    assert (example.folder / "out" / newest / "journal").is_dir()
    assert digests == {path: digest_of(read_assessment(path)) for path in paths}
    assert {"evidence", "items"} == {each.rule for each in recorded(example)}
    example.accredit("registry", "verify", "--out", str(example.folder / "out"))
    assert middle in names(example)


def test_a_dry_run_changes_nothing(example: BusyHub) -> None:
    add_items(example)
    keep(example, evidence="1d", items="1d", bundles="1d", uploads="1d")
    example.clock.at += 10 * DAY
    before, rows = files(example), rows_in(example.folder / "out/registry.sqlite")
    said = expire(example, "--dry-run")

    for rule in ("evidence: 2", "items: 2", "bundles: 1", "uploads: 1"):
        assert f"{rule} would be removed" in said
    assert (before, rows) == (files(example), rows_in(example.folder / "out/registry.sqlite"))
    told = expire(example)
    assert told == said.replace("would be removed", "removed")
    assert "nothing is too old" in expire(example)


def test_what_an_alarm_rests_on_stays(example: BusyHub) -> None:
    old, middle, _ = names(example)
    raised = RaisedAlarm(
        number=1, service="Safe Net", scheme="watched", requirement="ILL-04", profile="p",
        rule=AlarmRule.MISS, sites=("Hill School",), of_sites=2, statement="1 failed",
        retest_by=example.clock.at, runs=(old,),
    )  # fmt: skip
    with open_session(example.folder / "out/registry.sqlite", clock=example.clock) as session:
        event = AlarmRaised(
            at=example.clock.at, actor="hub", service="Safe Net", alarm="A-0001", raised=raised
        )
        session.record(session.place_named("Acme"), event)
    keep(example, evidence="1d", items="1d", bundles="1d")
    example.clock.at += 10 * DAY
    said = expire(example)

    assert f"{old} (alarm A-0001)" in said
    assert (example.folder / "out" / old / "journal").is_dir()
    assert not (example.folder / "out" / middle / "journal").exists()


def test_a_bundle_that_a_report_waits_for_stays(example: BusyHub) -> None:
    (path,) = example.hub.glob("bundles/*/*.zip")
    keep(example, bundles="1d")
    example.clock.at += 10 * DAY
    with (
        open_registry(example.folder / "out/registry.sqlite") as registry,
        registry.transaction(is_writing=True) as connection,
    ):
        agent_store.keep_report(connection, "a" * 32, "b" * 64, path.stem, example.clock.at)
    assert "bundles" not in expire(example)
    assert path.exists()
    with (
        open_registry(example.folder / "out/registry.sqlite") as registry,
        registry.transaction(is_writing=True) as connection,
    ):
        agent_store.end_report(connection, "a" * 32, "b" * 64, agent_store.RECORDED)
    assert "bundles: 1 removed, 1 files" in expire(example)
    assert not path.exists()


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4, 5])
def test_a_process_that_is_killed_leaves_the_rest_to_the_next(
    example: BusyHub, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    add_items(example)
    for name in names(example):  # as a repeated view leaves it
        cache = example.folder / "out" / name / "verdicts"
        cache.mkdir(exist_ok=True)
        (cache / "kept.json").write_bytes(b"{}")
    keep(example, evidence="1d", items="1d", bundles="1d", uploads="1d")
    example.clock.at += 10 * DAY
    rmtree, number = shutil.rmtree, [0]

    def killed(path: Path, *, ignore_errors: bool = False) -> None:
        if number[0] == step and path.exists():
            next(each for each in sorted(path.rglob("*")) if each.is_file()).unlink()
            raise KeyboardInterrupt
        number[0] += path.exists()
        rmtree(path, ignore_errors=ignore_errors)

    with monkeypatch.context() as patched:
        patched.setattr(hub_expiry.shutil, "rmtree", killed)  # type: ignore[attr-defined]
        hub = read_hub(example.hub)
        with (
            pytest.raises(KeyboardInterrupt),
            open_session(hub.registry, clock=example.clock) as session,
        ):
            Expiry(hub, session, example.clock).carry_out("Ann")
    once = recorded(example)
    example.accredit("registry", "verify", "--out", str(example.folder / "out"))
    expire(example)

    assert once == recorded(example)
    assert 1 == len(items(example))
    assert not [path for path in files(example) if ".expired" in path]
    whole = {path.split("/")[1] for path in files(example) if "/journal/" in path}
    assert {names(example)[-1]} == whole


def test_rows_that_were_made_again_lose_their_evidence_without_a_new_record(
    example: BusyHub,
) -> None:
    keep(example, evidence="1d")
    example.clock.at += 10 * DAY
    expire(example)
    add_items(example)
    expire(example)

    assert [None, None, b"x"] == [items(example)[name] for name in names(example)]
    assert 1 == len(recorded(example))


def test_only_one_process_at_a_time_removes_or_backs_up(example: BusyHub) -> None:
    with (
        alone_in(example.hub / "upkeep"),
        pytest.raises(UsageError, match="is writing here"),
    ):
        expire(example)


def test_a_link_in_place_of_a_folder_is_not_followed(example: BusyHub) -> None:
    old = names(example)[0]
    elsewhere = example.folder / "elsewhere"
    shutil.move(example.folder / "out" / old / "evidence", elsewhere)
    (example.folder / "out" / old / "evidence").symlink_to(elsewhere)
    keep(example, evidence="1d")
    example.clock.at += 10 * DAY
    expire(example)

    assert [*elsewhere.iterdir()]


def test_a_server_removes_what_is_too_old_once_a_day(
    example: BusyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(example, evidence="5d")
    hub, told, done = read_hub(example.hub), list[str](), threading.Event()
    assert expire_once(hub, example.clock, told.append)
    assert ([], []) == (recorded(example), told)
    example.clock.at += 10 * DAY
    once = hub_expire.expire_once

    def tell_done(*words: object) -> bool:
        found = once(*words)  # type: ignore[arg-type]
        done.set()
        return found

    monkeypatch.setattr(hub_expire, "expire_once", tell_done)
    with expiring(hub, example.clock, told.append):
        assert done.wait(60)
    assert [("accredit serve", "evidence")] == [(e.actor, e.rule) for e in recorded(example)]
    with alone_in(example.hub / "upkeep"):
        assert not once(hub, example.clock, told.append)
    assert told[0].startswith("old files were not removed, and will be later: ")


@pytest.mark.parametrize(
    ("written", "age"),
    [("1d", timedelta(days=1)), ("2y", timedelta(days=732)), ("forever", FOREVER)],
)
def test_an_age_is_read(written: str, age: timedelta) -> None:
    assert age == Retention.model_validate({"items": "forever", "evidence": written}).evidence


@pytest.mark.parametrize("written", ["0d", "1", "1w", "-1d", "99999d", 3])
def test_a_wrong_age_is_refused(example: BusyHub, written: object) -> None:
    example.change(example.hub / "hub.yaml", lambda one: one.update(retention={"items": written}))
    with pytest.raises(FaultyDocument, match="an age is written like 90d or 2y"):
        expire(example)


def test_evidence_is_not_kept_longer_than_its_items(example: BusyHub) -> None:
    keep(example, evidence="3y", items="1y")
    with pytest.raises(FaultyDocument, match="cannot be kept longer than items"):
        expire(example)


def test_forever_removes_nothing(example: BusyHub) -> None:
    keep(example, evidence="forever", items="forever", bundles="forever", uploads="forever")
    example.clock.at += 9000 * DAY
    assert "nothing is too old\n" == expire(example)

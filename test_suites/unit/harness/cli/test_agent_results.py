"""What an agent hands over and sends: each run once, nothing lost; and the files of its folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli import agent_results
from harness.cli.agent_home import AgentHome
from harness.errors import HarnessError, InstrumentError, UsageError
from harness.store.bundle_reading import opened_bundle
from test_suites.kit.campaigns.fleet_records import Measured, on_agent, written
from test_suites.unit.harness.cli.site_of_agent import DOWN, DUE, PlayedSite, run_in, run_of


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedSite:
    return PlayedSite(tmp_path, monkeypatch)


@pytest.fixture
def working(site: PlayedSite) -> PlayedSite:
    """A site whose agent has an order."""
    site.give_order()
    site.due()
    site.due()
    return site


def test_a_run_is_sent_once_with_a_bundle_that_the_hub_can_verify(
    working: PlayedSite, tmp_path: Path
) -> None:
    working.carry_out(run_of(working))
    for _ in range(30):
        working.due()
    working.start()
    for _ in range(30):
        working.due()

    (report,) = working.hub.reports
    assert 1 == len(working.hub.memory.runs)
    sent = run_in(report)
    assert ("measured", DUE) == (sent.result, sent.due)
    bundle = tmp_path / "sent.accredit.zip"
    bundle.write_bytes(working.hub.memory.parts[report.bundle])
    public = tmp_path / "public.pem"
    public.write_bytes(_public_pem(working.home))
    with opened_bundle(bundle, [public], sent.campaign) as opened:
        assert sent.attempts == opened.journal.rows
    assert not list(working.home.folder.glob("*.zip")), "no copy stays beside the spool's"


@pytest.mark.timeout(600)
def test_ten_minutes_offline_lose_no_observation_and_double_none(
    site: PlayedSite, tmp_path: Path
) -> None:
    """A run is due each minute; the agent is killed while it is offline, and answers are lost."""
    _order(site, 1, "* * * * *")
    ready = list(site.due())
    began = site.now
    site.hub.down = DOWN
    for minute in range(10):
        site.minutes()
        for job in ready:
            site.carry_out(job.key)
        if minute == 4:  # killed after it measured, before it handed over
            site.left = site.agent.state.clock
            site.start()
        ready = list(site.due(0))
    assert timedelta(minutes=10) == site.now - began
    assert not site.hub.reports
    assert 10 == site.agent.state.waiting

    site.hub.down, site.hub.loses_answers = "", True
    _order(site, 2, "15 6 * * *")
    for _ in range(28):  # until shortly before the next run is due
        site.due(10)

    assert 0 == site.agent.state.waiting
    own = [one for run in _runs(site) for one in written(on_agent(site.out, run).observations)]
    received = [one for each in _bundles(site, tmp_path) for one in written(each.observations)]
    assert len(own) > 10 * 8 * 2, "both lines tried the items of each run"
    assert 1 == max(Counter(key for key, _ in own).values())
    assert Counter(own) == Counter(received)
    assert {2} == set(Counter(each.run for each in site.hub.reports).values())


def _order(site: PlayedSite, serial: int, cron: str) -> None:
    """Let the hub send another schedule."""
    site.service.cron = cron
    site.service.declare()
    site.give_order(serial)


def _runs(site: PlayedSite) -> set[str]:
    """The campaigns that were measured on a device."""
    return {path.parent.name for path in site.out.glob("*/journal")}


def _bundles(site: PlayedSite, folder: Path) -> Iterator[Measured]:
    """The journals in the bundles that a hub holds, each verified."""
    public = folder / "public.pem"
    public.write_bytes(_public_pem(site.home))
    for sha256 in site.hub.memory.runs.values():
        bundle = folder / f"{sha256}.accredit.zip"
        bundle.write_bytes(site.hub.memory.parts[sha256])
        with opened_bundle(bundle, [public]) as opened:
            yield Measured.of(opened.journal)


def _public_pem(home: AgentHome) -> bytes:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - only here
        Encoding,
        PublicFormat,
    )

    verifier = home.identity().public.verifier
    return verifier.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_run_is_handed_over_again_after_a_crash_and_waits_once(
    working: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = run_of(working)
    working.hub.down = DOWN
    working.carry_out(key)
    with monkeypatch.context() as crash:
        crash.setattr(AgentHome, "hand_over", _crash)
        with pytest.raises(KeyboardInterrupt):
            working.due()
    working.left = working.agent.state.clock
    working.start()
    for _ in range(5):
        working.due()

    assert [key] == [each.key for each in working.spool.waiting()]
    working.hub.down = ""
    for _ in range(90):
        working.due()
    assert {key} == {run_in(each).about for each in working.hub.reports}


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_run_without_a_bundle_is_sent_as_failed_with_the_reason_and_its_journal_stays(
    working: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UsageError("pack 'x' of this journal was not found")

    monkeypatch.setattr(agent_results, "make_bundle", refuse)
    working.carry_out(run_of(working))
    working.due()

    (report,) = working.hub.reports
    sent = run_in(report)
    assert ("failed", "", ()) == (sent.result, report.bundle, sent.readings)
    assert "pack 'x' of this journal was not found" in sent.reason
    assert list(working.out.glob("*/journal/segment-*")) or list(working.out.glob("*/journal/*"))


def test_a_bundle_that_is_too_large_does_not_keep_later_runs_waiting(
    working: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.agent.run_spool.MOST_UPLOAD", 10)
    working.carry_out(run_of(working))
    working.due()

    (report,) = working.hub.reports
    sent = run_in(report)
    assert "failed" == sent.result
    assert "is larger than a hub takes" in sent.reason
    assert not list(working.home.folder.glob("*.zip"))


def test_a_full_disk_keeps_a_run_for_the_next_time(
    working: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise InstrumentError("cannot be written: No space left on device")

    working.carry_out(run_of(working))
    with monkeypatch.context() as disk:
        disk.setattr(agent_results, "make_bundle", full)
        working.due()
        assert "No space left" in working.agent.state.trouble
        assert not working.hub.reports
    working.due()

    (report,) = working.hub.reports
    assert report.bundle


def test_missed_runs_are_sent_without_a_bundle(working: PlayedSite) -> None:
    working.minutes(3 * 24 * 60)
    working.due()
    working.due()

    found = [run_in(each) for each in working.hub.reports]
    assert found
    assert {"missed"} == {each.result for each in found}


def test_runs_of_another_supplier_are_sent_after_its_name_was_changed(working: PlayedSite) -> None:
    working.carry_out(run_of(working))
    working.due()
    assert 1 == len(working.hub.reports)
    campaign = working.service.campaign("Hill School")
    campaign["service"] = {"name": "Safe Net", "supplier": "Other Ltd"}
    working.service.dump(working.service.folder / "hill-school.yaml", campaign)
    working.service.declare(supplier="Other Ltd")
    working.give_order(2)
    working.due(6)
    working.minutes(24 * 60 - 10)

    working.carry_out(next(job.key for job in working.due()))
    working.due()

    sent = [run_in(each) for each in working.hub.reports]
    measured = [each for each in sent if each.result == "measured"]
    assert 2 == len(measured)


def test_a_damaged_note_of_what_was_sent_says_what_to_do(working: PlayedSite) -> None:
    working.carry_out(run_of(working))
    working.due()
    note = working.home.folder / "handed-over.json"
    note.write_bytes(b'{"positions": 7}')
    working.due()
    assert "remove it, and all runs are sent again" in working.agent.state.trouble
    note.unlink()
    working.due()
    assert 2 == len(working.hub.reports)
    assert 1 == len(working.hub.memory.runs)


# the folder


def test_the_keys_are_made_once_and_only_the_user_can_read_them(tmp_path: Path) -> None:
    home = AgentHome(tmp_path)
    first = home.identity()
    (tmp_path / "agent/bundle-key.pem").unlink()  # as if the process ended before it was written

    assert first.public == home.identity().public
    for name in ("agent.keys", "bundle-key.pem"):
        assert 0o600 == (tmp_path / "agent" / name).stat().st_mode & 0o777
    assert 0o700 == (tmp_path / "agent").stat().st_mode & 0o777


@pytest.mark.parametrize("content", [b"", b"x" * 63, b"x" * 65, b"x" * 5000])
def test_a_damaged_file_of_keys_is_refused_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    home = AgentHome(tmp_path)
    home.identity()
    path = tmp_path / "agent/agent.keys"
    path.write_bytes(content)
    with pytest.raises(HarnessError, match=r"agent\.keys"):
        home.identity()
    assert content == path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"hub_url":"\xff"}'])
def test_a_damaged_membership_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    home = AgentHome(tmp_path)
    assert home.membership() is None
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent/hub.json").write_bytes(content)
    with pytest.raises(UsageError, match="enrol this agent again with a new token"):
        home.membership()

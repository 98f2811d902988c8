"""``accredit monitor field``: commit, draw, add, visit, show and verify."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import plan_step
from harness.cli.main import app
from harness.cli.registry_care import changed_rows
from harness.cli.registry_session import open_session
from harness.follow.replay import refused_today
from harness.model.outcome import Conformity
from harness.model.registry_record import Site
from harness.model.stream import OWNER
from harness.monitor.field_draw import digest_of_seed
from test_suites.kit.campaigns.rehearsal import rehearse, simulated_origin, write_campaign
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.cli.certified import SERVICE, Certified
from test_suites.unit.harness.cli.field_owner import PERIOD, FieldOwner


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FieldOwner:
    return FieldOwner(tmp_path, monkeypatch)


def test_a_commitment_is_public_and_its_seed_is_not(owner: FieldOwner) -> None:
    said = owner.commit("--share", "0.5", "--sites", "12")

    public = json.loads(owner.public.read_text())
    (kept,) = (owner.out / "field-seeds").iterdir()
    seed = kept.read_text().strip()
    assert public["format"] == "accredit-field-commitment/1"
    assert (public["period"], public["share"], public["sites"]) == (PERIOD, 0.5, 12)
    assert public["commitment"] == digest_of_seed(seed)
    assert len(seed) == 64
    assert seed not in said + owner.public.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with open_session(owner.registry) as session:
        heads = {head.stream: head.hash for head in session.registry.heads()}
    assert public["registry"] == heads[OWNER]


def test_a_draw_reveals_the_seed_and_names_services_and_sites(owner: FieldOwner) -> None:
    drawn = owner.draw()

    (one,) = drawn.services
    assert (drawn.certificates, len(one.sites), one.of_sites) == (3, 10, 12)
    assert all(site.startswith(f"{one.supplier} School ") for site in one.sites)
    assert drawn.seed == next((owner.out / "field-seeds").iterdir()).read_text().strip()
    said = owner.run("verify", "--file", str(owner.public))
    assert f"drawn again, the seeds give the services and sites on record: {PERIOD}" in said


def test_certificates_issued_after_the_commitment_are_in_the_frame(owner: FieldOwner) -> None:
    owner.commit()
    owner.wait(days=1)
    owner.certify("Delta")
    owner.revoke("Beta")
    owner.wait(days=1)
    said = owner.run("draw", "--period", PERIOD)

    drawn = owner.drawn()
    assert f"{PERIOD}: 1 of 3 certificates drawn" in said
    assert drawn.services[0].supplier != "Beta"
    assert {part.stream for part in drawn.streams} == {
        "supplier:acme", "supplier:beta", "supplier:delta", "supplier:gamma",
    }  # fmt: skip
    owner.wait(days=30)
    owner.revoke(drawn.services[0].supplier)
    owner.certify("Epsilon")
    owner.run("verify")


def test_too_few_sites_are_said_when_drawn_and_when_shown(owner: FieldOwner) -> None:
    for supplier in ("Acme", "Beta", "Gamma"):
        for number in (1, 2, 3):
            owner.close(supplier, f"site:{supplier.lower()} school {number}")
    owner.commit()
    owner.wait(days=1)

    assert "only 9 sites are on record; 10 are required" in owner.run("draw", "--period", PERIOD)
    assert "9 sites are on record, and 10 are required" in owner.run("show")


def test_visits_are_counted_by_kind_and_shown(owner: FieldOwner) -> None:
    (one,) = owner.draw().services
    owner.wait(days=1)
    for number, conformity in enumerate(Conformity):
        site = one.sites[number]
        name = owner.measure(f"field-{number}", one.supplier, [site], conformity)
        said = owner.run("visit", name, *owner.of(one.supplier, site))
        assert f"{site}: {SERVICE} 2.1 {conformity} ({name})" in said
    owner.complain(one.supplier)
    site = one.sites[5]
    because = ("--reactive", "--complaint", "slow on mondays")
    owner.run("add", *owner.of(one.supplier, site), *because)
    owner.wait(days=1)
    name = owner.measure("on-complaint", one.supplier, [site])
    owner.run("visit", name, *owner.of(one.supplier, site), "--reactive")

    (year,) = owner.show()
    assert (year["certificates"], year["services_drawn"], year["services_required"]) == (3, 1, 1)
    assert year["randomized"] == {
        "drawn": 10, "visited": 3, "passed": 1, "failed": 1, "insufficient": 1, "limited": 0,
    }  # fmt: skip
    assert (year["reactive"]["passed"], year["reactive"]["drawn"]) == (1, 1)
    shown = owner.run("show")
    assert f"{PERIOD}, randomized: 1 sites passed of 3 visited of 10 drawn" in shown
    assert f"{PERIOD}, reactive: 1 sites passed of 1 visited of 1 added" in shown
    assert f"{SERVICE} 2.1: 7 of 10 drawn sites are not visited yet" in shown
    owner.run("verify")
    with open_session(owner.registry) as session:
        with session.registry.reading(OWNER) as access:
            assert list(refused_today(access.events())) == []
        assert not list(changed_rows(session.registry))


def test_a_second_visit_is_recorded_and_the_first_counts(owner: FieldOwner) -> None:
    (one,) = owner.draw().services
    site = one.sites[0]
    for name, conformity in (
        ("first", Conformity.DOES_NOT_CONFORM),
        ("second", Conformity.CONFORMS),
    ):
        owner.wait(days=1)
        owner.measure(name, one.supplier, [site], conformity)
        said = owner.run("visit", name, *owner.of(one.supplier, site))

    assert "of 2 visits the first counts: first, does-not-conform" in said
    assert owner.show()[0]["randomized"]["passed"] == 0


def test_a_campaign_of_web_filtering_passes_with_its_limit(owner: FieldOwner) -> None:
    (one,) = owner.draw().services
    owner.wait(days=1)
    owner.measure("web", one.supplier, [one.sites[0]], scope="web")

    said = owner.run("visit", "web", *owner.of(one.supplier, one.sites[0]))

    assert "conforms, web filtering only (web)" in said
    assert owner.show()[0]["randomized"]["limited"] == 1
    assert "1 (1 limited)" in owner.run("show")


def test_one_year_can_be_shown_and_verified_alone(owner: FieldOwner) -> None:
    assert "no check in the field is recorded" in owner.run("show")
    assert "no year" in owner.run("verify")
    owner.draw()
    file = owner.folder / "next.json"
    owner.run("commit", "--period", "2027", "--file", str(file))

    assert [each["period"] for each in owner.show()] == ["2027", PERIOD]
    assert [each["period"] for each in owner.show("--period", PERIOD)] == [PERIOD]
    assert "2027: a seed was committed to on 2026-03-03" in owner.run("show")
    assert f"nothing is recorded of '2031'; known: {PERIOD}, 2027" in owner.refused(
        "show", "--period", "2031"
    )
    owner.run("verify", "--period", "2027", "--file", str(file))


@pytest.mark.timeout(120)
def test_a_measured_campaign_is_a_visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real journal, measured after a draw that is dated a second before it."""
    clock = SetClock(datetime.now(UTC) - timedelta(minutes=1))
    monkeypatch.setattr(plan_step.clock, "source", clock)
    made = Certified(tmp_path, clock)
    made.service()
    where = ["--registry", str(made.registry), "--out", str(tmp_path / "out")]
    run = CliRunner()
    file = tmp_path / "public.json"
    made.record("Acme", made.added(Site(id="Hill School")))
    clock.at += timedelta(seconds=59)
    period = str(clock.at.year)
    made.issue(made.decide())
    for words in (
        ["commit", "--period", period, "--file", str(file), *where],
        ["draw", "--period", period, *where],
    ):
        assert run.invoke(app, ["monitor", "field", *words]).exit_code == 0
    line = {
        "name": "proxy", "type": "simulated", "site": "hill school", "options": {"block": ["DRUG"]},
    }  # fmt: skip
    rehearse(
        write_campaign(
            tmp_path / "field", origin=simulated_origin(tmp_path), lines=[line],
            control={"type": "simulated"}, categories=["DRUG"], sample=5, campaign="visit",
            service={"name": SERVICE, "supplier": "ACME"},
        )
    )  # fmt: skip
    clock.at = datetime.now(UTC)
    named = ["--supplier", "Acme", "--service", SERVICE, "--site", "Hill School"]
    results = str(tmp_path / "field/out/visit")

    ended = run.invoke(
        app, ["monitor", "field", "visit", results, "--period", period, *named, *where]
    )

    assert ended.exit_code == 0, (ended.output, ended.exception)
    visit = "Hill School: Safe Net 2.1 insufficient, web filtering only, categories left out: "
    assert visit in ended.output
    assert ended.output.endswith(" (visit)\n")
    shown = json.loads(run.invoke(app, ["monitor", "field", "show", "--json", *where]).output)
    assert shown["periods"][0]["randomized"] == {
        "drawn": 1, "visited": 1, "passed": 0, "failed": 0, "insufficient": 1, "limited": 0,
    }  # fmt: skip

"""Somebody who draws or visits until the result suits is refused, or found by verifying."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.cli.field import _faults_of
from harness.cli.field_records import frame_of
from harness.cli.registry_session import open_session, place_of
from harness.model.field_event import DrawnService, FieldDrawn, FieldSeedCommitted, StreamPart
from harness.model.outcome import Conformity
from harness.model.registry_record import ServiceVersion, Site
from harness.monitor.field_draw import digest_of_frame, digest_of_seed, draw
from test_suites.field_example import visited
from test_suites.unit.harness.cli.certified import NOW, SERVICE
from test_suites.unit.harness.cli.field_owner import (
    PERIOD,
    SUPPLIERS,
    FieldOwner,
    other_service,
)


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FieldOwner:
    return FieldOwner(tmp_path, monkeypatch)


@pytest.fixture
def drawn(owner: FieldOwner) -> DrawnService:
    """The one service that the seed drew; a day has passed since."""
    (one,) = owner.draw().services
    owner.wait(days=1)
    return one


def test_nobody_commits_twice_for_a_year(owner: FieldOwner) -> None:
    owner.commit()
    other = ("--period", PERIOD, "--file", str(owner.folder / "other.json"))

    assert "a seed of 2026 was committed to already" in owner.refused("commit", *other)
    assert not (owner.folder / "other.json").exists()
    assert len(list((owner.out / "field-seeds").iterdir())) == 1
    owner.wait(days=1)
    owner.run("draw", "--period", PERIOD)
    assert "were drawn already" in owner.refused("commit", *other)
    assert "were drawn already" in owner.refused("draw", "--period", PERIOD)


def test_a_commitment_past_the_command_is_found(owner: FieldOwner) -> None:
    owner.draw()
    second = FieldSeedCommitted(
        at=owner.clock.at, actor="Di", period=PERIOD, commitment=digest_of_seed("better")
    )
    owner.forge(second)

    assert "2026: field-seed-committed of" in owner.run("verify", code=1)


def test_a_published_commitment_shows_a_registry_that_was_begun_again(owner: FieldOwner) -> None:
    owner.commit()
    published = owner.public.read_text()
    owner.public.write_text(published.replace('"sites": 10', '"sites": 11'))

    assert "another sites than the published" in owner.run(
        "verify", "--file", str(owner.public), code=1
    )
    owner.public.write_text(published.replace('"period": "2026"', '"period": "2027"'))
    assert "the registry holds no commitment; one was published" in owner.run(
        "verify", "--file", str(owner.public), code=1
    )


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "accredit-commitment/1"}', "\udcff"])
def test_a_file_that_is_no_commitment_is_refused(owner: FieldOwner, text: str) -> None:
    owner.public.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert "not a commitment" in owner.refused("verify", "--file", str(owner.public))


def test_a_seed_that_does_not_fit_draws_nothing(owner: FieldOwner) -> None:
    assert "no seed of 2026 was committed to" in owner.refused("draw", "--period", PERIOD)
    owner.commit()
    (kept,) = (owner.out / "field-seeds").iterdir()
    other = owner.folder / "seed"
    other.write_text("f" * 64)

    assert "not the seed of 2026" in owner.refused("draw", "--period", PERIOD, "--seed", str(other))
    kept.rename(owner.folder / "copy")
    assert str(kept) in owner.refused("draw", "--period", PERIOD)
    owner.run("draw", "--period", PERIOD, "--seed", str(owner.folder / "copy"))


def test_a_draw_waits_for_its_year_and_for_a_certificate(owner: FieldOwner) -> None:
    file = owner.folder / "next.json"
    owner.run("commit", "--period", "2027", "--file", str(file))
    assert "drawn in that year" in owner.refused("draw", "--period", "2027")
    assert "2025 is over" in owner.refused(
        "commit", "--period", "2025", "--file", str(owner.folder / "o.json")
    )
    owner.commit()
    for supplier in SUPPLIERS:
        owner.revoke(supplier)
    assert "no certificate is valid now" in owner.refused("draw", "--period", PERIOD)


def redrawn(owner: FieldOwner, honest: FieldDrawn, leave: str) -> FieldDrawn:
    """The draw that leaves out a supplier, with a digest and numbers that fit each other."""
    with open_session(owner.registry) as session:
        services = [s for s in frame_of(session, honest).services if s.supplier != leave]
    return msgspec.structs.replace(
        honest,
        frame=digest_of_frame(services),
        certificates=len(services),
        services=draw(services, honest.seed, 0.02, 10),
        streams=tuple(part for part in honest.streams if leave.lower() not in part.stream),
    )


def faults_of(owner: FieldOwner, forged: FieldDrawn) -> str:
    """What verifying says of a draw that was made past the command."""
    committed = owner.events()[0]
    with open_session(owner.registry) as session:
        return "; ".join(_faults_of(session, (committed, forged), forged))


def test_whoever_leaves_a_supplier_out_is_found(owner: FieldOwner) -> None:
    forged = redrawn(owner, owner.draw(), "Beta")

    assert "it leaves out event 1 of Beta" in faults_of(owner, forged)


def test_whoever_uses_a_part_of_a_stream_alone_is_found(owner: FieldOwner) -> None:
    honest = owner.draw()
    short = tuple(
        StreamPart(stream=each.stream, events=each.events - ("beta" in each.stream))
        for each in honest.streams
    )
    forged = msgspec.structs.replace(redrawn(owner, honest, "Beta"), streams=short)

    said = faults_of(owner, forged)

    assert "it leaves out event" in said
    assert "of Beta (certificate-issued), which is dated 2026-03-02 09:00 UTC" in said
    assert ";" not in said


def test_whoever_uses_what_came_after_the_draw_is_found(owner: FieldOwner) -> None:
    honest = owner.draw()
    owner.wait(days=1)
    owner.made.record("Beta", owner.made.added(Site(id="a friendly school")))
    long = tuple(
        StreamPart(stream=each.stream, events=each.events + ("beta" in each.stream))
        for each in honest.streams
    )
    forged = msgspec.structs.replace(honest, streams=long)

    said = faults_of(owner, forged)

    assert "of Beta, which is dated after the draw" in said
    missing = (*honest.streams, StreamPart(stream="supplier:none", events=1))
    forged = msgspec.structs.replace(honest, streams=missing)
    assert "not in the registry: supplier:none" in faults_of(owner, forged)
    beyond = tuple(StreamPart(stream=each.stream, events=999) for each in honest.streams)
    forged = msgspec.structs.replace(honest, streams=beyond)
    assert "it used 999 events of Acme" in faults_of(owner, forged)


def test_a_draw_on_record_that_does_not_fit_ends_verifying_with_1(owner: FieldOwner) -> None:
    owner.commit()
    committed = owner.events()[0]
    assert isinstance(committed, FieldSeedCommitted)
    (kept,) = (owner.out / "field-seeds").iterdir()
    owner.wait(days=1)
    owner.forge(
        FieldDrawn(
            at=owner.clock.at, actor="Di", period=PERIOD, seed=kept.read_text().strip(),
            frame="0" * 64, certificates=1, services=(), streams=(),
        )
    )  # fmt: skip

    said = owner.run("verify", code=1)

    assert "it leaves out event 1 of Acme" in said
    assert "it says 1 certificates; 0 were valid" in said


def test_a_campaign_from_before_the_draw_is_no_visit(
    owner: FieldOwner, drawn: DrawnService
) -> None:
    owner.measure("early", drawn.supplier, [drawn.sites[0]], begun=NOW + timedelta(hours=1))

    said = owner.refused("visit", "early", *owner.of(drawn.supplier, drawn.sites[0]))

    assert "'early' began on 2026-03-02 10:00 UTC, before the site was chosen" in said


def test_a_site_that_was_not_drawn_is_no_visit(owner: FieldOwner, drawn: DrawnService) -> None:
    numbers = range(1, 13)
    (spare, *_) = [
        site
        for site in (f"{drawn.supplier} School {number}" for number in numbers)
        if site not in drawn.sites
    ]
    owner.measure("spare", drawn.supplier, [spare])

    assert "was not drawn" in owner.refused("visit", "spare", *owner.of(drawn.supplier, spare))
    assert "was not added on complaint" in add_then_visit_another(owner, drawn, spare)


def add_then_visit_another(owner: FieldOwner, drawn: DrawnService, spare: str) -> str:
    site = drawn.sites[0]
    owner.run("add", *owner.of(drawn.supplier, site), "--reactive", "--reason", "a parent called")
    return owner.refused("visit", "spare", *owner.of(drawn.supplier, spare), "--reactive")


def test_a_service_that_was_not_drawn_is_no_visit(owner: FieldOwner, drawn: DrawnService) -> None:
    other = next(each for each in SUPPLIERS if each != drawn.supplier)
    owner.measure("other", other, [f"{other} School 1"])

    said = owner.refused("visit", "other", *owner.of(other, f"{other} School 1"))

    assert f"'Safe Net' of '{other}' was not drawn for 2026" in said


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"supplier": "Delta"}, "it measured 'Safe Net' of 'Delta', not 'Safe Net' of"),
        ({"service": "Other Net"}, "it measured 'Other Net'"),
        ({"scheme": "strict"}, "it was judged by strict; the certificate is by becta-2008"),
        ({"sites": []}, "do not say that they are at"),
        ({"sites": ["another school"]}, "line of another school (another school)"),
        ({"sites": [""]}, "(no site)"),
        ({"sites": ["HERE", "there"]}, "line of there (there)"),
    ],
)
def test_a_campaign_of_something_else_is_no_visit(
    owner: FieldOwner, drawn: DrawnService, more: dict[str, Any], why: str
) -> None:
    site = drawn.sites[0]
    given = {"supplier": drawn.supplier, "sites": ["HERE"]} | more
    given["sites"] = [site if one == "HERE" else one for one in given["sites"]]
    owner.measure("wrong", **given)

    said = owner.refused("visit", "wrong", *owner.of(drawn.supplier, site))

    assert why in said


def test_a_campaign_shows_one_visit_alone(owner: FieldOwner, drawn: DrawnService) -> None:
    one, other = drawn.sites[:2]
    owner.measure("visit", drawn.supplier, [one])
    owner.run("visit", "visit", *owner.of(drawn.supplier, one))
    owner.measure("visit", drawn.supplier, [other])

    assert "a campaign of its own" in owner.refused(
        "visit", "visit", *owner.of(drawn.supplier, other)
    )
    owner.measure("VISIT", drawn.supplier, [other])
    assert "a campaign of its own" in owner.refused(
        "visit", "VISIT", *owner.of(drawn.supplier, other)
    )


def test_a_result_that_declares_no_agreed_list_decides_nothing(
    owner: FieldOwner, drawn: DrawnService
) -> None:
    site = drawn.sites[0]
    owner.measure("undeclared", drawn.supplier, [site], items="real")
    found = owner.assessments["undeclared"].assessment
    (outcome,) = found.outcomes
    limited = replace(found, outcomes=(replace(outcome, qualifier="agreed list only"),))
    owner.assessments["undeclared"] = owner.assessments["undeclared"]._replace(assessment=limited)

    said = owner.run("visit", "undeclared", *owner.of(drawn.supplier, site))

    assert "insufficient, agreed list only" in said
    assert owner.show()[0]["randomized"]["passed"] == 0


def test_names_that_differ_in_case_are_the_same(owner: FieldOwner, drawn: DrawnService) -> None:
    site = drawn.sites[0]
    owner.measure("field", drawn.supplier.upper(), [site.lower()], service="SAFE  NET")

    owner.run("visit", "field", *owner.of(drawn.supplier.upper(), site.upper(), "safe net"))

    owner.measure("again", drawn.supplier, [site], Conformity.DOES_NOT_CONFORM)
    said = owner.run("visit", "again", *owner.of(drawn.supplier, f" {site} "))
    assert "of 2 visits the first counts" in said
    assert owner.show()[0]["randomized"]["visited"] == 1


def test_visits_past_the_command_are_found_and_do_not_count(
    owner: FieldOwner, drawn: DrawnService
) -> None:
    owner.forge(
        visited(drawn, "a friendly school", at=owner.clock.at, begun=owner.clock.at),
        visited(drawn, drawn.sites[0], at=owner.clock.at, begun=NOW),
    )

    said = owner.run("verify", code=1)

    assert said.count("2026: field-visited of") == 2
    assert owner.show()[0]["randomized"]["visited"] == 0


def test_a_site_is_added_on_complaint_about_a_certified_service_alone(owner: FieldOwner) -> None:
    owner.complain("Acme")
    here, other = owner.of("Acme", "Acme School 1"), owner.of("Acme", "Nowhere")

    assert "--reactive" in owner.refused("add", *here, "--reason", "r")
    assert "say why" in owner.refused("add", *here, "--reactive")
    assert "say why" in owner.refused("add", *here, "--reactive", "--reason", " ")
    both = ("--reason", "r", "--complaint", "Slow on Mondays")
    assert "say why" in owner.refused("add", *here, "--reactive", *both)
    assert "no complaint 'Fast' about Safe Net is open; known: Slow on Mondays" in owner.refused(
        "add", *here, "--reactive", "--complaint", "Fast"
    )
    assert "no site 'Nowhere'" in owner.refused("add", *other, "--reactive", "--reason", "r")
    assert "counts for the year" in owner.refused(
        "add", "--period", "2027", *here[2:], "--reactive", "--reason", "r"
    )
    owner.run("add", *here, "--reactive", "--reason", "r")
    assert "was added already" in owner.refused("add", *here, "--reactive", "--reason", "again")
    owner.revoke("Beta")
    gone = owner.of("Beta", "Beta School 1")
    assert "has no valid certificate" in owner.refused("add", *gone, "--reactive", "--reason", "r")


def test_a_version_that_is_not_certified_is_not_added_to(owner: FieldOwner) -> None:
    other_service(owner, "Acme", "Sure Net")
    words = owner.of("Acme", "Acme School 1", "sure net")

    owner.run("add", *words, "--reactive", "--reason", "r")

    assert "'Sure Net 9' of 'Acme' has no valid certificate" in owner.refused(
        "add", *owner.of("Acme", "Acme School 2", "Sure Net"), "--version", "9", "--reactive",
        "--reason", "r",
    )  # fmt: skip


def test_one_of_several_certified_versions_has_to_be_named(owner: FieldOwner) -> None:
    version = ServiceVersion(id="2.2", of=SERVICE)
    owner.made.record("Acme", owner.made.added(version))
    decided = owner.made.decide(version="2.2")
    owner.issue(decided, "Acme")
    words = (*owner.of("Acme", "Acme School 1"), "--reactive", "--reason", "r")

    said = owner.refused("add", *words)

    assert "say --version, or --of-scheme; known: 2.1 (becta-2008), 2.2 (becta-2008)" in said
    owner.run("add", *words, "--version", "2.2")


def test_the_public_file_is_checked_before_anything_is_recorded(owner: FieldOwner) -> None:
    owner.public.write_text("mine")
    words = ("commit", "--period", PERIOD, "--file")

    assert "exists already" in owner.refused(*words, str(owner.public))
    assert "its folder is missing" in owner.refused(*words, str(owner.folder / "no/c.json"))
    assert not owner.out.exists()


def test_a_clock_that_is_behind_the_registry_draws_nothing(owner: FieldOwner) -> None:
    owner.commit()
    owner.clock.at -= timedelta(days=1)

    assert "check the clock" in owner.refused("draw", "--period", PERIOD)


def test_site_records_that_are_closed_are_not_drawn(owner: FieldOwner) -> None:
    for number in range(1, 12):
        for supplier in SUPPLIERS:
            owner.close(supplier, f"site:{supplier.lower()} school {number}")

    (one,) = owner.draw().services

    assert one.sites == (f"{one.supplier} School 12",)


def test_the_stream_of_a_supplier_holds_no_field_event(owner: FieldOwner) -> None:
    owner.draw()
    with open_session(owner.registry) as session:
        for supplier in SUPPLIERS:
            with session.registry.reading(place_of(supplier).stream) as access:
                assert not access.found(kind=["field-drawn", "field-seed-committed"])

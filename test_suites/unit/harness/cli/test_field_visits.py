"""Somebody who visits until the result suits is refused, or found by verifying."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.model.field_event import DrawnService
from harness.model.outcome import Conformity
from harness.model.registry_record import ServiceVersion
from test_suites.kit.campaigns.field_example import visited
from test_suites.unit.harness.cli.certified import NOW, SERVICE
from test_suites.unit.harness.cli.field_owner import (
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

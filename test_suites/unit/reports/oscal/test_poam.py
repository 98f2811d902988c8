"""A POA&M is valid, and each item meets the rules of FedRAMP, whatever happened to the plan."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.registry_session import open_session, place_of
from harness.errors import UsageError
from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.model.action_plan import FollowUp, PlanState
from harness.model.deviation import Deviation, DeviationKind, DeviationState
from harness.model.event import FindingOpened, StreamOpened
from harness.model.retest_schedule import SampleRule
from harness.model.stream import StreamHead
from reports.oscal.pieces import marked, plain, token
from reports.oscal.poam import write_poam
from test_suites.kit.campaigns.example import example_finding
from test_suites.unit.harness.follow.test_stream_life import TrackedLife, run_life
from test_suites.unit.reports.oscal.oscal_schema import faults, require_fedramp

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


def head(at: datetime = NOW) -> StreamHead:
    return StreamHead(
        stream="supplier:acme", name="Acme", events=3, hash="a" * 64, latest=at, latest_position=3
    )


def followed(**differing: Any) -> FollowUp:
    finding = replace(example_finding(), **differing)
    opened = FindingOpened(at=NOW, actor="Ann", finding=finding)
    events = [StreamOpened(at=NOW, actor="Ann", name="Acme"), opened]
    state = replay([*events, draft_plan(finding, at=NOW, actor="Ann")])
    return FollowUp(finding=finding, plan=state.plan("P-0001"))


def test_whatever_happens_to_a_plan_its_item_meets_the_rules() -> None:
    states: Counter[PlanState] = Counter()
    statuses: Counter[str] = Counter()
    for seed in range(400):
        life = TrackedLife()
        run_life(life, Random(seed))
        each = FollowUp(finding=life.finding, plan=life.plan)
        document = json.loads(write_poam("Acme", [each], head(life.at)))
        assert require_fedramp(document) == 1
        assert faults(document) == []
        states[life.plan.state] += 1
        statuses[document["plan-of-action-and-milestones"]["risks"][0]["status"]] += 1

    assert set(states) == set(PlanState)
    words = {"open", "remediating", "deviation-requested", "deviation-approved", "closed"}
    assert set(statuses) == words


@pytest.mark.parametrize("severity", ["Crit", "Maj", "Min", "Obs", "", "unheard of"])
def test_the_deadline_is_before_the_limit_of_its_impact(severity: str) -> None:
    document = json.loads(write_poam("Acme", [followed(severity=severity)], head()))

    assert require_fedramp(document) == 1


def test_only_a_risk_adjustment_in_force_adjusts_the_impact() -> None:
    each = followed(severity="Crit")
    assert each.plan is not None
    deviations = tuple(
        Deviation(
            kind=DeviationKind.RISK_ADJUSTMENT,
            reason="a part is on order",
            mitigation="a second list",
            until=NOW + timedelta(days=days),
            state=DeviationState.APPROVED,
            requested_by="Ann",
            requested=NOW,
            severity=severity,
        )
        for days, severity in ((10, "Maj"), (30, "Min"))
    )
    each = replace(each, plan=replace(each.plan, deviations=deviations))

    impacts = [_impacts(each, NOW + timedelta(days=day)) for day in (10, 20, 31)]

    initial, major, minor = ("initial", "high"), ("adjusted", "moderate"), ("adjusted", "low")
    assert impacts == [[initial, major, minor], [initial, minor], [initial]]


def _impacts(each: FollowUp, at: datetime) -> list[tuple[str, str]]:
    """The state and value of each impact of the only risk."""
    document = json.loads(write_poam("Acme", [each], head(at)))
    (risk,) = document["plan-of-action-and-milestones"]["risks"]
    facets = [facet for one in risk["characterizations"] for facet in one["facets"]]
    return [(facet["props"][0]["value"], facet["value"]) for facet in facets]


def test_the_same_plans_give_the_same_bytes_and_others_other_ids() -> None:
    first, second = followed(), followed(service="Other Net")

    assert write_poam("Acme", [first], head()) == write_poam("Acme", [first], head())
    risks = [
        json.loads(write_poam("Acme", [each], head()))["plan-of-action-and-milestones"]["risks"]
        for each in (first, second)
    ]
    assert risks[0][0]["uuid"] != risks[1][0]["uuid"]


def test_the_levels_of_re_tests_stand_in_what_a_re_test_has_to_show() -> None:
    rule = SampleRule(alpha=0.05, rate=0.9)
    text = write_poam("Acme", [followed(rule=rule)], head()).decode()

    assert "let a service at the limit pass in at most 5 %: 1. 97.5 %, 2. 99.1667 %" in text
    assert "together let a service" not in write_poam("Acme", [followed()], head()).decode()


def test_items_are_counted_and_never_named() -> None:
    text = write_poam("Acme", [followed(missed=("canary/GAMB/007", "hidden-9"))], head()).decode()

    assert "2 items failed" in text
    assert "GAMB/007" not in text
    assert "hidden-9" not in text


@given(title=TEXTS, statement=TEXTS, line=TEXTS, requirement=TEXTS, supplier=TEXTS)
def test_any_text_gives_a_valid_document(
    title: str, statement: str, line: str, requirement: str, supplier: str
) -> None:
    each = followed(title=title, statement=statement, line=line, requirement=requirement)

    document = json.loads(write_poam(supplier, [each], head()))

    assert faults(document) == []


@given(text=TEXTS)
def test_texts_are_one_line_and_tokens_are_tokens(text: str) -> None:
    assert plain(text) == plain(text).strip()
    assert "\n" not in marked(text)
    assert token(text)[0].isalpha() or token(text)[0] == "_"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>*x*</b> [a](b) `c`", r"\<b\>\*x\*\</b\> \[a\](b) \`c\`"),
        ("# head", r"\# head"),
        ("1. first", r"1\. first"),
        ("{{ insert: param, x }}", r"\{\{ insert: param, x \}\}"),
        (" \n ", "not given"),
    ],
)
def test_text_is_never_markup(text: str, expected: str) -> None:
    assert marked(text) == expected


def test_a_supplier_without_plans_has_no_poam() -> None:
    with pytest.raises(UsageError, match="Acme has no action plan to export"):
        write_poam("Acme", [], head())


def test_an_export_holds_nothing_of_another_supplier(tmp_path: Path) -> None:
    where = tmp_path / "registry.sqlite"
    with open_session(where, create=True) as session:
        for supplier, service in (("Acme", "Safe Net"), ("Beta Ltd", "Beta Guard")):
            finding = replace(example_finding(), supplier=supplier, service=service)
            draft = draft_plan(finding, at=NOW, actor=f"Ann of {supplier}")
            opened = FindingOpened(at=NOW, actor="Ann", finding=finding)
            session.record(place_of(supplier), opened, draft)
    out = tmp_path / "poam.json"
    words = ["plan", "export", "--supplier", "acme", "--out", str(out), "--registry", str(where)]

    ended = CliRunner().invoke(app, words)

    assert ended.exit_code == 0, ended.output
    assert "1 plans of Acme" not in ended.output
    assert "1 plan of Acme" in ended.output
    document = json.loads(out.read_bytes())
    assert (require_fedramp(document), faults(document)) == (1, [])
    assert b"Beta" not in out.read_bytes()
    first = out.read_bytes()
    assert CliRunner().invoke(app, words).exit_code == 0
    assert out.read_bytes() == first
    nobody = CliRunner().invoke(app, [*words[:3], "Gamma", *words[4:]])
    assert isinstance(nobody.exception, UsageError)
    assert "holds nothing of 'Gamma'" in str(nobody.exception)

"""Trials of techniques as the judge collects them: facts beside verdicts, sensitive ones withheld."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from harness.judge.judge import Judge
from harness.judge.liveness import PASSED_ON_RETRY
from harness.judge.technique_trials import TechniqueTrials
from harness.model.corpus import Item, Sensitivity
from harness.model.facts import Certificate, Facts, SentStep, TechniqueFacts
from harness.model.observation import CONTROL, Failure, Observation
from harness.model.technique import PROBE
from harness.model.technique_matrix import TechniqueAnswer, TechniqueState, TechniqueTrial
from harness.model.verdict import BRACKET_FAILED, Mechanism, State, Trial, Verdict
from test_suites.kit.campaigns.technique_example import HOST, STATEMENT
from test_suites.kit.campaigns.trials import failed, observation, web

STRATUM = "PORN/way:name:fronting:https"
STEP = SentStep(step="http1", to=f"{HOST}:443", data="GET /secret", size=11)


def item(sensitivity: Sensitivity = "S0", **changes: Any) -> Item:
    fields: dict[str, Any] = {
        "id": "CV-001", "value": STATEMENT, "labels": ("PORN",), "kind": "vector",
        "registrable": HOST, "stratum": STRATUM, "sensitivity": sensitivity,
    }  # fmt: skip
    return Item(**{**fields, **changes})


def facts(**changes: Any) -> TechniqueFacts:
    fields: dict[str, Any] = {
        "url": "technique:CV-001", "status": 200, "title": "A page", "canary": "seen",
        "certificate": Certificate(chain=("aa",), issuer="CN=Filter"), "sent": (STEP,),
    }  # fmt: skip
    return TechniqueFacts(**{**fields, **changes})


def seen(
    what: Facts | Failure | None, tried: Item, probe: str = PROBE, line: str = "proxy"
) -> Observation:
    made = observation(what, line, item=tried.id, probe=probe)
    return replace(made, item=tried, nonce="0123")


def collected(
    what: Facts | Failure | None = None,
    tried: Item | None = None,
    probe: str = PROBE,
    control: Facts | Failure | None = None,
    **verdict: Any,
) -> tuple[TechniqueTrial, ...]:
    """What is kept of one trial and its verdict."""
    of = tried or item()
    one = Trial(
        service=seen(what or facts(), of, probe),
        control=seen(control or facts(), of, probe, CONTROL),
    )
    told: dict[str, Any] = {"state": State.ALLOWED, "rule": "token-arrived", "rules_version": "1"}
    trials = TechniqueTrials()
    trials.count(one, Verdict(key=one.key, item=of, **{**told, **verdict}))
    return trials.techniques.trials


def test_a_trial_of_a_technique_is_kept_with_what_was_sent_and_what_came() -> None:
    (kept,) = collected(witnesses=("the origin's token arrived",))

    assert (kept.item, kept.line, kept.profile, kept.turn) == ("CV-001", "proxy", "ks2", 1)
    assert (kept.case.name, kept.statement, kept.category) == ("fronting", STATEMENT, "PORN")
    assert (kept.state, kept.has_token, kept.is_plain) == (State.ALLOWED, True, False)
    assert (kept.nonce, kept.sent, kept.reasons) == (
        "0123",
        (STEP,),
        ("the origin's token arrived",),
    )
    assert kept.answer == TechniqueAnswer(status=200, title="A page", issuer="CN=Filter")


def test_a_failure_is_kept_with_its_stage() -> None:
    (kept,) = collected(
        failed("connection_reset", "tls", "by peer"),
        state=State.BLOCKED,
        mechanism=Mechanism.TCP_RESET,
    )

    assert kept.answer == TechniqueAnswer(failure="connection_reset", stage="tls", detail="by peer")
    assert (kept.mechanism, kept.has_token, kept.sent) == (Mechanism.TCP_RESET, False, ())


@pytest.mark.parametrize(
    ("probe", "is_kept"), [("web_https", True), ("web", False), ("dns", False)]
)
def test_the_plain_form_is_that_of_the_probe_of_its_scheme(probe: str, is_kept: bool) -> None:
    kept = collected(web(), probe=probe, state=State.BLOCKED, mechanism=Mechanism.BLOCK_PAGE)

    assert [(one.is_plain, one.mechanism) for one in kept] == [
        (True, Mechanism.BLOCK_PAGE)
    ] * is_kept


@pytest.mark.parametrize(
    "other",
    [item(kind="host", value=HOST), item(stratum="PORN"), item(stratum="PORN/way:none:x:http")],
)
def test_other_items_are_not_kept(other: Item) -> None:
    assert collected(tried=other) == ()


@pytest.mark.parametrize("sensitivity", ["S3", "S4"])
def test_of_a_sensitive_item_no_text_is_kept(sensitivity: Sensitivity) -> None:
    told = failed("http_invalid_response", "response", "secret of the server")
    (came,) = collected(facts(title="a secret"), item(sensitivity))
    (broken,) = collected(told, item(sensitivity), state=State.INSUFFICIENT)

    assert came.is_withheld
    assert came.sent == (SentStep(step="http1", to=f"{HOST}:443", size=11),)
    assert came.answer.status == 200
    for kept in (came, broken):
        assert b"secret" not in msgspec.json.encode(kept)
        assert kept.statement == ""


@pytest.mark.parametrize("side", ["service", "control"])
def test_an_obstacle_is_the_one_that_either_side_named(side: str) -> None:
    hidden = facts(status=None, canary="absent", sent=(), obstacle="the line carries no UDP")
    (kept,) = collected(
        hidden if side == "service" else None,
        control=hidden if side == "control" else None,
        state=State.INSUFFICIENT,
    )

    assert kept.obstacle == "the line carries no UDP"
    assert (kept.answer == TechniqueAnswer()) is (side == "service")


@pytest.mark.parametrize("name", ["instrument_error", "instrument_overload"])
def test_trouble_of_our_own_equipment_is_no_obstacle(name: str) -> None:
    (kept,) = collected(failed(name, "instrument", "ValueError: x"), state=State.INSUFFICIENT)

    assert kept.obstacle == ""


def test_a_page_inside_another_is_the_page() -> None:
    (kept,) = collected(facts(canary="absent", inner=(web(),)))
    (none,) = collected(facts(canary="absent"))

    assert (kept.has_token, none.has_token) == (True, False)


def test_what_passed_when_it_was_tried_again_has_arrived() -> None:
    (kept,) = collected(facts(canary="absent", status=403), rule=PASSED_ON_RETRY)

    assert kept.has_token


def test_a_void_batch_is_noted() -> None:
    (kept,) = collected(state=State.INSUFFICIENT, rule=BRACKET_FAILED)

    assert kept.is_void


def test_the_judge_of_a_journal_keeps_techniques_and_their_plain_forms() -> None:
    hidden = facts(status=None, canary="absent", sent=(), obstacle="the line carries no UDP")
    journal = [
        seen(what, item(), probe, line)
        for probe, what in ((PROBE, hidden), ("web_https", web()))
        for line in (CONTROL, "proxy")
    ]
    judging = Judge((), sentinels_required=False)
    verdicts = list(judging.verdicts(journal))
    matrix = judging.records.techniques.matrix

    assert len(verdicts) == 2
    assert matrix is not None
    (cell,) = matrix.rows[0].cells
    assert cell is not None
    assert (cell.state, cell.plain) == (TechniqueState.NOT_CARRIED, State.ALLOWED)

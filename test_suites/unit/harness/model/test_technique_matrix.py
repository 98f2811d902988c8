"""The matrix of techniques: what came of each at each place, by its trials and the plain form's."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.facts import SentStep
from harness.model.service_records import ServiceRecords
from harness.model.technique import TechniqueCase
from harness.model.technique_matrix import (
    PLAIN_NOT_DECIDED,
    PLAIN_NOT_TRIED,
    STATE_WORDS,
    WITHOUT_TOKEN,
    ServiceTechniques,
    TechniqueCell,
    TechniqueMatrix,
    TechniqueState,
    TechniqueTrial,
    classes_of,
    technique_matrix,
)
from harness.model.verdict import Mechanism, State
from test_suites.kit.campaigns.technique_example import plain, trial

THROUGH, UNDECIDED, STOPPED, NOT_NEEDED, NOT_CARRIED = TechniqueState


def matrix_of(*trials: TechniqueTrial) -> TechniqueMatrix:
    found = technique_matrix(trials)
    assert found is not None
    return found


def cell_of(*trials: TechniqueTrial) -> TechniqueCell:
    """The only cell of the trials of one technique at one place."""
    (row,) = matrix_of(*trials).rows
    (cell,) = row.cells
    assert cell is not None
    return cell


def test_every_state_has_words() -> None:
    assert set(TechniqueState) == STATE_WORDS.keys()


def test_a_technique_got_through_if_its_page_arrived_and_the_plain_form_was_blocked() -> None:
    cell = cell_of(trial(), plain())

    assert cell.state is THROUGH
    assert (cell.plain, cell.plain_mechanism) == (State.BLOCKED, Mechanism.BLOCK_PAGE)


def test_a_technique_is_stopped_with_the_mechanism_of_its_own_block() -> None:
    cell = cell_of(trial(state=State.BLOCKED, mechanism=Mechanism.TCP_RESET), plain())

    assert (cell.state, cell.mechanism) == (STOPPED, Mechanism.TCP_RESET)


@pytest.mark.parametrize("state", State)
def test_a_page_that_is_open_in_the_plain_form_needs_no_technique(state: State) -> None:
    cell = cell_of(trial(state=state), plain(state=State.ALLOWED))

    assert cell.state is (NOT_CARRIED if state is State.DOWN else NOT_NEEDED)
    assert cell.mechanism is Mechanism.NONE


@pytest.mark.parametrize("state", [State.ALLOWED, State.BLOCKED])
@pytest.mark.parametrize("undecided", [State.INSUFFICIENT, State.DOWN, State.ALTERED])
def test_nothing_is_decided_for_or_against_without_the_plain_form(
    state: State, undecided: State
) -> None:
    untried, unknown = (
        cell_of(trial(state=state)),
        cell_of(trial(state=state), plain(state=undecided)),
    )

    assert (untried.state, untried.plain, untried.reasons) == (UNDECIDED, None, (PLAIN_NOT_TRIED,))
    assert (unknown.state, unknown.reasons) == (UNDECIDED, (PLAIN_NOT_DECIDED,))


@pytest.mark.parametrize("state", [State.INSUFFICIENT, State.ALTERED])
def test_a_technique_without_a_decided_verdict_is_not_decided(state: State) -> None:
    cell = cell_of(trial(state=state, reasons=("it may be overloaded",)), plain())

    assert (cell.state, cell.reasons) == (UNDECIDED, ("it may be overloaded",))


def test_a_page_without_the_token_did_not_get_through() -> None:
    cell = cell_of(trial(has_token=False), plain())

    assert (cell.state, cell.reasons) == (UNDECIDED, (WITHOUT_TOKEN,))


def test_a_technique_that_fails_without_the_filter_too_is_not_carried() -> None:
    assert cell_of(trial(state=State.DOWN), plain()).state is NOT_CARRIED


def test_an_obstacle_is_the_only_reason() -> None:
    hidden = trial(state=State.INSUFFICIENT, obstacle="the line carries no UDP", reasons=("ours",))
    cell = cell_of(hidden, plain())

    assert (cell.state, cell.reasons) == (NOT_CARRIED, ("the line carries no UDP",))


@pytest.mark.parametrize("void", ["tried", "plain"])
@pytest.mark.parametrize("state", [State.ALLOWED, State.BLOCKED, State.DOWN])
def test_a_void_batch_decides_nothing(void: str, state: State) -> None:
    one = trial(state=state, is_void=void == "tried")
    cell = cell_of(one, plain(is_void=void == "plain"))

    is_dead = state is State.DOWN and void == "plain"
    assert cell.state is (NOT_CARRIED if is_dead else UNDECIDED)


@pytest.mark.parametrize("state", [State.ALLOWED, State.BLOCKED])
def test_a_void_trial_of_an_open_plain_form_does_not_say_that_it_is_open(state: State) -> None:
    assert cell_of(trial(state=state), plain(state=State.ALLOWED, is_void=True)).state is UNDECIDED


@pytest.mark.parametrize("first", [True, False])
def test_in_a_round_the_trial_that_decided_stands(first: bool) -> None:
    decided, open_ = trial(state=State.BLOCKED), trial(state=State.INSUFFICIENT)
    voided = trial(is_void=True)
    tried = (decided, open_, voided) if first else (voided, open_, decided)

    assert cell_of(*tried, plain()).state is STOPPED


@pytest.mark.parametrize(
    ("second", "found"),
    [(State.ALLOWED, THROUGH), (State.INSUFFICIENT, UNDECIDED), (State.DOWN, STOPPED)],
)
def test_of_several_rounds_the_worst_for_the_service_counts(
    second: State, found: TechniqueState
) -> None:
    rounds = (trial(state=State.BLOCKED), plain(), trial(state=second, turn=2), plain(turn=2))

    assert cell_of(*rounds).state is found
    assert cell_of(*reversed(rounds)).state is found


def test_a_round_is_compared_with_its_own_plain_form() -> None:
    """Open in the first round, blocked in the second: the technique of the first was not needed."""
    rounds = (trial(), plain(state=State.ALLOWED),
              trial(state=State.BLOCKED, turn=2), plain(turn=2))  # fmt: skip

    assert cell_of(*rounds).state is STOPPED


def test_a_place_is_compared_with_its_own_plain_form() -> None:
    trials = (
        trial(), plain(), trial(line="gateway"), plain(line="gateway", state=State.ALLOWED),
        trial(profile="staff"),
    )  # fmt: skip
    found = matrix_of(*trials)

    assert found.places == (("proxy", "pupils"), ("gateway", "pupils"), ("proxy", "staff"))
    assert [cell and cell.state for cell in found.rows[0].cells] == [THROUGH, NOT_NEEDED, UNDECIDED]
    assert found.rows[0].worst is THROUGH


def test_a_place_where_a_technique_was_not_tried_has_no_cell() -> None:
    one: dict[str, Any] = {"line": "gateway"}
    other: dict[str, Any] = {"line": "resolver"}
    found = matrix_of(
        trial("A"), plain("A"), trial("B", **one), plain("B", **one), plain("B", **other)
    )

    assert [[cell is not None for cell in row.cells] for row in found.rows] == [
        [True, False],
        [False, True],
    ]


def test_rows_follow_the_groups_and_classes_and_then_the_ids() -> None:
    told = [
        ("D", "other", "late-addition"), ("C", "encrypted-dns", "doh-path"), ("B", "resolver", "new"),
        ("A2", "resolver", "tcp"), ("A1", "resolver", "tcp"), ("Z", "resolver", "udp"),
    ]  # fmt: skip
    found = matrix_of(*(trial(item, group=group, name=name) for item, group, name in told))

    assert [row.item for row in found.rows] == ["Z", "A1", "A2", "B", "C", "D"]
    assert [row.words for row in found.rows][-1] == "late addition"
    assert list(classes_of("resolver", found.rows)) == [
        ("udp", "over UDP"), ("tcp", "over TCP"), ("new", "new"),
    ]  # fmt: skip


def test_what_the_origin_saw_is_found_by_the_nonce_of_the_attempt() -> None:
    trials = (trial("A", nonce="aa"), plain("A"), trial("B", nonce="bb"), plain("B"))
    found = technique_matrix(trials, {"bb": ["GET /"], "cc": ["HEAD /"]})

    assert found is not None
    assert [cell.origin_saw for row in found.rows for cell in row.cells if cell] == [(), ("GET /",)]


def test_of_a_sensitive_item_what_the_origin_saw_is_withheld() -> None:
    found = technique_matrix((trial(nonce="aa", is_withheld=True), plain()), {"aa": ("GET /x",)})

    assert found is not None
    cell = found.rows[0].cells[0]
    assert cell is not None
    assert (cell.is_withheld, cell.origin_saw) == (True, ())


def test_what_was_sent_is_that_of_the_trial_that_decided() -> None:
    step = SentStep(step="http1", to="a.test:80", data="GET /", size=5)
    rounds = (trial(state=State.BLOCKED), plain(), trial(turn=2, sent=(step,)), plain(turn=2))

    assert cell_of(*rounds).sent == (step,)


@pytest.mark.parametrize("trials", [(), (plain(),)])
def test_there_is_no_matrix_if_no_technique_was_tried(trials: tuple[Any, ...]) -> None:
    assert technique_matrix(trials) is None
    assert ServiceTechniques(trials=trials).matrix is None


def test_records_of_a_place_hold_its_own_trials() -> None:
    held = ServiceTechniques(trials=(trial(), trial(line="gateway")), origin_saw={"n": ("x",)})
    own = ServiceRecords(techniques=held).of("gateway", "pupils").techniques

    assert [one.line for one in own.trials] == ["gateway"]
    assert own.origin_saw == {"n": ("x",)}


def test_the_case_of_a_row_is_that_of_its_item() -> None:
    case = TechniqueCase("hello", "late", "http")
    (row,) = matrix_of(trial(case=case), plain(case=case)).rows

    assert (row.group, row.name, row.words) == ("hello", "late", "with a late second half")

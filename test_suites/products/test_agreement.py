"""Verdicts are compared with the origin's log in both directions, and each contradiction is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from harness.model.batch import AGAIN
from harness.model.facts import Facts
from harness.model.observation import CONTROL, Failure, Observation
from harness.model.verdict import Mechanism, State, Verdict
from probes.range.arrival_log import Arrival
from test_suites.kit.campaigns.trials import NOON, OURS, dns, failed, observation, web
from test_suites.products.all_areas.agreement import Agreement, Visit, compare_verdicts
from test_suites.products.all_areas.guardian_supplier import WithheldByGuardian
from test_suites.products.all_areas.squid_supplier import WithheldBySquid

Told = Callable[..., bool]
ASKED, LANDED = "/page?q=word", "/landed"


def arrival(nonce: str, path: str = ASKED) -> Arrival:
    return Arrival(at=NOON, over="http", host=OURS, method="GET", path=path, nonce=nonce)


BY_CONTROL = (arrival(CONTROL), arrival(CONTROL, LANDED))


def compared(
    state: State,
    *arrivals: Arrival,
    withheld: bool = False,
    refused: bool = False,
    may_end: bool = False,
    control: tuple[Arrival, ...] = BY_CONTROL,
    **verdict: Any,
) -> Agreement:
    """Compare one verdict of an item that the control asked for, and was led on from."""
    probe, rule = verdict.pop("probe", "web"), verdict.pop("rule", "a-rule")
    seen: list[Observation] = [
        replace(observation(web(), line, probe=probe), nonce=line) for line in (CONTROL, "proxy")
    ]
    told = Verdict(
        key=seen[1].key, item=seen[1].item, state=state, rule=rule, rules_version="1", **verdict
    )
    return compare_verdicts(
        [told], seen, [*control, *arrivals], lambda *_: withheld, lambda *_: refused,
        may_end=may_end,
    )  # fmt: skip


CAME = (arrival("proxy"), arrival("proxy", LANDED))
ON_THE_WAY = CAME[:1]


@pytest.mark.parametrize("state", [State.ALLOWED, State.ALTERED])
def test_what_arrived_was_asked_for_as_a_whole(state: State) -> None:
    assert not compared(state, *CAME).contradicted
    assert compared(state, *ON_THE_WAY).contradicted
    assert compared(state).contradicted
    assert compared(state, *CAME, withheld=True).contradicted
    assert not compared(state, *CAME, withheld=True, may_end=True).contradicted
    assert compared(state, *ON_THE_WAY, withheld=True, may_end=True).contradicted


def test_a_request_without_its_content_arrived_in_part() -> None:
    def found(*arrivals: Arrival) -> Agreement:
        return compared(State.ALTERED, *arrivals, rule="file-without-content")

    assert found(*ON_THE_WAY).agreed == {"altered, and only a part arrived": 1}
    assert found().contradicted
    assert found(*CAME).agreed == {"arrived, and was asked for": 1}


def test_what_was_blocked_was_not_asked_for_or_was_withheld() -> None:
    assert not compared(State.BLOCKED).contradicted
    assert not compared(State.BLOCKED, *ON_THE_WAY).contradicted
    assert compared(State.BLOCKED, *CAME).contradicted
    assert not compared(State.BLOCKED, *CAME, withheld=True).contradicted
    assert not compared(State.BLOCKED, *CAME, mechanism=Mechanism.SAFE_MODE).contradicted


@pytest.mark.parametrize("state", [State.ALLOWED, State.ALTERED, State.BLOCKED])
def test_no_verdict_rests_on_a_control_that_visited_nothing(state: State) -> None:
    for arrivals in ((), CAME):
        found = compared(state, *arrivals, control=())

        assert not found.agreed
        (contradiction,) = found.contradicted
        assert contradiction.endswith("the control visited nothing")


def test_a_connection_that_was_cut_off_after_the_visit_is_excused_where_a_product_may_end() -> None:
    cut = Mechanism.TCP_EOF

    assert compared(State.BLOCKED, *CAME, mechanism=cut).contradicted
    assert not compared(State.BLOCKED, *CAME, mechanism=cut, may_end=True).contradicted
    assert compared(State.BLOCKED, *CAME, may_end=True).contradicted


def test_what_is_undecided_is_counted_and_contradicts_nothing() -> None:
    found = compared(State.INSUFFICIENT, *CAME)

    assert (dict(found.undecided), found.contradicted) == ({"insufficient by a-rule, came": 1}, [])


def test_a_name_is_answered_as_the_product_was_told() -> None:
    for state, refused, count in (
        (State.BLOCKED, True, 0), (State.BLOCKED, False, 1),
        (State.ALLOWED, True, 1), (State.ALLOWED, False, 0),
    ):  # fmt: skip
        found = compared(state, probe="dns", refused=refused)
        assert len(found.contradicted) == count, (state, refused)


def of_user(facts: Facts | Failure | None, *arrivals: Arrival, may_end: bool = False) -> Agreement:
    seen = replace(observation(facts, role="user"), nonce="proxy")
    return compare_verdicts(
        [], [seen], arrivals, lambda *_: False, lambda *_: False, may_end=may_end
    )


def test_a_user_sees_a_page_that_reached_the_origin() -> None:
    for canary, arrivals, count in (
        ("seen", CAME, 0), ("seen", (), 1), ("absent", CAME, 1), ("absent", (), 0),
    ):  # fmt: skip
        found = of_user(web(canary=canary), *arrivals)
        assert len(found.contradicted) == count, (canary, arrivals)


@pytest.mark.parametrize("facts", [failed("connection_reset"), dns(), None])
def test_a_user_who_got_no_page_sent_nothing_to_the_origin(facts: Facts | Failure | None) -> None:
    assert of_user(facts).agreed
    assert of_user(facts, *CAME).contradicted


def test_a_failure_of_a_user_decides_nothing_where_a_product_may_end() -> None:
    found = of_user(failed("connection_reset"), *CAME, may_end=True)

    assert found.undecided == {"a user's request, connection_reset": 1}
    assert (found.agreed, found.contradicted) == ({}, [])
    assert of_user(web(canary="absent"), *CAME, may_end=True).contradicted


def test_a_request_with_other_parameters_is_still_the_request() -> None:
    wanted = Visit("http", "GET", OURS, "/search?q=word&safe=off")

    assert Visit("http", "GET", OURS, "/search?safe=on&q=word").covers(wanted)
    assert not Visit("http", "GET", OURS, "/other?q=word&safe=off").covers(wanted)
    assert not Visit("https", "GET", OURS, wanted.path).covers(wanted)


def test_what_passed_when_it_was_tried_again_was_asked_for_then() -> None:
    first = replace(observation(web()), nonce="proxy")
    again = replace(first, role="retry", nonce="again", key=replace(first.key, round=200_001))
    control = replace(observation(web(), CONTROL), nonce=CONTROL)
    told = Verdict(
        key=first.key, item=first.item, state=State.ALLOWED, rule="a-rule", rules_version="1"
    )
    for arrivals, count in ((["again"], 0), ([], 1)):
        log = [arrival(nonce) for nonce in (CONTROL, *arrivals)]
        found = compare_verdicts(
            [told], [first, again, control], log, lambda *_: False, lambda *_: False
        )
        assert len(found.contradicted) == count


def test_a_void_batch_and_its_repetition_are_compared_each_by_itself() -> None:
    seen = [replace(observation(web(), line), nonce=line) for line in (CONTROL, "proxy")]
    repeated = [
        replace(one, nonce=f"{one.nonce} again", key=replace(one.key, round=1 + AGAIN))
        for one in seen
    ]
    log = [arrival(nonce) for nonce in (CONTROL, "proxy", f"{CONTROL} again")]
    told = Verdict(
        key=repeated[1].key, item=seen[1].item, state=State.ALLOWED, rule="a-rule",
        rules_version="1",
    )  # fmt: skip

    found = compare_verdicts([told], [*seen, *repeated], log, lambda *_: False, lambda *_: False)

    assert len(found.contradicted) == 1
    came = replace(told, key=seen[1].key)
    assert compare_verdicts(
        [came], [*seen, *repeated], log, lambda *_: False, lambda *_: False
    ).agreed


SQUID = f"""\
403 TCP_DENIED GET pupils http://{OURS}/denied?q=1
200 TCP_MISS GET pupils http://{OURS}/
200 TCP_TUNNEL CONNECT pupils {OURS}:443
"""
GUARDIAN = f"1795.3\t\t\t127.0.0.1\thttp://{OURS}/denied?q=1\tGET\t403\t*INFECTED* *DENIED* x\n"
GUARDIAN += f"1795.4\t\t\t127.0.0.1\thttp://{OURS}\tGET\t200\t*SCANNED*\n"


@pytest.mark.parametrize(
    "withheld",
    [WithheldBySquid(SQUID), WithheldByGuardian({"pupils": GUARDIAN})],
    ids=["squid", "e2guardian"],
)
def test_a_products_log_says_what_it_withheld_and_from_whom(withheld: Told) -> None:
    assert withheld(Visit("http", "GET", OURS, "/denied?q=1"), "pupils")
    assert not withheld(Visit("http", "GET", OURS, "/denied?q=1"), "staff")
    assert not withheld(Visit("http", "GET", OURS, "/"), "pupils")


@pytest.mark.parametrize("status", [500, 502])
def test_an_error_of_squid_is_no_sign_that_it_withheld_an_answer(status: int) -> None:
    log = SQUID.replace("403", str(status))

    assert log != SQUID
    assert not WithheldBySquid(log)(Visit("http", "GET", OURS, "/denied?q=1"), "pupils")

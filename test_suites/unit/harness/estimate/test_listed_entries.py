"""Lists of illegal addresses: each path, case and role is wanted, and neighbours need a listed page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.estimate.item_selection import Selection
from harness.estimate.listed_entries import (
    collateral_blocks,
    hard_entries_missed,
    list_entries_missed,
    overrides,
    shared_address_collateral,
)
from harness.model.listed_page import HARD_CASES, SEVERAL_ADDRESSES, Overrides
from harness.model.metric import Metric
from harness.model.probe import EARLIER, ProbeDeclaration
from harness.model.verdict import State, Verdict
from test_suites.unit.harness.estimate.test_url_metrics import campaign

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
CSAM, TWIN = "ILL.CSAM", "ALW.SUPPORT"
BOTH = frozenset({"web", "web_https"})


def parts(metric: Metric) -> dict[str, tuple[int, int]]:
    return {part.group: (part.metric.k, part.metric.n) for part in metric.parts}


def entries(verdict: Make, **states: State) -> list[Verdict]:
    return [verdict("entry", CSAM, state, probe=probe) for probe, state in states.items()]


def chosen(select: Select, found: list[Verdict], probes: frozenset[str]) -> Selection:
    wanted = select(found, rule="census", categories=(CSAM,), expectation="block")
    return replace(wanted, probes_run=probes)


def test_an_entry_that_is_open_over_https_alone_is_missed(verdict: Make, select: Select) -> None:
    found = entries(verdict, web=State.BLOCKED, web_https=State.ALLOWED)

    measured = list_entries_missed(chosen(select, found, BOTH))

    assert (measured.metric.k, measured.metric.n) == (1, 1)
    assert parts(measured.metric) == {
        f"{CSAM} over HTTP": (0, 1),
        f"{CSAM} over HTTPS": (1, 1),
    }
    assert [one.probes for one in measured.adverse] == [("web_https",)]


def test_a_path_without_a_probe_is_an_empty_part(verdict: Make, select: Select) -> None:
    metric = list_entries_missed(
        chosen(select, entries(verdict, web=State.BLOCKED), frozenset({"web"}))
    ).metric

    assert parts(metric)[f"{CSAM} over HTTPS"] == (0, 0)


def test_a_line_that_only_answers_names_needs_no_other_path(verdict: Make, select: Select) -> None:
    metric = list_entries_missed(
        chosen(select, entries(verdict, dns=State.BLOCKED), frozenset({"dns"}))
    ).metric

    assert parts(metric) == {f"{CSAM} by name": (0, 1)}


SEALED = {
    name: ProbeDeclaration(
        needs="connection", facts="sealed", kinds=frozenset({"sealed"}), only_scheme=scheme
    )
    for name, scheme in (("sealed_list", "http"), ("sealed_list_https", "https"))
}


def sealed_parts(select: Select, found: list[Verdict], *probes: str) -> dict[str, tuple[int, int]]:
    selection = replace(chosen(select, found, frozenset(probes)), probes={**EARLIER, **SEALED})
    return parts(list_entries_missed(selection).metric)


def test_sealed_entries_are_wanted_by_both_schemes_and_stand_apart(
    verdict: Make, select: Select
) -> None:
    canaries = entries(verdict, web=State.BLOCKED, web_https=State.BLOCKED)
    sealed = [
        verdict("0" * 64, CSAM, state, probe=probe)
        for probe, state in (("sealed_list", State.BLOCKED), ("sealed_list_https", State.ALLOWED))
    ]
    open_parts = {f"{CSAM} over HTTP": (0, 1), f"{CSAM} over HTTPS": (0, 1)}

    assert sealed_parts(select, canaries + sealed, *BOTH, *SEALED) == open_parts | {
        f"{CSAM} of the sealed list over HTTP": (0, 1),
        f"{CSAM} of the sealed list over HTTPS": (1, 1),
    }
    assert sealed_parts(select, canaries + sealed[:1], *BOTH, "sealed_list") == open_parts | {
        f"{CSAM} of the sealed list over HTTP": (0, 1),
        f"{CSAM} of the sealed list over HTTPS": (0, 0),
    }
    assert sealed_parts(select, sealed[:1], *SEALED) == {
        f"{CSAM} of the sealed list over HTTP": (0, 1),
        f"{CSAM} of the sealed list over HTTPS": (0, 0),
    }


def test_what_another_probe_found_open_is_missed(verdict: Make, select: Select) -> None:
    found = entries(verdict, web=State.BLOCKED, web_https=State.BLOCKED, web_www=State.ALLOWED)

    metric = list_entries_missed(chosen(select, found, BOTH | {"web_www"})).metric

    assert parts(metric)[f"{CSAM} by other probes"] == (1, 1)
    assert (metric.k, metric.n) == (1, 1)


def hard(verdict: Make, case: str, state: State = State.BLOCKED, number: int = 2) -> list[Verdict]:
    return [
        verdict(f"{case}-{scheme}-{n}", CSAM, state, stratum=f"{CSAM}/{case}/{scheme}")
        for scheme in ("http", "https")
        for n in range(number)
    ]


def test_each_kind_of_entry_is_wanted_over_both_schemes(verdict: Make, select: Select) -> None:
    found = [one for case in HARD_CASES if case != "hard:long" for one in hard(verdict, case)]

    metric = hard_entries_missed(select(found)).metric

    empty = {name for name, counts in parts(metric).items() if counts == (0, 0)}
    words = HARD_CASES["hard:long"]
    assert empty == {f"entries {words} over HTTP", f"entries {words} over HTTPS"}
    assert (metric.k, metric.n) == (0, 4 * (len(HARD_CASES) - 1))


def test_one_entry_does_not_show_that_several_addresses_are_blocked(
    verdict: Make, select: Select
) -> None:
    blocked = hard_entries_missed(select(hard(verdict, SEVERAL_ADDRESSES, number=1))).metric
    passed = hard_entries_missed(
        select(hard(verdict, SEVERAL_ADDRESSES, State.ALLOWED, number=1))
    ).metric

    assert (blocked.k, blocked.n, blocked.indeterminate) == (0, 0, 2)
    assert (passed.k, passed.n) == (2, 2)


def neighbours(
    verdict: Make, case: str, listed: State, *found: State, scheme: str = "http"
) -> list[Verdict]:
    stratum = f"{CSAM}/{case}/{scheme}"
    made = [verdict(f"{case}-listed", CSAM, listed, stratum=stratum)]
    made += [
        verdict(f"{case}-{number}", TWIN, state, stratum=f"twin:{stratum}")
        for number, state in enumerate(found)
    ]
    return made


@pytest.mark.parametrize(
    ("metric_function", "case"),
    [(collateral_blocks, "site"), (shared_address_collateral, "address")],
)
@pytest.mark.parametrize("listed", [State.ALLOWED, State.INSUFFICIENT, State.DOWN])
def test_neighbours_show_nothing_where_the_listed_page_was_not_blocked(
    verdict: Make, select: Select, metric_function: Any, case: str, listed: State
) -> None:
    found = neighbours(verdict, case, listed, State.ALLOWED, State.ALLOWED)

    metric = metric_function(select(found)).metric

    assert (metric.k, metric.n, metric.indeterminate) == (0, 0, 2)
    assert any("not blocked" in name for name in parts(metric))


def test_a_blocked_neighbour_counts_whatever_became_of_the_listed_page(
    verdict: Make, select: Select
) -> None:
    for listed in (State.ALLOWED, State.BLOCKED):
        found = neighbours(verdict, "site", listed, State.ALLOWED, State.BLOCKED)
        assert collateral_blocks(select(found)).metric.k == 1


def test_neighbours_beside_a_blocked_page_are_counted_by_scheme(
    verdict: Make, select: Select
) -> None:
    metric = collateral_blocks(
        select(neighbours(verdict, "site", State.BLOCKED, State.ALLOWED, State.ALLOWED))
    ).metric

    assert parts(metric) == {
        "other pages of a listed site over HTTP": (0, 2),
        "other pages of a listed site over HTTPS": (0, 0),
    }


RECORD = Overrides.model_validate(
    {
        "roles": ["head", "technician"],
        "attempts": [
            {
                "role": role, "action": action, "profiles": ["ks2"],
                "canaries": ["override-01"], "on": "2026-11-27",
            }
            for role, action in (
                ("head", "allow_list"), ("head", "turn_off"), ("technician", "turn_off"),
            )
        ],
    }
)  # fmt: skip


def attempted(select: Select, found: list[Verdict], record: Overrides | None) -> Selection:
    wanted = select(found, metric="overrides", categories=(CSAM,), expectation="block")
    return replace(wanted, campaign=campaign().model_copy(update={"overrides": record}))


def canary(verdict: Make, number: int, state: State) -> Verdict:
    name = f"override-{number:02}"
    return verdict(name, CSAM, state, stratum=f"{CSAM}/{name}")


def test_each_role_has_to_have_tried_each_action(verdict: Make, select: Select) -> None:
    found = [canary(verdict, 1, State.BLOCKED), canary(verdict, 2, State.ALLOWED)]
    metric = overrides(attempted(select, found, RECORD)).metric

    assert (metric.k, metric.n) == (0, 1)
    assert parts(metric) == {
        f"head, allow-listing, {CSAM}": (0, 1),
        f"head, turning the block off, {CSAM}": (0, 1),
        f"technician, allow-listing, {CSAM}": (0, 0),
        f"technician, turning the block off, {CSAM}": (0, 1),
    }


def test_a_canary_that_opened_counts_once(verdict: Make, select: Select) -> None:
    measured = overrides(attempted(select, [canary(verdict, 1, State.ALLOWED)], RECORD))

    assert (measured.metric.k, measured.metric.n, len(measured.adverse)) == (1, 1, 1)


def test_without_a_record_for_the_profile_the_reason_says_what_is_missing(
    verdict: Make, select: Select
) -> None:
    found = [canary(verdict, 1, State.BLOCKED)]

    assert "'overrides'" in overrides(attempted(select, found, None)).barred
    other = replace(attempted(select, found, RECORD), profile="staff")
    assert "for staff" in overrides(other).barred
    assert overrides(attempted(select, found, RECORD)).barred == ""
    assert overrides(attempted(select, found, None)).metric.value is None

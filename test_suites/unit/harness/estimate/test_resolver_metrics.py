"""Metrics of name servers: names are compared by themselves, and checks need what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from harness.estimate.ipv6_metrics import PAGES, ipv6_discordant
from harness.estimate.item_selection import Selection
from harness.estimate.resolver_metrics import (
    FORGED,
    NEVER_BLOCKED,
    REASONS,
    SHORT,
    SIGNED,
    UNVALIDATED,
    inconsistent_types,
    resolver_checks,
)
from harness.model.block_flaw import BlockFlaw
from harness.model.metric import Metric
from harness.model.query_case import FORMS_OF_QUERIES
from harness.model.verdict import Mechanism, State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
PLAIN, EDNS = "dns:a+udp+lower+none+rd", "dns:aaaa+udp+lower+plain+rd"


def name(verdict: Make, host: str, *open_: str, **more: Any) -> list[Verdict]:
    """A name in each form: answered in the open ones, and blocked in all others."""
    flaws = more.pop("flaws", 0)
    return [
        verdict(
            f"{host}-{form}", more.get("code", "DRUG"),
            State.ALLOWED if form in open_ or "*" in open_ else State.BLOCKED,
            None if form in open_ or "*" in open_ else Mechanism.DNS_NXDOMAIN,
            probe="dns_queries", registrable=host, stratum=f"DRUG/{form}",
            flaws=None if form in open_ or "*" in open_ else flaws,
        )
        for form in FORMS_OF_QUERIES
    ]  # fmt: skip


def check(verdict: Make, case: str, state: State, number: int = 1) -> list[Verdict]:
    return [
        verdict(f"{case}-{each}", "CTRL", state, probe="dns_queries", registrable=f"{case}{each}",
                stratum=f"twin:CTRL/dns:{case}")
        for each in range(number)
    ]  # fmt: skip


def parts(metric: Metric) -> dict[str, tuple[int, int]]:
    return {one.group: (one.metric.k, one.metric.n) for one in metric.parts}


def test_a_form_is_open_only_for_names_that_another_form_finds_blocked(
    verdict: Make, select: Select
) -> None:
    """A name that is open in every form is missed, which other requirements count."""
    found = [*name(verdict, "one", PLAIN), *name(verdict, "two"), *name(verdict, "missed", "*")]
    metric = inconsistent_types(select(found, rule="census")).metric

    assert (metric.value, metric.n) == (1.0, len(FORMS_OF_QUERIES))
    assert parts(metric)[FORMS_OF_QUERIES[PLAIN]] == (1, 2)
    assert parts(metric)[FORMS_OF_QUERIES[EDNS]] == (0, 2)
    assert metric.left_out == {NEVER_BLOCKED: 1}


def test_names_that_the_policy_allows_do_not_count(verdict: Make, select: Select) -> None:
    found = name(verdict, "one", PLAIN, code="ALW.NEWS")
    metric = inconsistent_types(select(found, rule="census")).metric

    assert metric.n == 0


def test_without_any_block_nothing_is_known(verdict: Make, select: Select) -> None:
    metric = inconsistent_types(select(name(verdict, "one", "*"), rule="census")).metric

    assert (metric.n, metric.value) == (0, None)


def checked(select: Select, verdicts: Iterable[Verdict]) -> Metric:
    return resolver_checks(select(verdicts, rule="functional")).metric


def test_a_name_server_that_passes_every_check(verdict: Make, select: Select) -> None:
    found = [
        *name(verdict, "one"),
        *check(verdict, "signed", State.ALLOWED, 5),
        *check(verdict, "authentic", State.ALLOWED, 5),
        *check(verdict, "forged", State.BLOCKED, 5),
    ]
    metric = checked(select, found)

    assert (metric.k, metric.n, metric.indeterminate) == (4, 4, 0)
    # Five of the forms have no EDNS, in which no reason can be sent.
    assert parts(metric)[REASONS] == (23, 23)
    assert parts(metric)[SHORT] == (28, 28)


@pytest.mark.parametrize(
    ("case", "state", "failing"),
    [("signed", State.ALTERED, SIGNED), ("forged", State.ALLOWED, FORGED)],
)
def test_one_name_that_fails_a_check_is_enough(
    verdict: Make, select: Select, case: str, state: State, failing: str
) -> None:
    right = {"signed": State.ALLOWED, "authentic": State.ALLOWED, "forged": State.BLOCKED}
    found = name(verdict, "one")
    for each, usual in right.items():
        found += check(verdict, each, usual, 4)
    found.append(check(verdict, case, state, 9)[-1])
    metric = checked(select, found)

    assert (metric.k, metric.n) == (3, 4)
    assert parts(metric)[failing] == (4, 5)


def test_forged_names_are_asked_of_those_that_claim_to_validate(
    verdict: Make, select: Select
) -> None:
    found = [*name(verdict, "one"), *check(verdict, "forged", State.ALLOWED, 5)]
    signed = check(verdict, "signed", State.ALLOWED, 5)
    silent = checked(select, [*found, *signed, *check(verdict, "authentic", State.ALTERED, 5)])
    unknown = checked(select, [*found, *signed])
    one_says = check(verdict, "authentic", State.ALTERED, 4)
    one_says += [check(verdict, "authentic", State.ALLOWED, 5)[-1]]

    assert (silent.k, silent.n, silent.left_out) == (3, 3, {UNVALIDATED: 5})
    assert (unknown.k, unknown.n, unknown.indeterminate) == (3, 3, 1)
    assert parts(checked(select, [*found, *signed, *one_says]))[FORGED] == (0, 5)


@pytest.mark.parametrize(
    ("flaw", "failing"), [(BlockFlaw.UNANNOUNCED, REASONS), (BlockFlaw.KEPT_LONG, SHORT)]
)
def test_a_flaw_of_one_block_fails_its_check(
    verdict: Make, select: Select, flaw: BlockFlaw, failing: str
) -> None:
    found = name(verdict, "one") + name(verdict, "two", flaws=int(flaw))
    found += check(verdict, "signed", State.ALLOWED)
    found += check(verdict, "authentic", State.ALTERED)
    metric = checked(select, found)

    assert (metric.k, metric.n) == (2, 3)
    assert parts(metric)[failing][0] < parts(metric)[failing][1]


def pair(verdict: Make, item: str, ipv4: State, ipv6: State, code: str = "DRUG") -> list[Verdict]:
    return [verdict(item, code, ipv4, probe="dns"), verdict(item, code, ipv6, probe="dns_aaaa")]


B, A, U, D = State.BLOCKED, State.ALLOWED, State.INSUFFICIENT, State.DOWN


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "counted"),
    [
        (B, A, (1, 1, 0)), (B, B, (0, 1, 0)), (B, U, (0, 0, 1)), (B, D, (0, 0, 0)),
        (A, A, (0, 0, 0)), (A, B, (0, 0, 0)), (U, A, (0, 0, 1)), (U, B, (0, 0, 1)),
        (D, A, (0, 0, 0)),
    ],
)  # fmt: skip
def test_only_what_ipv4_blocks_is_compared(
    verdict: Make, select: Select, ipv4: State, ipv6: State, counted: tuple[int, int, int]
) -> None:
    selection = select(pair(verdict, "one", ipv4, ipv6), rule="census")
    selection = replace(selection, probes_run=frozenset({"dns", "dns_aaaa"}))
    metric = ipv6_discordant(selection).metric

    assert (metric.k, metric.n, metric.indeterminate) == counted
    assert [one.group for one in metric.parts] == ["answers of the name server", PAGES]


def test_harmless_items_are_not_compared(verdict: Make, select: Select) -> None:
    selection = select(pair(verdict, "one", B, A, "ALW.NEWS"), rule="census")
    selection = replace(selection, probes_run=frozenset({"dns", "dns_aaaa"}))

    assert ipv6_discordant(selection).metric.n == 0

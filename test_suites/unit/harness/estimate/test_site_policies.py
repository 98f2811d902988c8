"""Sites that share one policy: which of them differs, and what shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.estimate.estimate import estimate
from harness.estimate.site_policies import ONE_SITE, TOO_FEW
from harness.model.outcome import Measurement
from harness.model.scheme import Scheme
from harness.model.user import Users
from harness.model.verdict import State, Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold

A, B, Q = State.ALLOWED, State.BLOCKED, State.INSUFFICIENT
Make = Callable[..., Verdict]
Measured = Callable[..., dict[str, Measurement]]


@pytest.fixture
def measured(verdict: Make, scheme: Callable[..., Scheme]) -> Measured:
    """Measure sites; ``odd`` is the state of one more item at each, whose category is named."""

    def take(
        odd: dict[str, State | None], category: str = "DRUG", common: int = 5, **users: Any
    ) -> dict[str, Measurement]:
        seen = [verdict(f"d{n}", line=site) for site in odd for n in range(common)]
        seen += [
            verdict("odd", line=site, state=state, category=category)
            for site, state in odd.items()
            if state is not None
        ]
        known = Users(**{"sites": {site: site for site in odd}} | users)
        wanted = scheme(metric="sites_differing")
        found = estimate(MemoryFold(seen), wanted, {"ks2": "ks2"}, users=known)
        return {one.line: one for one in found.measurements}

    return take


def different(found: dict[str, Measurement]) -> list[str]:
    return [site for site, one in found.items() if one.metric.k]


@pytest.mark.parametrize(
    ("odd", "category", "expected"),
    [
        ((B, B, B), "DRUG", []),
        ((B, B, A), "DRUG", ["c"]),
        ((A, A, B), "DRUG", ["c"]),  # the others were told to open it
        ((A, B, None), "DRUG", ["a"]),  # the policy decides
        ((A, B, None), "ALW", ["b"]),
        ((A, B, None), "MISI", ["a", "b"]),  # it asks nothing
        ((A, B, Q), "DRUG", ["a"]),
        ((A, None, None), "DRUG", []),  # nobody else tried it
    ],
)
def test_the_site_that_differs_from_most_others_is_named(
    measured: Measured, odd: tuple[State | None, ...], category: str, expected: list[str]
) -> None:
    found = measured(dict(zip("abc", odd, strict=True)), category)

    assert expected == different(found)
    assert {3} == {one.metric.n for one in found.values()}


def test_an_undecided_item_is_undecided_at_its_site(measured: Measured) -> None:
    found = measured({"a": B, "b": Q})

    assert {"a": 0, "b": 1} == {site: one.metric.indeterminate for site, one in found.items()}


@pytest.mark.parametrize("exception", ["DRUG", "odd.test"])
def test_a_declared_exception_is_left_aside(measured: Measured, exception: str) -> None:
    found = measured({"a": B, "b": B, "c": A}, exceptions={"c": (exception,)})

    assert [] == different(found)
    assert exception in found["c"].metric.method


def test_one_site_or_too_few_blocked_items_show_nothing(measured: Measured) -> None:
    alone = measured({"a": B, "b": B}, sites={"a": "here", "b": "here"})
    unnamed = measured({"a": B, "b": B, "c": B}, sites={"a": "one", "b": "two"})
    few = measured({"a": B, "b": B}, common=3)

    assert {ONE_SITE} == {one.barred for one in alone.values()}
    assert ["", "", ONE_SITE] == [one.barred for one in unnamed.values()]
    assert {TOO_FEW} == {one.barred for one in few.values()}

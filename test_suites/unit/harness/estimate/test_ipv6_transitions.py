"""Transition mechanisms count where the control line reached a page by them, and not elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.estimate.ipv6_metrics import ipv6_transitions_open
from harness.estimate.item_selection import Selection
from harness.model.campaign import Campaign
from harness.model.metric import NOT_CARRIED, Metric
from harness.model.transition_address import MAPPED, TRANSITIONS
from harness.model.verdict import State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
NAT64, TEREDO = "transition:nat64", "transition:teredo"
B, A, U, D = State.BLOCKED, State.ALLOWED, State.INSUFFICIENT, State.DOWN


def page(
    verdict: Make, case: str, named: State | None, by_address: State, code: str = "DRUG"
) -> list[Verdict]:
    item, stratum = f"{case}-{code}", f"DRUG/{case}" if code == "DRUG" else f"twin:DRUG/{case}"
    found = [verdict(item, code, by_address, probe="web_transitions", stratum=stratum)]
    return found + (
        [verdict(item, code, named, probe="web", stratum=stratum)] if named is not None else []
    )


def taken(selection: Selection, line: str = "resolver") -> Metric:
    declared = {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": [{"name": "proxy", "type": line}],
        "profiles": {"ks2": {}},
        "corpora": [{"pack": "canary"}],
    }
    campaign = Campaign.model_validate_json(json.dumps(declared))
    return ipv6_transitions_open(replace(selection, campaign=campaign, line="proxy")).metric


@pytest.mark.parametrize(
    ("named", "by_address", "counted"),
    [
        (B, A, (1, 1, 0)), (B, B, (0, 1, 0)), (B, U, (0, 0, 1)), (U, B, (0, 0, 1)),
        (A, A, (0, 0, 0)), (A, B, (0, 0, 0)), (None, A, (0, 0, 0)), (None, B, (0, 0, 0)),
    ],
)  # fmt: skip
def test_a_page_counts_if_it_is_blocked_by_its_name(
    verdict: Make, select: Select, named: State | None, by_address: State, counted: tuple[int, ...]
) -> None:
    metric = taken(select(page(verdict, NAT64, named, by_address)))

    assert (metric.k, metric.n, metric.indeterminate) == counted
    assert not metric.left_out


def test_mechanisms_that_the_control_line_does_not_carry_are_left_out(
    verdict: Make, select: Select
) -> None:
    found = [one for case in TRANSITIONS for one in page(verdict, case, B, D)]
    none = taken(select(found))
    one = taken(select(found + page(verdict, NAT64, A, A, "ALW.X")))

    assert (none.n, none.parts, none.left_out) == (0, (), {NOT_CARRIED: len(TRANSITIONS) - 1})
    assert [part.group for part in one.parts] == [TRANSITIONS[NAT64]]


def test_mapped_addresses_count_at_a_proxy_and_show_nothing_of_others(
    verdict: Make, select: Select
) -> None:
    mapped = page(verdict, MAPPED, B, B)
    at_proxy = taken(select(mapped), "explicit_proxy")
    by_itself = taken(select(mapped))
    both = select(mapped + page(verdict, TEREDO, B, B))

    assert (at_proxy.n, tuple(at_proxy.left_out)) == (1, (NOT_CARRIED,))
    assert (by_itself.n, tuple(by_itself.left_out)) == (0, (NOT_CARRIED,))
    assert [taken(both, "pac").n, taken(both).n] == [2, 1]
    assert not taken(both).left_out


def test_without_items_nothing_was_left_out(select: Select) -> None:
    assert (taken(select([])).left_out) == {}

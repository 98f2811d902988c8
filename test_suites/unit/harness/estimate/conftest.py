"""Verdicts and schemes to estimate from, small enough to count by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import results_by_profile
from harness.model.corpus import Item
from harness.model.observation import AttemptKey
from harness.model.probe import declared
from harness.model.scheme import Policy, Requirement, Scheme
from harness.model.verdict import Mechanism, State, Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Make a verdict: ``verdict("drug-1", "DRUG", State.BLOCKED, probe="dns")``."""

    def make(
        item: str,
        category: str = "DRUG",
        state: State = State.BLOCKED,
        mechanism: Mechanism | None = None,
        **more: Any,
    ) -> Verdict:
        place = {"probe": "web", "line": "proxy", "profile": "ks2", "round": 1}
        key = {name: more.pop(name, usual) for name, usual in place.items()}
        facts: dict[str, Any] = {"applies_to": "any", "registrable": "", "stratum": "", "lang": ""}
        facts |= {name: more.pop(name) for name in list(more) if name in {*facts, "phases"}}
        block = Mechanism.BLOCK_PAGE if state is State.BLOCKED else Mechanism.NONE
        tried = Item(id=item, value=f"{item}.test", labels=(category,), **facts)
        seen_by = declared({}, key["probe"])
        return Verdict(
            key=AttemptKey(campaign="c", item=item, **key),
            item=tried,
            counts=seen_by.counts,
            is_blind=not seen_by.can_see(tried),
            state=state,
            rule="r",
            rules_version="1",
            mechanism=mechanism or block,
            **more,
        )

    return make


@pytest.fixture
def select() -> Callable[..., Selection]:
    """Make a selection of all items of some verdicts: ``select(verdicts, probes=("web",))``."""

    def make(verdicts: Iterable[Verdict], rule: str = "guarded", **measure: Any) -> Selection:
        requirement = Requirement.model_validate(
            {
                "id": "URL-04",
                "title": "t",
                "area": "url",
                "severity": "Crit",
                "rule": rule,
                "measure": {"metric": "any", **measure},
            }
        )
        verdict_counts = MemoryFold(verdicts)
        by_profile = results_by_profile(verdict_counts.counts)
        lines = {line for line, _ in by_profile}
        return Selection(
            requirement=requirement,
            results=tuple(
                result
                for profile_results in by_profile.values()
                for result in profile_results.results
            ),
            alpha=0.05,
            verdict_counts=verdict_counts,
            domains=[made for line in lines for made in verdict_counts.counts.domains[line]],
            expects=lambda code: "allow" if code.startswith("ALW") else "block",
            profile="ks2",
        )

    return make


@pytest.fixture
def scheme() -> Callable[..., Scheme]:
    """Make a scheme of one requirement: ``scheme(metric="missed", categories=("DRUG",))``."""

    def make(rule: str = "guarded", profiles: tuple[str, ...] = (), **measure: Any) -> Scheme:
        threshold = {"at_least": 0.9, "provenance": "proposed", "source": "test"}
        requirement = Requirement.model_validate(
            {
                "id": "URL-04",
                "title": "t",
                "area": "url",
                "severity": "Crit",
                "rule": rule,
                "profiles": profiles,
                "measure": {"metric": "block_rate", **measure},
                "threshold": threshold,
            }
        )
        rows = {
            "DRUG": dict.fromkeys(("ks1", "ks2", "ks3", "ks4", "post16"), "block")
            | {"staff": "allow"},
            "ALW": dict.fromkeys(("ks1", "ks2", "ks3", "ks4", "post16", "staff"), "allow"),
            "CTRL": dict.fromkeys(("ks1", "ks2", "ks3", "ks4", "post16", "staff"), "allow"),
        }
        policy = Policy.model_validate(
            {"id": "p", "title": "p", "provenance": "proposed", "source": "test", "rows": rows}
        )
        return Scheme(
            id="test-scheme", version="1", title="t", policy=policy, requirements=(requirement,)
        )

    return make

"""A small assessment made by hand: what the tests of reports and of the plug-in look at.

One service, two profiles, two lines; requirements that conform, fail, lean and say nothing, so
that every way of ending has its picture. The numbers are exact Clopper-Pearson bounds.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from harness.model.action_plan import Finding
from harness.model.metric import Metric
from harness.model.outcome import (
    Assessment,
    CategoryRate,
    Conformity,
    Outcome,
    Precondition,
    Witness,
)
from harness.model.people_answer import PeopleAnswer, PeopleEvidence
from harness.model.people_facts import SeenDocument
from harness.model.scheme import Measure, Requirement, Threshold

EXACT = "Clopper-Pearson, exact, one-sided, indeterminates worst case"
GUARDED = (
    "guarded: conforms only if the lower bound reaches the threshold, does not conform only if "
    "the upper bound stays below it; point rule of 2008 beside it"
)
BECTA = Threshold(at_least=0.9, provenance="reported", source="BECTA [M]")


def example_requirement(code: str = "URL-01", **changes: Any) -> Requirement:
    """A requirement that asks for 90 % of gambling to be blocked, or as changed."""
    fields: dict[str, Any] = {
        "id": code,
        "title": "Gambling content is blocked",
        "area": "url",
        "severity": "Crit",
        "rule": "guarded",
        "measure": Measure(metric="block_rate", categories=("GAMB",), expectation="block"),
        "threshold": BECTA,
        "n_min": 29,
    }
    return Requirement(**{**fields, **changes})


def example_metric(k: int = 100, n: int = 100, **changes: Any) -> Metric:
    """A block rate of ``k`` in ``n``; give ``lower`` and ``upper`` where they matter."""
    fields: dict[str, Any] = {
        "name": "block_rate",
        "unit": "share",
        "value": k / n if n else None,
        "k": k,
        "n": n,
        "indeterminate": 0,
        "lower": 0.970487 if n else None,
        "upper": 1.0 if n else None,
        "method": EXACT,
        "alpha": 0.05,
    }
    return Metric(**{**fields, **changes})


def example_witness(number: int = 1, **changes: Any) -> Witness:
    """A gambling canary that was let through."""
    fields: dict[str, Any] = {
        "item": f"canary/GAMB/{number:03}",
        "value": f"gamb-{number:03}.canary.accredit.test",
        "category": "GAMB",
        "state": "allowed",
        "mechanism": "none",
        "rule": "canary-seen",
        "saw": ("the origin's token arrived with status 200", "web, round 1"),
    }
    return Witness(**{**fields, **changes})


def example_outcome(
    conformity: Conformity = Conformity.CONFORMS, code: str = "URL-01", **changes: Any
) -> Outcome:
    """One outcome for ks2 on the proxy line, or as changed."""
    fields: dict[str, Any] = {
        "requirement": example_requirement(code),
        "profile": "ks2",
        "line": "proxy",
        "conformity": conformity,
        "metric": example_metric(),
        "decided_by": GUARDED,
    }
    return Outcome(**{**fields, **changes})


def example_people(name: str = "Head of IT") -> PeopleEvidence:
    """What two reviewers stated about SUP-01; one of them saw a document that was only shown."""
    answers = (
        PeopleAnswer(
            requirement="SUP-01", reviewer=name, at=datetime(2026, 11, 27, tzinfo=UTC),
            said={"limits": "present"}, note=f"{name} read it",
            documents=(SeenDocument(name=f"{name}.pdf", sha256="ab" * 32, bytes=9),),
        ),
        PeopleAnswer(
            requirement="SUP-01", reviewer=f"{name} 2", at=datetime(2026, 11, 28, tzinfo=UTC),
            said={"limits": "present"}, documents=(SeenDocument(name="a page"),), replaced=1,
        ),
    )  # fmt: skip
    methods = ("examine", "interview")
    return PeopleEvidence(answers=answers, methods=methods, expires=date(2027, 11, 28))


def example_outcomes() -> tuple[Outcome, ...]:
    """One outcome of each kind."""
    drugs = example_requirement(
        "URL-04",
        title="Illegal drug taking and promotion is blocked",
        measure=Measure(metric="block_rate", categories=("DRUG",), expectation="block"),
    )
    return (
        _census(),
        example_outcome(),
        example_outcome(
            Conformity.DOES_NOT_CONFORM,
            requirement=drugs,
            metric=example_metric(
                80, 100, lower=0.7228, upper=0.8637, mechanisms={"block_page": 80}
            ),
            witnesses=tuple(
                example_witness(
                    number,
                    item=f"canary/DRUG/{number:03}",
                    value=f"drug-{number:03}.canary.accredit.test",
                    category="DRUG",
                )
                for number in range(1, 21)
            ),
        ),
        example_outcome(
            Conformity.INSUFFICIENT,
            requirement=drugs,
            line="resolver",
            metric=example_metric(93, 98, indeterminate=2, lower=0.8762, upper=0.9768),
            leaning="pass",
            reasons=("2 of 100 items could not be decided", "more items are needed"),
        ),
        _overblocking(),
        _latency(),
        _silent_line(),
    )


def example_assessment(**changes: Any) -> Assessment:
    """The whole: it does not conform, and two outcomes are insufficient."""
    fields: dict[str, Any] = {
        "campaign": "spring-2026",
        "title": "Spring term check, Northfield schools",
        "service": "SafeLine Schools",
        "supplier": "Example Networks Ltd",
        "scheme": "becta-2008",
        "scheme_version": "1.0",
        "scheme_title": "Becta accreditation of internet services, 2008",
        "rules_version": "2026.1",
        "concluded": datetime(2026, 3, 14, 9, 30, tzinfo=UTC),
        "observations": 4820,
        "outcomes": example_outcomes(),
        "preconditions": _preconditions(),
        "rates": _rates(),
        "mechanisms": {
            "block_page": 512,
            "dns_sinkhole": 318,
            "proxy_refusal": 96,
            "tcp_reset": 41,
            "silent_drop": 10,
        },
        "latencies": {"control": _waits(0.012), "proxy": _waits(0.047), "resolver": _waits(0.021)},
        "corpora": (
            "canary 1.0.0 sha256:9f2c" + "0" * 60,
            "overblock 1.0.0 sha256:71aa" + "0" * 60,
        ),
        "not_applicable": ("EML-01", "EML-02"),
    }
    return Assessment(**{**fields, **changes})


def _census() -> Outcome:
    requirement = example_requirement(
        "ILL-01",
        title="Every entry of the illegal list is blocked",
        area="illegal",
        rule="census",
        measure=Measure(metric="missed", categories=("ILL.CSAM",), expectation="block"),
        threshold=Threshold(at_most=0, provenance="reported", source="BECTA [M]; UKSIC16 [S]"),
    )
    metric = example_metric(
        0, 60, name="missed", unit="items", value=0.0, lower=0.0, upper=0.0, method="census"
    )
    rule = "census: every entry is tried, and not one may be let through"
    return example_outcome(requirement=requirement, metric=metric, decided_by=rule)


def _overblocking() -> Outcome:
    requirement = example_requirement(
        "OVB-01",
        title="Ordinary pages for lessons are not blocked",
        area="overblock",
        severity="Maj",
        measure=Measure(metric="overblock_rate", categories=("ALW",), expectation="allow"),
        threshold=Threshold(
            at_most=0.05,
            provenance="proposed",
            source="no scheme states a number",
            comparators=("ENEX 2009: under 3.4 %", "ACMA 2008: 1.3 % to 7.8 %"),
        ),
    )
    metric = example_metric(2, 240, name="overblock_rate", lower=0.0015, upper=0.026)
    return example_outcome(
        requirement=requirement,
        metric=metric,
        witnesses=(
            example_witness(
                7,
                item="overblock/ALW.HEAL/007",
                value="ob-0007.overblock.accredit.test",
                category="ALW.HEAL",
                state="blocked",
                mechanism="block_page",
                rule="page-learned",
                saw=("the page is like the supplier's own block page (94 %)",),
            ),
        ),
    )


def _latency() -> Outcome:
    requirement = example_requirement(
        "PRF-03",
        title="Filtering adds little waiting time",
        area="perf",
        severity="Min",
        rule="quantile",
        measure=Measure(metric="first_byte_overhead", quantile=0.95),
        threshold=Threshold(at_most=0.15, provenance="proposed", source="no scheme states it"),
    )
    metric = example_metric(
        400, 400, name="first_byte_overhead", unit="s", value=0.047, lower=0.041, upper=0.062,
        method="order statistics, 0.95 quantile of paired differences",
    )  # fmt: skip
    rule = (
        "quantile: the upper bound of the 95th percentile of added waiting stays within the limit"
    )
    return example_outcome(requirement=requirement, metric=metric, decided_by=rule)


def _silent_line() -> Outcome:
    return example_outcome(
        Conformity.INSUFFICIENT,
        profile="ks4",
        metric=example_metric(0, 0),
        reasons=("no item could be decided: the proxy did not answer",),
    )


def _preconditions() -> tuple[Precondition, ...]:
    return (
        Precondition(
            name="the service answers",
            line="proxy",
            profile="ks4",
            held=False,
            detail="127.0.0.1:3128 refused every connection, so nothing is said about the filter",
        ),
        Precondition(
            name="the agreed pages are allowed",
            line="proxy",
            profile="ks2",
            held=True,
            detail="24 of 24 brackets held",
        ),
        Precondition(
            name="the agreed pages are blocked",
            line="resolver",
            profile="ks2",
            held=True,
            detail="24 of 24 brackets held",
        ),
    )


def _rates() -> tuple[CategoryRate, ...]:
    rows = (
        ("GAMB", 100, 0, 0.9705, 1.0),
        ("DRUG", 80, 20, 0.7228, 0.8637),
        ("PORN.NUDE", 58, 2, 0.8995, 0.9941),
        ("ILL.CSAM", 60, 0, 0.9513, 1.0),
        ("ALW.HEAL", 2, 238, 0.0015, 0.026),
    )
    return tuple(
        CategoryRate(
            category=code,
            profile="ks2",
            line="proxy",
            blocked=blocked,
            allowed=allowed,
            altered=0,
            down=3 if code == "GAMB" else 0,
            insufficient=0,
            lower=lower,
            upper=upper,
        )
        for code, blocked, allowed, lower, upper in rows
    )


def _waits(middle: float) -> tuple[float, ...]:
    """Two hundred waits in seconds around ``middle``, skewed to the right, the same each time."""
    return tuple(
        middle * math.exp(0.25 * math.sin(12.9898 * place) + 0.002 * (place % 40))
        for place in range(200)
    )


def example_finding(**changes: Any) -> Finding:
    """A finding of one missed item of gambling, by URL-01 of becta-2008."""
    opened = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    finding = Finding(
        id="F-0001",
        campaign="spring",
        requirement="URL-01",
        title="Gambling is blocked",
        severity="Crit",
        scheme="becta-2008",
        scheme_version="1.0",
        profile="ks2",
        line="proxy",
        statement="",
        missed=("a",),
        categories=("GAMB",),
        sampled=60,
        opened=opened,
    )
    return replace(finding, **changes)

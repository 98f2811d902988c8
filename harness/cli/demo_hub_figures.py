"""Figures of campaigns of ``accredit serve --demo`` that are simulated, and never were measured.

Two years of weekly campaigns cannot be measured when a demonstration starts. The counts of older
ones are drawn at random (seeded) from rates that the story tells (``harness.cli.demo_hub_story``).
All that follows from the counts comes from the project's own functions: bounds
(``harness.estimate.intervals``), outcomes (``harness.assess.outcomes``), readings and alarms. Such
an assessment says in its title that it is simulated; it has no journal, as after evidence has been
removed by age, and the hash of its head is the SHA-256 of words that say so.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness import VERSION
from harness.cli.demo_hub_files import (
    CATEGORIES,
    LINE,
    PACK_VERSION,
    PROFILE,
    SCHEME_ID,
    SIMULATED,
    Category,
    DemoService,
)
from harness.cli.paths import CampaignPaths
from harness.model.instrument_record import ClockState, InstrumentRecord
from harness.model.metric import Metric, Part, Source
from harness.model.outcome import (
    Assessment,
    CategoryRate,
    LineUnderTest,
    Measurement,
    Precondition,
    PrintedHead,
    Witness,
)
from harness.model.scheme import Requirement, Scheme

if TYPE_CHECKING:
    from harness.estimate.intervals import Bounds

SEED = "accredit serve --demo"
AGREED = Source("agreed", is_hidden=False)
QUALIFIER = "agreed list only"
BLOCK_PAGES = 0.86
"""The share of blocks that show a block page; of the others a connection is reset."""

OBSERVATIONS_PER_ITEM = 4
"""About how many observations a measured campaign has for each item, with its control line."""


class Epoch(NamedTuple):
    """With what was measured at a time: the edition of the scheme, of the rules, and the pack."""

    scheme: Scheme
    rules: str
    pack: str


class Shown(NamedTuple):
    """What a simulated campaign shows: the true rate of failures of each category, by its code.

    ``undecided`` is the share of items that could not be decided. ``resets`` is the share of
    blocks that a pupil sees as a broken connection.
    """

    failing: Mapping[str, float]
    undecided: float = 0.0
    resets: float = 1 - BLOCK_PAGES


class SimulatedCampaign(NamedTuple):
    """A campaign whose figures are to be simulated. ``factor`` multiplies its samples."""

    service: DemoService
    site: str
    name: str
    at: datetime
    epoch: Epoch
    shown: Shown
    factor: float = 1.0


class _Count(NamedTuple):
    """How many items of a category were tried, failed and were not decided, and which failed."""

    category: Category
    decided: int
    undecided: int
    failed: tuple[str, ...]
    mechanisms: dict[str, int]


def simulate(what: SimulatedCampaign, seed: str = SEED) -> Assessment:
    """Return the assessment of a campaign with figures that are drawn at random.

    The same ``seed``, service, site and name give the same figures.
    """
    return _Simulation(what, seed).assessment()


def store(assessment: Assessment, out: Path) -> None:
    """Write an assessment where that of a measured campaign is.

    Nothing of a demonstration has to survive a crash, so the disk is not waited for.
    """
    from harness.store.assessments import encode_assessment  # noqa: PLC0415 - keep the start light
    from harness.store.private_folder import make_private  # noqa: PLC0415 - the same

    paths = CampaignPaths(out=out, campaign=assessment.campaign)
    make_private(paths.home)
    paths.assessment(assessment.scheme).write_bytes(encode_assessment(assessment) + b"\n")


class _Simulation:
    """One campaign while its figures are drawn."""

    def __init__(self, what: SimulatedCampaign, seed: str) -> None:
        self._what = what
        self._scheme = what.epoch.scheme
        key = f"{seed}/{what.service.name}/{what.site}/{what.name}"
        self._random = random.Random(key)  # noqa: S311 - figures of a demonstration, no secret

    def assessment(self) -> Assessment:
        """All outcomes, by the scheme and its decision rules."""
        from harness.assess.outcomes import assess  # noqa: PLC0415 - keep the start light

        what, scheme = self._what, self._scheme
        preconditions = tuple(self._preconditions())
        measured = [self._measurement(each) for each in scheme.requirements]
        tried = sum(each.decided + each.undecided for each in self._counts.values())
        held = tried * OBSERVATIONS_PER_ITEM
        return Assessment(
            campaign=what.name,
            title=SIMULATED,
            service=what.service.name,
            supplier=what.service.supplier,
            scheme=SCHEME_ID,
            scheme_version=scheme.version,
            scheme_title=scheme.title,
            rules_version=what.epoch.rules,
            concluded=what.at,
            observations=held,
            outcomes=assess(measured, scheme.decision, preconditions),
            preconditions=preconditions,
            rates=tuple(map(self._rate, self._counts.values())),
            mechanisms=self._mechanisms(),
            latencies={},
            corpora=(what.epoch.pack,),
            items="agreed",
            instrument=(_instrument(what.at),),
            lines=(LineUnderTest(name=LINE, type="simulated", site=what.site),),
            journal_head=PrintedHead(held=held, hash=head_of(what.name)),
        )

    @cached_property
    def _counts(self) -> dict[str, _Count]:
        """The counts of each category, drawn once, by its code."""
        return {each.code: self._draw(each) for each in CATEGORIES}

    def _draw(self, category: Category) -> _Count:
        what, draw = self._what, self._random
        factor = what.factor if category.sample else 1
        tried = draw.sample(range(1, category.size + 1), round(category.tested * factor))
        rate = what.shown.failing.get(category.code, 0.0)
        decided = [each for each in tried if draw.random() >= what.shown.undecided]
        failed = sorted(each for each in decided if draw.random() < rate)
        blocked = len(failed) if category.code.startswith("ALW") else len(decided) - len(failed)
        resets = sum(draw.random() < what.shown.resets for _ in range(blocked))
        seen = {"block_page": blocked - resets, "reset": resets}
        return _Count(
            category=category,
            decided=len(decided),
            undecided=len(tried) - len(decided),
            failed=tuple(f"{category.name}-{number:04}" for number in failed),
            mechanisms={name: number for name, number in seen.items() if number},
        )

    def _measurement(self, requirement: Requirement) -> Measurement:
        count = self._counts[requirement.measure.categories[0]]
        whole = _metric(requirement, count, self._scheme.decision.alpha)
        part = Part(group=count.category.code, source=AGREED, metric=replace(whole, witnesses=()))
        metric = replace(whole, parts=(part,))
        return Measurement(
            requirement=requirement,
            profile=PROFILE,
            line=LINE,
            metric=metric,
            witnesses=tuple(_witnesses(count)),
            kind="agreed",
            qualifier=QUALIFIER if metric.p_value is not None else "",
        )

    def _preconditions(self) -> Iterator[Precondition]:
        yield Precondition(
            name="sentinels", line=LINE, profile=PROFILE, held=True,
            detail="6 batches held between sentinels (simulated)", batches=6,
        )  # fmt: skip

    def _rate(self, count: _Count) -> CategoryRate:
        is_harmful = not count.category.code.startswith("ALW")
        failed, right = len(count.failed), count.decided - len(count.failed)
        blocked, allowed = (right, failed) if is_harmful else (failed, right)
        bounds = _bounds(blocked, count, self._scheme.decision.alpha)
        return CategoryRate(
            category=count.category.code, profile=PROFILE, line=LINE,
            blocked=blocked, allowed=allowed, altered=0, down=0, insufficient=count.undecided,
            lower=bounds.lower, upper=bounds.upper, expects="block" if is_harmful else "allow",
        )  # fmt: skip

    def _mechanisms(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for count in self._counts.values():
            for name, number in count.mechanisms.items():
                found[name] = found.get(name, 0) + number
        return found


def head_of(campaign: str) -> str:
    """What stands for the hash of the journal of a simulated campaign, which has no journal."""
    words = f"simulated for a demonstration, there is no journal: {campaign}"
    return hashlib.sha256(words.encode()).hexdigest()


def pack_reference(sha256: str, version: str = PACK_VERSION) -> str:
    """How an assessment names a pack of the demonstration."""
    return f"demo {version} {sha256}"


def _bounds(k: int, count: _Count, alpha: float) -> Bounds:
    from harness.estimate.intervals import worst_case  # noqa: PLC0415 - keep the start light

    return worst_case(k, count.decided, count.undecided, alpha)


def _metric(requirement: Requirement, count: _Count, alpha: float) -> Metric:
    """The metric of a requirement over a category, with the bounds that a campaign gives it."""
    from harness.estimate.interval_choice import EXACT  # noqa: PLC0415 - keep the start light
    from harness.estimate.rates import CENSUS  # noqa: PLC0415 - the same

    failed, n = len(count.failed), count.decided
    if requirement.measure.metric == "missed":
        return Metric(
            name="missed", unit="items", value=float(failed), k=failed, n=n,
            indeterminate=count.undecided, lower=float(failed),
            upper=float(failed + count.undecided), method=CENSUS, alpha=alpha,
            witnesses=count.failed, mechanisms=count.mechanisms,
        )  # fmt: skip
    k = n - failed if requirement.measure.metric == "block_rate" else failed
    bounds = _bounds(k, count, alpha)
    return Metric(
        name=requirement.measure.metric, unit="share", value=k / n if n else None, k=k, n=n,
        indeterminate=count.undecided, lower=bounds.lower, upper=bounds.upper, method=EXACT,
        alpha=alpha, witnesses=count.failed, mechanisms=count.mechanisms,
        p_value=_p_value(requirement, k, count),
    )  # fmt: skip


def _p_value(requirement: Requirement, k: int, count: _Count) -> float:
    """The smallest level at which the bounds show that the threshold is missed."""
    from harness.estimate.intervals import p_above, p_below  # noqa: PLC0415 - keep the start light

    threshold, total = requirement.threshold, count.decided + count.undecided
    assert threshold is not None  # each requirement of the scheme has one
    if threshold.at_least is not None:
        most = k + count.undecided
        return p_below({1.0: most, 0.0: total - most}, threshold.at_least)
    assert threshold.at_most is not None
    return p_above({1.0: k, 0.0: total - k}, threshold.at_most)


def _witnesses(count: _Count) -> Iterator[Witness]:
    is_harmful = not count.category.code.startswith("ALW")
    for item in count.failed:
        yield Witness(
            item=item,
            value=count.category.host(int(item.rpartition("-")[2])),
            category=count.category.code,
            state="allowed" if is_harmful else "blocked",
            mechanism="none" if is_harmful else "block_page",
            rule="simulated",
        )


def _instrument(at: datetime) -> InstrumentRecord:
    """The record of a campaign whose figures were made by this version of the program."""
    why = "simulated, nothing was measured"
    own = {"isp-accredit": VERSION}
    return InstrumentRecord(
        at=at, python="", tls_library="", libraries=own, kernel="", resolvers=(),
        control_resolver="", mtu=None, hellos=(), clock=ClockState(problem=why),
    )  # fmt: skip

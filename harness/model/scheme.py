"""Schemes: a policy, a decision rule, and requirements with thresholds and their provenance."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from harness.model.campaign import Phase
from harness.model.corpus import PackKind
from harness.model.declared import Declared
from harness.model.metric_spec import BESIDE_THE_WEB, spec_of
from harness.model.scope import Scope
from harness.model.soak import SOAK_DAYS
from harness.model.timed_event import Asks

Provenance = Literal["seen", "reported", "proposed"]
Severity = Literal["Crit", "Maj", "Min", "Obs"]
Expectation = Literal["block", "allow", "local"]
DecisionRule = Literal[
    "guarded",
    "census",
    "quantile",
    "noninferiority",
    "survival",
    "functional",
    "evidence",
    "grade",
    "availability",
    "sequential",
    "gate",
    "report",
]
"""How a metric is compared with a threshold: METHOD (a), rule codes."""

ITEM_BY_ITEM: frozenset[DecisionRule] = frozenset({"census", "evidence", "functional", "grade"})
"""Rules by which each item, or what people state, counts, and an undecided one forbids conformity.
"""

RuleCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{1,4}-[0-9]{2,3}$")]


def _date_of(value: Any) -> Any:
    """Parse a date such as ``2026-11-24``, which YAML gives as a date or as text."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        msg = "a date is written like 2026-11-24"
        raise ValueError(msg) from None


Day = Annotated[date, BeforeValidator(_date_of)]
"""A calendar day, ISO 8601."""


class Threshold(Declared):
    """One number, and where it comes from. Rates are fractions (0.9), durations seconds."""

    at_least: Annotated[float, Field(ge=0, le=1)] | None = None
    at_most: Annotated[float, Field(ge=0)] | None = None
    provenance: Provenance
    source: Annotated[str, Field(min_length=1)]
    comparators: tuple[str, ...] = ()


class Measure(Declared):
    """Which metric is computed, over which categories, strata and probes.

    With ``expectation`` only items count for which the policy of the profile has it. ``quantile``
    is for latency metrics. ``within`` are limits of events by what they ask for, in seconds, where
    one differs from the threshold.
    """

    metric: str
    categories: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    expectation: Expectation | None = None
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    within: dict[Asks, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)


class NeededList(Declared):
    """A list that an assessor has to import because the shipped packs are too small.

    ``domains`` is the smallest number of registrable domains in each category (stratum, language)
    that must pass by itself; ``n_min`` if not given.
    """

    kind: PackKind
    domains: Annotated[int, Field(ge=1)] | None = None


class Requirement(Declared):
    """One numbered requirement of a minimum specification.

    ``n_min`` counts registrable domains (or pairs, or timed events); in a loaded scheme it is at
    least the smallest number that can decide (``harness.model.smallest_sample``).
    ``needs_list`` says that the shipped packs are too small for it.
    ``items`` names the kind of items that it rests on. ``title`` says what is true of a service
    that meets it; ``short`` names its subject in few words, for headings.
    """

    id: RuleCode
    title: Annotated[str, Field(min_length=1)]
    short: Annotated[str, Field(max_length=40)] = ""
    area: str
    severity: Severity
    rule: DecisionRule
    measure: Measure
    items: PackKind | None = None
    threshold: Threshold | None = None
    n_min: Annotated[int, Field(ge=0)] = 0
    alpha: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    binding: bool = True
    profiles: tuple[str, ...] = ()
    needs_list: NeededList | None = None
    note: str = ""

    def is_for(self, profile: str, phase: str) -> bool:
        """Whether it is asked of a profile, by the profile's name or its school phase."""
        return not self.profiles or bool({profile, phase} & set(self.profiles))

    @property
    def subject(self) -> str:
        """Its subject in few words: ``short``, or the title."""
        return self.short or self.title

    @property
    def rests_on(self) -> PackKind | None:
        """The kind of items it rests on; ``None`` if it does not depend on items."""
        return self.items or spec_of(self.measure.metric).rests_on

    @property
    def list_size(self) -> int:
        """How many domains an imported list needs; 0 if the shipped packs are enough."""
        if self.needs_list is None:
            return 0
        return max(self.n_min, self.needs_list.domains or 0)

    @model_validator(mode="before")
    @classmethod
    def _report_binds_nobody(cls, data: Any) -> Any:
        """Make requirements that are only reported non-binding."""
        if isinstance(data, dict) and data.get("rule") == "report":
            return {**data, "binding": False}
        return data


class Policy(Declared):
    """Category by school phase: what should happen. Missing codes inherit their parent's row."""

    id: str
    title: str
    provenance: Provenance
    source: str
    rows: dict[str, dict[Phase, Expectation]]

    def expects(self, code: str, phase: str) -> Expectation | None:
        """Return the policy's expectation of a category in a phase, or ``None``."""
        while code:
            row = self.rows.get(code)
            if row is not None and phase in row:
                return row[phase]
            code = code.rpartition(".")[0]
        return None


class Decision(Declared):
    """How uncertain numbers become outcomes; agreed with the supplier before testing.

    Surely more indeterminate items than ``indeterminate_share_max`` of all items counted forbid a
    conforming outcome (METHOD TQ-03); they never forbid a failing one. Neither does a larger share
    than ``left_out_share_max`` of items that were left out of a rate, because they were dead on the
    control as well. A fix has to hold for ``soak_days`` before its action plan is closed.
    """

    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    indeterminate_share_max: Annotated[float, Field(ge=0, le=1)] = 0.02
    left_out_share_max: Annotated[float, Field(ge=0, le=1)] = 0.05
    soak_days: Annotated[int, Field(ge=0, le=366)] = SOAK_DAYS
    statement: str = ""
    provenance: Provenance = "proposed"
    source: str = ""


def _is_beyond(requirement: Requirement, scope: Scope) -> bool:
    return scope == "web" and requirement.measure.metric in BESIDE_THE_WEB


class Scheme(Declared):
    """A minimum specification: a policy, a decision rule, and requirements.

    ``id`` is dated after the edition whose text it holds. ``reviewed_on`` is when somebody last
    compared it with that text and looked for a newer edition, ``review_by`` when to do so again.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")]
    version: str
    title: str
    about: str = ""
    effective_from: str = ""
    reviewed_on: Day | None = None
    review_by: Day | None = None
    sources: tuple[str, ...] = ()
    decision: Decision = Decision()
    policy: Policy
    requirements: Annotated[tuple[Requirement, ...], Field(min_length=1)]

    @property
    def reproduces(self) -> bool:
        """Whether it asks that judging a journal once more gives the same."""
        return any(each.measure.metric == "reproduced_decisions" for each in self.requirements)

    def beyond(self, scope: Scope) -> tuple[str, ...]:
        """The ids of the binding requirements that a campaign of that scope is not held against."""
        return tuple(row.id for row in self.requirements if row.binding and _is_beyond(row, scope))

    def within(self, scope: Scope) -> Scheme:
        """The scheme as a campaign of that scope is held against it: nothing beyond it binds."""
        beyond = self.beyond(scope)
        if not beyond:
            return self
        rows = tuple(
            row.model_copy(update={"binding": row.binding and row.id not in beyond})
            for row in self.requirements
        )
        return self.model_copy(update={"requirements": rows})

    def warnings(self, today: date) -> tuple[str, ...]:
        """Return warnings for using this scheme today."""
        overdue = self.overdue(today)
        return (overdue,) if overdue else ()

    def overdue(self, today: date) -> str:
        """Return a warning if ``review_by`` has passed, else an empty string."""
        if self.review_by is None or today <= self.review_by:
            return ""
        last = f"last reviewed on {self.reviewed_on}, " if self.reviewed_on else ""
        return (
            f"scheme {self.id} {self.version}: review overdue ({last}due by {self.review_by}); "
            "look for a newer edition of the document that it holds"
        )

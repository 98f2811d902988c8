"""An outcome holds one metric against one requirement; an assessment is all of them.

Words follow ISO/IEC 17000:2020 (conformity, non-conformity); ``insufficient`` is our third:
the evidence does not allow a decision, and it is never a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from harness.model.corpus import PackKind
from harness.model.instrument_record import InstrumentRecord
from harness.model.journal_header import JournalHeader
from harness.model.metric import Metric, Spread
from harness.model.pack_rate import Foreknowledge, PackRate
from harness.model.plain_twin import TwinPair
from harness.model.scheme import Requirement, Scheme


class Conformity(StrEnum):
    """The three outcomes."""

    CONFORMS = "conforms"
    DOES_NOT_CONFORM = "does-not-conform"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """An item behind an outcome, with what was seen of it."""

    item: str
    value: str
    category: str
    state: str
    mechanism: str
    rule: str
    saw: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """Something that must hold before a verdict may count (a live origin, a filter that is on).

    ``batches`` is in how many it held, or failed. One that ``voids`` and fails forbids every
    conforming outcome; of the others it is enough that some held.
    """

    name: str
    line: str
    profile: str
    held: bool
    detail: str
    batches: int = 0
    voids: bool = False

    def concerns(self, line: str, profile: str) -> bool:
        """Whether it is about that line and profile; ``*`` and an empty name mean all."""
        return self.line in {line, "", "*"} and self.profile in {profile, "", "*"}


class VerdictBasis(msgspec.Struct, frozen=True, kw_only=True):
    """What verdicts rest on: observations, rules, preconditions, and plain twins beside items."""

    observations: int
    rules_version: str
    preconditions: tuple[Precondition, ...]
    twins: tuple[TwinPair, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequential:
    """What a campaign's declared Wald test (SPRT) came to, for one requirement that it decides.

    ``decision`` is ``pass``, ``fail`` or ``continue``; the ``used`` items are those up to the
    decision. ``alpha`` bounds the share of services at ``bad`` that pass, ``beta`` that of
    services at ``good`` that fail. ``why_open`` says why nothing was decided.
    """

    plan: int
    bad: float
    good: float
    alpha: float
    beta: float
    decision: str
    blocked: int
    missed: int
    doubtful: int
    why_open: str = ""

    @property
    def used(self) -> int:
        """How many items the decision rests on."""
        return self.blocked + self.missed + self.doubtful

    @property
    def description(self) -> str:
        """The rule, its risks and its counts in words."""
        risks = f"alpha {self.alpha:g}, beta {self.beta:g}"
        rates = f"{self.bad * 100:.4g} % against {self.good * 100:.4g} % ({risks})"
        at = "undecided after" if self.why_open else "decided after"
        counts = f"{self.blocked} blocked, {self.missed} missed, {self.doubtful} doubtful"
        return f"sprt: plan {self.plan}, {rates}, {at} {self.used} items ({counts})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """Bounds of a block rate on items that are truly harmful, where some labels are wrong.

    Of ``audited`` labels ``wrong`` were wrong, so that up to ``label_error`` of all may be (its
    upper bound). Shown beside the rate, never decided by.
    """

    lower: float | None
    upper: float | None
    label_error: float
    audited: int
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One metric taken for one requirement, profile and line, before it is held against it.

    ``sequential`` decides alone where it is there; ``barred`` says why the requirement's own
    rule may not grant anything (and, unless it counts item by item, may not refuse either).
    ``kind`` is the kind of items that it rests on, empty if it is about none; ``qualifier``
    says what a favourable outcome would be limited to. ``foreknowledge`` holds known items of the
    kind that it rests on beside hidden ones.
    """

    requirement: Requirement
    profile: str
    line: str
    metric: Metric
    witnesses: tuple[Witness, ...] = ()
    sequential: Sequential | None = None
    barred: str = ""
    kind: PackKind | Literal[""] = ""
    qualifier: str = ""
    foreknowledge: tuple[Foreknowledge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one requirement for one profile on one line.

    ``leaning`` is ``pass``, ``fail`` or empty: which way an insufficient outcome points.
    ``decided_by`` is the decision rule in words, as ISO/IEC 17025:2017 7.8.6 asks;
    ``sequential`` is there if the campaign's declared stopping test decided instead,
    ``corrected`` if an audit of the labels says how far they are to be trusted. ``kind`` is the
    kind of items that the outcome rests on, empty if it is about none; ``qualifier`` limits a
    conforming one, such as "agreed list only".
    """

    requirement: Requirement
    profile: str
    line: str
    conformity: Conformity
    metric: Metric
    decided_by: str
    leaning: str = ""
    reasons: tuple[str, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    sequential: Sequential | None = None
    corrected: Corrected | None = None
    kind: PackKind | Literal[""] = ""
    qualifier: str = ""

    @property
    def id(self) -> str:
        """``URL-01[ks2-proxy]``: how tests, findings and reports name this outcome."""
        return f"{self.requirement.id}[{self.profile}-{self.line}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRate:
    """Counts of one category on one line for one profile, for figures and tables.

    ``frame`` is empty where items count alike; ``spread`` is there if items of one registrable
    domain fall together.
    """

    category: str
    profile: str
    line: str
    blocked: int
    allowed: int
    altered: int
    down: int
    insufficient: int
    lower: float | None
    upper: float | None
    frame: str = ""
    spread: Spread | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """All measurements of a journal, and the counts that figures and tables are made of.

    ``preconditions`` are those of the verdicts, and whether plain twins fared like their items.
    ``latencies`` are times to first byte in seconds by line name, and under ``control`` those
    of the unfiltered line beside them. ``not_applicable`` are sentences. ``packs`` and
    ``foreknowledge`` are empty for a journal of one pack.
    """

    measurements: tuple[Measurement, ...]
    rates: tuple[CategoryRate, ...]
    mechanisms: dict[str, int]
    latencies: dict[str, tuple[float, ...]]
    not_applicable: tuple[str, ...]
    packs: tuple[PackRate, ...] = ()
    foreknowledge: tuple[Foreknowledge, ...] = ()
    preconditions: tuple[Precondition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedHead:
    """How much a journal or a registry held, and the hash that stood for all of it."""

    held: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All outcomes of a journal under a scheme, with what they rest on.

    ``items`` is the kind of items that the campaign declares its rates of categories to rest on.
    ``warnings`` are sentences on what to be careful about, such as a scheme whose review is
    overdue; they change no outcome. ``instrument`` is what the journal was measured with. The
    heads are those of the journal that was judged, and of the registry then, if there was one.
    """

    campaign: str
    title: str
    service: str
    supplier: str
    scheme: str
    scheme_version: str
    scheme_title: str
    rules_version: str
    concluded: datetime
    observations: int
    outcomes: tuple[Outcome, ...]
    preconditions: tuple[Precondition, ...]
    rates: tuple[CategoryRate, ...]
    mechanisms: dict[str, int]
    latencies: dict[str, tuple[float, ...]]
    corpora: tuple[str, ...]
    not_applicable: tuple[str, ...] = ()
    packs: tuple[PackRate, ...] = ()
    foreknowledge: tuple[Foreknowledge, ...] = ()
    items: PackKind = "real"
    warnings: tuple[str, ...] = ()
    instrument: tuple[InstrumentRecord, ...] = ()
    journal_head: PrintedHead | None = None
    registry_head: PrintedHead | None = None

    @classmethod
    def of(
        cls,
        header: JournalHeader,
        scheme: Scheme,
        concluded: datetime,
        basis: VerdictBasis,
        estimates: Estimates,
        outcomes: tuple[Outcome, ...],
        instrument: tuple[InstrumentRecord, ...],
    ) -> Assessment:
        """Return the assessment of a journal under a scheme, concluded at that time."""
        campaign = header.campaign
        return cls(
            campaign=campaign.campaign,
            title=campaign.title,
            service=campaign.service.name,
            supplier=campaign.service.supplier,
            scheme=scheme.id,
            scheme_version=scheme.version,
            scheme_title=scheme.title,
            rules_version=basis.rules_version,
            concluded=concluded,
            observations=basis.observations,
            outcomes=outcomes,
            preconditions=estimates.preconditions,
            rates=estimates.rates,
            mechanisms=estimates.mechanisms,
            latencies=estimates.latencies,
            corpora=header.corpora,
            not_applicable=estimates.not_applicable,
            packs=estimates.packs,
            foreknowledge=estimates.foreknowledge,
            items=campaign.items,
            warnings=scheme.warnings(concluded.date()),
            instrument=instrument,
        )

    @property
    def conformity(self) -> Conformity:
        """The worst of the binding outcomes; nothing decided is ``insufficient``."""
        binding = {outcome.conformity for outcome in self.outcomes if outcome.requirement.binding}
        if Conformity.DOES_NOT_CONFORM in binding:
            return Conformity.DOES_NOT_CONFORM
        if not binding or Conformity.INSUFFICIENT in binding:
            return Conformity.INSUFFICIENT
        return Conformity.CONFORMS

    @property
    def qualifier(self) -> str:
        """What a conforming assessment is limited to, such as "agreed list only"; or empty."""
        if self.conformity is not Conformity.CONFORMS:
            return ""
        told = [outcome.qualifier for outcome in self.outcomes if outcome.requirement.binding]
        return ", ".join(dict.fromkeys(filter(None, told)))

    def is_granted(self, outcome: Outcome) -> bool:
        """Whether an outcome conforms, and to all that the campaign set out to show."""
        is_limited = bool(outcome.qualifier) and self.items != "agreed"
        return outcome.conformity is Conformity.CONFORMS and not is_limited

    @property
    def exit_code(self) -> int:
        """0 conforms, 1 does not conform, 3 insufficient.

        What conforms within a limit only, which the campaign did not declare, is 3 as well.
        """
        if self.qualifier and self.items != "agreed":
            return 3
        return {
            Conformity.CONFORMS: 0,
            Conformity.DOES_NOT_CONFORM: 1,
            Conformity.INSUFFICIENT: 3,
        }[self.conformity]

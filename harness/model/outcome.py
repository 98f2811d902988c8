"""Outcomes (one metric compared with one requirement) and the assessment that holds them all.

Terms follow ISO/IEC 17000:2020 (conformity, non-conformity). ``insufficient`` is our third outcome:
the evidence does not allow a decision. It never counts as conformity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from harness.model.campaign import LineDeclaration
from harness.model.condition import Condition
from harness.model.conformity import Conformity as Conformity  # noqa: PLC0414 - found here as well
from harness.model.content_form import FormCount
from harness.model.content_identity import Parts, concluded_with
from harness.model.corpus import PackKind
from harness.model.gate import gate_of
from harness.model.instrument_record import InstrumentRecord
from harness.model.journal_header import JournalHeader
from harness.model.metric import Foreknowledge, Metric, PackRate, Spread
from harness.model.people_answer import DeclaredConformity, PeopleEvidence
from harness.model.registration import Registration
from harness.model.scheme import Requirement, Scheme
from harness.model.scope import SCOPE_WORDS, Scope
from harness.model.service_log import ImportedFile
from harness.model.technique_matrix import TechniqueMatrix
from harness.model.tester_load import LoadSummary
from harness.model.witnessed_head import WitnessedHead

if TYPE_CHECKING:
    from harness.model.verdict_basis import VerdictBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """An item that an outcome rests on, with the facts that its verdict names."""

    item: str
    value: str
    category: str
    state: str
    mechanism: str
    rule: str
    saw: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """A condition of valid verdicts, such as a live origin or a filter that is on.

    ``batches`` is in how many it held, or failed. If one with ``voids`` fails, no outcome conforms;
    of the others at least one must hold.
    """

    name: str
    line: str
    profile: str
    held: bool
    detail: str
    batches: int = 0
    voids: bool = False

    def concerns(self, line: str, profile: str) -> bool:
        """Whether it applies to a line and profile; ``*`` and an empty name mean all."""
        return self.line in {line, "", "*"} and self.profile in {profile, "", "*"}


def none_held(concerned: Iterable[Precondition]) -> bool:
    """Whether some of the preconditions failed, and of those without ``voids`` none held."""
    concerned = tuple(concerned)
    held = any(each.held for each in concerned if not each.voids)
    return not held and not all(each.held for each in concerned)


def voiding(
    preconditions: Iterable[Precondition], line: str, profile: str
) -> tuple[Precondition, ...]:
    """Return the failed preconditions that void the outcomes of a line and profile.

    These are all that failed if none held, else those with ``voids``.
    """
    here = [each for each in preconditions if each.concerns(line, profile)]
    failed = tuple(each for each in here if not each.held)
    return failed if none_held(here) else tuple(each for each in failed if each.voids)


def is_void(preconditions: Iterable[Precondition], line: str, profile: str) -> bool:
    """Whether failed preconditions explain why an outcome of a line and profile is undecided."""
    return bool(voiding(preconditions, line, profile))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequential:
    """The result of a campaign's declared stopping test for one requirement.

    ``decision`` is ``pass``, ``fail`` or ``continue``; ``alpha`` bounds the share of services at
    ``bad`` that pass, and that fail. ``beta`` is as declared. ``why_open`` says why
    nothing was decided.
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
        rates = f"{self.bad * 100:.4g} % against {self.good * 100:.4g} %"
        risks = f"each way at most {self.alpha * 100:.4g} % wrong"
        at = "undecided after" if self.why_open else "decided after"
        counts = f"{self.blocked} blocked, {self.missed} missed, {self.doubtful} undecided"
        return (
            f"sequential test of stopping plan {self.plan} (Wald): {rates}, {risks}, "
            f"{at} {self.used} items ({counts})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """Bounds of a block rate on truly harmful items, where some labels are wrong.

    ``wrong`` of ``audited`` labels were wrong; ``label_error`` is the upper bound of the share of
    wrong labels. For information only.
    """

    lower: float | None
    upper: float | None
    label_error: float
    audited: int
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One metric computed for one requirement, profile and line, before assessment.

    ``sequential`` decides alone if set. ``barred`` says why the requirement's own rule may not
    give conformity (nor, unless it counts item by item, non-conformity). ``kind`` is the kind of
    items it rests on, empty if none; ``qualifier`` limits a conforming outcome. ``foreknowledge``
    compares known with hidden items of that kind. ``conditions`` must hold too: one that does not
    is a failure, one that was not seen forbids conformity. ``people`` is what people stated of it.
    """

    requirement: Requirement
    profile: str
    line: str
    metric: Metric
    witnesses: tuple[Witness, ...] = ()
    conditions: tuple[Condition, ...] = ()
    sequential: Sequential | None = None
    barred: str = ""
    kind: PackKind | Literal[""] = ""
    qualifier: str = ""
    foreknowledge: tuple[Foreknowledge, ...] = ()
    people: PeopleEvidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one requirement for one profile on one line.

    ``leaning`` is ``pass``, ``fail`` or empty: which way an insufficient outcome points.
    ``decided_by`` is the decision rule in words, as ISO/IEC 17025:2017 7.8.6 asks;
    ``sequential`` is set if the campaign's declared stopping test decided,
    ``corrected`` if the labels were audited. ``kind`` is the kind of items the outcome rests on,
    empty if none; ``qualifier`` limits a conforming one. ``people`` is what people stated.
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
    people: PeopleEvidence | None = None

    @property
    def id(self) -> str:
        """The id in tests, findings and reports, such as ``URL-01[ks2-proxy]``."""
        return f"{self.requirement.id}[{self.profile}-{self.line}]"

    @property
    def counted_kind(self) -> PackKind | Literal[""]:
        """The kind of items that ``k`` and ``n`` count: the kind of the worst part.

        It differs from ``kind`` where real items decide and, say, agreed ones did worse.
        """
        shown = (self.metric.k, self.metric.n, self.metric.lower)
        same = (
            part.source.kind
            for part in self.metric.parts
            if part.of_items and (part.metric.k, part.metric.n, part.metric.lower) == shown
        )
        return next(same, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRate:
    """Counts of one category on one line for one profile, for figures and tables.

    ``frame`` is empty where items count alike; ``spread`` is set if a registrable domain has
    several items. ``expects`` is what the scheme's policy asks of the category for this profile:
    ``block``, ``allow``, ``local`` (the school decides), or ``none``; empty in older files.
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
    expects: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """All measurements of a journal, and the counts for figures and tables.

    ``preconditions`` are those of the verdicts, and that of plain twins.
    ``latencies`` are times to first byte in seconds by line, under ``control`` those of the control
    beside them. ``not_applicable`` are sentences. A journal of one pack has no ``packs``.
    ``shown`` is what the service on each line showed of itself, by the name of that part.
    """

    measurements: tuple[Measurement, ...]
    rates: tuple[CategoryRate, ...]
    mechanisms: dict[str, int]
    latencies: dict[str, tuple[float, ...]]
    not_applicable: tuple[str, ...]
    packs: tuple[PackRate, ...] = ()
    foreknowledge: tuple[Foreknowledge, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    forms: tuple[FormCount, ...] = ()
    shown: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUnderTest:
    """A declared line: its type, and where and for whom it was tested, as far as that was said."""

    name: str
    type: str
    site: str = ""
    place: str = ""
    device: str = ""
    group: str = ""

    @classmethod
    def of(cls, line: LineDeclaration) -> LineUnderTest:
        """Return what an assessment says of a declared line."""
        described = {name: getattr(line, name) for name in ("site", "place", "device", "group")}
        return cls(name=line.name, type=line.type, **described)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedHead:
    """The number of entries of a journal or registry, and the head of its hash chain."""

    held: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All outcomes of a journal under a scheme, and what they rest on.

    ``items`` is the kind of items that the campaign declares its rates of categories to rest on.
    ``warnings``, such as of an overdue review, change no outcome. ``instrument`` measured it.
    The heads are those of the journal, and of the streams of supplier and owner in the registry.
    ``declared`` is what the supplier declares, and where that differs; it changes no outcome.
    What is ``beyond_scope`` binds in the scheme, not here. ``techniques``: None if none was tried.
    ``reduced`` is what was left out of the items, ``registration`` which try it is, if known.
    ``witnessed`` is what witnesses signed of journal and registry; empty without a witness.
    ``measured_with`` are the parts that it was measured and judged with, by content. ``imports``
    are the logs, alerts and mailboxes that were read.
    ``tester_load`` is how busy the measuring machine was, ``None`` where that is not known.
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
    lines: tuple[LineUnderTest, ...] = ()
    journal_head: PrintedHead | None = None
    registry_head: PrintedHead | None = None
    owner_head: PrintedHead | None = None
    forms: tuple[FormCount, ...] = ()
    declared: DeclaredConformity | None = None
    scope: Scope = "service"
    beyond_scope: tuple[str, ...] = ()
    techniques: TechniqueMatrix | None = None
    reduced: tuple[str, ...] = ()
    registration: Registration | None = None
    witnessed: tuple[WitnessedHead, ...] = ()
    measured_with: Parts = ()
    imports: tuple[ImportedFile, ...] = ()
    tester_load: LoadSummary | None = None

    @property
    def has_synchronised_clock(self) -> bool:
        """Whether the clock was synchronised at each start of the measurement."""
        return bool(self.instrument) and all(each.clock.is_known for each in self.instrument)

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
        """Return the assessment of a journal under a scheme at that time, its gates first."""
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
            outcomes=tuple(sorted(outcomes, key=lambda one: gate_of(one.requirement) is None)),
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
            lines=tuple(map(LineUnderTest.of, campaign.lines)),
            forms=estimates.forms,
            declared=DeclaredConformity.of(basis.records.people.declaration),
            scope=campaign.scope,
            beyond_scope=scheme.beyond(campaign.scope),
            techniques=basis.records.techniques.matrix,
            imports=basis.records.imports,
            tester_load=basis.records.load.summary,
            measured_with=concluded_with(header.measured_with, scheme, estimates.shown),
        )

    @property
    def conformity(self) -> Conformity:
        """The worst of the binding outcomes; ``insufficient`` without any."""
        binding = {outcome.conformity for outcome in self.outcomes if outcome.requirement.binding}
        if Conformity.DOES_NOT_CONFORM in binding:
            return Conformity.DOES_NOT_CONFORM
        if not binding or Conformity.INSUFFICIENT in binding:
            return Conformity.INSUFFICIENT
        return Conformity.CONFORMS

    @property
    def qualifier(self) -> str:
        """The limit of a conforming assessment, such as "agreed list only", or empty."""
        if self.conformity is not Conformity.CONFORMS:
            return ""
        qualifiers = [outcome.qualifier for outcome in self.outcomes if outcome.requirement.binding]
        return ", ".join(dict.fromkeys(filter(None, qualifiers)))

    @property
    def limit(self) -> str:
        """What the result is limited to: scope, items left out, and the limit of conformity."""
        return ", ".join(filter(None, (self.restriction, self.qualifier)))

    @property
    def restriction(self) -> str:
        """The scope, and what was left out of the items."""
        return ", ".join(filter(None, (SCOPE_WORDS[self.scope], *self.reduced)))

    def is_granted(self, outcome: Outcome) -> bool:
        """Whether an outcome conforms without a qualifier that the campaign did not declare."""
        is_limited = bool(outcome.qualifier) and self.items != "agreed"
        return outcome.conformity is Conformity.CONFORMS and not is_limited

    @property
    def exit_code(self) -> int:
        """0 conforms, 1 does not conform, 3 insufficient, or limited without a declaration."""
        if self.qualifier and self.items != "agreed":
            return 3
        codes = {Conformity.CONFORMS: 0, Conformity.DOES_NOT_CONFORM: 1}
        return codes.get(self.conformity, 3)

"""What pages tell of a campaign and its outcomes beside their columns, kept as JSON with the rows.

``campaign_body`` and ``outcome_body`` make it from an assessment, in the words of the report; the
rows of the hub store it (``encode_body``), beside what other pages need, and pages read it back
(``read_campaign``, ``read_outcome``). Text in it comes from outside, and is escaped where it is
shown.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from harness.model.metric_spec import spec_of
from harness.model.outcome import Assessment, CategoryRate, Conformity, Outcome
from reports import evidence, phrases
from reports.dashboard.counted_items import counted_categories, counted_kinds, missed_state
from reports.documents.html import headline
from reports.gates import consequence, gate_states
from reports.phrases import Direction, tight
from reports.requirement_table import (
    WORST_FIRST,
    Status,
    axis_of,
    bounds_in_words,
    measured_in_words,
    required_in_words,
    status_of,
)
from reports.tables import instrument_tables, pack_tables, part_lines
from reports.words import category_name, source_of

PROGRAM = "isp-accredit"
"""The name of this program among the libraries of an instrument."""


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A precondition of valid verdicts: whether it held, and what was seen.

    ``voids``: if it fails, nothing conforms. ``is_decisive``: because of it outcomes are undecided.
    """

    name: str
    line: str
    profile: str
    held: bool
    detail: str
    batches: int = 0
    voids: bool = False
    is_decisive: bool = False


class CategoryFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened to the items of a category, for a profile on a line.

    ``expects`` is what the scheme's policy asks: ``block``, ``allow``, ``local``, ``none``.
    """

    category: str
    name: str
    profile: str
    line: str
    expects: str = ""
    blocked: int = 0
    allowed: int = 0
    altered: int = 0
    down: int = 0
    insufficient: int = 0
    frame: str = ""


class GateFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A gate of the scheme in words: whether it was met, and what it leaves undecided."""

    id: str
    subject: str
    is_met: bool
    words: str
    where: tuple[str, ...] = ()
    consequence: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table of texts with its title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class TestedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line, how it leads to the service, where it is, and what came of its binding checks."""

    name: str
    type: str
    described: tuple[str, ...] = ()
    profiles: str = ""
    items: int = 0
    result: str = ""
    state: str = ""


class CampaignBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A campaign assessed by a scheme, as its page tells of it.

    ``headline`` is the result in one sentence, ``finding`` that of the worst outcome, empty if all
    conform. ``began`` is when the instrument was first recorded. ``corpora`` are ``name version
    sha256``, ``records`` those of the instrument. ``head`` is the hash of the journal's last entry.
    """

    title: str
    supplier: str
    service: str
    scheme: str
    scheme_title: str
    scheme_version: str
    rules: str
    concluded: datetime
    headline: str
    conformity: str
    finding: str = ""
    limit: str = ""
    beyond: str = ""
    began: datetime | None = None
    program: str = ""
    observations: int = 0
    head: str = ""
    checks: tuple[Check, ...] = ()
    gates: tuple[GateFigures, ...] = ()
    categories: tuple[CategoryFigures, ...] = ()
    mechanisms: dict[str, int] = {}
    corpora: tuple[str, ...] = ()
    packs: tuple[Table, ...] = ()
    records: tuple[Table, ...] = ()
    lines: tuple[TestedLine, ...] = ()
    warnings: tuple[str, ...] = ()
    not_applicable: tuple[str, ...] = ()

    def expects(self, category: str, profile: str) -> str:
        """What the policy asks of a category for a profile (empty: any); empty if not known."""
        found = [each for each in self.categories if each.category == category]
        for each in found:
            if each.profile == profile:
                return each.expects
        return found[0].expects if found and not profile else ""


class OutcomeBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An outcome as pages tell of it: ``status`` is its form and colour, ``word`` says the same.

    ``sentence`` is the count and the rule ("2 of 120 test entries got through. None may.").
    ``k`` of ``n`` items were counted as ``verb`` says, ``undecided`` ones are outside ``n``.
    ``axis`` are both ends of the small picture, in the metric's unit. ``categories`` are those of
    which items count for it, of this profile on this line, ``kinds`` and ``probes`` the only kinds
    of items and probes (empty: all); ``missed`` is the state of items that speak against the
    service, empty if no state does.
    """

    title: str
    subject: str
    area: str
    severity: str
    rule: str
    metric: str
    unit: str
    status: Status
    word: str
    sentence: str
    measured: str
    bounds: str = ""
    required: str = ""
    source: str = ""
    k: int = 0
    n: int = 0
    tried: int = 0
    undecided: int = 0
    verb: str = ""
    limit: float | None = None
    direction: Direction = ""
    axis: tuple[float, float] | None = None
    axis_ends: tuple[str, str] | None = None
    leans: str = ""
    items: str = ""
    decided_by: str = ""
    reasons: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    missed: str = ""


_CAMPAIGNS = msgspec.json.Decoder(CampaignBody)
_OUTCOMES = msgspec.json.Decoder(OutcomeBody)


def encode_body(*parts: msgspec.Struct) -> str:
    """The JSON that is stored with a row: the fields of all parts in one object.

    Fields of one name are those of the last part that has it.
    """
    fields: dict[str, object] = {}
    for part in parts:
        fields |= msgspec.to_builtins(part)
    return msgspec.json.encode(fields).decode()


def read_campaign(body: str) -> CampaignBody | None:
    """What is stored of a campaign; ``None`` if no assessment of it was kept."""
    try:
        return _CAMPAIGNS.decode(body)
    except msgspec.MsgspecError:
        return None


def read_outcome(body: str) -> OutcomeBody | None:
    """What is stored of an outcome; ``None`` if it was stored by another edition."""
    try:
        return _OUTCOMES.decode(body)
    except msgspec.MsgspecError:
        return None


def campaign_body(assessment: Assessment) -> CampaignBody:
    """What the page of a campaign tells, from its assessment."""
    first = assessment.instrument[0] if assessment.instrument else None
    last = assessment.instrument[-1] if assessment.instrument else None
    return CampaignBody(
        title=assessment.title,
        supplier=assessment.supplier,
        service=assessment.service,
        scheme=assessment.scheme,
        scheme_title=assessment.scheme_title,
        scheme_version=assessment.scheme_version,
        rules=assessment.rules_version,
        concluded=assessment.concluded,
        headline=headline(assessment),
        conformity=assessment.conformity.value,
        finding=_finding(assessment),
        limit=assessment.limit,
        beyond=phrases.beyond(assessment),
        began=first.at if first else None,
        program=last.libraries.get(PROGRAM, "") if last else "",
        observations=assessment.observations,
        head=assessment.journal_head.hash if assessment.journal_head else "",
        checks=_checks(assessment),
        gates=_gates(assessment),
        categories=tuple(map(_category, assessment.rates)),
        mechanisms=dict(sorted(assessment.mechanisms.items(), key=lambda each: -each[1])),
        corpora=assessment.corpora,
        packs=tuple(
            Table(title=each.title, columns=each.columns, rows=each.rows)
            for each in pack_tables(assessment)
        ),
        records=tuple(
            Table(title=title, columns=("What", "Value"), rows=rows)
            for title, rows in instrument_tables(assessment)
        ),
        lines=_lines(assessment),
        warnings=assessment.warnings,
        not_applicable=assessment.not_applicable,
    )


def outcome_body(outcome: Outcome, assessment: Assessment) -> OutcomeBody:
    """What pages tell of one outcome of an assessment."""
    requirement, metric = outcome.requirement, outcome.metric
    pointing = phrases.direction(requirement.threshold)
    axis = axis_of([outcome], metric.unit, pointing)
    return OutcomeBody(
        title=requirement.title,
        subject=requirement.subject,
        area=requirement.area,
        severity=requirement.severity,
        rule=requirement.rule,
        metric=metric.name,
        unit=metric.unit,
        status=status_of(outcome),
        word=phrases.word(outcome),
        sentence=phrases.count_and_rule(outcome),
        measured=tight(measured_in_words(outcome)),
        bounds=tight(bounds_in_words(outcome)),
        required=tight(required_in_words(outcome)),
        source=source_of(requirement.threshold) if requirement.threshold else "",
        k=metric.k,
        n=metric.n,
        tried=metric.tried,
        undecided=metric.indeterminate,
        verb=spec_of(metric.name).verb,
        limit=phrases.limit_of(requirement.threshold),
        direction=pointing,
        axis=(axis.low, axis.high) if axis else None,
        axis_ends=axis.ends if axis else None,
        leans=phrases.LEANINGS.get(outcome.leaning, ""),
        items=phrases.items_of(outcome) if outcome.kind else "",
        decided_by=outcome.decided_by,
        reasons=outcome.reasons,
        left_out=phrases.left_out(outcome),
        parts=part_lines(outcome),
        categories=counted_categories(outcome, assessment.rates),
        kinds=counted_kinds(outcome),
        probes=requirement.measure.probes,
        missed=missed_state(metric),
    )


def _finding(assessment: Assessment) -> str:
    """The count and the rule of the binding outcome that decides; empty if all conform."""
    binding = [each for each in assessment.outcomes if each.requirement.binding]
    worst = min(binding, key=lambda each: WORST_FIRST.index(each.conformity), default=None)
    if worst is None or worst.conformity is Conformity.CONFORMS:
        return ""
    return phrases.count_and_rule(worst)


def _checks(assessment: Assessment) -> tuple[Check, ...]:
    """The preconditions, those that failed first."""
    decisive = {id(each) for each in evidence.voiding_of(assessment)}
    ordered = sorted(assessment.preconditions, key=lambda each: each.held)
    return tuple(
        Check(
            name=each.name,
            line=each.line,
            profile=each.profile,
            held=each.held,
            detail=each.detail,
            batches=each.batches,
            voids=each.voids,
            is_decisive=id(each) in decisive,
        )
        for each in ordered
    )


def _gates(assessment: Assessment) -> tuple[GateFigures, ...]:
    return tuple(
        GateFigures(
            id=each.id,
            subject=each.subject,
            is_met=each.is_met,
            words=each.words,
            where=each.where,
            consequence=consequence(each),
        )
        for each in gate_states(assessment)
    )


def _category(rate: CategoryRate) -> CategoryFigures:
    return CategoryFigures(
        category=rate.category,
        name=category_name(rate.category),
        profile=rate.profile,
        line=rate.line,
        expects=rate.expects,
        blocked=rate.blocked,
        allowed=rate.allowed,
        altered=rate.altered,
        down=rate.down,
        insufficient=rate.insufficient,
        frame=rate.frame,
    )


def _lines(assessment: Assessment) -> tuple[TestedLine, ...]:
    return tuple(
        TestedLine(
            name=each.line,
            type=each.type,
            described=tuple(filter(None, each.described)),
            profiles=each.profiles,
            items=each.items,
            result=each.result,
            state=each.conformity.value if each.conformity else "no-data",
        )
        for each in evidence.places(assessment)
    )

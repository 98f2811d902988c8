"""Judge other people's measurements, each of which may hold a DNS trial and a web trial.

The trials of one measurement explain each other: a page that surely came from the origin clears an
unknown address, and an unknown address explains a failed connection. ``judge_of`` chooses the judge
that the header of a journal asks for.

Such measurements may have no control, or one that failed; ``PROVEN_RULES`` and ``ALONE_RULES`` are
for these. A page alone is a block page by its own words, or it shows nothing; only verified TLS can
show that it is the origin's. Campaigns never use these rules, because their trials have a control.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from harness.judge.block_page_classifier import PageKind
from harness.judge.filter_fingerprints import (
    NO_FINGERPRINTS,
    FilterFingerprints,
    declared_fingerprints,
)
from harness.judge.judge import Judge, Judgement, in_batches, judge, judge_trial
from harness.judge.pairing import pair
from harness.judge.rules.order import RULES, RULES_VERSION
from harness.judge.sentinels import SENTINELS_PRESENT
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.facts import DnsFacts, WebFacts
from harness.model.journal_header import JournalHeader
from harness.model.observation import Observation
from harness.model.outcome import Precondition
from harness.model.plain_twin import TwinPair
from harness.model.run_record import LateControls
from harness.model.service_declaration import BlockPage
from harness.model.service_records import NO_RECORDS, ServiceRecords
from harness.model.timed_event import Poll
from harness.model.user import UserTrial
from harness.model.verdict import Mechanism, State, Trial, Verdict
from harness.ports.judging import MakeJudge
from harness.ports.storage import Journal

LEGAL, REFUSING = 451, 400


def _looks(features: TrialFeatures) -> str:
    status = f"status {features.status}"
    title = f", {features.web.title!r}" if features.web and features.web.title else ""
    return "; ".join((status + title, *features.classification.witnesses))


UNRESOLVED = frozenset({"dns_nxdomain_error", "dns_no_answer"})
"""Failures of the control's resolver for a name without an address."""


def _is_answered_alone(features: TrialFeatures) -> bool:
    failure = features.control.failure if features.control is not None else None
    return bool(features.addresses) and failure is not None and failure.name in UNRESOLVED


PROVEN_RULES: tuple[Rule, ...] = (
    Rule(
        id="dns-answered-alone",
        matches=_is_answered_alone,
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the resolver gives an address for a name that the control cannot resolve",
        saw=lambda features: f"service: {', '.join(sorted(features.addresses)[:4])}",
    ),
    Rule(
        id="proven-origin",
        matches=lambda features: features.proven and (features.status or 0) < REFUSING,
        state=State.ALLOWED,
        says="the page came over TLS that ends at the origin, whatever the control saw",
        saw=_looks,
    ),
)
"""For other people's measurements: a verified origin needs no control that answers.

Campaigns do not use it, because they leave dead targets out of their counts."""

ALONE_RULES: tuple[Rule, ...] = (
    Rule(
        id="alone-origin-refusal",
        matches=lambda features: features.classification.kind is PageKind.REFUSAL,
        state=State.INSUFFICIENT,
        origin_refusal=True,
        says="the page is one with which origins themselves refuse clients",
        saw=_looks,
    ),
    Rule(
        id="alone-parked",
        matches=lambda features: features.classification.kind is PageKind.PARKED,
        state=State.DOWN,
        says="the domain is parked",
        saw=_looks,
    ),
    Rule(
        id="alone-intercepted",
        matches=lambda features: (
            features.classification.kind is PageKind.BLOCK and features.issuer_is_private
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="the page says that it blocks, and its certificate is of no public authority",
        saw=_looks,
    ),
    Rule(
        id="alone-redirect",
        matches=lambda features: (
            features.classification.kind is PageKind.BLOCK and features.redirected_host
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was redirected to a block page",
        saw=lambda features: f"to {features.redirected_host}; {_looks(features)}",
    ),
    Rule(
        id="alone-451",
        matches=lambda features: (
            features.status == LEGAL and features.classification.kind is PageKind.BLOCK
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.HTTP_451,
        says="the page says that it blocks for legal reasons (RFC 7725)",
        saw=_looks,
    ),
    Rule(
        id="alone-block-page",
        matches=lambda features: features.classification.kind is PageKind.BLOCK,
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="the page says by itself that it blocks",
        saw=_looks,
    ),
    Rule(
        id="alone-unclear",
        matches=lambda _: True,
        state=State.INSUFFICIENT,
        says="without a control, it cannot be told whether the page is the origin's",
        saw=_looks,
    ),
)

FOREIGN_RULES = (*PROVEN_RULES, *RULES)

LED_ASTRAY = "dns-led-astray"
ASTRAY = "the resolver gave addresses that the control does not know, and the page did not come"


NO_SENTINELS = "no sentinels: verdicts rest on the control alone"
"""What a journal of other people's measurements always lacks; it prevents every decision."""


class ForeignJudge:
    """Judge other people's measurements: one verdict for all trials of each.

    Like ``Judge`` it holds one batch at a time; a measurement must not be spread over several.
    """

    rules_version = RULES_VERSION

    def __init__(self, block_page: BlockPage | None = None) -> None:
        self._fingerprints = declared_fingerprints(block_page)
        self._places: set[tuple[str, str]] = set()

    def verdicts(self, observations: Iterable[Observation]) -> Iterator[Verdict]:
        """Yield the verdict of every measurement."""
        for _, batch in groupby(observations, lambda one: one.batch):
            measurements: dict[tuple[str, str, str, int], list[Trial]] = {}
            for trial in pair(batch).trials:
                key = trial.key
                place = (key.item, key.line, key.profile, key.round)
                measurements.setdefault(place, []).append(trial)
                self._places.add((key.line, key.profile))
            for trials in measurements.values():
                yield judge_measurement(trials, self._fingerprints)

    @property
    def twins(self) -> tuple[TwinPair, ...]:
        """Empty: other people try no plain twins."""
        return ()

    @property
    def polls(self) -> tuple[Poll, ...]:
        """Empty: other people poll no timed events."""
        return ()

    @property
    def users(self) -> tuple[UserTrial, ...]:
        """Empty: other people try no concurrent users."""
        return ()

    @property
    def late_controls(self) -> tuple[LateControls, ...]:
        """Empty: other people's controls are part of the same measurement."""
        return ()

    @property
    def records(self) -> ServiceRecords:
        """Empty: other people read no logs of the service, and play no sessions."""
        return NO_RECORDS

    @property
    def preconditions(self) -> tuple[Precondition, ...]:
        """The sentinels that such a journal always lacks, for every line and profile."""
        return tuple(
            Precondition(
                name=SENTINELS_PRESENT, line=line, profile=profile, held=False, detail=NO_SENTINELS
            )
            for line, profile in sorted(self._places) or [("*", "*")]
        )


def judge_of(header: JournalHeader, sentinels: Iterable[Observation]) -> Judge | ForeignJudge:
    """Return the judge for a journal: of our own observations, or of other people's."""
    block_page = header.campaign.service.block_page
    if header.foreign:
        return ForeignJudge(block_page)
    return Judge(sentinels, block_page, probes=header.probes, journal=header.identity)


def judge_maker(journal: Journal) -> MakeJudge:
    """Return a function that makes new judges of a journal."""
    return lambda: judge_of(journal.header, journal.sentinels())


def judge_journal(header: JournalHeader, observations: Iterable[Observation]) -> Judgement:
    """Judge observations that fit into memory as the header of their journal asks."""
    block_page = header.campaign.service.block_page
    if header.foreign:
        return judge_foreign(observations, block_page)
    return judge(observations, block_page, probes=header.probes)


def judge_foreign(
    observations: Iterable[Observation], block_page: BlockPage | None = None
) -> Judgement:
    """Judge other people's measurements that fit into memory, in any order."""
    judging = ForeignJudge(block_page)
    verdicts = tuple(judging.verdicts(in_batches(observations)))
    return Judgement(verdicts=verdicts, preconditions=judging.preconditions)


def judge_measurement(
    trials: Iterable[Trial], fingerprints: FilterFingerprints = NO_FINGERPRINTS
) -> Verdict:
    """The verdict of all trials of one measurement. Raises ValueError if there is none."""
    judged = [(trial, judge_trial(trial, fingerprints, FOREIGN_RULES)) for trial in trials]
    if not judged:
        msg = "a measurement without a trial cannot be judged"
        raise ValueError(msg)
    names = [(trial, verdict) for trial, verdict in judged if _is_dns(trial)]
    webs = [(trial, verdict) for trial, verdict in judged if not _is_dns(trial)]
    came = next((trial for trial, verdict in webs if verdict.state is State.ALLOWED), None)
    for trial, verdict in names:
        if verdict.state is State.BLOCKED and not _clears(came, trial, verdict):
            return verdict
    if not webs:
        return names[0][1]
    web = webs[0][1]
    if web.state is State.BLOCKED and any(_differs(trial) for trial, _ in names):
        return _led_astray(web)
    return web


def _clears(came: Trial | None, name: Trial, verdict: Verdict) -> bool:
    """Whether the page came from the very address that looked like a sinkhole."""
    if came is None or verdict.mechanism is not Mechanism.DNS_SINKHOLE:
        return False
    page, answer = came.service.facts, name.service.facts
    if not isinstance(page, WebFacts) or not isinstance(answer, DnsFacts):
        return False
    return not page.peer or page.peer in answer.addresses


def judge_without_control(trial: Trial) -> Verdict:
    """The verdict of a page without a control; it is never *allowed*."""
    return judge_trial(trial, NO_FINGERPRINTS, ALONE_RULES)


def _is_dns(trial: Trial) -> bool:
    return TrialFeatures(trial, NO_FINGERPRINTS).is_dns


def _differs(trial: Trial) -> bool:
    """Whether the control confirms none of the addresses that the resolver gave."""
    service, control = trial.service.facts, trial.control.facts if trial.control else None
    if not isinstance(service, DnsFacts) or not isinstance(control, DnsFacts):
        return False
    both = service.addresses and control.addresses
    return bool(both) and not set(service.addresses) & set(control.addresses)


def _led_astray(web: Verdict) -> Verdict:
    return msgspec.structs.replace(
        web,
        rule=LED_ASTRAY,
        mechanism=Mechanism.DNS_SINKHOLE,
        witnesses=(ASTRAY, *web.witnesses),
    )

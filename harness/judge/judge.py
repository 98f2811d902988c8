"""Judge a journal: the first rule that matches a trial gives its verdict.

Input: observations. Output: a verdict for each trial of an item, and the preconditions of all.
Judging uses no network and no store, and can be repeated at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import msgspec

from harness.judge.beside_items import BesideItems
from harness.judge.block_page_check import claimed_category
from harness.judge.block_page_quality import flaws_of
from harness.judge.control_times import ControlTimes
from harness.judge.filter_fingerprints import (
    NO_FINGERPRINTS,
    FilterFingerprints,
    declared_fingerprints,
    learn_fingerprints,
)
from harness.judge.liveness import (
    RetrialResults,
    passed_on_retry,
    require_patience_sample,
    require_sign_of_life,
)
from harness.judge.pairing import BatchPath, Pairs, batch_path_of, pair
from harness.judge.rules.order import RULES_VERSION, rules_for
from harness.judge.sentinels import (
    SentinelCheck,
    SentinelSummary,
    UnfilteredProbes,
    check_sentinels,
    missing_sentinels_check,
    shows_how_it_blocks,
)
from harness.judge.shared_notices import SharedNotices
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.batch import turn_of
from harness.model.block_flaw import BlockFlaw, flaws_in_words
from harness.model.facts import tag_of
from harness.model.observation import Observation
from harness.model.outcome import Precondition
from harness.model.plain_twin import TwinPair
from harness.model.probe import EARLIER, Declarations, declared
from harness.model.run_record import LateControls
from harness.model.service_declaration import BlockPage
from harness.model.service_records import ServiceRecords
from harness.model.timed_event import Poll
from harness.model.user import UserTrial
from harness.model.verdict import (
    BRACKET_FAILED,
    DELIVERED,
    Mechanism,
    State,
    Trial,
    Verdict,
    has_answer,
)
from harness.ports.judging import BatchJudges


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All verdicts of a journal, their preconditions, and the version of the rules."""

    verdicts: tuple[Verdict, ...]
    preconditions: tuple[Precondition, ...]
    rules_version: str = RULES_VERSION


class Judge:
    """Judge a journal batch by batch, with one batch in memory at a time.

    ``sentinels`` are those of the whole journal with the retrials: fingerprints are learned from
    them first. Without ``sentinels_required``, sentinels may be missing; without
    ``samples_required``, retrials may be (as for a batch that has just been measured).
    ``block_page`` is the one that the submission declares, ``journal`` what people sign their
    statements for (``JournalHeader.identity``).
    """

    rules_version = RULES_VERSION

    def __init__(
        self,
        sentinels: Iterable[Observation],
        block_page: BlockPage | None = None,
        *,
        sentinels_required: bool = True,
        samples_required: bool = True,
        probes: Declarations = EARLIER,
        journal: tuple[str, ...] = (),
    ) -> None:
        self._probes = probes
        self._declared = declared_fingerprints(block_page)
        self._retrials = RetrialResults()
        self._notices = SharedNotices()
        self._unfiltered = UnfilteredProbes(probes)
        self._fingerprints_by_line: dict[str, FilterFingerprints] = {}
        self._beside = BesideItems(probes, self._judge_trial, journal)
        others = self._beside.separate(sentinels)
        self._fingerprints_by_line = _learn_by_line(
            self._retrials.separate(others), self._declared, self._unfiltered
        )
        self._beside.judge()
        self._required = sentinels_required
        self._sampled = samples_required
        self._sentinel_summary = SentinelSummary(probes)
        self._control_times = ControlTimes(probes)

    def verdicts(self, observations: Iterable[Observation]) -> Iterator[Verdict]:
        """Yield the verdict of every trial of an item, including those of void batches.

        The observations of a batch must follow each other, in any order, as in a journal.
        """
        for _, batch in groupby(observations, lambda one: one.batch):
            yield from self._batch(batch)

    def checks(self, pairs: Pairs) -> dict[BatchPath, SentinelCheck]:
        """Check the sentinels of each batch, line, profile and probe."""
        return {
            batch_path: self._unfiltered.excused(
                check_sentinels(
                    batch_path, [(one, self._judge_trial(one)) for one in trials], self._probes
                )
            )
            for batch_path, trials in pairs.sentinels.items()
        }

    def judge_part(self, observations: list[Observation]) -> tuple[Verdict, ...]:
        """Judge a part of one batch by itself, with the fingerprints of its own sentinels."""
        self._fingerprints_by_line = _learn_by_line(
            self._retrials.separate(observations), self._declared, UnfilteredProbes(self._probes)
        )
        return tuple(map(self._judge_trial, pair(observations).trials))

    @property
    def twins(self) -> tuple[TwinPair, ...]:
        """The plain twins beside the items judged so far."""
        return self._beside.twins.pairs

    @property
    def polls(self) -> tuple[Poll, ...]:
        """The polls of timed events, by event and time."""
        return self._beside.polls.polls

    @property
    def records(self) -> ServiceRecords:
        """What is known of the service beside the verdicts of items."""
        return self._beside.records

    @property
    def late_controls(self) -> tuple[LateControls, ...]:
        """The trials judged so far whose control was not near them in time."""
        return self._control_times.late

    @property
    def users(self) -> tuple[UserTrial, ...]:
        """What users of one address tried at the same time."""
        return self._beside.users.trials

    @property
    def preconditions(self) -> tuple[Precondition, ...]:
        """The preconditions of the verdicts given so far."""
        return (
            *self._sentinel_summary.preconditions,
            *self._unfiltered.preconditions(self._sentinel_summary.excused),
        )

    def _batch(self, observations: Iterable[Observation]) -> Iterator[Verdict]:
        pairs = pair(observations)
        checks = self.checks(pairs)
        for trial in pairs.trials:
            check = checks.get(batch_path_of(trial.service))
            if check is not None and not check.failed:
                self._notices.count(trial)
        for trial in pairs.trials:
            batch_path = batch_path_of(trial.service)
            if batch_path not in checks and self._required:
                checks[batch_path] = missing_sentinels_check(batch_path)
            check = checks.get(batch_path)
            verdict = self._judge_with_retrials(trial)
            if check and check.failed:
                verdict = verdict.as_insufficient(BRACKET_FAILED, check.detail)
            if trial.service.batch in self._beside.load.overloaded:
                verdict = msgspec.structs.replace(
                    verdict, first_byte_service=None, first_byte_control=None
                )
            self._beside.twins.count(verdict)
            self._control_times.count(trial)
            self._beside.techniques.count(trial, verdict)
            self._beside.tls.count(trial, verdict)
            yield verdict
        for check in checks.values():
            self._sentinel_summary.count(check)

    def _judge_trial(self, trial: Trial) -> Verdict:
        """The verdict of one trial by itself; a block needs a sign of life of the line."""
        line = trial.key.line
        learned = self._fingerprints_by_line.get(line, self._declared)
        fingerprints = self._notices.added_to(learned, line)
        return require_sign_of_life(trial, judge_trial(trial, fingerprints, probes=self._probes))

    def _judge_with_retrials(self, trial: Trial) -> Verdict:
        """The verdict of an item's trial, taking its retrials into account."""
        verdict = self._judge_trial(trial)
        if verdict.state is not State.BLOCKED or not self._sampled:
            return verdict
        later = self._retrials.for_trial(trial)
        patient = later.get("patience")
        if patient is not None and has_answer(patient):
            verdict = self._judge_trial(_with_later_answer(trial, patient))
        else:
            verdict = require_patience_sample(trial, verdict, self._retrials)
        for look, again in later.items():
            state = self._judge_trial(_with_later_answer(trial, again)).state
            if state in DELIVERED:
                return passed_on_retry(verdict, look, state)
        return verdict


def judge(
    observations: Iterable[Observation],
    block_page: BlockPage | None = None,
    *,
    sentinels_required: bool = True,
    samples_required: bool = True,
    probes: Declarations = EARLIER,
) -> Judgement:
    """Judge observations that fit into memory, in any order; see ``Judge``."""
    held = in_batches(observations)
    others = (one for one in held if one.role != "item")
    judging = Judge(
        others,
        block_page,
        sentinels_required=sentinels_required,
        samples_required=samples_required,
        probes=probes,
    )
    verdicts = list(judging.verdicts(held))
    return Judgement(
        verdicts=tuple(_without_repeated(verdicts)), preconditions=judging.preconditions
    )


def judge_batch(
    observations: Iterable[Observation],
    page: BlockPage | None = None,
    probes: Declarations = EARLIER,
) -> tuple[Verdict, ...]:
    """Judge a part of one batch while it is measured, without checking its sentinels.

    Fingerprints are learned from its must-block sentinels, if it holds any.
    """
    judging = Judge((), page, sentinels_required=False, samples_required=False, probes=probes)
    return judging.judge_part(list(observations))


def batch_judges(block_page: BlockPage | None, probes: Declarations = EARLIER) -> BatchJudges:
    """Return the functions that judge batches while they are measured.

    ``block_page`` is the one that the submission declares; ``probes`` are the probes' declarations.
    """

    def judged(seen: Iterable[Observation]) -> tuple[Verdict, ...]:
        return judge(seen, block_page, samples_required=False, probes=probes).verdicts

    return BatchJudges(
        judge_batch=judged,
        judge_trials=lambda seen: judge_batch(seen, block_page, probes),
        void_batches=lambda sentinels: voided_batches(sentinels, block_page, probes),
    )


def in_batches(observations: Iterable[Observation]) -> list[Observation]:
    """Group the observations by batch; batches in the order in which they begin."""
    batches: dict[int, list[Observation]] = {}
    for one in observations:
        batches.setdefault(one.batch, []).append(one)
    return [one for batch in batches.values() for one in batch]


def _without_repeated(verdicts: list[Verdict]) -> Iterator[Verdict]:
    """Leave out verdicts of void batches that were repeated: the second trial counts."""
    judged = {_trial_of(each) for each in verdicts if each.rule != BRACKET_FAILED}
    return (
        each for each in verdicts if each.rule != BRACKET_FAILED or _trial_of(each) not in judged
    )


def _trial_of(verdict: Verdict) -> tuple[str, str, str, str, int]:
    """What identifies a trial and its repetition; another round is another trial."""
    key = verdict.key
    return key.item, key.probe, key.line, key.profile, turn_of(key.round)


def voided_batches(
    sentinels: Callable[[], Iterable[Observation]],
    block_page: BlockPage | None = None,
    probes: Declarations = EARLIER,
) -> Iterator[int]:
    """Yield the numbers of the batches whose sentinels failed on any line.

    ``sentinels`` gives those of the whole journal, and is called twice: fingerprints are learned
    first, so that exactly those batches are void that a judgement voids. The observations of a
    batch must follow each other, as in a journal; one batch is in memory at a time. Retrials say
    nothing of a batch, and are not kept.
    """
    judging = Judge((one for one in sentinels() if one.role != "retry"), block_page, probes=probes)
    for number, seen in groupby(sentinels(), lambda one: one.batch):
        if any(check.failed for check in judging.checks(pair(seen)).values()):
            yield number


def judge_trial(
    trial: Trial,
    fingerprints: FilterFingerprints = NO_FINGERPRINTS,
    rules: tuple[Rule, ...] | None = None,
    probes: Declarations = EARLIER,
) -> Verdict:
    """Judge one trial by itself, without its sentinels.

    ``rules`` default to those for the facts that the trial left. Raises UsageError for facts of a
    kind without rules.
    """
    probe = declared(probes, trial.key.probe)
    features = TrialFeatures(trial, fingerprints)
    tried = rules_for(_kind_of(trial)) if rules is None else rules
    rule = next(rule for rule in tried if rule.matches(features))
    saw = rule.saw(features) if rule.saw is not None else ""
    is_block = rule.state is State.BLOCKED
    is_timed = rule.state is not State.ALLOWED or rule.mechanism is Mechanism.NONE
    flaws = flaws_of(features, rule.mechanism) if is_block else None
    control = trial.control
    return Verdict(
        key=trial.key,
        item=trial.service.item,
        state=rule.state,
        rule=rule.id,
        rules_version=RULES_VERSION,
        counts=probe.counts,
        is_blind=not probe.can_see(trial.service.item),
        mechanism=rule.mechanism,
        witnesses=tuple(filter(None, (rule.says, saw, _flaws_seen(features, flaws)))),
        claimed_category=claimed_category(features.web) if is_block else "",
        origin_refusal=rule.origin_refusal,
        intercepted=features.intercepted,
        first_byte_service=trial.service.timings.first_byte if is_timed else None,
        first_byte_control=control.timings.first_byte if is_timed and control is not None else None,
        flaws=flaws,
    )


def _flaws_seen(features: TrialFeatures, flaws: BlockFlaw | None) -> str:
    """The flaws of a block page in words, where its details are recorded."""
    is_recorded = features.web is not None and features.web.details is not None
    return flaws_in_words(flaws) if flaws and is_recorded else ""


def _kind_of(trial: Trial) -> str:
    """The kind of facts that either side left; empty if neither left any."""
    control = trial.control.facts if trial.control is not None else None
    return tag_of(trial.service.facts) or tag_of(control)


def _with_later_answer(trial: Trial, again: Observation) -> Trial:
    """The trial with a later answer in the place of the first one."""
    service = msgspec.structs.replace(again, key=trial.key, item=trial.service.item)
    return msgspec.structs.replace(trial, service=service)


def _learn_by_line(
    sentinels: Iterable[Observation], known: FilterFingerprints, unfiltered: UnfilteredProbes
) -> dict[str, FilterFingerprints]:
    """Learn from each line's must-block sentinels where the must-allow ones passed.

    A broken line fails for both, and adds nothing to what is ``known``.
    """
    fingerprints_by_line: dict[str, FilterFingerprints] = {}
    for _, batch in groupby(sentinels, lambda one: one.batch):
        for batch_path, trials in pair(batch).sentinels.items():
            judged = [(one.service, judge_trial(one, known)) for one in trials]
            unfiltered.count(batch_path, judged)
            if met := _blocked_sentinels(judged):
                fingerprints_by_line[batch_path.line] = learn_fingerprints(met).merged_with(
                    fingerprints_by_line.get(batch_path.line, known)
                )
    return fingerprints_by_line


def _blocked_sentinels(judged: list[tuple[Observation, Verdict]]) -> list[Observation]:
    """The must-block sentinels that were stopped, if the must-allow ones passed."""
    allowed = [verdict for service, verdict in judged if service.role == "must_allow"]
    if not allowed or not all(verdict.came for verdict in allowed):
        return []
    return [
        service
        for service, verdict in judged
        if service.role == "must_block" and shows_how_it_blocks(verdict)
    ]

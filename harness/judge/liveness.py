"""Accept a silence or an abrupt answer as a block only if the line was alive meanwhile.

An overloaded line drops, resets and refuses like a filter. So a verdict *blocked* that rests on
such an answer stands only if the item was tried again as ``harness.measure.repeated_attempts`` does
it, and a heartbeat was answered in time beside it. Otherwise it is *insufficient*, with the reason.
For silences, a sample of them must also have stayed silent with the longest timeout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from harness.model.observation import Look, Observation
from harness.model.plain_twin import DOUBTED_TURN, SAMPLE, Group, Spot, group_of, spot_of
from harness.model.verdict import (
    State,
    Trial,
    Verdict,
    has_answer,
    is_silent,
    is_trouble,
    says_blocked,
)

SILENCE_UNCONFIRMED = "silence-without-sign-of-life"
SILENCE_UNSAMPLED = "silence-not-tried-with-patience"
SILENCE_DOUBTED = "silence-may-be-slowness"
TROUBLE_UNCONFIRMED = "trouble-not-seen-alone"

PASSED_ON_RETRY = "passed-on-retry"

LOOK_WORDS: dict[Look, str] = {
    "patience": "with the longest timeout",
    "at_once": "at once",
    "at_end": "at the end",
    "other_client": "by the second client",
}

WORDS = {
    SILENCE_UNCONFIRMED: "no answer came in time, and no heartbeat shows that the line was alive: "
    "it may be overloaded",
    SILENCE_UNSAMPLED: f"fewer than {SAMPLE} silent items were tried with the longest timeout, "
    "and this one was not",
    SILENCE_DOUBTED: "another silent item was answered when it was tried with the longest timeout",
    TROUBLE_UNCONFIRMED: "an overloaded line fails like this, and the failure was not seen again "
    "with nothing else on the line",
}
"""The rules of this module; each turns a block that another rule found into *insufficient*."""


class RetrialResults:
    """The retrials of a journal, held in memory: there are few of them."""

    def __init__(self) -> None:
        self._seen: dict[Spot, dict[Look, Observation]] = {}
        self._silent: Counter[Group] = Counter()
        self._answered: set[Group] = set()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the sentinels among the observations; keep the retrials; drop heartbeats."""
        for observation in observations:
            if observation.role == "retry":
                if not observation.filter_off:
                    self._record(observation)
            elif observation.role in ("must_allow", "must_block"):
                yield observation

    def for_trial(self, trial: Trial) -> dict[Look, Observation]:
        """The retrials of an item, by their kind."""
        return self._seen.get(spot_of(trial.key), {})

    def is_doubted(self, group: Group) -> bool:
        """Whether one of the silences of a group was answered after all."""
        return group in self._answered

    def is_sampled(self, group: Group) -> bool:
        """Whether enough silences of a group stayed silent while heartbeats were answered."""
        return self._silent[group] >= SAMPLE

    def _record(self, observation: Observation) -> None:
        self._seen.setdefault(spot_of(observation.key), {})[observation.look] = observation
        if observation.look != "patience":
            return
        if has_answer(observation):
            self._answered.add(group_of(observation.key))
        elif _shows_life(observation) and is_silent(observation):
            self._silent[group_of(observation.key)] += 1


def require_sign_of_life(trial: Trial, verdict: Verdict) -> Verdict:
    """The verdict; *insufficient* where a block cannot be told from trouble of the line."""
    observation = trial.service
    if verdict.state is not State.BLOCKED or says_blocked(observation):
        return verdict
    if is_silent(observation):
        if observation.look != "first" and _shows_life(observation):
            return verdict
        return _insufficient(verdict, SILENCE_UNCONFIRMED, observation)
    if is_trouble(observation) and not (observation.look == "alone" and _shows_life(observation)):
        return _insufficient(verdict, TROUBLE_UNCONFIRMED, observation)
    return verdict


def require_patience_sample(trial: Trial, verdict: Verdict, retrials: RetrialResults) -> Verdict:
    """The verdict of a confirmed silence; *insufficient* where patience may bring an answer."""
    observation = trial.service
    if verdict.state is not State.BLOCKED or not is_silent(observation):
        return verdict
    group, again = group_of(observation.key), retrials.for_trial(trial).get("patience")
    if again is not None and not (is_silent(again) and _shows_life(again)):
        return _insufficient(verdict, SILENCE_UNCONFIRMED, again)
    if again is not None and (again.tries >= DOUBTED_TURN or not retrials.is_doubted(group)):
        return verdict
    if retrials.is_doubted(group):
        return _insufficient(verdict, SILENCE_DOUBTED, observation)
    if not retrials.is_sampled(group):
        return _insufficient(verdict, SILENCE_UNSAMPLED, observation)
    return verdict


def passed_on_retry(verdict: Verdict, look: Look, state: State) -> Verdict:
    """The verdict of an item that was blocked, and passed when it was tried again.

    It keeps the mechanism of the block, because both were seen.
    """
    return msgspec.structs.replace(
        verdict,
        state=state,
        rule=PASSED_ON_RETRY,
        witnesses=(f"it passed when it was tried again, {LOOK_WORDS[look]}", verdict.without_that),
        claimed_category="",
        first_byte_service=None,
        first_byte_control=None,
    )


def _shows_life(observation: Observation) -> bool:
    return observation.heartbeats is not None and observation.heartbeats.shows_life


def _insufficient(verdict: Verdict, rule: str, observation: Observation) -> Verdict:
    beats = (
        str(observation.heartbeats)
        if observation.heartbeats is not None
        else "no heartbeat was made"
    )
    return verdict.as_insufficient(rule, WORDS[rule], beats)

"""Check the sentinels of each batch; a batch whose sentinels did not behave as agreed is void.

Hosts die and filters are switched off for hours. So a verdict counts only if a must-allow page
arrived and a must-block page did not, before and after the batch, both answered on the control
line. ``UnfilteredProbes`` excuses a probe that a line never filters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.judge.pairing import BatchPath
from harness.model.corpus import AGREED
from harness.model.observation import Observation
from harness.model.outcome import Precondition
from harness.model.plain_twin import Group
from harness.model.probe import EARLIER, Declarations, declared
from harness.model.verdict import State, Trial, Verdict

ORIGIN_ANSWERS = "origin-answers"
SERVICE_REACHABLE = "service-reachable"
AGREED_PAGE_PASSES = "agreed-page-passes"
FILTER_IS_ON = "filter-is-on"
BLOCK_IS_CLEAR = "agreed-block-is-clear"
LIST_PROGRAM_WORKS = "list-program-works"
SENTINELS_PRESENT = "sentinels-present"

LINE_RULES = frozenset({"proxy-unreachable", "proxy-wants-a-name", "resolver-unreachable"})
SILENCE_RULES = frozenset({"silence", "dns-silent", "refused", "unreachable", "resolve-silent"})
"""Rules that say *blocked* of an item; of a must-allow sentinel they show that the line is dead."""

SIDES = (".before", ".after")

NAMED = 5
"""How many void batches a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelCheck:
    """The result of the sentinels of one batch, line, profile and probe.

    ``failed`` names the precondition that failed, or is empty. ``is_excused``: the batch is not
    void, although the filter never looks at what the probe does.
    """

    batch_path: BatchPath
    failed: str
    detail: str
    is_excused: bool = False


def check_sentinels(
    batch_path: BatchPath, judged: Iterable[tuple[Trial, Verdict]], probes: Declarations = EARLIER
) -> SentinelCheck:
    """Compare sentinels with what was agreed; the most serious fault is reported.

    Nothing was agreed for a probe whose verdicts do not count.
    """
    if not declared(probes, batch_path.probe).counts:
        return SentinelCheck(batch_path=batch_path, failed="", detail="")
    found = list(judged)
    faults = [_missing(found)]
    faults += [_fault_of(trial, verdict) for trial, verdict in found]
    for name in (
        SENTINELS_PRESENT, LIST_PROGRAM_WORKS, ORIGIN_ANSWERS, SERVICE_REACHABLE,
        AGREED_PAGE_PASSES, FILTER_IS_ON, BLOCK_IS_CLEAR,
    ):  # fmt: skip
        for fault, detail in faults:
            if fault == name:
                return SentinelCheck(batch_path=batch_path, failed=name, detail=detail)
    return SentinelCheck(batch_path=batch_path, failed="", detail="")


def _missing(found: list[tuple[Trial, Verdict]]) -> tuple[str, str]:
    present = {
        (trial.service.role, side)
        for trial, _ in found
        for side in SIDES
        if trial.key.item.endswith(side)
    }
    for role in ("must_allow", "must_block"):
        for side in SIDES:
            if (role, side) not in present:
                words = f"no {role.replace('_', '-')} sentinel {side[1:]} the batch"
                return SENTINELS_PRESENT, words
    return "", ""


def _fault_of(trial: Trial, verdict: Verdict) -> tuple[str, str]:
    host = trial.service.item.host
    saw = "; ".join(verdict.witnesses)
    if verdict.rule == "list-program-failed":
        return LIST_PROGRAM_WORKS, saw
    if verdict.state is State.DOWN or verdict.rule.startswith(("control-", "instrument-control")):
        return ORIGIN_ANSWERS, f"the origin does not answer for {host} on the control line: {saw}"
    if verdict.rule in LINE_RULES or verdict.rule.startswith(("instrument-", "local-")):
        return SERVICE_REACHABLE, f"the service is not reached: {saw}"
    agreed = State.ALLOWED if trial.service.role == "must_allow" else State.BLOCKED
    if verdict.came if agreed is State.ALLOWED else verdict.state is agreed:
        return _by_another_way(trial, verdict)
    return (
        _not_let_through(verdict, host, saw)
        if agreed is State.ALLOWED
        else _not_blocked(verdict, host, saw)
    )


def _by_another_way(trial: Trial, verdict: Verdict) -> tuple[str, str]:
    """The fault of a sentinel that was blocked by another mechanism than agreed, if any."""
    labels = trial.service.item.labels
    agreed = [label.removeprefix(AGREED) for label in labels if label.startswith(AGREED)]
    if not agreed or verdict.mechanism.value in agreed:
        return "", ""
    host, by = trial.service.item.host, verdict.mechanism.value
    words = f"{host} should have been blocked by {agreed[0]}, but was blocked by {by}"
    return BLOCK_IS_CLEAR, words


def _state_in_words(verdict: Verdict) -> str:
    if verdict.state is State.ALLOWED:
        return "came without being shown"
    is_undecided = verdict.state is State.INSUFFICIENT
    return "could not be decided" if is_undecided else f"was {verdict.state}"


def _not_let_through(verdict: Verdict, host: str, saw: str) -> tuple[str, str]:
    if verdict.rule in SILENCE_RULES:
        return SERVICE_REACHABLE, f"the service does not answer, not even for {host}: {saw}"
    words = f"{host} should have passed, but {_state_in_words(verdict)}: {saw}"
    return AGREED_PAGE_PASSES, f"{words} (the service may answer everything with one page)"


def _not_blocked(verdict: Verdict, host: str, saw: str) -> tuple[str, str]:
    if verdict.state is State.ALLOWED:
        return (
            FILTER_IS_ON,
            f"the filter seems to be off: {host} should have been blocked, but passed",
        )
    return BLOCK_IS_CLEAR, f"{host} should have been blocked, but {_state_in_words(verdict)}: {saw}"


@dataclass(slots=True, kw_only=True)
class _FailedChecks:
    """The checks of one line and profile that failed alike: their number, and the first few."""

    first: SentinelCheck
    courses: int = 0
    numbers: tuple[int, ...] = ()

    def add(self, check: SentinelCheck) -> None:
        """Count one more."""
        self.first = min(self.first, check, key=lambda one: one.batch_path)
        self.courses += 1
        self.numbers = tuple(sorted({*self.numbers, check.batch_path.batch}))[: NAMED + 1]

    def describe(self) -> str:
        """Say what was wrong first, and in which batches."""
        some = ", ".join(map(str, self.numbers[:NAMED])) + (", …" * (len(self.numbers) > NAMED))
        word = "batch" if len(self.numbers) == 1 else "batches"
        return f"{self.first.detail} ({word} {some})"


class SentinelSummary:
    """Sum up the sentinel checks of a journal, in memory that does not grow with their number.

    ``excused`` counts excused checks by line, profile and probe.
    """

    def __init__(self, probes: Declarations = EARLIER) -> None:
        self._probes = probes
        self._failed: dict[tuple[str, str, str], _FailedChecks] = {}
        self._held: dict[tuple[str, str], tuple[BatchPath, int]] = {}
        self.excused: Counter[tuple[str, str, str]] = Counter()

    def count(self, check: SentinelCheck) -> None:
        """Add one check, unless the probe's verdicts do not count."""
        batch_path = check.batch_path
        if not declared(self._probes, batch_path.probe).counts:
            return
        if check.is_excused:
            self.excused[batch_path.line, batch_path.profile, batch_path.probe] += 1
        elif check.failed:
            place = (batch_path.line, batch_path.profile, check.failed)
            self._failed.setdefault(place, _FailedChecks(first=check)).add(check)
        else:
            first, number = self._held.get((batch_path.line, batch_path.profile), (batch_path, 0))
            self._held[batch_path.line, batch_path.profile] = min(first, batch_path), number + 1

    @property
    def preconditions(self) -> tuple[Precondition, ...]:
        """One for each failed name of each line and profile; one that held, if any check did."""
        broken = [
            Precondition(
                name=name, line=line, profile=profile, held=False,
                detail=fault.describe(), batches=fault.courses,
            )
            for (line, profile, name), fault in sorted(
                self._failed.items(), key=lambda one: one[1].first.batch_path
            )
        ]  # fmt: skip
        kept = [
            Precondition(
                name="sentinels", line=line, profile=profile, held=True,
                detail=f"{number} {'batch' if number == 1 else 'batches'} held between sentinels",
                batches=number,
            )
            for (line, profile), (_, number) in sorted(
                self._held.items(), key=lambda one: one[1][0]
            )
        ]  # fmt: skip
        return (*broken, *kept)


def missing_sentinels_check(batch_path: BatchPath) -> SentinelCheck:
    """The check of items that were measured without sentinels."""
    return SentinelCheck(
        batch_path=batch_path,
        failed=SENTINELS_PRESENT,
        detail="no sentinels were measured with the items",
    )


NOT_FILTERED = "not-filtered-by-this-probe"

LEARNABLE_RULES = frozenset(
    {
        "tunnel-trouble",
        "token-missing-server-error",
        "dns-servfail",
        "dns-address-unknown",
        "failure-unclear",
        "sealed-notice-unknown",
        "resolve-trouble",
        "page-not-recognised",
        "notice-beside-content",
        "page-unlike",
        "frame-not-followed",
        "redirect-not-followed",
        "private-redirect",
        "private-address",
        "dns-inner-unvisited",
    }
)
"""Rules that say *insufficient* of an item; of a must-block sentinel, they show how the supplier
blocks."""


class UnfilteredProbes:
    """Find probes that a line never filters, from the must-block sentinels of a whole journal."""

    def __init__(self, probes: Declarations = EARLIER) -> None:
        self._probes = probes
        self._passed: dict[Group, int] = {}
        self._stopped: dict[Group, int] = {}
        self._unclear: set[Group] = set()

    def count(self, batch_path: BatchPath, judged: Iterable[tuple[Observation, Verdict]]) -> None:
        """Add the sentinels of one batch, line, profile and probe.

        A program that is asked may have ignored the line, which shows nothing of the line.
        """
        place = Group(batch_path.line, batch_path.profile, batch_path.probe)
        declaration = declared(self._probes, place.probe)
        if not declaration.counts or declaration.needs == "connection":
            return
        for seen, verdict in judged:
            if seen.role == "must_allow":
                if not verdict.came:
                    self._unclear.add(place)
            elif verdict.state is State.ALLOWED:
                self._passed[place] = self._passed.get(place, 0) + 1
            elif shows_how_it_blocks(verdict):
                self._stopped[place] = self._stopped.get(place, 0) + 1
            else:
                self._unclear.add(place)

    def excused(self, check: SentinelCheck) -> SentinelCheck:
        """Return the check, excused if the line filters other probes but never this one."""
        batch_path = check.batch_path
        place = Group(batch_path.line, batch_path.profile, batch_path.probe)
        if check.failed != FILTER_IS_ON or not self._is_unfiltered(place):
            return check
        return SentinelCheck(batch_path=batch_path, failed="", detail="", is_excused=True)

    def preconditions(
        self, excused: Mapping[tuple[str, str, str], int]
    ) -> tuple[Precondition, ...]:
        """One for each probe that a line does not filter; it held, because no batch is void.

        ``excused`` are the numbers of batches by line, profile and probe.
        """
        return tuple(
            Precondition(
                name=NOT_FILTERED, line=place.line, profile=place.profile, held=True,
                detail=f"{place.probe} is not filtered, not even for must-block sentinels; "
                f"{', '.join(self._filtered_beside(place))} is filtered on this line",
                batches=excused.get(place, 0),
            )
            for place in sorted(self._passed)
            if self._is_unfiltered(place)
        )  # fmt: skip

    def _is_unfiltered(self, place: Group) -> bool:
        never = place in self._passed and place not in self._stopped
        return never and place not in self._unclear and bool(self._filtered_beside(place))

    def _filtered_beside(self, place: Group) -> list[str]:
        """The other probes on the same line whose must-block sentinels were always stopped."""
        return sorted(
            other.probe
            for other in self._stopped
            if (other.line, other.profile) == (place.line, place.profile)
            and other not in self._passed
            and other not in self._unclear
        )


def shows_how_it_blocks(verdict: Verdict) -> bool:
    """Whether a must-block sentinel was stopped by something other than trouble of our own."""
    if verdict.state is State.BLOCKED:
        return True
    return verdict.state is State.INSUFFICIENT and verdict.rule in LEARNABLE_RULES

"""Compares the verdicts of a journal with the origin's log and the product's own log, both ways.

The origin logs the nonce of each request. What an attempt on the control line visited is what an
attempt over the product must visit, for its content to have come. A verdict of an item for which the
control visited nothing can rest on nothing, so it contradicts the log. Otherwise:

- what is judged as delivered was visited as a whole;
- what was visited as a whole is judged as delivered, with these exceptions: the product says in its
  own log that it withheld the answer (it reads content, or scans files, after it has fetched
  them), or the origin said in signed words that the search came locked (``safe_mode``).

Questions by name carry no nonce, so their verdicts are compared with the names on the lists of the
product, which it refuses or answers with another address. An undecided verdict contradicts nothing;
it is counted. So is a connection that was cut off by a product that ends now and then, and is
started again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from harness.judge.judge import judge
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.plain_twin import ROUNDS
from harness.model.verdict import DELIVERED, Mechanism, State, Verdict
from harness.store.journal.journal import open_journal
from probes.range.arrival_log import Arrival


class Visit(NamedTuple):
    """A place on the origin that a request reached."""

    over: str
    method: str
    host: str
    path: str

    def covers(self, wanted: Visit) -> bool:
        """Whether this is the wanted visit; a product may change the query, as locks of engines."""
        path, wanted_path = self.path.partition("?")[0], wanted.path.partition("?")[0]
        return (self[:3], path) == (wanted[:3], wanted_path)


Withheld = Callable[[Visit, str], bool]
"""Whether the product's own log says that it withheld what it fetched from a place for a group."""


Refused = Callable[[str, str], bool]
"""Whether a list of the product for a group says that it refuses a name, or answers another."""


@dataclass(slots=True, kw_only=True)
class Agreement:
    """How many verdicts agree with the logs, by what they rest on, and those that do not."""

    agreed: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    contradicted: list[str] = field(default_factory=list)
    verdicts: tuple[Verdict, ...] = ()


CUT_OFF = frozenset({Mechanism.TCP_EOF, Mechanism.TCP_RESET, Mechanism.TCP_REFUSED})
"""How a connection looks when the product that carries it ends."""

ASKED_BY_NAME = ("dns", "dns_aaaa", "dns_https")
"""Probes whose questions carry no nonce."""


def compare(
    journal: Path,
    arrivals: Iterable[Arrival],
    withheld: Withheld,
    refused: Refused,
    *,
    may_end: bool = False,
) -> Agreement:
    """Compare a journal with the arrivals at the origin, and with what a product says."""
    opened = open_journal(journal)
    try:
        observations = tuple(opened.observations())
    finally:
        opened.close()
    verdicts = judge(observations).verdicts
    return compare_verdicts(verdicts, observations, arrivals, withheld, refused, may_end=may_end)


def compare_verdicts(
    verdicts: Iterable[Verdict],
    observations: Iterable[Observation],
    arrivals: Iterable[Arrival],
    withheld: Withheld,
    refused: Refused,
    *,
    may_end: bool = False,
) -> Agreement:
    """Compare verdicts with the arrivals at the origin, and with what a product says.

    ``may_end``: the product ends now and then, which cuts connections off.
    """
    observations, arrivals = tuple(observations), tuple(arrivals)
    visits = _visits(observations, arrivals)
    found = Agreement(verdicts=tuple(verdicts))
    for verdict in found.verdicts:
        if may_end and verdict.mechanism in CUT_OFF:
            found.undecided[f"{verdict.state} by {verdict.rule}, cut off"] += 1
        elif verdict.key.probe in ASKED_BY_NAME:
            _compare_name(verdict, refused, found)
        else:
            _compare(verdict, visits, withheld, found, may_end=may_end)
    nonces = {one.nonce for one in arrivals}
    for seen in observations:
        if seen.role != "user":
            continue
        if may_end and seen.failure is not None:
            found.undecided[f"a user's request, {seen.failure.name}"] += 1
        else:
            _compare_user(seen, nonces, found)
    return found


def _compare_user(seen: Observation, nonces: Collection[str], found: Agreement) -> None:
    """Compare the request of a user beside others: its page is seen if it reached the origin."""
    has_content = getattr(seen.facts, "canary", "") == "seen"
    if has_content is (seen.nonce in nonces):
        found.agreed["users at the same time, as they reached the origin"] += 1
    else:
        came = seen.facts or seen.failure
        found.contradicted.append(f"user {seen.key.profile}, {seen.key.item}: {came}")


Visits = dict[AttemptKey, frozenset[Visit]]


def _visits(observations: Iterable[Observation], arrivals: Iterable[Arrival]) -> Visits:
    """What the attempts of each key visited; an item that was tried again has several nonces."""
    by_nonce: defaultdict[str, set[Visit]] = defaultdict(set)
    for one in arrivals:
        if one.nonce and one.over != "dns":
            by_nonce[one.nonce].add(Visit(one.over, one.method, one.host, one.path))
    by_key: defaultdict[AttemptKey, set[Visit]] = defaultdict(set)
    for seen in observations:
        if seen.role in ("item", "retry") and seen.nonce:
            by_key[_trial_of(seen.key)] |= by_nonce.get(seen.nonce, set())
    return {key: frozenset(visited) for key, visited in by_key.items()}


def _trial_of(key: AttemptKey) -> AttemptKey:
    """The key of the attempt that this one may try again; a repeated batch has keys of its own."""
    return replace(key, round=key.round % min(ROUNDS.values()))


def _compare_name(verdict: Verdict, refused: Refused, found: Agreement) -> None:
    is_refused = refused(verdict.item.host, verdict.key.profile)
    if verdict.state in (State.BLOCKED, State.ALLOWED):
        if (verdict.state is State.BLOCKED) is is_refused:
            found.agreed["answered by name, as its lists say"] += 1
        else:
            listed = "on a list" if is_refused else "on no list"
            found.contradicted.append(f"{_words(verdict)}; the name is {listed} of the product")
    else:
        found.undecided[f"{verdict.state} by {verdict.rule}, a name"] += 1


def _words(verdict: Verdict) -> str:
    which = f"{verdict.key.probe} {verdict.item.id} for {verdict.key.profile}"
    return f"{which}: {verdict.state} by {verdict.rule} ({verdict.mechanism})"


WITHOUT_CONTENT = "file-without-content"
"""The rule of a request that arrived, but not what it should transfer, such as a message."""


def _compare(
    verdict: Verdict, visits: Visits, withheld: Withheld, found: Agreement, *, may_end: bool
) -> None:
    key = _trial_of(verdict.key)
    wanted = visits.get(key.on(CONTROL), frozenset())
    visited = visits.get(key, frozenset())
    came = all(any(one.covers(each) for one in visited) for each in wanted)
    is_withheld = bool(visited) and any(
        withheld(visit, verdict.key.profile) for visit in visited | wanted
    )
    words = _words(verdict)
    if not wanted and verdict.state in (*DELIVERED, State.BLOCKED):
        found.contradicted.append(f"{words}; the control visited nothing")
    elif verdict.rule == WITHOUT_CONTENT and visited and not came:
        found.agreed["altered, and only a part arrived"] += 1
    elif verdict.state in DELIVERED:
        # An unstable product withholds a page once, and lets it pass when it is tried again.
        if not came or (is_withheld and not may_end):
            why = "withheld, says the product" if is_withheld else f"visited {sorted(visited)}"
            found.contradicted.append(f"{words}; {why}, of {sorted(wanted)}")
        else:
            found.agreed["arrived, and was asked for"] += 1
    elif verdict.state is State.BLOCKED:
        if not came:
            found.agreed["blocked, and never asked for"] += 1
        elif is_withheld:
            found.agreed["blocked, and withheld by the product"] += 1
        elif verdict.mechanism is Mechanism.SAFE_MODE:
            found.agreed["locked, as the origin said"] += 1
        else:
            found.contradicted.append(f"{words}; but visited {sorted(visited)}")
    else:
        state = "came" if came else "did not come"
        found.undecided[f"{verdict.state} by {verdict.rule}, {state}"] += 1

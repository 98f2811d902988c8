"""Compares attempts of a journal with the origin's log, in both directions.

The origin logs the nonce of each request. A page came if and only if the request with the nonce of
that attempt is in the log, with exceptions that have names: the request arrived, and its answer was
stopped on the way back; or it reached the page of another host.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.model.facts import WebFacts
from harness.model.observation import Observation
from probes.range.arrival_log import Arrival

STOPPED_ON_THE_WAY_BACK = "the request arrived, and its answer was stopped on the way back"
OTHER_HOST = "the request arrived, but for the page of another host"


@dataclass(slots=True)
class LogCheck:
    """How many attempts agree with the log, the exceptions by name, and what contradicts it."""

    agreed: Counter[str] = field(default_factory=Counter)
    exceptions: Counter[str] = field(default_factory=Counter)
    contradicted: list[str] = field(default_factory=list)


def page_came(seen: Observation) -> bool:
    """Whether the token of an attempt's page came."""
    return isinstance(seen.facts, WebFacts) and seen.facts.canary == "seen"


def compare_with_log(observations: Iterable[Observation], arrivals: Iterable[Arrival]) -> LogCheck:
    """Compare all attempts of items that fetch a page."""
    hosts: defaultdict[str, set[str]] = defaultdict(set)
    for arrival in arrivals:
        if arrival.nonce:
            hosts[arrival.nonce].add(arrival.host.lower())
    check = LogCheck()
    for seen in observations:
        if seen.role == "item" and isinstance(seen.facts, WebFacts) and seen.nonce:
            _compare(seen, hosts.get(seen.nonce, set()), check)
    return check


def _compare(seen: Observation, reached: set[str], check: LogCheck) -> None:
    came, key = page_came(seen), seen.key
    if came == bool(reached):
        check.agreed["came" if came else "did not come"] += 1
        return
    where = f"{key.line} {key.probe} {key.item}"
    if came:
        check.contradicted.append(f"{where}: the page came, and the origin had no such request")
    elif seen.failure is not None:
        check.exceptions[f"{where}: {STOPPED_ON_THE_WAY_BACK}"] += 1
    elif not any(host.startswith(seen.item.host) for host in reached):
        check.exceptions[f"{where}: {OTHER_HOST}"] += 1
    else:
        check.contradicted.append(f"{where}: the request arrived, and the page did not come")

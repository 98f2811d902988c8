"""Faults of the reference filter's own record: what they change in an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote_plus

from probes.range.access_entry import AccessEntry, ResultCode
from probes.range.faults import HOLDING_KINDS, Fault, FaultKind
from probes.range.search_service import QUERY_NAMES

SEARCH_NAMES = frozenset(
    {*QUERY_NAMES, "query", "search", "search_query", "p", "text", "term", "wd", "keyword"}
)
"""Parameters of a URL whose values LOG_NO_SEARCH_TERMS removes."""

MUST_SIGN_IN = 407


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """How many seconds a line is held back, and whether a restart loses it meanwhile."""

    seconds: float = 0.0
    is_lost_at_restart: bool = False


def changed_entry(entry: AccessEntry, faults: Iterable[Fault], repeat: int) -> AccessEntry | None:
    """Return an entry as faults have it recorded; None if they leave it out.

    ``repeat`` is how many equal requests there were before.
    """
    active = tuple(faults)
    if any(_leaves_out(fault, entry, repeat) for fault in active):
        return None
    recorded = entry
    for fault in active:
        change = _CHANGES.get(fault.kind)
        if change is not None and fault.chooses(*entry.request, str(repeat)):
            recorded = change(recorded, fault)
    return recorded


def hold_of(faults: Iterable[Fault]) -> Hold:
    """Return how long faults hold a line back."""
    holding = [fault for fault in faults if fault.kind in HOLDING_KINDS]
    return Hold(
        seconds=max((fault.seconds for fault in holding), default=0.0),
        is_lost_at_restart=any(fault.kind is FaultKind.LOG_LOST_AT_RESTART for fault in holding),
    )


def _leaves_out(fault: Fault, entry: AccessEntry, repeat: int) -> bool:
    match fault.kind:
        case FaultKind.LOG_DROPPED:
            return fault.chooses(*entry.request, str(repeat))
        case FaultKind.LOG_ONLY_MARKED:
            return not entry.is_marked
        case FaultKind.LOG_NO_BLOCKS:
            return entry.code is ResultCode.DENIED and entry.status != MUST_SIGN_IN
    return False


def without_query(url: str) -> str:
    """Return a URL up to its question mark, as with Squid's ``strip_query_terms``."""
    before, mark, _ = url.partition("?")
    return before + mark


def without_search_terms(url: str) -> str:
    """Return a URL without the values of the parameters that hold a search."""
    before, mark, query = url.partition("?")
    return before + mark + "&".join(map(_without_term, query.split("&")))


def _without_term(pair: str) -> str:
    name, sign, _ = pair.partition("=")
    return name + sign if unquote_plus(name).lower() in SEARCH_NAMES else pair


_CHANGES: dict[FaultKind, Callable[[AccessEntry, Fault], AccessEntry]] = {
    FaultKind.LOG_CLOCK: lambda entry, fault: replace(entry, at=entry.at + fault.seconds),
    FaultKind.LOG_WRONG_USER: lambda entry, fault: replace(entry, user=fault.user),
    FaultKind.LOG_NO_USER: lambda entry, _: replace(entry, user=""),
    FaultKind.LOG_NO_CLIENT: lambda entry, _: replace(entry, client=""),
    FaultKind.LOG_SECRETS: lambda entry, _: replace(entry, appended=entry.secrets),
    FaultKind.LOG_NO_QUERIES: lambda entry, _: replace(entry, url=without_query(entry.url)),
    FaultKind.LOG_NO_SEARCH_TERMS: lambda entry, _: replace(
        entry, url=without_search_terms(entry.url)
    ),
}

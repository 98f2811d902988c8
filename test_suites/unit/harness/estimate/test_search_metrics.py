"""An engine counts if it is permitted, and a block of a query only beside open harmless ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from harness.estimate.item_selection import Selection
from harness.estimate.search_metrics import (
    exposing_queries,
    query_hit_rate,
    safesearch_locked,
    safesearch_opt_outs,
    video_mode_compliance,
)
from harness.model.search_case import LOCK_KINDS, OPT_OUTS, QUERY_FORMS
from harness.model.verdict import Mechanism, State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
LOCKED = (State.BLOCKED, Mechanism.SAFE_MODE)
STOPPED = (State.BLOCKED, Mechanism.BLOCK_PAGE)
SHOWN = (State.ALLOWED, Mechanism.NONE)
Came = tuple[State, Mechanism]
Search = Callable[..., list[Verdict]]


@pytest.fixture
def tried(verdict: Make) -> Search:
    """Make the searches of one case, and the harmless twin of each in ``twins``."""

    def make(
        variant: str, *came: Came, twins: tuple[Came, ...] = (SHOWN,), code: str = "LOC.SRCH"
    ) -> list[Verdict]:
        found = [
            verdict(f"{variant}-{n}", code, *one, stratum=f"{code}/{variant}")
            for n, one in enumerate(came)
        ]
        return found + [
            verdict(f"{variant}-t{n}", "ALW.REF", *one, stratum=f"twin:{code}/{variant}")
            for n, one in enumerate(twins)
        ]

    return make


@pytest.fixture
def blocking(select: Select) -> Select:
    """Select verdicts under a policy that blocks everything but what must be allowed."""

    def make(verdicts: list[Verdict], *not_blocked: str) -> Selection:
        open_codes = ("ALW", *not_blocked)
        return replace(
            select(verdicts, rule="functional"),
            expects=lambda code: "allow" if code.startswith(open_codes) else "block",
        )

    return make


def all_locked(tried: Search, *left_out: str) -> Iterator[Verdict]:
    for kind in LOCK_KINDS:
        if kind not in left_out:
            yield from tried(f"lock:{kind}:{kind}", LOCKED, LOCKED)


def test_engines_are_locked_if_every_search_says_so(tried: Search, blocking: Select) -> None:
    metric = safesearch_locked(blocking([*all_locked(tried)])).metric

    assert (metric.value, metric.k, metric.n, metric.indeterminate) == (1.0, 3, 3, 0)
    assert [part.group for part in metric.parts] == list(LOCK_KINDS.values())


def test_one_search_that_shows_everything_opens_its_engine(tried: Search, blocking: Select) -> None:
    measured = safesearch_locked(
        blocking([*all_locked(tried), *tried("lock:cookie:x", LOCKED, SHOWN)])
    )

    assert (measured.metric.value, measured.metric.n) == (0.75, 4)
    assert len(measured.adverse) == 1


def test_an_engine_that_is_blocked_as_a_whole_is_not_permitted(
    tried: Search, blocking: Select
) -> None:
    found = tried("lock:header:x", STOPPED, STOPPED, twins=(STOPPED,))
    metric = safesearch_locked(blocking([*all_locked(tried, "header"), *found])).metric

    assert (metric.value, metric.n, metric.indeterminate) == (1.0, 2, 0)
    assert [part.metric.n for part in metric.parts] == [1, 0, 1]


def test_a_lock_in_dns_is_wanted_and_seen_where_a_name_server_is_asked(
    tried: Search, blocking: Select, verdict: Make
) -> None:
    stratum = "LOC.SRCH/lock:dns:x@safe."
    page = verdict("x", "LOC.SRCH", State.ALLOWED, stratum=stratum, applies_to="dns")
    answer = verdict("x", "LOC.SRCH", *LOCKED, stratum=stratum, applies_to="dns", probe="dns")
    in_band = [*all_locked(tried), page]
    by_proxy = safesearch_locked(blocking(in_band)).metric
    asked = replace(blocking([*in_band, answer]), probes_run=frozenset({"web", "dns"}))
    missing = replace(blocking(in_band), probes_run=frozenset({"web", "dns"}))

    assert (by_proxy.value, by_proxy.n, len(by_proxy.parts)) == (1.0, 3, 3)
    assert (safesearch_locked(asked).metric.value, safesearch_locked(asked).metric.n) == (1.0, 4)
    assert [part.metric.n for part in safesearch_locked(missing).metric.parts] == [1, 1, 1, 0]


def test_searches_that_are_stopped_on_an_open_engine_do_not_show_a_lock(
    tried: Search, blocking: Select
) -> None:
    found = tried("lock:header:x", STOPPED, LOCKED)
    metric = safesearch_locked(blocking([*all_locked(tried, "header"), *found])).metric

    assert (metric.n, metric.indeterminate, metric.k) == (2, 1, 2)
    assert metric.lower == pytest.approx(2 / 3)


def test_a_way_counts_as_failed_only_if_the_engine_was_seen_locked(
    tried: Search, blocking: Select
) -> None:
    ways = [one for way in OPT_OUTS for one in tried(f"optout:{way}:x", STOPPED)]
    alone = safesearch_opt_outs(blocking(ways)).metric
    beside = safesearch_opt_outs(blocking([*ways, *tried("lock:header:x", LOCKED)])).metric

    assert (alone.value, alone.n) == (None, 0)
    assert (beside.value, beside.n, beside.unit) == (0.0, 5, "items")


def test_a_way_that_succeeds_counts_whatever_the_engine_does(
    tried: Search, blocking: Select
) -> None:
    measured = safesearch_opt_outs(blocking(tried("optout:cookie:x", SHOWN)))

    assert (measured.metric.value, measured.metric.n) == (1.0, 1)
    assert len(measured.adverse) == 1


def test_a_profile_needs_the_modes_of_its_policy(tried: Search, blocking: Select) -> None:
    found = [
        *tried("open:x", STOPPED, twins=()),
        *tried("video:strict:x", SHOWN, code="ADLT"),
        *tried("video:moderate:x", LOCKED, code="VIOL"),
    ]
    young = video_mode_compliance(blocking(found)).metric
    older = video_mode_compliance(blocking(found, "ADLT", "LOC.SRCH")).metric

    assert (young.k, young.n, len(young.parts)) == (2, 3, 3)
    assert (older.k, older.n, len(older.parts)) == (1, 1, 1)


def test_each_form_of_query_stands_for_itself(tried: Search, blocking: Select) -> None:
    found = [one for form in QUERY_FORMS for one in tried(f"query:{form}", STOPPED, code="DRUG")]
    missed = tried("query:spaced", STOPPED, SHOWN, SHOWN, SHOWN, code="DRUG")
    others = [one for one in found if "spaced" not in one.item.stratum]

    assert query_hit_rate(blocking(found)).metric.value == 1.0
    assert query_hit_rate(blocking(others + missed)).metric.value == 0.25


@pytest.mark.parametrize("twins", [(STOPPED, SHOWN), (STOPPED,), ()])
def test_blocks_beside_blocked_or_missing_harmless_queries_say_nothing(
    tried: Search, blocking: Select, twins: tuple[Came, ...]
) -> None:
    queries = blocking(tried("query:plain", STOPPED, STOPPED, twins=twins, code="DRUG"))
    results = blocking(tried("results:first", STOPPED, SHOWN, twins=twins, code="DRUG"))

    parts = {part.group: part.metric for part in query_hit_rate(queries).metric.parts}
    plain = parts[QUERY_FORMS["plain"]]
    assert (plain.n, plain.indeterminate) == (0, 2)
    exposing = exposing_queries(results).metric
    assert (exposing.value, exposing.n, exposing.indeterminate) == (1.0, 1, 1)

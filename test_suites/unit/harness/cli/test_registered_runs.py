"""Registered campaigns as the registry holds them, in any order of tries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.cli.registered_runs import RegisteredRun, earlier_than, registration_of
from harness.cli.registration_bars import _of_earlier
from harness.model.registration_event import (
    CampaignConcluded,
    CampaignRegistered,
    CampaignStarted,
    CampaignStopped,
)

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def run_named(
    number: int,
    *,
    version: str = "2.1",
    service: str = "Safe Net",
    scheme: str = "s",
    complete: bool | None = True,
    conformity: str = "",
) -> RegisteredRun:
    """A campaign ``try-N``; ``complete`` None: it was killed."""
    named: dict[str, Any] = {
        "campaign": f"try-{number}", "run": f"run-{number}", "actor": "Ann",
        "at": AT + timedelta(hours=number),
    }  # fmt: skip
    begun = CampaignRegistered(
        service=service, scheme=scheme, scheme_version="1", corpora=("p 1 x",),
        items=30, seed_commitment="c", version=version, **named,
    )  # fmt: skip
    stops = (
        ()
        if complete is None
        else (CampaignStopped(held=57, head="h", complete=complete, **named),)
    )
    ends = (
        (CampaignConcluded(scheme=scheme, scheme_version="1", conformity=conformity,
                           journal=f"h{number}", **named),)
        if conformity else ()
    )  # fmt: skip
    return RegisteredRun(begun, (CampaignStarted(held=0, **named),), stops, ends)


RUNS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    version=st.sampled_from(["", "2.1", "2.2"]),
    service=st.sampled_from(["Safe Net", "safe  net", "Other"]),
    scheme=st.sampled_from(["s", "t"]),
    complete=st.sampled_from([True, False, None]),
    conformity=st.sampled_from(["", "conforms", "does-not-conform", "insufficient"]),
)


def test_how_a_campaign_ended() -> None:
    assert run_named(1, complete=None).end == "was stopped, and nothing says where"
    assert run_named(1, complete=False).end == "was stopped after 57 observations"
    assert run_named(1).end == "was not concluded"
    assert run_named(1, conformity="does-not-conform").end == "did not conform"
    assert run_named(1, conformity="conforms").end == "conformed"


def test_a_campaign_without_a_version_counts_for_every_version() -> None:
    tried = [run_named(1, version=""), run_named(2, version="2.0"), run_named(3)]

    assert [one.begun.campaign for one in earlier_than(tried[2], tried)] == ["try-1"]
    assert earlier_than(tried[1], tried) == (tried[0],)


@given(st.lists(RUNS, min_size=1, max_size=12))
def test_every_earlier_try_of_the_same_thing_counts_once(given: list[dict[str, Any]]) -> None:
    tried = [run_named(number, **each) for number, each in enumerate(given)]
    last = tried[-1].begun
    found = registration_of(tried[-1], tried)
    expected = [
        one.begun.campaign
        for one in tried[:-1]
        if one.begun.scheme == last.scheme
        and one.begun.service.replace(" ", "").casefold()
        == last.service.replace(" ", "").casefold()
        and one.begun.version in ("", last.version)
    ]

    assert [one.campaign for one in found.earlier] == expected
    assert found.number == len(expected) + 1


@given(st.lists(RUNS, max_size=8), st.sets(st.integers(0, 7)))
def test_a_complete_try_that_failed_bars_until_it_is_followed(
    given: list[dict[str, Any]], followed: Iterable[int]
) -> None:
    tried = tuple(run_named(number, **each) for number, each in enumerate(given))
    heads = frozenset(f"h{number}" for number in followed)
    open_ones = [
        one for number, one in enumerate(tried)
        if one.is_complete
        and (one.end == "was not concluded"
             or (one.end == "did not conform" and f"h{number}" not in heads))
    ]  # fmt: skip

    said = list(_of_earlier(tried, heads))

    assert bool(said) == bool(open_ones)
    assert len(said) == len({one.end for one in open_ones})


def test_nothing_is_said_without_a_registration() -> None:
    assert registration_of(None, ()).number == 0

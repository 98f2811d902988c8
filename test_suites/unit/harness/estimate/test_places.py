"""Every line for every profile is a place, with its own preconditions and twins."""

from __future__ import annotations

from collections.abc import Callable

from harness.estimate.item_selection import Sources
from harness.estimate.profiles import line_profiles_of
from harness.model.outcome import Precondition
from harness.model.plain_twin import TwinPair
from harness.model.verdict import Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold

Make = Callable[..., Verdict]
SOURCES = Sources(packs={})


def twin(line: str, profile: str) -> TwinPair:
    return TwinPair(
        item="i", category="DRUG", line=line, profile=profile, probe="web", tested="", plain=""
    )


def test_a_profile_that_saw_nothing_is_a_place(verdict: Make) -> None:
    found = line_profiles_of(
        MemoryFold([verdict("a")]), {"ks2": "ks2", "staff": "staff"}, (), SOURCES, ()
    )

    assert [("proxy", "ks2"), ("proxy", "staff")] == [(one.line, one.profile) for one in found]
    assert found[0].same_line == found
    assert not found[1].results.categories


def test_without_a_line_there_is_one_place_a_profile(verdict: Make) -> None:
    del verdict
    (one,) = line_profiles_of(MemoryFold([]), {"ks2": "ks2"}, (), SOURCES, ())

    assert one.line == "none"


def test_preconditions_and_twins_are_those_of_the_place(verdict: Make) -> None:
    verdicts = [verdict("a"), verdict("a", line="other")]
    said = [
        Precondition(name=name, line=line, profile="ks2", held=True, detail="")
        for name, line in (("here", "proxy"), ("there", "other"), ("all", "*"))
    ]
    twins = (twin("proxy", "ks2"), twin("proxy", "ks4"), twin("other", "ks2"))

    other, proxy = line_profiles_of(
        MemoryFold(verdicts), {"ks2": "ks2"}, tuple(said), SOURCES, twins
    )

    assert ["here", "all"] == [one.name for one in proxy.preconditions]
    assert ["there", "all"] == [one.name for one in other.preconditions]
    assert (twins[0],) == proxy.twins

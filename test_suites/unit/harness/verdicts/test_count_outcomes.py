"""The fold on disk counts what a fold in memory counts, item by item, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.model.corpus import Item
from harness.model.observation import AttemptKey
from harness.model.outcome_group import SHOWN, Adverse, Counts
from harness.model.verdict import BRACKET_FAILED, Mechanism, State, Verdict
from harness.model.verdict_basis import VerdictBasis
from harness.verdicts import count_outcomes
from harness.verdicts.cached_verdicts import StoredVerdicts
from harness.verdicts.count_outcomes import count_verdicts
from test_suites.kit.campaigns.memory_fold import MemoryFold

NOTHING = VerdictBasis(observations=0, rules_version="1", preconditions=())
ITEMS = [
    Item(
        id=f"i{n}",
        value=f"http://d{n // 3}.test/{n}",
        labels=(("DRUG", "ALW.EDU", "CTRL")[n % 3],),
        registrable=f"d{n // 3}.test" if n < 7 else "",
        stratum=("", "head", "ALW/viewpoint:for", "ALW/viewpoint:against")[n % 4],
        pair_id=f"pair {n // 4}",
        lang=("", "cy")[n // 5],
        phases=(("*",), ("ks2", "ks3"))[n % 4 == 3],
        applies_to=("any", "url")[n % 3 == 1],
        pack=("", "one 1", "two 2")[n % 3],
        weight=(1.0, 2.5)[n % 4 == 1],
    )
    for n in range(9)
]
TIMES = st.sampled_from((None, 0.1, 0.125, 0.3, 1.7))


@st.composite
def _verdicts(draw: st.DrawFn) -> Verdict:
    item = draw(st.sampled_from(ITEMS))
    is_void = draw(st.integers(0, 5)) == 0
    state = State.INSUFFICIENT if is_void else draw(st.sampled_from(list(State)))
    blocked = st.sampled_from((Mechanism.BLOCK_PAGE, Mechanism.TCP_RESET))
    return Verdict(
        key=AttemptKey(
            campaign="c",
            item=item.id,
            probe=draw(st.sampled_from(("web", "web_https", "dns", "dns_https"))),
            line=draw(st.sampled_from(("proxy", "dns"))),
            profile=draw(st.sampled_from(("pupils", "staff"))),
            round=draw(st.sampled_from((1, 2, 1001))),
        ),
        item=item,
        state=state,
        rule=BRACKET_FAILED if is_void else draw(st.sampled_from(("page-learned", "reached"))),
        rules_version="1",
        mechanism=draw(blocked) if state is State.BLOCKED else Mechanism.NONE,
        witnesses=tuple(draw(st.lists(st.text(max_size=5), max_size=2))),
        first_byte_service=draw(TIMES),
        first_byte_control=draw(TIMES),
        flaws=draw(st.sampled_from((None, 0, 1, 6))),
    )


@contextmanager
def _folded(verdicts: list[Verdict], folder: Path) -> Iterator[StoredVerdicts]:
    target = folder / "told"
    with closing(StoredVerdicts(target, count_verdicts(verdicts, target), NOTHING)) as stored:
        yield stored


def _counted(verdicts: list[Verdict], folder: Path) -> Counts:
    return count_verdicts(verdicts, folder / "told")


@given(st.lists(_verdicts(), max_size=60))
@settings(max_examples=30, deadline=None)
def test_both_folds_are_equal_whatever_was_found(verdicts: list[Verdict]) -> None:
    memory = MemoryFold(verdicts)
    with TemporaryDirectory() as name, _folded(verdicts, Path(name)) as disk:
        assert memory.counts == disk.counts
        adverse = [
            Adverse(group.number, one.profile, one.state, (one.probe,))
            for group in memory.counts.groups
            for one in group.probe_states
            if group.number % 2 or one.state is State.ALLOWED
        ]
        assert memory.witnesses(adverse) == disk.witnesses(adverse)
        for line, profile, probe in memory.counts.probes:
            groups = [group.number for group in memory.counts.groups if group.line == line]
            asked = groups[::2], profile, probe
            assert memory.in_order(*asked[:2]) == disk.in_order(*asked[:2])
            assert memory.overheads(*asked) == disk.overheads(*asked)
            assert memory.first_pairs(*asked, 2) == disk.first_pairs(*asked, 2)


def test_nothing_is_folded_into_nothing(tmp_path: Path) -> None:
    with _folded([], tmp_path) as disk:
        assert disk.counts == MemoryFold([]).counts
        assert disk.witnesses([]) == ()


def test_fates_are_numbered_in_the_order_in_which_each_was_first_met(tmp_path: Path) -> None:
    """The first fate is met again after the second: what matters is where each began."""
    states = (State.ALLOWED, State.BLOCKED, State.ALLOWED)
    verdicts = [one for n, state in enumerate(states) for one in _alike(n + 1, state)[n:]]

    groups = _counted(verdicts, tmp_path).groups

    assert [(0, State.ALLOWED), (1, State.BLOCKED)] == [
        (group.number, group.probe_states[0].state) for group in groups
    ]
    assert groups == MemoryFold(verdicts).counts.groups


def _alike(count: int, state: State = State.ALLOWED) -> list[Verdict]:
    return [
        Verdict(
            key=AttemptKey(campaign="c", item=f"i{n}", probe="web", line="proxy", profile="ks2"),
            item=Item(id=f"i{n}", value=f"i{n}.test", labels=("DRUG",)),
            state=state,
            rule="reached",
            rules_version="1",
            first_byte_service=n / count,
            first_byte_control=0.1,
        )
        for n in range(count)
    ]


def test_many_items_that_fared_alike_are_one_fate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_outcomes, "CHUNK", 70)
    with _folded(_alike(500), tmp_path) as disk:
        (group,) = disk.counts.groups

        assert group.items == 500
        assert disk.counts.domains == {"proxy": [(((0, 1),), 500)]}
        told = disk.witnesses([Adverse(0, "ks2", State.ALLOWED, ("web",))])
        assert [one.item for one in told] == [f"i{n}" for n in range(500)]


def test_of_very_many_times_some_are_kept_evenly(tmp_path: Path) -> None:
    times = _counted(_alike(2 * SHOWN), tmp_path).latencies["proxy"]

    assert len(times) == SHOWN
    assert (times[0], times[-1]) == (0, (2 * SHOWN - 1) / (2 * SHOWN))
    assert list(times) == sorted(times)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("first", [State.INSUFFICIENT, State.DOWN])
@pytest.mark.parametrize("last", [State.BLOCKED, State.ALLOWED, State.ALTERED])
def test_what_a_later_trial_decided_stands(first: State, last: State, tmp_path: Path) -> None:
    """Three trials that decided nothing do not outweigh the one that did."""
    one = _alike(1)[0]
    rounds = [(first, 1), (first, 2001), (first, 3001), (last, 4001)]
    trials = [replace(one, state=s, key=replace(one.key, round=n)) for s, n in rounds]

    (group,) = _counted(trials, tmp_path).groups
    assert [probe_state.state for probe_state in group.probe_states] == [last]
    (still,) = _counted(trials[:3], _made(tmp_path / "still")).groups
    assert [probe_state.state for probe_state in still.probe_states] == [first]


def test_each_round_is_decided_by_itself(tmp_path: Path) -> None:
    one = _alike(1)[0]
    rounds = [(State.INSUFFICIENT, 1), (State.BLOCKED, 2)]
    trials = [replace(one, state=s, key=replace(one.key, round=n)) for s, n in rounds]

    (group,) = _counted(trials, tmp_path).groups
    assert {probe_state.state for probe_state in group.probe_states} == {
        State.INSUFFICIENT,
        State.BLOCKED,
    }


def test_the_flaws_of_an_items_blocks_are_joined(tmp_path: Path) -> None:
    first = _alike(1, State.BLOCKED)[0]
    again = replace(first, key=replace(first.key, round=2), flaws=4)
    verdicts = [replace(first, flaws=1), again]

    (group,) = count_verdicts(verdicts, tmp_path / "fold").groups
    assert [one.flaws for one in group.probe_states] == [5]
    assert (group,) == MemoryFold(verdicts).counts.groups

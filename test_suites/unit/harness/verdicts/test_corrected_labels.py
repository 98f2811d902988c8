"""Upheld appeals are laid over a journal; the journal itself stays as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.model.campaign import Stop
from harness.model.corpus import Appeal, Item
from harness.model.instrument_record import InstrumentRecord
from harness.model.observation import AttemptKey, Observation, Role, Timings
from harness.verdicts.corrected_labels import appeals_to_hand_over, with_corrected_labels
from test_suites.kit.campaigns.journal_headers import header

STOP = Stop(
    plan=1,
    categories=("PORN",),
    profile="ks2",
    after={"proxy": 41},
    settled=1,
    batch=2,
    untried=9,
    attempts=18,
)


class Kept:
    """A journal in memory."""

    def __init__(self, *observations: Observation, frames: dict[str, int] | None = None) -> None:
        self._observations = observations
        self.header = header(corpora=("canary 1.0.0 ab",), frames=frames or {})
        self.closed = False

    def observations(self) -> Iterator[Observation]:
        return iter(self._observations)

    def sentinels(self) -> Iterator[Observation]:
        return iter(one for one in self._observations if one.role != "item")

    def batches(self) -> frozenset[int]:
        return frozenset({1})

    def keys(self) -> frozenset[AttemptKey]:
        return frozenset(one.key for one in self._observations)

    def stops(self) -> tuple[Stop, ...]:
        return (STOP,)

    def instrument_records(self) -> tuple[InstrumentRecord, ...]:
        return ()

    def stop(self, stop: Stop) -> None:
        raise NotImplementedError

    def append(self, batch: int, observations: Iterable[Observation]) -> int:
        raise NotImplementedError

    def fingerprint(self) -> str:
        return f"journal of {len(self._observations)}"

    def seal(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.closed = True


def seen(name: str, label: str, stratum: str = "", role: Role = "item") -> Observation:
    item = Item(id=name, value=f"{name}.test", labels=(label,), stratum=stratum)
    key = AttemptKey(campaign="c", item=name, probe="web", line="proxy", profile="ks2", round=1)
    started = datetime(2026, 11, 24, tzinfo=UTC)
    return Observation(
        key=key, item=item, started=started, batch=1, role=role, timings=Timings(total=0.1)
    )


def appeal(item: str = "a", to: str = "ALW.ARTS", **changes: Any) -> Appeal:
    told: dict[str, Any] = {
        "pack": "canary",
        "before": ("GAMB",),
        "reason": "r",
        "appellant": "s",
        "upheld": True,
    }
    return Appeal(item=item, labels=(to,), **(told | changes))


def labels(journal: Any) -> dict[str, str]:
    return {one.item.id: one.item.category for one in journal.observations()}


def test_an_upheld_appeal_changes_the_label_of_that_item_alone() -> None:
    kept = Kept(seen("a", "GAMB"), seen("b", "GAMB"))

    heard = with_corrected_labels(kept, [appeal()])

    assert labels(heard) == {"a": "ALW.ARTS", "b": "GAMB"}
    assert labels(kept) == {"a": "GAMB", "b": "GAMB"}
    assert heard.header.corpora[-1] == "with 1 labels corrected on appeal: a"


@pytest.mark.parametrize("changes", [{"upheld": False}, {"pack": "overblock"}])
def test_others_change_nothing(changes: dict[str, Any]) -> None:
    kept = Kept(seen("a", "GAMB"))

    assert with_corrected_labels(kept, [appeal(**changes)]) is kept
    assert with_corrected_labels(kept, []) is kept


def test_the_latest_appeal_holds_and_an_item_not_measured_is_not_counted() -> None:
    kept = Kept(seen("a", "GAMB"), frames={"GAMB": 9})

    heard = with_corrected_labels(kept, [appeal(), appeal(to="ALW.HIST"), appeal("elsewhere")])

    assert labels(heard) == {"a": "ALW.HIST"}
    assert heard.header.frames == {"GAMB": 8, "ALW.HIST": 1}
    assert kept.header.frames == {"GAMB": 9}


def test_the_stratum_follows_a_label_that_named_it_but_a_twin_stays_one() -> None:
    kept = Kept(seen("a", "GAMB", "GAMB"), seen("t", "ALW.CURR", "twin:GAMB"))

    heard = with_corrected_labels(kept, [appeal(), appeal("t", "ALW.HIST")])

    assert {one.item.id: one.item.stratum for one in heard.observations()} == {
        "a": "ALW.ARTS",
        "t": "twin:GAMB",
    }


def test_a_pack_that_was_mended_since_needs_no_correction() -> None:
    heard = with_corrected_labels(Kept(seen("a", "ALW.ARTS"), frames={"GAMB": 9}), [appeal()])

    assert heard.header.frames == {"GAMB": 9}
    assert heard.header.corpora == ("canary 1.0.0 ab",)


def test_nobody_appeals_against_a_sentinel_and_nothing_is_written() -> None:
    kept = Kept(seen("a", "CTRL", role="must_allow"))
    heard = with_corrected_labels(kept, [appeal()])

    assert labels(heard) == {"a": "CTRL"}
    assert list(heard.sentinels()) == list(kept.sentinels())
    assert (heard.batches(), heard.keys()) == (kept.batches(), kept.keys())
    assert heard.stops() == (STOP,)
    with pytest.raises(TypeError, match="only read"):
        heard.append(2, [])
    with pytest.raises(TypeError, match="only read"):
        heard.stop(STOP)
    heard.seal()
    heard.close()
    assert kept.closed


def test_other_appeals_give_another_fingerprint() -> None:
    journal = Kept(seen("a", "GAMB"), seen("b", "GAMB"))
    one, same, other = (with_corrected_labels(journal, [appeal("a", to)]) for to in ("X", "X", "Y"))

    assert one.fingerprint() == same.fingerprint()
    assert len({journal.fingerprint(), one.fingerprint(), other.fingerprint()}) == 3


def test_only_what_judging_needs_of_the_appeals_is_handed_over() -> None:
    kept = Kept(seen("a", "GAMB"), seen("b", "GAMB"))
    told = [appeal(), appeal("untried"), appeal("b", upheld=False), appeal("b", pack="other")]

    handed_over = appeals_to_hand_over(kept, told)

    assert handed_over == (appeal(reason="", appellant=""),)
    assert labels(with_corrected_labels(kept, handed_over)) == labels(
        with_corrected_labels(kept, told)
    )
    assert appeals_to_hand_over(kept, []) == ()

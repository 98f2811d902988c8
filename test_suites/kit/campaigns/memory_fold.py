"""Folds verdicts in memory, item by item: what the fold on disk is held against in tests."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from msgspec import structs

from harness.estimate.item_selection import Selection
from harness.estimate.rates import MeasuredMetric
from harness.model.batch import turn_of
from harness.model.content_form import variant_of
from harness.model.observation import CONTROL
from harness.model.outcome import Witness
from harness.model.outcome_group import (
    Adverse,
    Counts,
    DomainComposition,
    ItemTraits,
    OutcomeGroup,
    Overheads,
    Pairs,
    ProbeState,
    UnseenTrials,
    sample_ranks,
    traits_of,
)
from harness.model.url_case import VIEWPOINTS
from harness.model.verdict import DELIVERED, State, Verdict
from harness.verdicts.count_outcomes import STATES, VOID, rank_of, witness_of

Key = tuple[str, ItemTraits, str]


class MemoryFold:
    """Satisfies ``harness.ports.judging.CountedVerdicts``."""

    def __init__(self, verdicts: Iterable[Verdict]) -> None:
        given = [one for one in verdicts if one.counts]
        best: dict[tuple[str, ...], int] = {}
        for one in given:
            best[_trial(one)] = min(rank_of(one), best.get(_trial(one), VOID))
        self._places = list(dict.fromkeys(_place(one) for one in given))
        standing = [one for one in given if rank_of(one) == best[_trial(one)]]
        self._seen = [one for one in standing if not one.is_blind]
        self._items: defaultdict[Key, list[Verdict]] = defaultdict(list)
        for one in self._seen:
            self._items[_key(one)].append(one)
        self._fate_of = self._number()
        self.counts = self._count([one for one in standing if one.is_blind])

    def witnesses(self, adverse: Iterable[Adverse]) -> tuple[Witness, ...]:
        wanted = {
            (one.group, one.profile, probe, one.state) for one in adverse for probe in one.probes
        }
        first: dict[Key, Witness] = {}
        for one in self._seen:
            key = _key(one)
            if (self._fate_of[key], one.key.profile, one.key.probe, one.state) in wanted:
                first.setdefault(key, witness_of(one))
        return tuple(first.values())

    def in_order(self, groups: Collection[int], profile: str) -> Sequence[int]:
        tried = dict.fromkeys(_key(one) for one in self._seen if one.key.profile == profile)
        return [self._fate_of[key] for key in tried if self._fate_of[key] in groups]

    def overheads(self, groups: Collection[int], profile: str, probe: str) -> Overheads:
        timed = [
            (service - control, host_of(one))
            for one in self._seen
            if self._fate_of[_key(one)] in groups
            for service, control in _times([one], profile, probe)
        ]
        return Overheads(tuple(each for each, _ in timed), tuple(host for _, host in timed))

    def first_pairs(
        self, groups: Collection[int], profile: str, probe: str, limit: int
    ) -> tuple[Pairs, ...]:
        wanted = [key for key in self._items if self._fate_of[key] in groups][:limit]
        return tuple(
            Pairs(
                self._fate_of[key],
                tuple(_times(self._items[key], profile, probe)),
                host_of(self._items[key][0]),
            )
            for key in wanted
        )

    def _number(self) -> dict[Key, int]:
        numbers: dict[tuple[object, ...], int] = {}
        return {
            key: numbers.setdefault((key[:2], self._sights(verdicts)), len(numbers))
            for key, verdicts in self._items.items()
        }

    def _sights(self, verdicts: list[Verdict]) -> tuple[ProbeState, ...]:
        found: dict[tuple[int, int], ProbeState] = {}
        for one in verdicts:
            place, state = self._places.index(_place(one)), STATES.index(one.state)
            key = one.key
            timed = bool(_times([one], key.profile, key.probe))
            flaws = one.flaws if one.state is State.BLOCKED else None
            seen = ProbeState(key.profile, key.probe, one.state, one.mechanism, timed, flaws)
            before = found.setdefault((place, state), seen)
            joined = before.flaws if flaws is None else flaws | (before.flaws or 0)
            found[place, state] = structs.replace(before, timed=before.timed or timed, flaws=joined)
        return tuple(found[key] for key in sorted(found))

    def _count(self, blind: list[Verdict]) -> Counts:
        groups: dict[int, OutcomeGroup] = {}
        sizes = Counter(self._fate_of.values())
        made: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        for key, verdicts in self._items.items():
            number, item = self._fate_of[key], verdicts[0].item
            made[key[0], item.registrable or item.id][number] += 1
            groups[number] = OutcomeGroup(
                number=number,
                line=key[0],
                category=key[1].category,
                stratum=key[1].stratum,
                lang=key[1].lang,
                phases=key[1].phases,
                pack=key[1].pack,
                weight=key[1].weight,
                alone=key[1].alone,
                items=sizes[number],
                probe_states=self._sights(verdicts),
            )
        domains: defaultdict[str, Counter[DomainComposition]] = defaultdict(Counter)
        for line in dict.fromkeys(line for line, _, _ in self._places):
            domains[line] = Counter()
        for (line, _), composition in made.items():
            domains[line][tuple(sorted(composition.items()))] += 1
        pairs: defaultdict[str, Counter[DomainComposition]] = defaultdict(Counter)
        for (line, _), composition in self._pairs().items():
            pairs[line][tuple(sorted(composition.items()))] += 1
        blocked = Counter(one.mechanism.value for one in self._seen if one.state is State.BLOCKED)
        unseen = Counter(
            (self._places.index(_place(one)), _layer(one), one.item.category) for one in blind
        )
        return Counts(
            groups=tuple(groups.values()),
            domains={line: sorted(found.items()) for line, found in domains.items()},
            pairs={line: sorted(found.items()) for line, found in pairs.items()},
            probes=tuple(self._places),
            unseen=tuple(
                UnseenTrials(*self._places[place], layer, category, trials)
                for (place, layer, category), trials in sorted(
                    unseen.items(), key=lambda one: (self._places[one[0][0]], *one[0][1:])
                )
            ),
            mechanisms=dict(blocked.most_common()),
            latencies=self._latencies(),
        )

    def _pairs(self) -> dict[tuple[str, str], Counter[int]]:
        """The outcome groups of each matched pair, by line and pair."""
        made: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        for key, verdicts in self._items.items():
            item = verdicts[0].item
            if variant_of(item.stratum) in VIEWPOINTS:
                made[key[0], item.pair_id][self._fate_of[key]] += 1
        return made

    def _latencies(self) -> dict[str, tuple[float, ...]]:
        found: defaultdict[str, list[float]] = defaultdict(list)
        for one in sorted(self._seen, key=lambda each: each.key.line):
            for service, _ in _times([one], one.key.profile, one.key.probe):
                found[one.key.line].append(service)
        for one in self._seen:
            for _, control in _times([one], one.key.profile, one.key.probe):
                found[CONTROL].append(control)
        return {
            line: tuple(sorted(times)[rank] for rank in sample_ranks(len(times)))
            for line, times in found.items()
        }


def named(measured: MeasuredMetric, selection: Selection) -> tuple[str, ...]:
    """The items that speak against the service."""
    return tuple(one.item for one in selection.verdict_counts.witnesses(measured.adverse))


def host_of(verdict: Verdict) -> int:
    """The number of an item's domain, as DuckDB makes it (``md5_number_lower``)."""
    domain = verdict.item.registrable or verdict.item.id
    digest = hashlib.md5(domain.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") >> 1


def _place(verdict: Verdict) -> tuple[str, str, str]:
    return verdict.key.line, verdict.key.profile, verdict.key.probe


def _layer(verdict: Verdict) -> str:
    return verdict.item.applies_to


def _trial(verdict: Verdict) -> tuple[str, ...]:
    return *_place(verdict), verdict.key.item, str(turn_of(verdict.key.round))


def _key(verdict: Verdict) -> Key:
    return verdict.key.line, traits_of(verdict.item), verdict.item.id


def _times(verdicts: Iterable[Verdict], profile: str, probe: str) -> list[tuple[float, float]]:
    return [
        (one.first_byte_service, one.first_byte_control)
        for one in verdicts
        if (one.key.profile, one.key.probe) == (profile, probe)
        and one.state in DELIVERED
        and one.first_byte_service is not None
        and one.first_byte_control is not None
    ]

"""Make the rows of a campaign's items for the pages of a hub: verdicts, and evidence by trial.

The journal is judged once more, one batch in memory at a time, because only then a verdict stands
beside the observations that it rests on. What is kept follows the items' sensitivity: of S3 items
no text, title, body or witness, and hosts in place of addresses; of S4 items nothing that could
name them.
Items of packs that no supplier may know are marked as hidden.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple, get_args

import msgspec

from harness.cli.paths import CampaignPaths
from harness.judge.composite_measurements import judge_of
from harness.judge.pairing import pair
from harness.model.corpus import KNOWN_TO_SUPPLIERS, SEALED, Appeal, Item, PackKind
from harness.model.facts import DnsFacts, ExtendedError, ReachFacts, SealedFacts, WebFacts
from harness.model.facts_base import FactsBase
from harness.model.observation import Failure, Observation
from harness.model.technique import is_technique
from harness.model.verdict import Trial, Verdict
from harness.ports.storage import Journal
from harness.store.evidence import EvidenceFolder
from harness.store.hub.item_evidence import ItemEvidence, KeptBody, Side, encode_evidence
from harness.store.hub.item_rows import AT_ONCE, TECHNIQUE, ItemRow, replace_items

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from harness.model.journal_header import JournalHeader, PackNote

WITHHELD = {
    "S3": "Texts, titles and bodies of this item are never stored; hosts stand for addresses.",
    "S4": "This item is known by a keyed digest alone: nothing that could name it is stored.",
}
LONGEST_SHOWN = 2000
"""The most characters of an item's value in a row."""

MOST_BODIES = 50
"""The most bodies of one observation that a row names."""

SHOWN_RECORDS = frozenset({"A", "AAAA", "CNAME"})
"""The records of an answer about an S3 item that are kept: they hold no text."""


def item_rows(journal: Journal, evidence: EvidenceFolder | None = None) -> Iterator[ItemRow]:
    """Yield a row for each trial of an item that counts, numbered from 1.

    ``evidence`` is the campaign's folder of bodies, if there is one. Within each thousand rows the
    order says nothing of the order of trial: a supplier, whose log shows that order, must not find
    out by it which items are hidden.
    """
    rows, number = _rows(journal, evidence), 0
    while block := list(islice(rows, AT_ONCE)):
        for _, row in sorted(block, key=lambda each: each[0]):
            number += 1
            yield row._replace(number=number)


def write_items(
    connection: Connection, stream: str, paths: CampaignPaths, appeals: Iterable[Appeal] = ()
) -> int:
    """Write the rows of a campaign's items; return how many. Raises as ``read_items`` does."""
    return replace_items(connection, stream, paths.campaign, read_items(paths, appeals))


def read_items(paths: CampaignPaths, appeals: Iterable[Appeal] = ()) -> list[ItemRow]:
    """The rows of a campaign's items; none if there is no journal here.

    ``appeals`` are the decided ones, which correct labels. Raises InstrumentError where the
    journal is damaged.
    """
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - the same

    if not (paths.journal / HEADER).is_file():
        return []
    with closing(open_journal(paths.journal)) as journal:
        corrected = with_corrected_labels(journal, appeals)
        return list(item_rows(corrected, EvidenceFolder(paths.evidence)))


def _rows(journal: Journal, evidence: EvidenceFolder | None) -> Iterator[tuple[bytes, ItemRow]]:
    """Yield rows with what they are ordered by, in the order of trial."""
    judge = judge_of(journal.header, journal.sentinels())
    maker = _RowMaker(journal.header, evidence)
    for _, batch in groupby(journal.observations(), lambda one: one.batch):
        observations = list(batch)
        trials = {trial.key: trial for trial in pair(observations).trials}
        for verdict in judge.verdicts(observations):
            if verdict.counts:
                trial = trials[verdict.key]
                yield _order(trial), maker.row(trial, verdict)


def _order(trial: Trial) -> bytes:
    """What a row is ordered by: a digest that cannot be computed from what a service sees."""
    nonces = trial.control.nonce if trial.control else "", trial.service.nonce
    return hashlib.sha256(msgspec.json.encode([nonces, trial.key])).digest()


class _RowMaker:
    """Makes the rows of one campaign."""

    def __init__(self, header: JournalHeader, evidence: EvidenceFolder | None) -> None:
        self._packs = header.packs
        self._evidence = evidence

    def row(self, trial: Trial, verdict: Verdict) -> ItemRow:
        """The row of a trial; its number is given later."""
        item, key = trial.service.item, trial.key
        return ItemRow(
            number=0,
            item=item.id,
            shown=shown_value(item)[:LONGEST_SHOWN] or item.id,
            kind=self._kind(item),
            category=item.category,
            profile=key.profile,
            line=key.line,
            probe=key.probe,
            round=key.round,
            state=verdict.state.value,
            mechanism=verdict.mechanism.value,
            rule=verdict.rule,
            is_hidden=self._is_hidden(item),
            tried_at=trial.service.started,
            evidence=encode_evidence(self._rests_on(trial, verdict)),
        )

    def _pack(self, item: Item) -> PackNote | None:
        pack = self._packs.get(item.pack)
        if pack is None and not item.pack and len(self._packs) == 1:
            return next(iter(self._packs.values()))
        return pack

    def _kind(self, item: Item) -> str:
        """What an item can show; of an unknown pack it is an agreed one, which shows least."""
        if is_technique(item.stratum):
            return TECHNIQUE
        pack = self._pack(item)
        return pack.kind if pack is not None and pack.kind in get_args(PackKind) else "agreed"

    def _is_hidden(self, item: Item) -> bool:
        """Whether no supplier may know the item; so too where its pack is not on record."""
        pack = self._pack(item)
        if pack is None:
            return bool(self._packs)
        return pack.audience not in KNOWN_TO_SUPPLIERS

    def _rests_on(self, trial: Trial, verdict: Verdict) -> ItemEvidence:
        item = trial.service.item
        bodies = self._bodies(trial)
        return ItemEvidence(
            rules=verdict.rules_version,
            witnesses=() if item.is_sensitive else verdict.witnesses,
            value=shown_value(item),
            claimed_category="" if item.is_sensitive else verdict.claimed_category,
            origin_refusal=verdict.origin_refusal,
            intercepted=verdict.intercepted,
            flaws=verdict.flaws,
            service=kept_observation(trial.service),
            control=kept_observation(trial.control) if trial.control else None,
            bodies=bodies.kept,
            missing=bodies.missing,
            withheld=WITHHELD.get(item.sensitivity, ""),
        )

    def _bodies(self, trial: Trial) -> _Bodies:
        """The bodies that the observations name, and how many of these are not kept here."""
        sides: tuple[tuple[Side, Observation | None], ...] = (
            ("service", trial.service),
            ("control", trial.control),
        )
        kept, missing = [], 0
        for side, seen in sides:
            for digest in (
                seen.evidence[:MOST_BODIES] if seen and not seen.item.is_sensitive else ()
            ):
                found = self._evidence.about(digest) if self._evidence else None
                if found is None:
                    missing += 1
                    continue
                sha256 = digest.removeprefix("sha256:")
                size, media_type = found
                kept.append(KeptBody(sha256=sha256, size=size, media_type=media_type, side=side))
        return _Bodies(tuple(kept), missing)


class _Bodies(NamedTuple):
    kept: tuple[KeptBody, ...]
    missing: int


def shown_value(item: Item) -> str:
    """The value of an item as far as a report shows it; empty for what only digests stand for."""
    return "" if item.sensitivity == "S4" or item.kind == SEALED else item.value


def kept_observation(seen: Observation) -> Observation:
    """An observation as far as it may be kept outside of the journal.

    Sketches of pages are left out: they are keyed, and compared by judges alone.
    """
    item = seen.item
    if item.sensitivity == "S4":
        return msgspec.structs.replace(
            seen,
            item=Item(id=item.id, value="", labels=item.labels, kind=item.kind, sensitivity="S4"),
            failure=_without_detail(seen.failure),
            facts=seen.facts if isinstance(seen.facts, SealedFacts) else None,
            nonce="",
            evidence=(),
            event=None,
        )
    if item.is_sensitive:
        return msgspec.structs.replace(
            seen,
            failure=_without_detail(seen.failure),
            facts=_sensitive_facts(seen.facts),
            evidence=(),
            event=None,
        )
    if isinstance(seen.facts, WebFacts):
        facts = msgspec.structs.replace(seen.facts, sketch=(), title_mark="")
        return msgspec.structs.replace(seen, facts=facts)
    return seen


def _without_detail(failure: Failure | None) -> Failure | None:
    return None if failure is None else msgspec.structs.replace(failure, detail="")


def _sensitive_facts(facts: FactsBase | None) -> FactsBase | None:
    """The facts of an S3 item: names, addresses, statuses and sizes, and nothing that was read."""
    if type(facts) is WebFacts:
        return WebFacts(
            url=_host_of(facts.url),
            status=facts.status,
            tunnel_status=facts.tunnel_status,
            peer=facts.peer,
            certificate=facts.certificate,
            body_length=facts.body_length,
            truncated=facts.truncated,
            canary=facts.canary,
            asked=facts.asked,
        )
    if isinstance(facts, DnsFacts):
        return msgspec.structs.replace(
            facts,
            landing=None,
            records=tuple(each for each in facts.records if each.type in SHOWN_RECORDS),
            extended_errors=tuple(ExtendedError(code=each.code) for each in facts.extended_errors),
        )
    return facts if type(facts) in {ReachFacts, SealedFacts} else None


def _host_of(url: str) -> str:
    """The host of a URL, in place of the whole."""
    return Item(id="", value=url, labels=("",), kind="url").host if "://" in url else url

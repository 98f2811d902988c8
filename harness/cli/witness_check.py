"""Compare a journal or registry with what witnesses signed of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.paths import CampaignPaths
from harness.cli.present_heads import (
    JOURNAL_RECEIPTS,
    Present,
    chains_of_journal,
    present_registry,
    registry_receipts,
)
from harness.cli.registry_facts import session_if_any
from harness.cli.signed_heads import signed_after
from harness.cli.witness_options import Asked
from harness.errors import InstrumentError, UsageError
from harness.fleet.witness import CheckedReceipt, about, faults
from harness.model.witnessed_head import WitnessedHead
from harness.signing import public_key_in
from harness.store.receipt_file import receipts_in

if TYPE_CHECKING:
    from harness.store.journal.reader import JournalReader

NO_WITNESS = (
    "no witness: nothing shows whether an older good state was put back here "
    "('accredit witness' sends heads to one)"
)


NOBODY_ASKED = Asked()


def witness_lines(present: Present, asked: Asked = NOBODY_ASKED) -> list[str]:
    """Sentences on who witnessed what; see ``witnessed``."""
    found = witnessed(present, asked)
    return [
        f"witness {each.witness} (key {each.key}): signed {each.entries:,} entries on "
        f"{each.at:%Y-%m-%d %H:%M} UTC; they are unchanged"
        for each in found
    ] or [NO_WITNESS]


def witnessed(
    present: Present, asked: Asked = NOBODY_ASKED, *, own: Iterable[CheckedReceipt] = ()
) -> tuple[WitnessedHead, ...]:
    """The last statement of each witness about a journal or registry, which continues them all.

    ``own`` is what the hub that works here signed.

    Raises InstrumentError where a receipt was changed, belongs to something else, is by a key that
    was not given, or is not continued; UsageError if the witness that is asked holds nothing.
    """
    kept = receipts_in(present.receipts)
    trusted = frozenset(public_key_in(path) for path in asked.keys or ())
    for each in kept:
        if not each.statement.ids & present.states.keys():
            msg = (
                f"{present.shown}: {present.receipts} holds the receipt of another {present.kind}: "
                f"this one was put in its place, or the receipt was"
            )
            raise InstrumentError(msg)
    found = (*kept, *about(own, present.states), *_held_by(asked, present))
    for each in found:
        _require(present, each, trusted)
    return tuple(_last_of_each(present, found))


def witnessed_here(journal: JournalReader, paths: CampaignPaths) -> tuple[WitnessedHead, ...]:
    """What witnesses signed of a campaign's journal and of its registry, by the kept receipts.

    A hub also knows by its own registry what it signed of a journal that was sent to it.

    Raises InstrumentError where one of both does not continue it.
    """
    found: tuple[WitnessedHead, ...] = ()
    receipts = registry_receipts(paths.registry, paths.out)
    with session_if_any(paths.registry) as session:
        own = signed_after(session.registry, 0)[1] if session is not None else ()
        if own or (journal.directory / JOURNAL_RECEIPTS).exists():
            found = witnessed(chains_of_journal(journal), own=own)
        if receipts.exists() and session is None:
            msg = f"{receipts}: a witness signed heads of a registry that is not here any more"
            raise InstrumentError(msg)
        if receipts.exists() and session is not None:
            found += witnessed(present_registry(session.registry, receipts))
    return found


def _held_by(asked: Asked, present: Present) -> tuple[CheckedReceipt, ...]:
    """What the witness that is asked holds. Raises UsageError if it holds nothing."""
    if not asked.witness:
        return ()
    if "://" in asked.witness:
        from harness.cli.witness_hub import WitnessHub  # noqa: PLC0415 - most ask no hub

        hub = WitnessHub(asked.witness, asked.token_file, asked.authority)
        found = hub.receipts(present.states)
    else:
        found = about(receipts_in(Path(asked.witness), must_exist=True), present.states)
    if not found:
        msg = (
            f"{present.shown}: the witness {asked.witness} signed no head of this {present.kind}, "
            "so nothing was compared"
        )
        raise UsageError(msg)
    return found


def _require(present: Present, each: CheckedReceipt, trusted: frozenset[str]) -> None:
    who = f"the witness {each.statement.witness} (key {key_shown(each.key)})"
    if trusted and each.key not in trusted:
        msg = f"{present.shown}: a receipt is signed by {who}, which is no key that was given"
        raise InstrumentError(msg)
    for fault in faults(present.states, each.statement):
        msg = (
            f"{present.shown}: this {present.kind} does not continue what {who} signed on "
            f"{each.statement.at:%Y-%m-%d %H:%M} UTC: {fault}"
        )
        raise InstrumentError(msg)


def _last_of_each(present: Present, found: Iterable[CheckedReceipt]) -> Iterable[WitnessedHead]:
    last: dict[tuple[str, str], CheckedReceipt] = {}
    for each in found:
        place = each.statement.witness, each.key
        if place not in last or last[place].statement.at <= each.statement.at:
            last[place] = each
    for (witness, key), each in sorted(last.items()):
        yield WitnessedHead(
            of=present.kind, witness=witness, key=key_shown(key), at=each.statement.at,
            entries=each.statement.entries,
        )  # fmt: skip


def key_shown(key: str) -> str:
    """The first 16 digits of the id of a public key, as people compare it."""
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()[:16]


def require_same_witness(kept: Iterable[CheckedReceipt], new: CheckedReceipt, where: Path) -> None:
    """Raise UsageError if a witness of that name signed with another key before."""
    for each in kept:
        is_other = each.statement.witness == new.statement.witness and each.key != new.key
        if is_other:
            msg = (
                f"{where}: the witness {new.statement.witness} signs with another key "
                f"({key_shown(new.key)}) than before ({key_shown(each.key)}); give its new public "
                "key with --witness-key if you know it to be right"
            )
            raise UsageError(msg)

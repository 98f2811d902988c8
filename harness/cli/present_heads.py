"""The heads of journals and registries as they are now, for a witness and for comparison with one.

A journal has up to three chains: its observations (an entry is a batch, or the sealing of a
segment), early stops and instrument records. A registry has one chain a stream. The id of a chain
names no service and no supplier: it is the hash with which the chain begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import session_if_any
from harness.errors import UsageError
from harness.fleet.witness import ChainHead, Heads, Kind, States
from harness.store.journal.foreign_files import RECEIPTS

if TYPE_CHECKING:
    from harness.store.journal.reader import JournalReader
    from harness.store.registry.streams import Registry

JOURNAL_RECEIPTS = RECEIPTS
"""The receipts of a journal, in its folder."""


class Present(NamedTuple):
    """A journal or registry: what people call it, the file of its receipts, and its chains."""

    shown: str
    kind: Kind
    receipts: Path
    states: States

    @property
    def heads(self) -> Heads:
        """The ends of the chains."""
        ends = ((chain, max(known), known[max(known)]) for chain, known in self.states.items())
        chains = (ChainHead(chain=chain, entries=last, head=head) for chain, last, head in ends)
        return Heads(kind=self.kind, chains=tuple(sorted(chains, key=lambda each: each.chain)))


def present_journal(folder: Path) -> Present:
    """The chains of the journal in a folder. Raises UsageError, InstrumentError."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    return chains_of_journal(open_journal(folder))


def chains_of_journal(journal: JournalReader) -> Present:
    """The chains of an open journal. Raises InstrumentError."""
    from harness.store.journal.hash_chains import CHAINS, chain_hashes  # noqa: PLC0415 - heavy
    from harness.store.journal.reader import past_heads  # noqa: PLC0415 - the same

    folder, start = journal.directory, journal.start
    states = {start: {number: head.hash for number, head in enumerate(past_heads(journal))}}
    for name in CHAINS:
        if hashes := chain_hashes(folder / name):
            chain = hashlib.sha256(f"{start}/{name}".encode()).hexdigest()
            states[chain] = dict(enumerate(hashes, 1))
    return Present(str(folder), "journal", folder / JOURNAL_RECEIPTS, states)


def present_registry(registry: Registry, receipts: Path) -> Present:
    """The chains of an open registry. Raises InstrumentError."""
    states = {}
    for head in registry.heads():
        with registry.reading(head.stream) as access:
            hashes = access.hashes()
        if hashes:
            states[hashes[0]] = dict(enumerate(hashes, 1))
    return Present(registry.where, "registry", receipts, states)


def registry_receipts(where: Path | str, out: Path) -> Path:
    """The file of receipts of a registry: beside its file, or in the folder of results."""
    if isinstance(where, Path):
        return where.with_name(f"{where.name}.{JOURNAL_RECEIPTS}")
    return out / f"registry.{JOURNAL_RECEIPTS}"


def all_present(where: Path | str, out: Path) -> tuple[Present, ...]:
    """The registry, and every journal in a folder of results. Raises UsageError without any."""
    found = list(_journals(out))
    with session_if_any(where) as session:
        if session is not None:
            present = present_registry(session.registry, registry_receipts(where, out))
            found[:0] = [present] if present.states else []
    if not found:
        msg = f"{out}: neither a journal nor a registry with events is here; name it with --out"
        raise UsageError(msg)
    return tuple(found)


def _journals(out: Path) -> Iterator[Present]:
    for home in sorted(path for path in out.glob("*") if (path / "journal/header.json").is_file()):
        yield present_journal(CampaignPaths(out=out, campaign=home.name).journal)

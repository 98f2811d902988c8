"""Judge and count a journal, or load its verdicts from a cache beside it.

Judging takes far longer than counting, and verdicts do not depend on the scheme. So a repeated view
of a journal loads them; what is decided, handed over or recorded is judged anew.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import decompressobj

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.errors import InstrumentError
from harness.model.code_digest import digest_of_code
from harness.model.observation import Observation
from harness.model.outcome import Witness
from harness.model.outcome_group import Adverse, Counts, Overheads, Pairs
from harness.model.run_record import Reproduction, RunRecord
from harness.model.verdict import Verdict
from harness.model.verdict_basis import VerdictBasis
from harness.ports.judging import MakeJudge
from harness.ports.storage import Journal
from harness.store.atomic_write import write_whole_unsynced
from harness.store.journal.sealed_segment import digest_of_file
from harness.store.private_folder import LENGTH, make_private
from harness.verdicts.cache_seal import (
    KEPT,
    Description,
    described,
    has_seal_of,
    own_key,
    read_sealed,
    sealed,
)
from harness.verdicts.count_outcomes import BLOCK, STATES, STORED, connect, count_verdicts

_WITNESSES = msgspec.json.Decoder(Witness)


class StoredVerdicts:
    """Counts, and single verdicts read from a file that ``count_verdicts`` wrote.

    Satisfies ``harness.ports.judging.CountedVerdicts``.
    """

    def __init__(self, path: Path, counts: Counts, basis: VerdictBasis) -> None:
        self.counts = counts
        self.basis = basis
        self.path = path
        self._places = {place: number for number, place in enumerate(counts.probes)}
        self._seen: dict[int, Witness] = {}
        self._orders: dict[str, NDArray[np.int64]] = {}
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the connection; harmless when done twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def witnesses(self, adverse: Iterable[Adverse]) -> tuple[Witness, ...]:
        """The first verdict of each item that speaks against the service, in order of trial."""
        wanted = {
            (one.group, self._place(one.group, one.profile, probe), STATES.index(one.state))
            for one in adverse
            for probe in one.probes
        }
        if not wanted:
            return ()
        groups, places, states = ({each[part] for each in wanted} for part in range(3))
        where = f"{_in_condition('place', places)} AND {_in_condition('state', states)} ORDER BY n"
        first: dict[int, Witness] = {}
        for group, place, state, item, number in self._query(
            "fate, place, state, item, n", groups, where
        ):
            if item not in first and (group, place, state) in wanted:
                if number not in self._seen:
                    self._read_witnesses(number // BLOCK)
                first[item] = self._seen[number]
        return tuple(first.values())

    def _read_witnesses(self, block: int) -> None:
        """Read the witnesses of one block."""
        ((lines,),) = self._ask("SELECT lines FROM told WHERE block = ?", [block])
        told = _WITNESSES.decode_lines(_told(lines))
        self._seen.update(enumerate(told, start=block * BLOCK))

    def same_as(self, again: StoredVerdicts) -> Reproduction:
        """Compare with the verdicts of another judgement of the same journal.

        If anything but single verdicts differs, such as a precondition, none is the same.
        """
        alike = self.counts == again.counts and self.basis == again.basis
        blocks, rows = (
            zip_longest(self._ask(question), again._ask(question))
            for question in (
                "SELECT lines FROM told ORDER BY block",
                "SELECT * FROM verdicts ORDER BY n",
            )
        )
        alike = alike and all(
            one and other and _told(*one) == _told(*other) for one, other in blocks
        )
        verdicts = same = 0
        for one, other in rows:
            verdicts += 1
            same += one == other
        return Reproduction(verdicts=verdicts, same=same if alike else 0)

    def in_order(self, groups: Collection[int], profile: str) -> Sequence[int]:
        """The outcome group of each item that a profile tried, in the order of its first trials."""
        if not groups:
            return []
        if profile not in self._orders:
            self._orders[profile] = self._order(profile)
        order = self._orders[profile]
        return list(map(int, order[np.isin(order, list(groups))]))

    def _order(self, profile: str) -> NDArray[np.int64]:
        """Read the outcome groups of all items of a profile; every metric asks for some."""
        places = [number for place, number in self._places.items() if place[1] == profile]
        every = range(len(self.counts.groups))
        where = f"{_in_condition('place', places)} GROUP BY fate, item ORDER BY min(n)"
        found = self._query("fate", every, where)
        return np.fromiter((fate for (fate,) in found), dtype=np.int64)

    def overheads(self, groups: Collection[int], profile: str, probe: str) -> Overheads:
        """The seconds that the service added, one value for each pair of times."""
        if not groups:
            return Overheads()
        place = self._place(next(iter(groups)), profile, probe)
        where = f"place = {place} AND service IS NOT NULL ORDER BY n"
        each = tuple(self._query("service - control, host", groups, where))
        return Overheads(*zip(*each, strict=True)) if each else Overheads()

    def first_pairs(
        self, groups: Collection[int], profile: str, probe: str, limit: int
    ) -> tuple[Pairs, ...]:
        """The times of the first ``limit`` items in order of trial."""
        if not groups:
            return ()
        place = self._place(next(iter(groups)), profile, probe)
        wanted = f"n = item ORDER BY n LIMIT {int(limit)}"
        first = list(self._query("fate, item, host", groups, wanted))
        last = max((item for _, item, _ in first), default=-1)
        times: dict[int, list[tuple[float, float]]] = {item: [] for _, item, _ in first}
        timed = f"place = {place} AND item <= {last} AND service IS NOT NULL ORDER BY n"
        for item, service, control in self._query("item, service, control", groups, timed):
            times[item].append((service, control))
        return tuple(Pairs(group, tuple(times[item]), host) for group, item, host in first)

    def _place(self, group: int, profile: str, probe: str) -> int:
        return self._places[self.counts.groups[group].line, profile, probe]

    def _query(self, columns: str, groups: Collection[int], where: str) -> Iterator[Any]:
        """Query rows of some outcome groups. Raises InstrumentError if the file cannot be read."""
        # names and numbers are our own
        fates = _in_condition("fate", groups)
        return self._ask(f"SELECT {columns} FROM verdicts WHERE {fates} AND {where}")  # noqa: S608 - see above

    def _ask(self, question: str, given: Sequence[int] = ()) -> Iterator[Any]:
        try:
            if self._connection is None:
                self._connection = self._opened()
            yield from self._connection.execute(question, given)
        except sqlite3.Error as error:
            msg = f"{self.path}: cannot be read: {error}; delete the folder and conclude again"
            raise InstrumentError(msg) from error

    def _opened(self) -> sqlite3.Connection:
        """Open the file, which never changes; another's might hold what is no table of ours."""
        connection = connect(self.path, "mode=ro&immutable=1")
        found = [text for (text,) in connection.execute("SELECT sql FROM sqlite_schema")]
        if found != [text.replace("kept.", "") for text in STORED]:
            connection.close()
            msg = f"{self.path}: was not written by this version; delete it and conclude again"
            raise InstrumentError(msg)
        return connection


def _told(lines: bytes) -> bytes:
    """The lines of JSON of one block of witnesses."""
    return decompressobj().decompress(lines, TOLD_BYTES)


TOLD_BYTES = 64 * 2**20
"""A block has far less, unless it was forged."""


def _in_condition(column: str, numbers: Collection[int]) -> str:
    """An SQL condition on a column of numbers."""
    return f"{column} IN ({', '.join(map(str, sorted(numbers)))})" if numbers else "false"


class VerdictCache:
    """Stores the counted verdicts of one journal in a folder, under the seal of a key.

    Only what has that seal is loaded.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder, self._key = folder, key

    def load(self, made_of: str) -> StoredVerdicts | None:
        """Load the verdicts of the same journal, rules and appeals; None if absent or damaged."""
        path = rows_of(self.folder, made_of)
        try:
            text = read_sealed(self.folder / KEPT)
            if not has_seal_of(text, self._key):
                return None
            kept = described(text)
            if kept.made_of != made_of or kept.sha256 != digest_of_file(path):
                return None
        except (OSError, ValueError):
            return None
        return StoredVerdicts(path, kept.counts, kept.basis)

    def keep(
        self, made_of: str, verdicts: Iterable[Verdict], basis: Callable[[], VerdictBasis]
    ) -> StoredVerdicts:
        """Count verdicts as they come, and store them; ``basis`` is called after the last one.

        What was stored before is deleted, its description first: whatever is described is whole.
        Raises InstrumentError with the reason of the disk.
        """
        path = rows_of(self.folder, made_of)
        try:
            make_private(self.folder)
            (self.folder / KEPT).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            counts = count_verdicts(verdicts, path)
            kept = Description(
                made_of=made_of,
                sha256=digest_of_file(path),
                basis=basis(),
                counts=counts,
            )
            write_whole_unsynced(self.folder / KEPT, sealed(kept, self._key))
            for other in self.folder.iterdir():
                if other.suffix == path.suffix and other != path:
                    other.unlink()
        except sqlite3.Error as error:  # it does not tell the reason of the disk
            msg = f"{self.folder}: verdicts cannot be kept: {error}; is there space on the disk?"
            raise InstrumentError(msg) from error
        except OSError as error:
            msg = f"{self.folder}: verdicts cannot be kept: {error}"
            raise InstrumentError(msg) from error
        return StoredVerdicts(path, counts, kept.basis)


@contextmanager
def temporary_verdict_cache() -> Iterator[VerdictCache]:
    """A cache in a temporary folder, for verdicts that are needed only once."""
    with TemporaryDirectory(prefix="accredit-verdicts-") as name:
        yield VerdictCache(Path(name), secrets.token_bytes(LENGTH))


def user_verdict_cache(folder: Path) -> VerdictCache | None:
    """The cache in a folder under the user's own key; ``None`` without a key."""
    key = own_key()
    return None if key is None else VerdictCache(folder, key)


def digest_of_makers(*others: str) -> str:
    """Return a digest of the code and data that judge and count, and of ``others``."""
    makers = digest_of_code("harness.judge"), digest_of_code("harness.verdicts")
    return hashlib.sha256(msgspec.json.encode([*makers, *others])).hexdigest()


def made_of_journal(journal: Journal, only: Collection[str] | None = None) -> str:
    """What verdicts of all items of a journal (or of ``only`` some) are made of, as a digest."""
    chosen = "all" if only is None else "\n".join(sorted(only))
    return digest_of_makers(journal.fingerprint(), chosen)


def rows_of(folder: Path, made_of: str) -> Path:
    """The file of cached verdicts."""
    return folder / f"{made_of[:32]}.sqlite"


@contextmanager
def counted_verdicts(
    journal: Journal,
    make_judge: MakeJudge,
    only: Collection[str] | None = None,
    folder: VerdictCache | None = None,
    *,
    twice: bool = False,
) -> Iterator[StoredVerdicts]:
    """The counted verdicts of all items (or of ``only`` some), one batch in memory at a time.

    ``folder`` caches them; without one they are deleted when the context ends. With ``twice`` the
    journal is judged once more, without a cache, and the basis says how many verdicts are the same.
    """
    made_of = made_of_journal(journal, only)
    with (
        nullcontext(folder) if folder else temporary_verdict_cache() as kept,
        closing(kept.load(made_of) or _judge(journal, make_judge, only, kept, made_of)) as counted,
    ):
        if twice:
            with (
                temporary_verdict_cache() as fresh,
                closing(_judge(journal, make_judge, only, fresh, made_of)) as again,
            ):
                found, basis = counted.same_as(again), counted.basis
                run = msgspec.structs.replace(basis.run, reproduction=found)
                counted.basis = msgspec.structs.replace(basis, run=run)
        yield counted


def _judge(
    journal: Journal,
    make_judge: MakeJudge,
    only: Collection[str] | None,
    folder: VerdictCache,
    made_of: str,
) -> StoredVerdicts:
    judge, read = make_judge(), 0

    def observations() -> Iterator[Observation]:
        nonlocal read
        for observation in journal.observations():
            if only is None or observation.role != "item" or observation.item.id in only:
                read += 1
                yield observation

    def basis() -> VerdictBasis:
        return VerdictBasis(
            observations=read,
            rules_version=judge.rules_version,
            preconditions=judge.preconditions,
            twins=judge.twins,
            polls=judge.polls,
            users=judge.users,
            records=judge.records,
            run=RunRecord(late_controls=judge.late_controls),
        )

    return folder.keep(made_of, judge.verdicts(observations()), basis)

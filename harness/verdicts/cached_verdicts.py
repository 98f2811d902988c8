"""Judge and count a journal, or load its verdicts from a cache beside it.

Judging takes far longer than counting, and verdicts do not depend on the scheme.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import cache
from importlib.resources import files
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, overload

import msgspec
import numpy as np

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.model.outcome import Witness
from harness.model.outcome_group import Adverse, Counts, Pairs
from harness.model.run_record import Reproduction, RunRecord
from harness.model.verdict import Verdict
from harness.model.verdict_basis import VerdictBasis
from harness.ports.judging import MakeJudge
from harness.ports.storage import Journal
from harness.store.atomic_write import write_whole_unsynced
from harness.store.journal.parquet_segment import connect, digest_of_file, duckdb, quoted
from harness.store.private_folder import make_private
from harness.verdicts.count_outcomes import STATES, count_verdicts

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WITNESSES = msgspec.json.Decoder(Witness)


class ParquetVerdicts:
    """Counts, and single verdicts read from Parquet files.

    Satisfies ``harness.ports.judging.CountedVerdicts``.
    """

    def __init__(self, path: Path, counts: Counts, basis: VerdictBasis) -> None:
        self.counts = counts
        self.basis = basis
        self.path = path
        self._places = {place: number for number, place in enumerate(counts.probes)}
        self._seen: dict[int, Witness] = {}
        self._connection: Any = None

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
        for group, place, state, item, number, told in self._rows(
            "fate, place, state, item, n, told", groups, where
        ):
            if item not in first and (group, place, state) in wanted:
                if number not in self._seen:
                    self._seen[number] = _WITNESSES.decode(told)
                first[item] = self._seen[number]
        return tuple(first.values())

    def same_as(self, again: ParquetVerdicts) -> Reproduction:
        """Compare with the verdicts of another judgement of the same journal.

        If anything but single verdicts differs, such as a precondition, none is the same.
        """
        files = [quoted(each.path / "*.parquet") for each in (self, again)]
        held = [any(each.path.iterdir()) for each in (self, again)]
        if not any(held):
            return Reproduction(verdicts=0, same=0)
        alike = self.counts == again.counts and self.basis == again.basis
        if not all(held):
            return Reproduction(verdicts=1, same=0)
        first, second = (f"SELECT * FROM read_parquet({each})" for each in files)  # noqa: S608 - quoted paths
        question = f"""SELECT (SELECT count(*) FROM ({second})),
            (SELECT count(*) FROM ({second} INTERSECT ALL {first})),
            (SELECT count(*) FROM ({first}))"""  # noqa: S608 - quoted paths
        try:
            with connect() as connection:
                verdicts, same, before = connection.execute(question).fetchall()[0]
        except duckdb().Error as error:
            msg = f"{self.path}: cannot be compared: {error}"
            raise InstrumentError(msg) from error
        return Reproduction(verdicts=max(verdicts, before), same=same if alike else 0)

    def overheads(self, groups: Collection[int], profile: str, probe: str) -> Sequence[float]:
        """Seconds that the service added, one value for each pair of times, sorted."""
        if not groups:
            return ()
        place = self._place(next(iter(groups)), profile, probe)
        where = f"place = {place} AND service IS NOT NULL"
        with self._query("service - control AS seconds", groups, where) as found:
            return RankedValues(found.fetchnumpy()["seconds"])

    def first_pairs(
        self, groups: Collection[int], profile: str, probe: str, limit: int
    ) -> tuple[Pairs, ...]:
        """The times of the first ``limit`` items in order of trial."""
        if not groups:
            return ()
        place = self._place(next(iter(groups)), profile, probe)
        first = list(self._rows("fate, item", groups, f"n = item ORDER BY n LIMIT {int(limit)}"))
        last = max((item for _, item in first), default=-1)
        times: dict[int, list[tuple[float, float]]] = {item: [] for _, item in first}
        timed = f"place = {place} AND item <= {last} AND service IS NOT NULL ORDER BY n"
        for item, service, control in self._rows("item, service, control", groups, timed):
            times[item].append((service, control))
        return tuple(Pairs(group, tuple(times[item])) for group, item in first)

    def _place(self, group: int, profile: str, probe: str) -> int:
        return self._places[self.counts.groups[group].line, profile, probe]

    def _rows(self, columns: str, groups: Collection[int], where: str) -> Iterator[Any]:
        with self._query(columns, groups, where) as found:
            while chunk := found.fetchmany(4096):
                yield from chunk

    @contextmanager
    def _query(self, columns: str, groups: Collection[int], where: str) -> Iterator[Any]:
        """Query rows of some outcome groups. Raises InstrumentError if files cannot be read."""
        # names and numbers are our own, and the path is quoted
        question = f"""SELECT {columns} FROM read_parquet({quoted(self.path / "*.parquet")})
            WHERE {_in_condition("fate", groups)} AND {where}"""  # noqa: S608 - see above
        try:
            if self._connection is None:
                self._connection = connect()
                self._connection.execute("SET parquet_metadata_cache = true")  # it never changes
            with self._connection.cursor() as cursor:
                yield cursor.execute(question)
        except duckdb().Error as error:
            msg = f"{self.path}: cannot be read: {error}; delete the folder and conclude again"
            raise InstrumentError(msg) from error


class RankedValues(Sequence[float]):
    """Numbers by rank; they are only partially sorted, as far as needed."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self._values = np.array(values, dtype=np.float64)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, rank: int) -> float: ...
    @overload
    def __getitem__(self, rank: slice) -> Sequence[float]: ...
    def __getitem__(self, rank: int | slice) -> float | Sequence[float]:
        """The number of that rank, from 0; for a slice, those of all numbers in order."""
        if isinstance(rank, slice):
            return [float(each) for each in np.sort(self._values)[rank]]
        if not 0 <= rank < len(self):
            raise IndexError(rank)
        self._values.partition(rank)
        return float(self._values[rank])


def _in_condition(column: str, numbers: Collection[int]) -> str:
    """An SQL condition that DuckDB can check against the statistics of a row group."""
    return f"{column} IN ({', '.join(map(str, sorted(numbers)))})" if numbers else "false"


KEPT = "kept.json"
SUFFIXES = (".py", ".toml")
SOURCES = ("harness.model", "harness.judge", "harness.judge.rules", "harness.verdicts")
"""Packages whose code and data the verdicts depend on."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    made_of: str
    sha256: str
    basis: VerdictBasis
    counts: Counts


class _Sealed(msgspec.Struct, frozen=True, kw_only=True):
    sha256: str
    kept: msgspec.Raw


_DESCRIPTIONS = msgspec.json.Decoder(_Kept)
_SEALED = msgspec.json.Decoder(_Sealed)


class VerdictCache:
    """Stores the counted verdicts of one journal in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, made_of: str) -> ParquetVerdicts | None:
        """Load the verdicts of the same journal, rules and appeals; None if absent or damaged."""
        path = self._path(made_of)
        try:
            sealed = _SEALED.decode((self._folder / KEPT).read_bytes())
            if sealed.sha256 != _digest(sealed.kept):
                return None
            kept = _DESCRIPTIONS.decode(sealed.kept)
            if kept.made_of != made_of or kept.sha256 != _digest_of(path):
                return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return ParquetVerdicts(path, kept.counts, kept.basis)

    def keep(
        self, made_of: str, verdicts: Iterable[Verdict], basis: Callable[[], VerdictBasis]
    ) -> ParquetVerdicts:
        """Count verdicts as they come, and store them; ``basis`` is called after the last one.

        What was stored before is deleted. Raises InstrumentError with the reason of the disk.
        """
        path = self._path(made_of)
        try:
            make_private(self._folder)
            rmtree(path, ignore_errors=True)
            counts = count_verdicts(verdicts, path)
            kept = _Kept(
                made_of=made_of,
                sha256=_digest_of(path),
                basis=basis(),
                counts=counts,
            )
            text = msgspec.json.encode(kept)
            sealed = _Sealed(sha256=_digest(text), kept=msgspec.Raw(text))
            write_whole_unsynced(self._folder / KEPT, msgspec.json.encode(sealed))
            for other in self._folder.iterdir():
                if len(other.name) == len(path.name) and other != path:
                    rmtree(other, ignore_errors=True)
        except (duckdb().Error, OSError) as error:
            msg = f"{self._folder}: verdicts cannot be kept: {error}"
            raise InstrumentError(msg) from error
        return ParquetVerdicts(path, counts, kept.basis)

    def _path(self, made_of: str) -> Path:
        return self._folder / made_of[:32]


@contextmanager
def temporary_verdict_cache() -> Iterator[VerdictCache]:
    """A cache in a temporary folder, for verdicts that are needed only once."""
    with TemporaryDirectory(prefix="accredit-verdicts-") as name:
        yield VerdictCache(Path(name))


def digest_of_makers(*others: str) -> str:
    """Return a digest of the code and data that judge, and of ``others``."""
    return _digest(msgspec.json.encode([_sources(), *others]))


@cache
def _sources() -> str:
    digest = hashlib.sha256()
    for package in SOURCES:
        inside = [
            observation
            for observation in files(package).iterdir()
            if observation.name.endswith(SUFFIXES)
        ]
        for source in sorted(inside, key=lambda observation: observation.name):
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _digest(text: bytes | msgspec.Raw) -> str:
    return hashlib.sha256(text).hexdigest()


def _digest_of(folder: Path) -> str:
    """The digest of the digests of all files in a folder, in the order of their names."""
    names = sorted(folder.iterdir())
    return _digest(msgspec.json.encode([digest_of_file(path) for path in names]))


@contextmanager
def counted_verdicts(
    journal: Journal,
    make_judge: MakeJudge,
    only: Collection[str] | None = None,
    folder: VerdictCache | None = None,
    *,
    twice: bool = False,
) -> Iterator[ParquetVerdicts]:
    """The counted verdicts of all items (or of ``only`` some), one batch in memory at a time.

    ``folder`` caches them; without one they are deleted when the context ends. With ``twice`` the
    journal is judged once more, without a cache, and the basis says how many verdicts are the same.
    """
    chosen = "all" if only is None else "\n".join(sorted(only))
    made_of = digest_of_makers(journal.fingerprint(), chosen)
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
) -> ParquetVerdicts:
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

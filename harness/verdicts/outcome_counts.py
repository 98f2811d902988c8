"""Counted verdicts: counts in memory, single verdicts in Parquet files that DuckDB reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.errors import InstrumentError
from harness.model.outcome import VerdictBasis, Witness
from harness.model.outcome_group import Adverse, Counts, Pairs
from harness.store.journal.parquet_segment import connect, duckdb, quoted
from harness.verdicts.count_outcomes import STATES

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

"""Count verdicts by outcome with SQLite, on disk, in memory that does not grow with their number.

Items of a line that had the same outcome are counted together as one outcome group, called *fate*
in files and SQL. Items and domains are identified by 128-bit digests (MD5): a digest takes 16 bytes
where a name takes about fifty, and nobody gains from a collision.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import reduce
from itertools import groupby, islice
from operator import itemgetter, or_
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from harness.model.batch import turn_of
from harness.model.content_form import variant_of
from harness.model.corpus import SEALED
from harness.model.observation import CONTROL
from harness.model.outcome import Witness
from harness.model.outcome_group import (
    OPEN,
    Counts,
    DomainComposition,
    ItemTraits,
    OutcomeGroup,
    ProbeState,
    UnseenTrials,
    sample_ranks,
    traits_of,
)
from harness.model.query_case import is_query
from harness.model.url_case import VIEWPOINTS
from harness.model.verdict import BRACKET_FAILED, DELIVERED, Mechanism, State, Verdict

STATES, MECHANISMS = tuple(State), tuple(Mechanism)
"""In files, a state or mechanism is written as its index here."""

Place = tuple[str, str, str]

ENCODER = msgspec.json.Encoder()


DECIDED, UNDECIDED, VOID = range(3)
"""Ranks of trials: the trial decided, it did not decide, or its batch is void."""


class Row(NamedTuple):
    """One verdict as numbers; ``item`` and ``domain`` are digests of their names."""

    n: int
    line: int
    place: int
    turn: int
    trait: int
    state: int
    mechanism: int
    flaws: int | None
    blind: bool
    rank: int
    item: bytes
    domain: bytes
    pair: str
    service: float | None
    control: float | None


class Rows:
    """Number lines, places (line, profile, probe) and traits of items in order of appearance."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.places: dict[Place, int] = {}
        self.traits: dict[ItemTraits, int] = {}
        self.given = 0
        self.any_open = False

    def of(self, verdicts: Iterable[Verdict]) -> Iterator[Row]:
        """Yield the rows of verdicts, in their order."""
        for number, verdict in enumerate(verdicts, start=self.given):
            key, item = verdict.key, verdict.item
            trait = traits_of(item)
            place = (key.line, key.profile, key.probe)
            rank = rank_of(verdict)
            self.any_open = self.any_open or rank > DECIDED
            service, control = verdict.first_byte_service, verdict.first_byte_control
            is_timed = verdict.state in DELIVERED and None not in (service, control)
            self.given += 1
            yield Row(
                n=number,
                line=self.lines.setdefault(key.line, len(self.lines)),
                place=self.places.setdefault(place, len(self.places)),
                turn=turn_of(key.round),
                trait=self.traits.setdefault(trait, len(self.traits)),
                state=STATES.index(verdict.state),
                mechanism=MECHANISMS.index(verdict.mechanism),
                flaws=verdict.flaws if verdict.state is State.BLOCKED else None,
                blind=verdict.is_blind,
                rank=rank,
                item=_digest(item.id),
                domain=_digest(item.registrable or item.id),
                pair=item.pair_id if variant_of(item.stratum) in VIEWPOINTS else "",
                service=service if is_timed else None,
                control=control if is_timed else None,
            )


def rank_of(verdict: Verdict) -> int:
    """Return the rank of a verdict: of an item's trials in one round and way, the lowest stands."""
    if verdict.rule == BRACKET_FAILED:
        return VOID
    return UNDECIDED if verdict.state in OPEN else DECIDED


def witness_of(verdict: Verdict) -> Witness:
    """Return a verdict as a witness, in case it speaks against the service."""
    return Witness(
        item=verdict.item.id,
        value="" if verdict.item.kind == SEALED else verdict.item.value,
        category=verdict.item.category,
        state=verdict.state.value,
        mechanism=verdict.mechanism.value,
        rule=verdict.rule,
        saw=verdict.witnesses,
    )


def _digest(name: str) -> bytes:
    return hashlib.md5(name.encode(), usedforsecurity=False).digest()


CHUNK = 20_000
"""Verdicts held in memory at a time."""
BLOCK = 64
"""Witnesses that are compressed together."""
CACHE = 32 * 2**10
"""KiB of the database that are held in memory."""

_ROWS = (
    """CREATE TABLE rows (n INTEGER PRIMARY KEY, line INTEGER, place INTEGER, turn INTEGER,
        trait INTEGER, state INTEGER, mechanism INTEGER, flaws INTEGER, blind INTEGER,
        rank INTEGER, item BLOB, domain BLOB, pair TEXT, service REAL, control REAL)""",
    """CREATE TABLE fated (line INTEGER, trait INTEGER, item BLOB, first INTEGER, domain BLOB,
        host INTEGER, pair TEXT, fate INTEGER, PRIMARY KEY (line, trait, item)) WITHOUT ROWID""",
)
STORED = (
    """CREATE TABLE kept.verdicts (n INTEGER PRIMARY KEY, fate INTEGER, item INTEGER, host INTEGER,
        place INTEGER, state INTEGER, service REAL, control REAL)""",
    "CREATE TABLE kept.told (block INTEGER PRIMARY KEY, lines BLOB)",
    "CREATE INDEX kept.by_fate ON verdicts (fate)",
)
"""The tables of stored verdicts, and their index."""


def connect(path: Path, options: str) -> sqlite3.Connection:
    """Open a database file, with options of SQLite's URI. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
    return connection


def count_verdicts(verdicts: Iterable[Verdict], target: Path) -> Counts:
    """Count verdicts, and write each one to a new SQLite file, ``target``.

    Its table *verdicts* has n (the verdict's number), fate, item (the number of its first verdict
    on the line), host (a number of its domain), place, state, service and control (seconds); *told*
    has the witnesses as lines of JSON, ``BLOCK`` in a row and compressed. Raises sqlite3.Error or
    OSError if writing fails.
    """
    with TemporaryDirectory(dir=target.parent, prefix="folding-") as name:
        counts = _count(verdicts, Path(name) / "scratch.sqlite", Path(name) / target.name)
        (Path(name) / target.name).replace(target)
    return counts


def _count(verdicts: Iterable[Verdict], scratch: Path, target: Path) -> Counts:
    rows = Rows()
    with closing(connect(scratch, "mode=rwc")) as connection:
        # what was begun by a process that ended is never read
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("ATTACH ? AS kept", [str(target)])
        connection.execute("PRAGMA kept.journal_mode = OFF")
        connection.execute("PRAGMA kept.synchronous = OFF")
        for statement in (*_ROWS, *STORED):
            connection.execute(statement)
        _write(connection, rows, verdicts)
        if rows.any_open:
            for statement in _SUPERSEDED:
                connection.execute(statement)
        groups = _find_groups(connection)
        connection.execute("""INSERT INTO kept.verdicts
            SELECT n, fate, first, host, place, state, service, control
            FROM rows JOIN fated USING (line, trait, item) WHERE NOT blind ORDER BY n""")
        return _counts(connection, rows, groups)


def _write(connection: sqlite3.Connection, rows: Rows, verdicts: Iterable[Verdict]) -> None:
    """Write the row and the witness of each verdict."""
    counted = (one for one in verdicts if one.counts)
    marks = ", ".join("?" * len(Row._fields))
    block = 0
    while chunk := list(islice(counted, BLOCK * (CHUNK // BLOCK))):
        connection.execute("BEGIN")
        connection.executemany(f"INSERT INTO rows VALUES ({marks})", rows.of(chunk))  # noqa: S608 - marks alone
        for start in range(0, len(chunk), BLOCK):
            told = ENCODER.encode_lines(map(witness_of, chunk[start : start + BLOCK]))
            connection.execute("INSERT INTO kept.told VALUES (?, ?)", [block, zlib.compress(told)])
            block += 1
        connection.execute("COMMIT")


_SUPERSEDED = (
    "CREATE TABLE open AS SELECT n, place, turn, item, rank FROM rows WHERE rank > 0",
    """CREATE TABLE again AS SELECT place, turn, item, min(rank) AS best FROM rows
        WHERE (place, turn, item) IN (SELECT place, turn, item FROM open)
        GROUP BY place, turn, item""",
    """DELETE FROM rows WHERE n IN
        (SELECT n FROM open JOIN again USING (place, turn, item) WHERE rank > best)""",
)
"""A void batch or an undecided trial does not count where a later trial of the item decided."""

Sight = tuple[int, int, int, bool, int | None]
"""What was seen at a place: place, state, mechanism of the first trial, timed, flaws."""
Group = tuple[int, int, tuple[Sight, ...]]
"""The line and the trait of an outcome group, and what was seen of each of its items."""


class _Found(NamedTuple):
    """The number of items of a group, and the number of the first verdict of any of them."""

    items: int
    first: int


def _find_groups(connection: sqlite3.Connection) -> list[tuple[Group, int]]:
    """Fill the table of items with their groups; give the groups in order, with their items."""
    numbers: dict[Group, int] = {}
    found: list[_Found] = []

    def items() -> Iterator[tuple[object, ...]]:
        seen = connection.execute("""SELECT line, trait, item, place, state, n, mechanism,
            service IS NOT NULL, flaws, domain, pair FROM rows WHERE NOT blind
            ORDER BY line, trait, item, place, state, n""")
        for (line, trait, item), trials in groupby(seen, key=itemgetter(0, 1, 2)):
            every = list(trials)
            group = (line, trait, tuple(_sights(every)))
            number = numbers.setdefault(group, len(found))
            first, domain, pair = min((one[5], *one[9:]) for one in every)
            if number == len(found):
                found.append(_Found(0, first))
            found[number] = _Found(found[number].items + 1, min(found[number].first, first))
            yield line, trait, item, first, domain, _host(domain), pair, number

    connection.execute("BEGIN")
    connection.executemany("INSERT INTO fated VALUES (?, ?, ?, ?, ?, ?, ?, ?)", items())
    order = sorted(range(len(found)), key=lambda number: found[number].first)
    connection.execute("CREATE TABLE numbers (met INTEGER PRIMARY KEY, fate INTEGER)")
    connection.executemany(
        "INSERT INTO numbers VALUES (?, ?)", ((met, fate) for fate, met in enumerate(order))
    )
    connection.execute("UPDATE fated SET fate = (SELECT fate FROM numbers WHERE met = fated.fate)")
    connection.execute("COMMIT")
    groups = list(numbers)
    return [(groups[met], found[met].items) for met in order]


def _sights(trials: list[tuple[Any, ...]]) -> Iterator[Sight]:
    """What was seen of an item: one sight for each place and state, joined from all its trials."""
    for (place, state), alike in groupby(trials, key=itemgetter(3, 4)):
        every = list(alike)
        flaws = [one[8] for one in every if one[8] is not None]
        joined = reduce(or_, flaws) if flaws else None
        yield place, state, every[0][6], any(one[7] for one in every), joined


def _host(domain: bytes) -> int:
    """A number of a domain, of 63 bits."""
    return int.from_bytes(domain[8:], "little") >> 1


def _counts(connection: sqlite3.Connection, rows: Rows, groups: list[tuple[Group, int]]) -> Counts:
    lines, places, traits = tuple(rows.lines), tuple(rows.places), tuple(rows.traits)
    found = connection.execute(
        """SELECT mechanism, count(*) FROM rows WHERE NOT blind AND state = ?
        GROUP BY 1 ORDER BY 2 DESC, min(n)""",
        [STATES.index(State.BLOCKED)],
    )
    mechanisms = {MECHANISMS[place].value: count for place, count in found}
    found = connection.execute("SELECT place, trait, count(*) FROM rows WHERE blind GROUP BY 1, 2")
    unseen: Counter[tuple[str, str, str, str, str]] = Counter()
    for place, trait, trials in found:
        unseen[*places[place], traits[trait].layer, traits[trait].category] += trials
    return Counts(
        groups=tuple(
            _outcome_group(number, group, items, rows)
            for number, (group, items) in enumerate(groups)
        ),
        domains=_compositions(connection, lines, "domain"),
        pairs={
            line: found for line, found in _compositions(connection, lines, "pair").items() if found
        },
        probes=places,
        unseen=tuple(UnseenTrials(*one, trials) for one, trials in sorted(unseen.items())),
        mechanisms=mechanisms,
        latencies=_latencies(connection, lines, traits),
    )


def _outcome_group(number: int, group: Group, items: int, rows: Rows) -> OutcomeGroup:
    line, trait, sights = group
    lines, places, traits = tuple(rows.lines), tuple(rows.places), tuple(rows.traits)
    alike = traits[trait]._asdict()
    del alike["layer"]
    return OutcomeGroup(
        number=number,
        line=lines[line],
        items=items,
        probe_states=tuple(
            ProbeState(*places[place][1:], STATES[state], MECHANISMS[mechanism], timed, flaws)
            for place, state, mechanism, timed, flaws in sights
        ),
        **alike,
    )


def _compositions(
    connection: sqlite3.Connection, lines: tuple[str, ...], column: str
) -> dict[str, list[tuple[DomainComposition, int]]]:
    """Count domains, or matched pairs, by the groups of their items, for each line."""
    counted: dict[str, Counter[DomainComposition]] = {line: Counter() for line in lines}
    # the column is our own
    found = connection.execute(f"""SELECT line, {column}, fate, count(*) FROM fated
        WHERE {column} <> '' GROUP BY line, {column}, fate ORDER BY line, {column}, fate""")  # noqa: S608 - see above
    for (line, _), members in groupby(found, key=itemgetter(0, 1)):
        counted[lines[line]][tuple((fate, items) for _, _, fate, items in members)] += 1
    return {line: sorted(composed.items()) for line, composed in counted.items()}


def _latencies(
    connection: sqlite3.Connection, lines: tuple[str, ...], traits: tuple[ItemTraits, ...]
) -> dict[str, tuple[float, ...]]:
    """Times to first byte by line, and under ``control`` those of the controls of all lines.

    Those of DNS answers are left out: they are no pages.
    """
    names = [number for number, trait in enumerate(traits) if is_query(variant_of(trait.stratum))]
    pages = f"trait NOT IN ({', '.join(map(str, names))})"
    found = {
        line: _times(connection, "service", f"line = {number} AND {pages}")
        for number, line in sorted(enumerate(lines), key=lambda one: one[1])
    }
    found[CONTROL] = _times(connection, "control", pages)
    return {line: times for line, times in found.items() if times}


def _times(connection: sqlite3.Connection, column: str, where: str) -> tuple[float, ...]:
    # the column and the condition are our own
    timed = f"FROM rows WHERE NOT blind AND {column} IS NOT NULL AND {where}"
    ((count,),) = connection.execute(f"SELECT count(*) {timed}")
    ranks = iter(sample_ranks(count))
    wanted, kept = next(ranks, None), []
    for rank, (seconds,) in enumerate(connection.execute(f"SELECT {column} {timed} ORDER BY 1")):
        while rank == wanted:
            kept.append(seconds)
            wanted = next(ranks, None)
    return tuple(kept)

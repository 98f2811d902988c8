"""Count verdicts by outcome with DuckDB, on disk, in memory that does not grow with their number.

Items of a line that had the same outcome are counted together as one outcome group, called *fate*
in files and SQL. Items, domains and outcomes are identified by 128-bit digests (MD5): a digest
takes 16 bytes where a name takes about fifty, and nobody gains from a collision.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
from harness.store.journal.parquet_segment import connect, quoted

STATES, MECHANISMS = tuple(State), tuple(Mechanism)
"""In files, a state or mechanism is written as its index here."""

Place = tuple[str, str, str]

ENCODER = msgspec.json.Encoder()


DECIDED, UNDECIDED, VOID = range(3)
"""Ranks of trials: the trial decided, it did not decide, or its batch is void."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict as numbers, and in words (``told``) as a witness."""

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
    item: str
    domain: str
    pair: str
    service: float | None
    control: float | None
    told: str


class Rows:
    """Number lines, places (line, profile, probe) and traits of items in order of appearance."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.places: dict[Place, int] = {}
        self.traits: dict[ItemTraits, int] = {}
        self.any_open = False

    def of(self, verdicts: Iterable[Verdict]) -> Iterator[Row]:
        """Yield the rows of all verdicts that count, in their order."""
        counted = (one for one in verdicts if one.counts)
        for number, verdict in enumerate(counted):
            key, item = verdict.key, verdict.item
            trait = traits_of(item)
            place = (key.line, key.profile, key.probe)
            rank = rank_of(verdict)
            self.any_open = self.any_open or rank > DECIDED
            service, control = verdict.first_byte_service, verdict.first_byte_control
            is_timed = verdict.state in DELIVERED and None not in (service, control)
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
                item=item.id,
                domain=item.registrable or item.id,
                pair=item.pair_id if variant_of(item.stratum) in VIEWPOINTS else "",
                service=service if is_timed else None,
                control=control if is_timed else None,
                told=ENCODER.encode(witness_of(verdict)).decode(),
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


CHUNK = 20_000
"""Verdicts held in memory at a time."""
SORTED = 25
"""How many chunks are sorted together, and so written to one file."""

_COLUMNS = {
    "n": "BIGINT", "line": "INTEGER", "place": "INTEGER", "turn": "INTEGER", "trait": "INTEGER",
    "state": "INTEGER", "mechanism": "INTEGER", "flaws": "INTEGER", "blind": "BOOLEAN",
    "rank": "INTEGER", "item": "VARCHAR", "domain": "VARCHAR", "pair": "VARCHAR",
    "service": "DOUBLE", "control": "DOUBLE", "told": "VARCHAR",
}  # fmt: skip


def count_verdicts(verdicts: Iterable[Verdict], target: Path) -> Counts:
    """Count verdicts, and write each one to Parquet files sorted by outcome group.

    ``target`` is a folder that is created, for files with the columns fate, item (the number of its
    first verdict on the line), host (a number of its domain), n (the verdict's number), place,
    state, service and control (seconds), told (the witness as JSON). Raises duckdb.Error or
    OSError if writing fails.
    """
    rows = Rows()
    with TemporaryDirectory(dir=target.parent, prefix="folding-") as name:
        scratch = Path(name)
        with connect(scratch / "scratch.duckdb") as connection:
            parts = _write(rows.of(verdicts), scratch, connection)
            target.mkdir()
            if not parts:
                return Counts()
            for statement in _statements(scratch, any_open=rows.any_open):
                connection.execute(statement)
            for start in range(0, len(parts), SORTED):
                some = parts[start : start + SORTED]
                for statement in _copy(some, target / some[0].name):
                    connection.execute(statement)
            return _counts(connection, rows, target)


def _write(rows: Iterator[Row], scratch: Path, connection: Any) -> list[Path]:
    """Write rows as Parquet files; return their paths in order."""
    lines, columns = scratch / "rows.jsonl", dict(_COLUMNS)
    parts: list[Path] = []
    while chunk := list(islice(rows, CHUNK)):
        lines.write_bytes(ENCODER.encode_lines(chunk))
        part = scratch / f"rows-{len(parts):08d}.parquet"
        # paths are quoted by hand: COPY takes no parameter for its target
        connection.execute(f"""COPY (SELECT * FROM read_json({quoted(lines)},
            format = 'newline_delimited', columns = {columns}))
            TO {quoted(part)} (FORMAT parquet, COMPRESSION zstd)""")  # noqa: S608 - see above
        parts.append(part)
    return parts


def _statements(scratch: Path, *, any_open: bool) -> tuple[str, ...]:
    """SQL statements from rows to probe states, items, outcome groups and compositions."""
    rows = f"SELECT * FROM read_parquet({quoted(scratch / 'rows-*.parquet')})"  # noqa: S608 - ours
    return (
        f"CREATE VIEW rows AS {rows}",
        *(_SUPERSEDED if any_open else ("CREATE TABLE superseded (n BIGINT)",)),
        "CREATE VIEW standing AS SELECT * FROM rows ANTI JOIN superseded USING (n)",
        """CREATE TABLE sights AS
            SELECT line, trait, md5_number(item) AS item, place, state, min(n) AS n,
                arg_min(mechanism, n) AS mechanism, bool_or(service IS NOT NULL) AS timed,
                bit_or(flaws) AS flaws,
                min(md5_number(domain)) AS domain, min(pair) AS pair
            FROM standing WHERE NOT blind GROUP BY line, trait, md5_number(item), place, state""",
        """CREATE TABLE items AS
            SELECT line, trait, item, min(n) AS first, min(domain) AS domain, min(pair) AS pair,
                bit_xor(md5_number(concat_ws(',', place, state, mechanism, timed, flaws)))
                    AS fared
            FROM sights GROUP BY line, trait, item""",
        """CREATE TABLE fates AS
            SELECT row_number() OVER (ORDER BY min(first)) - 1 AS fate, line, trait, fared,
                count(*) AS items, min(first) AS first
            FROM items GROUP BY line, trait, fared""",
        """CREATE TABLE fated AS
            SELECT line, trait, item, items.first AS first, domain, pair, fate
            FROM items JOIN fates USING (line, trait, fared)""",
        """CREATE TABLE shares AS
            SELECT line, domain, fate, count(*) AS items FROM fated GROUP BY line, domain, fate""",
        """CREATE TABLE makeups AS
            SELECT line, makeup, count(*) AS domains, min(domain) AS domain
            FROM (SELECT line, domain, bit_xor(md5_number(concat_ws(',', fate, items))) AS makeup
                FROM shares GROUP BY line, domain)
            GROUP BY line, makeup""",
    )


_SUPERSEDED = (
    "CREATE TABLE open AS SELECT n, place, turn, item, rank FROM rows WHERE rank > 0",
    """CREATE TABLE again AS SELECT place, turn, item, min(rank) AS best
        FROM rows SEMI JOIN open USING (place, turn, item) GROUP BY place, turn, item""",
    """CREATE TABLE superseded AS
        SELECT n FROM open JOIN again USING (place, turn, item) WHERE rank > best""",
)
"""A void batch or an undecided trial does not count where a later trial of the item decided."""


def _copy(parts: list[Path], target: Path) -> tuple[str, ...]:
    """SQL statements that add the outcome groups to some rows, then sort and write these rows."""
    files = ", ".join(map(quoted, parts))
    return (
        f"""CREATE OR REPLACE TABLE named AS
            SELECT n, first, fate FROM fated JOIN (
                SELECT n, line, trait, md5_number(item) AS item FROM read_parquet([{files}])
                ANTI JOIN superseded USING (n) WHERE NOT blind
            ) USING (line, trait, item)""",  # noqa: S608 - quoted paths
        f"""COPY (
            SELECT fate, first AS item, (md5_number_lower(domain) >> 1)::BIGINT AS host, n, place,
                state, service, control, told
            FROM read_parquet([{files}]) JOIN named USING (n) ORDER BY fate, n)
            TO {quoted(target)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {CHUNK})""",  # noqa: S608 - the same
    )


def _counts(connection: Any, rows: Rows, target: Path) -> Counts:
    lines, places, traits = tuple(rows.lines), tuple(rows.places), tuple(rows.traits)
    blocked = STATES.index(State.BLOCKED)
    found = connection.execute(f"""SELECT mechanism, count(*) FROM standing
        WHERE NOT blind AND state = {blocked} GROUP BY 1 ORDER BY 2 DESC, min(n)""")  # noqa: S608 - a number
    mechanisms = {MECHANISMS[place].value: count for place, count in found.fetchall()}
    found = connection.execute("""SELECT place, trait, count(*) FROM standing
        WHERE blind GROUP BY 1, 2""")
    unseen: Counter[tuple[str, str, str, str, str]] = Counter()
    for place, trait, trials in found.fetchall():
        unseen[*places[place], traits[trait].layer, traits[trait].category] += trials
    return Counts(
        groups=tuple(_outcome_groups(connection, lines, places, traits)),
        domains=_domains(connection, lines),
        pairs=_pairs(connection, lines),
        probes=places,
        unseen=tuple(UnseenTrials(*one, trials) for one, trials in sorted(unseen.items())),
        mechanisms=mechanisms,
        latencies=_latencies(connection, lines, traits, target),
    )


def _outcome_groups(
    connection: Any,
    lines: tuple[str, ...],
    places: tuple[Place, ...],
    traits: tuple[ItemTraits, ...],
) -> Iterator[OutcomeGroup]:
    """Yield each outcome group, with the states of its first item; all its items have the same."""
    probe_states: defaultdict[int, list[ProbeState]] = defaultdict(list)
    found = connection.execute("""
        SELECT fate, place, state, mechanism, timed, flaws
        FROM fates JOIN items USING (first) JOIN sights ON sights.line = items.line
            AND sights.trait = items.trait AND sights.item = items.item
        ORDER BY fate, place, state""")
    for group, place, state, mechanism, timed, flaws in found.fetchall():
        _, profile, probe = places[place]
        seen = ProbeState(profile, probe, STATES[state], MECHANISMS[mechanism], timed, flaws)
        probe_states[group].append(seen)
    found = connection.execute("SELECT fate, line, trait, items FROM fates ORDER BY fate")
    for group, line, trait, items in found.fetchall():
        alike = traits[trait]._asdict()
        del alike["layer"]
        yield OutcomeGroup(
            number=group,
            line=lines[line],
            items=items,
            probe_states=tuple(probe_states[group]),
            **alike,
        )


def _domains(
    connection: Any, lines: tuple[str, ...]
) -> dict[str, list[tuple[DomainComposition, int]]]:
    """Count domains by composition, for each line; one domain represents all with the same."""
    made: defaultdict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
    found = connection.execute("""SELECT line, domain, domains, fate, items
        FROM makeups JOIN shares USING (line, domain) ORDER BY line, fate""")
    for line, domain, number, group, items in found.fetchall():
        made[line, domain, number].append((group, items))
    domains: dict[str, list[tuple[DomainComposition, int]]] = {name: [] for name in lines}
    for (line, _, number), composition in made.items():
        domains[lines[line]].append((tuple(composition), number))
    return {line: sorted(found) for line, found in domains.items()}


def _pairs(
    connection: Any, lines: tuple[str, ...]
) -> dict[str, list[tuple[DomainComposition, int]]]:
    """Count matched pairs by composition, for each line that has some."""
    pairs: dict[str, Counter[DomainComposition]] = {}
    found = connection.execute("""SELECT line, pair, fate, count(*) FROM fated
        WHERE pair <> '' GROUP BY line, pair, fate ORDER BY line, pair, fate""")
    for (line, _), members in groupby(iter(found.fetchone, None), key=itemgetter(0, 1)):
        composition = tuple((group, items) for _, _, group, items in members)
        pairs.setdefault(lines[line], Counter())[composition] += 1
    return {line: sorted(counted.items()) for line, counted in pairs.items()}


def _latencies(
    connection: Any, lines: tuple[str, ...], traits: tuple[ItemTraits, ...], target: Path
) -> dict[str, tuple[float, ...]]:
    """Times to first byte by line, and under ``control`` those of the controls of all lines.

    Those of DNS answers are left out: they are no pages.
    """
    names = [number for number, trait in enumerate(traits) if is_query(variant_of(trait.stratum))]
    pages = f"trait NOT IN ({', '.join(map(str, names))})" if names else "true"
    found = {
        line: _times(connection, target, "service", f"line = {number} AND {pages}")
        for number, line in sorted(enumerate(lines), key=lambda one: one[1])
    }
    found[CONTROL] = _times(connection, target, "control", pages)
    return {line: times for line, times in found.items() if times}


def _times(connection: Any, target: Path, column: str, where: str) -> tuple[float, ...]:
    # the column and the condition are our own; the path is quoted
    timed = f"""FROM read_parquet({quoted(target / "*.parquet")}) JOIN fates USING (fate)
        WHERE {column} IS NOT NULL AND {where}"""
    ((count,),) = connection.execute(f"SELECT count(*) {timed}").fetchall()
    found = connection.execute(
        f"""SELECT time FROM (
            SELECT time, row_number() OVER () - 1 AS rank
            FROM (SELECT {column} AS time {timed} ORDER BY 1))
        WHERE rank IN (SELECT unnest(?)) ORDER BY rank""",  # noqa: S608 - see above
        [list(sample_ranks(count))],
    )
    return tuple(time for (time,) in found.fetchall())

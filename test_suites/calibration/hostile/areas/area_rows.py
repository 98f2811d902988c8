"""Rows of areas that are chosen from those of an origin, or made without one."""

from __future__ import annotations

from collections.abc import Iterable

from corpora.origin_pack import OriginPages
from corpora.synthetic_sites import neutral_hosts


def one_engine_of_each_kind(rows: Iterable[dict[str, str]]) -> tuple[dict[str, str], ...]:
    """Return the rows of queries, and of the first engine of each kind of case with its opt-outs."""
    chosen: dict[str, str] = {}
    kept = []
    for row in rows:
        group, _, rest = row["stratum"].partition("/")[2].partition(":")
        kind, _, engine = rest.partition(":")
        if group in ("lock", "video", "open"):
            place = f"{group}:{'' if group == 'open' else kind}:{'@' in engine}"
            name = (engine or kind).removesuffix("-https")
            if chosen.setdefault(place, name) != name:
                continue
        elif group == "optout" and engine not in chosen.values():
            continue
        kept.append(row)
    return tuple(kept)


def harmless_sites(seed: str, taken: frozenset[str]) -> OriginPages:
    """Sites of real lists, which must be open: for children, about health, and for lessons."""
    codes = ("ALW.CHILD", "ALW.HEALTH", "ALW.CURR") * 3
    hosts = neutral_hosts(seed, len(codes), taken)
    rows = tuple(
        {
            "id": f"site-{number}",
            "value": host,
            "kind": "host",
            "registrable": host,
            "labels": code,
            "applies_to": "",
            "stratum": code,
            "sensitivity": "S0",
        }
        for number, (host, code) in enumerate(zip(hosts, codes, strict=True), 1)
    )
    named = [row["registrable"] for row in rows]
    return OriginPages(contents={}, texts=dict.fromkeys(named, "Open from nine."), rows=rows)

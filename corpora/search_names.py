"""The DNS names of real search engines, from the rows of the pack ``search`` about DNS.

They are tried where a campaign measures over the internet: a name server that locks an engine leads
from its name to another name or address. The rows write names in short; ``engine_names`` writes
them out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from corpora.origin_pack import OriginPack, OriginPages
from corpora.search_engines import UNLOCKED, SearchEngine, search_engines
from harness.model.search_case import BY_NAME, FILM_CODES

COUNTRIES = ("com", "co.uk", "de", "fr")
"""A few of each engine's domains, as examples of its countries."""

_ENDINGS = frozenset({"com", "org", "net", "ru", "uk", "de", "fr"})
_COUNTRY = re.compile(r"<cc>|\*")


def engine_names(engine: SearchEngine) -> tuple[str, ...]:
    """Return the names of an engine: ``www.`` precedes its first name, ``m`` its domain."""
    written = [name.strip() for name in engine.names.split(",")]
    domain = ".".join(engine.target.split(".")[-2:])
    names: list[str] = []
    for name in written:
        if _COUNTRY.search(name):
            names += [_COUNTRY.sub(country, name) for country in COUNTRIES]
        elif name.endswith("."):
            names.append(f"{name}{names[0]}")
        elif "." not in name:
            names.append(f"{name}.{domain}")
        else:
            names.append(name if name.rpartition(".")[2] in _ENDINGS else f"{name}.com")
    return tuple(names)


def search_names(seed: str = "", taken: Collection[str] = ()) -> OriginPages:
    """Return the rows of real engines that are locked in DNS; they are the same for every seed."""
    del seed, taken
    return OriginPages(contents={}, texts={}, rows=tuple(_rows()))


def _rows() -> Iterator[dict[str, str]]:
    names: tuple[str, ...] = ()
    strict: tuple[str, ...] = ()
    for engine in search_engines():
        if engine.lock.kind != BY_NAME:
            continue
        names = names if engine.names.startswith("same") else engine_names(engine)
        strict = (engine.target,) if engine.mode == "strict" else strict
        targets = (engine.target, *(strict if engine.mode == "moderate" else ()))
        group = f"video:{engine.mode}" if engine.mode else f"lock:{BY_NAME}"
        category = FILM_CODES.get(engine.mode, UNLOCKED)
        for number, name in enumerate(names, 1):
            yield {
                "id": f"{engine.row}-{number}",
                "value": name,
                "kind": "host",
                "registrable": name,
                "labels": category,
                "applies_to": "dns",
                "stratum": f"{category}/{group}:{engine.row}@{'|'.join(targets)}",
                "sensitivity": "S0",
            }


NAMES_PACK = OriginPack(
    name="search-names",
    title="DNS names of real search engines and video sites",
    kind="content",
    make=search_names,
)

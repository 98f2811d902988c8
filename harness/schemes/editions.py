"""Which schemes are shipped, and what "current" stands for.

A scheme is dated after the edition of the document whose text it holds: ``uksic-2024``. Where a
publisher still revises its document, ``uksic-current`` is an alias of the newest edition that is
shipped. Whatever is written or shown names the dated scheme.
"""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).parent
"""Where the schemes that come with Accredit live; policies in a folder beside them."""

TABLES = frozenset({"metrics"})
"""YAML files in the same folder that are no schemes."""

REVISED = ("dfe", "uksic")
"""Documents of which their publishers still bring out new editions."""

CURRENT = "-current"
"""How an alias ends; no scheme may be called so itself."""


def shipped() -> tuple[str, ...]:
    """The ids of the schemes that come with Accredit."""
    return tuple(sorted(p.stem for p in SHIPPED.glob("*.yaml") if p.stem not in TABLES))


def aliases() -> dict[str, str]:
    """Each alias with the id of the shipped scheme that it stands for."""
    return {document + CURRENT: newest(document, shipped()) for document in REVISED}


def newest(document: str, ids: tuple[str, ...]) -> str:
    """The latest edition of a document among ``ids``, which end in its date (YYYY or YYYY-MM).

    Raises ValueError if there is none.
    """
    dates = {one.removeprefix(f"{document}-"): one for one in ids if one.startswith(f"{document}-")}
    return dates[max(date for date in dates if date[:1].isdigit())]


def resolve(name: str) -> str:
    """The id that an alias stands for; any other name or path as it is."""
    return aliases().get(name, name) if name.endswith(CURRENT) else name

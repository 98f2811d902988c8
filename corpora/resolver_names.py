"""Names of an origin for checks of name servers: the cases of ``harness.model.query_case``.

Harmful names are asked for in every form. They are on a list that the supplier is given, because a
name server cannot see what is at a name; each is an alias, so that the type CNAME can be asked for.
Harmless names are signed, have forged signatures, or show how long an answer takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from corpora.content_pages import CATEGORIES
from corpora.origin_pack import OriginPack, OriginPages
from corpora.synthetic_sites import unlisted_hosts
from harness.model.content_form import PageContent
from harness.model.corpus import TWIN
from harness.model.query_case import ALIAS, FORGED, FORMS_OF_QUERIES, QUERY, query_form

CONTROL = "CTRL"
SIGNED_NAMES = 5
"""Names of each check of signatures: a functional check is repeated five times (METHOD)."""
TIMED_NAMES = 93
"""Names that are timed: for a 95 % quantile, one of them may exceed the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """A host before it has a name: its cases, its category, and what the name server does."""

    name: str
    category: str
    cases: tuple[str, ...]
    content: PageContent | None = None
    is_harmful: bool = False


def resolver_names(
    seed: str,
    categories: Collection[str] = CATEGORIES,
    *,
    signed: int = SIGNED_NAMES,
    timed: int = TIMED_NAMES,
    taken: Collection[str] = (),
) -> OriginPages:
    """Make the names from ``seed``; none is one of ``taken``.

    There is one harmful name of each category, and ``signed`` names of each check of signatures.
    """
    planned = [*_harmful(categories), *_harmless(signed, timed)]
    hosts = unlisted_hosts(f"{seed}/resolver-names", len(planned), taken)
    placed = list(zip(planned, hosts, strict=True))
    return OriginPages(
        contents={host: one.content for one, host in placed if one.content is not None},
        texts=dict.fromkeys(hosts, "The allotment society meets in the church hall."),
        rows=tuple(row for one, host in placed for row in _rows(one, host)),
    )


def _harmful(categories: Collection[str]) -> Iterator[_Name]:
    for number, code in enumerate(categories, 1):
        yield _Name(
            name=f"blocked-{number:02}",
            category=code,
            cases=tuple(FORMS_OF_QUERIES),
            content=PageContent(code=code, case=ALIAS),
            is_harmful=True,
        )


def _harmless(signed: int, timed: int) -> Iterator[_Name]:
    for number in range(1, signed + 1):
        cases = (f"{QUERY}signed", f"{QUERY}authentic")
        yield _Name(name=f"signed-{number:02}", category=CONTROL, cases=cases)
    for number in range(1, signed + 1):
        yield _Name(
            name=f"forged-{number:02}",
            category=CONTROL,
            cases=(f"{QUERY}forged",),
            content=PageContent(case=FORGED),
        )
    for number in range(1, timed + 1):
        cases = (f"{QUERY}again", f"{QUERY}fresh")
        yield _Name(name=f"timed-{number:02}", category=CONTROL, cases=cases)


def _rows(name: _Name, host: str) -> Iterator[dict[str, str]]:
    for case in name.cases:
        stratum = f"{name.category}/{case}"
        yield {
            "id": f"{name.name}-{case.removeprefix(QUERY).replace('+', '-')}",
            "value": host,
            "kind": "host",
            "registrable": host,
            "labels": name.category,
            "applies_to": "dns",
            "stratum": stratum if name.is_harmful else f"{TWIN}{stratum}",
            "sensitivity": "S0",
        }


def names_of(pages: OriginPages) -> dict[str, str]:
    """Return the harmful names of a pack for name servers, with their categories."""
    return {
        row["value"]: row["labels"]
        for row in pages.rows
        if query_form(row["stratum"].partition("/")[2]) is not None
    }


def names_to_block(pages: OriginPages) -> str:
    """Return the names that a supplier loads, as a table ``host,category``."""
    rows = (f"{host},{code}\n" for host, code in names_of(pages).items())
    return "".join(("host,category\n", *rows))


RESOLVER_PACK = OriginPack(
    name="resolver-names",
    title=f"Names for checks of name servers, in {len(FORMS_OF_QUERIES)} forms of queries",
    kind="content",
    make=lambda seed, taken: resolver_names(seed, taken=taken),
    audience="supplier",
)

"""Services that block what is harmless, by a word, an address or a view."""

from __future__ import annotations

from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.calibration.hostile.http_message import Answer

overblock = in_area("overblock")

ORDINARY, CHILDREN, WORDS, SHARED, VIEWS = "OVB-01", "OVB-02", "OVB-05", "OVB-06", "OVB-09"


@overblock("Blocks every page with a suspicious word, wherever it stands.", {WORDS})
async def blocks_by_word(visit: Visit) -> None:
    await _blocking(visit, visit.is_about("template:"))


@overblock("Blocks pages with a suspicious word, except in their titles.", {WORDS})
async def blocks_words_but_titles(visit: Visit) -> None:
    is_title = visit.is_about("template:title")
    await _blocking(visit, visit.is_about("template:") and not is_title)


@overblock("Blocks every site at the address of a listed one.", {SHARED})
async def blocks_by_shared_address(visit: Visit) -> None:
    await _blocking(visit, visit.is_about("address/"))


@overblock("Blocks every site at the address of a listed one over HTTPS.", {SHARED})
async def blocks_by_address_over_https(visit: Visit) -> None:
    await _blocking(visit, visit.is_about("address/") and visit.call.is_secure)


@overblock("Blocks pages that are against something.", {VIEWS})
async def blocks_one_view(visit: Visit) -> None:
    await _blocking(visit, visit.is_about("viewpoint:against"))


@overblock("Blocks every site that is on none of its lists.", {ORDINARY, CHILDREN})
async def blocks_unknown_sites(visit: Visit) -> None:
    await _blocking(visit, _is_site(visit))


@overblock("Blocks one of the sites for children.", {CHILDREN})
async def blocks_a_site_for_children(visit: Visit) -> None:
    await _blocking(visit, any(row["id"] == "site-1" for row in visit.told.rows_at(visit.host)))


@overblock("Answers sites of real lists with a page that asks for a moment of patience, and never shows them.", {ORDINARY, CHILDREN}, only="A page that does not say that it blocks is no evidence of a block.")  # fmt: skip
async def asks_for_patience(visit: Visit) -> None:
    if _is_site(visit):
        await visit.call.give(Answer().html("<title>Patience</title><p>One moment, please.</p>"))
    else:
        await visit.rightly()


def _is_site(visit: Visit) -> bool:
    return any(row["id"].startswith("site-") for row in visit.told.rows_at(visit.host))


async def _blocking(visit: Visit, is_blocked: bool) -> None:
    """Filter rightly, but block some harmless pages too."""
    if is_blocked:
        await visit.block("LOC")
    else:
        await visit.rightly()

"""What a campaign lacks for requirements on lists of illegal addresses, with a remedy."""

from __future__ import annotations

from collections.abc import Collection

from harness.cli.item_supply import ItemGroup
from harness.errors import first_of
from harness.model.corpus import TWIN
from harness.model.listed_page import ADDRESS, HARD_CASES, LIST_SCHEMES, SITE, case_of
from harness.plugins import PROBES

CASES: dict[str, dict[str, str]] = {
    "hard_entries_missed": {case: f"entries {words}" for case, words in HARD_CASES.items()},
    "collateral_blocks": {SITE: "other pages of a listed site"},
    "shared_address_collateral": {ADDRESS: "sites at the address of a blocked site"},
}
"""The cases that each metric wants, and their words for people."""

LIST_METRICS = frozenset({*CASES, "list_entries_missed", "overrides"})
"""Metrics that rest on the pack ``illegal-pages`` or on both schemes."""

NO_RECORD = (
    "the campaign records no attempt of a school role to lift a block for this profile",
    "make such attempts, and record them under overrides",
)
"""The obstacle of the metric ``overrides``, and its remedy."""

PACK = "illegal-pages"
MOST_SHOWN = 3


def list_obstacle(
    metric: str, supply: Collection[ItemGroup], *, has_record: bool
) -> tuple[str, str] | None:
    """Return why no result of a metric can conform with these items, and a remedy; or None.

    ``has_record``: the campaign records attempts to lift illegal blocks.
    """
    if metric == "list_entries_missed":
        return _missing_scheme(supply)
    if metric not in CASES:
        return NO_RECORD if metric == "overrides" and not has_record else None
    needs_twins = metric != "hard_entries_missed"
    tried = {
        case_of(group.example.stratum)
        for group in supply
        if group.example.stratum.startswith(TWIN) == needs_twins
    }
    missing = [
        f"{words} {over}"
        for case, words in CASES[metric].items()
        for scheme, over in LIST_SCHEMES.items()
        if (case, scheme) not in tried
    ]
    if not missing:
        return None
    why = f"nothing to try: {first_of(missing, MOST_SHOWN)}"
    return why, f"choose the origin's pack {PACK}, and the probes web and web_https"


def _missing_scheme(supply: Collection[ItemGroup]) -> tuple[str, str] | None:
    """The obstacle where a line has probes that fetch, but none by one of the schemes.

    A line with one probe for sealed lists needs one for each scheme.
    """
    names = frozenset[str]().union(*(group.probes for group in supply))
    known = PROBES.load()
    declared = [known[name]().declares for name in names & known.keys()]
    for need, entries, probes in (
        ("fetch", "the entries", "web and web_https"),
        ("connection", "the entries of the sealed list", "sealed_list and sealed_list_https"),
    ):
        schemes = {one.only_scheme for one in declared if one.needs == need}
        missing = [over for scheme, over in LIST_SCHEMES.items() if scheme not in schemes]
        if schemes and missing:
            return f"no probe tries {entries} {missing[0]}", f"give the line the probes {probes}"
    return None

"""What a supplier of the areas knows: its lists, and if it is hostile, every item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from corpora.illegal_pages import supplier_list
from corpora.origin_pack import OriginPages
from corpora.resolver_names import names_of
from corpora.search_pages import supplier_lists
from probes.range.filter import FilterPolicy
from probes.range.url_list import UrlList
from probes.range.zone import original_host
from test_suites.kit.campaigns.ranges import POLICY

PHASES = {"pupils": "ks2", "staff": "staff"}
"""The profiles of every service, each with its phase."""
SHARING = "LOC.FSHR"
"""The category under which uploads are blocked for pupils."""


def blocks(code: str, profile: str) -> bool:
    """Whether the policy asks that a category is blocked for a profile."""
    if code == SHARING:
        return profile == "pupils"
    return POLICY.expects(code, PHASES.get(profile, "ks2")) == "block"


@dataclass(frozen=True, kw_only=True)
class Told:
    """The lists that a supplier loads (``policy``), and the rows of all items by host."""

    policy: FilterPolicy
    rows: Mapping[str, tuple[dict[str, str], ...]]

    @classmethod
    def of(cls, several: Iterable[OriginPages]) -> Told:
        """What a supplier knows of the pages of all areas."""
        rows: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        categories, urls = dict[str, str](), dict[str, str]()
        engines, terms = dict[str, str](), dict[str, str]()
        for pages in several:
            for row in pages.rows:
                rows[row["registrable"]].append(row)
            lists, search = supplier_list(pages), supplier_lists(pages)
            categories |= {item.host: item.category for item in lists.sites}
            categories |= search.without_lock
            categories |= names_of(pages)
            urls |= lists.urls
            engines |= search.engines
            terms |= search.terms
        policy = FilterPolicy(
            categories=categories,
            blocks=blocks,
            engines=engines,
            terms=terms,
            urls=UrlList(urls),
            upload_code=SHARING,
        )
        return cls(policy=policy, rows={host: tuple(found) for host, found in rows.items()})

    def rows_at(self, host: str) -> tuple[dict[str, str], ...]:
        """The rows of the items at a host; a plain twin has those of its host."""
        return self.rows.get(original_host(host), ())

    def strata_at(self, host: str) -> frozenset[str]:
        """The strata of the items at a host, harmful and harmless ones."""
        return frozenset(row["stratum"] for row in self.rows_at(host))

"""Find the cases of web addresses that a requirement needs and a campaign does not try."""

from __future__ import annotations

from collections.abc import Iterable

from harness.cli.item_supply import ItemGroup
from harness.errors import first_of
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.metric_spec import spec_of
from harness.model.protocol_case import NAMED_PROTOCOLS
from harness.model.query_case import FORMS_OF_QUERIES
from harness.model.tls_check import CASES_OF_METRIC as TLS_METRICS
from harness.model.tls_check import cases_needed
from harness.model.url_case import CASES_OF_METRIC

SHOWN = 6
"""The most cases that one sentence names."""


CASES = {
    **CASES_OF_METRIC,
    "inconsistent_types": FORMS_OF_QUERIES,
    "protocol_mismatches": NAMED_PROTOCOLS,
    **{metric: cases_needed(metric) for metric in TLS_METRICS},
}
"""The cases that each metric of them needs, in words."""
RESOLVER_NAMES, URL_PAGES, TLS_CHECKS = "resolver-names", "url-pages", "tls-checks"
PROBES_OF_PACK = {
    URL_PAGES: "probes web and web_https",
    "protocols": "probe protocols",
    RESOLVER_NAMES: "probe dns_queries",
    TLS_CHECKS: "probe tls_checks",
}
"""The probes that try the cases of a pack."""


TOLD_BY_CASES = frozenset({"segment_ports_open"})
"""Metrics whose probe is the only one for some cases: without it, or them, no item tries these."""

COMPARED_WITH = {"ipv6_transitions_open": "web"}
"""The probe that a metric needs beside the one that it declares."""


def missing_cases(metric: str, supply: Iterable[ItemGroup]) -> tuple[str, str] | None:
    """Return which cases of a metric no item tries, and a remedy; None if none is missing."""
    tried = {variant_of(group.example.stratum) for group in supply if group.items}
    missing = [words for name, words in CASES.get(metric, {}).items() if name not in tried]
    if not missing:
        return None
    pack = content_pack(metric)
    probes = spec_of(metric).needs_probe
    others = COMPARED_WITH.get(metric, "web, web_https")
    named = (
        f"probes {others} and {probes}" if pack == URL_PAGES and probes else PROBES_OF_PACK[pack]
    )
    whose = "" if pack == TLS_CHECKS else " of the origin"
    remedy = f"choose the whole pack {pack}{whose}, and the {named}"
    return f"no item tries: {first_of(missing, SHOWN)}", remedy


def content_pack(metric: str) -> str:
    """Return the name of the origin's pack that has the content items of a metric."""
    module = spec_of(metric).function.partition(":")[0]
    if module == "file_cases":
        return "uploads" if "upload" in metric else "downloads"
    if module == "protocols":
        return module
    if module == "resolver_metrics":
        return RESOLVER_NAMES
    if metric in TLS_METRICS:
        return TLS_CHECKS
    is_of_urls = metric in CASES_OF_METRIC or module in ("url_metrics", "viewpoints")
    return URL_PAGES if is_of_urls else "content-pages"


def unlisted_cases(metric: str, supply: Iterable[ItemGroup]) -> tuple[str, str] | None:
    """Return the categories whose listed hosts a metric needs and no agreed item is of, if any.

    Without agreed items of a category, the supplier does not know its hosts.
    """
    if metric not in ON_LISTED_HOSTS:
        return None
    groups = list(supply)
    listed = {group.example.category for group in groups if not variant_of(group.example.stratum)}
    needed = {
        group.example.category
        for group in groups
        if variant_of(group.example.stratum) in CASES_OF_METRIC[metric]
        and not group.example.stratum.startswith(TWIN)
    }
    if needed <= listed:
        return None
    missing = ", ".join(sorted(needed - listed))
    why = f"pages on hosts of the agreed list are tried, but no item of that list: {missing}"
    return why, "choose these categories of the pack canary too, so that the supplier is told"


ON_LISTED_HOSTS = (
    "addresses_differing",
    "ipv6_transitions_open",
    "segment_ports_open",
    "sub_resource_block_rate",
)
"""Metrics of pages on hosts that a supplier's list names."""

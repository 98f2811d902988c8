"""The areas: what each campaign tries, against which requirements, and over which line.

The packs are as small as can decide each requirement; thresholds and numbers of items are those of
a calibration test. All campaigns share one origin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from corpora.content_pages import content_pages
from corpora.downloads import downloads
from corpora.illegal_pages import illegal_pages, several_addressed
from corpora.origin_pack import OriginPages
from corpora.resolver_names import resolver_names
from corpora.search_pages import SearchSizes, search_pages
from corpora.uploads import uploads
from corpora.url_pages import url_pages
from harness.model.content_form import PageContent, form_of
from harness.model.corpus import TWIN
from harness.model.listed_page import ADDRESS, case_of
from test_suites.calibration.availability_campaign import CONTINUITY
from test_suites.calibration.hostile.areas.area_rows import (
    harmless_sites,
    one_engine_of_each_kind,
)
from test_suites.calibration.hostile.areas.area_settings import (
    EVENTS,
    FEW,
    FEWER,
    GROUPS,
    HURRIED,
    MORE,
    MORE_TECHNIQUES,
    MOST,
    MOST_LOST,
    MOST_OF_EACH,
    MOST_OF_THE_TIME,
    ONE_MOMENT_ALONE,
    OVERRIDES,
    PUPILS,
    SAME_FOR_PUPILS,
    TWINS,
)
from test_suites.calibration.hostile.areas.area_supplier import (
    ALERTING,
    AVAILABILITY,
    DEVICES,
    LOGGING,
    MAILING,
    SPEED,
    TECHNIQUES,
)
from test_suites.calibration.hostile.areas.told import PHASES
from test_suites.calibration.technique_campaigns import ids_of

Wiring = Literal["proxy", "names", "resolver", "users", "gateway"]
"""Lines: an explicit proxy; a name server, with a gateway or alone; one proxy at which users sign in;
a gateway, beside a name server that blocks nothing."""
PackKind = Literal["agreed", "content", "real"]

SEED = "hostile areas"


@dataclass(frozen=True, kw_only=True)
class Area:
    """One campaign: its packs, requirements, probes, profiles and other settings.

    ``packs`` are pages by the kind of their pack; ``canaries`` are categories of the shipped pack
    ``canary``, of which a sample is tried as well; ``techniques`` are items of ``circumvention``.
    """

    name: str
    title: str
    requirements: tuple[dict[str, Any], ...]
    packs: dict[PackKind, OriginPages] = field(default_factory=dict)
    canaries: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    wiring: Wiring = "proxy"
    probes: tuple[str, ...] = ("web", "web_https")
    profiles: dict[str, Any] = field(default_factory=lambda: PUPILS)
    settings: dict[str, Any] = field(default_factory=dict)


@cache
def areas() -> dict[str, Area]:
    """All areas by name; no two campaigns share a host of the origin, except canaries."""
    made: dict[str, Area] = {}
    taken: set[str] = set()
    for make in _MAKERS:
        area = make(frozenset(taken))
        taken |= {host for pages in area.packs.values() for host in pages.texts}
        made[area.name] = area
    return made


def all_pages() -> tuple[OriginPages, ...]:
    """The pages of all areas."""
    return tuple(pages for area in areas().values() for pages in area.packs.values())


def texts() -> dict[str, str]:
    """The text of each host of the origin."""
    return {host: text for pages in all_pages() for host, text in pages.texts.items()}


def contents() -> dict[str, PageContent]:
    """What else each host of the origin shows."""
    return {host: page for pages in all_pages() for host, page in pages.contents.items()}


def several() -> frozenset[str]:
    """The hosts that need several addresses."""
    return frozenset[str]().union(*map(several_addressed, all_pages()))


def _rows(pages: OriginPages, is_kept: Callable[[dict[str, str]], bool]) -> OriginPages:
    """Return the pages with some of their rows only."""
    return replace(pages, rows=tuple(filter(is_kept, pages.rows)))


def _illegal(taken: frozenset[str]) -> Area:
    pages = illegal_pages(SEED, siblings=2, pairs=0, canaries=1, taken=taken)
    return Area(
        name="illegal",
        title="Lists of illegal addresses",
        requirements=(
            {"id": "ILL-01"}, {"id": "ILL-02"}, {"id": "ILL-03", "n_min": 2}, {"id": "ILL-04"},
            {"id": "ILL-06"}, SAME_FOR_PUPILS,
        ),
        packs={"agreed": pages},
        settings={"overrides": OVERRIDES, "plain_twins": TWINS},
    )  # fmt: skip


def _url(taken: frozenset[str]) -> Area:
    few = {"address": 1, "object": 1, "deep": 2, "new": 4}
    return Area(
        name="url",
        title="How pages are addressed",
        requirements=(
            {"id": "URL-10", "n_min": 3, "threshold": MORE},
            {"id": "URL-11", "n_min": 3, "threshold": MORE},
            {"id": "URL-12", "n_min": 3, "threshold": MORE},
            {"id": "URL-13"},
        ),
        packs={"content": url_pages(SEED, ("DRUG",), few, taken=taken)},
        settings={"service": {"new_sites": "scan"}},
    )


def _search(taken: frozenset[str]) -> Area:
    sizes = SearchSizes(repeats=1, queries=4, twins=1, categories=("DRUG",))
    pages = search_pages(SEED, taken, sizes)
    return Area(
        name="search",
        title="What searches show",
        requirements=(
            {"id": "DYN-01"}, {"id": "DYN-02"}, {"id": "DYN-03"},
            {"id": "DYN-04", "n_min": 4, "threshold": MOST_OF_EACH},
            {"id": "DYN-05", "n_min": 4, "threshold": FEW},
        ),
        packs={"content": replace(pages, rows=one_engine_of_each_kind(pages.rows))},
        wiring="names",
        probes=("web", "web_https", "dns"),
    )  # fmt: skip


def _dynamic(taken: frozenset[str]) -> Area:
    pages = content_pages(SEED, ("DRUG",), 4, of_form=4, of_recipe=0, of_viewer=1, taken=taken)

    def is_judged(row: dict[str, str]) -> bool:
        form = form_of(row["stratum"])
        is_first = row["id"].removesuffix("-twin").endswith("1")
        is_kept = is_first or not row["stratum"].startswith(TWIN)
        return is_kept and (form is None or form.family in ("ordinary", "viewer"))

    return Area(
        name="dynamic",
        title="What pages say",
        requirements=({"id": "DYN-06", "n_min": 4, "threshold": MOST_OF_EACH}, {"id": "DYN-08"}),
        packs={"content": _rows(pages, is_judged)},
    )


def _overblock(taken: frozenset[str]) -> Area:
    pages = url_pages(f"{SEED}, harmless", (), {"template": 1, "viewpoint": 6}, taken=taken)
    taken |= set(pages.texts)
    pairs = illegal_pages(f"{SEED}, pairs", siblings=0, pairs=1, canaries=0, taken=taken)
    taken |= set(pairs.texts)
    return Area(
        name="overblock",
        title="Harmless pages",
        requirements=(
            {"id": "OVB-01", "n_min": 6, "threshold": FEW},
            {"id": "OVB-02", "n_min": 2},
            {"id": "OVB-05", "n_min": 5, "threshold": FEWER},
            {"id": "OVB-06"},
            {"id": "OVB-09", "n_min": 6, "threshold": FEWER},
        ),
        packs={
            "content": pages,
            "agreed": _rows(pairs, lambda row: case_of(row["stratum"]).case == ADDRESS),
            "real": harmless_sites(f"{SEED}, sites", taken),
        },
        canaries=("DRUG",),
    )


def _malware(taken: frozenset[str]) -> Area:
    return Area(
        name="malware",
        title="What files hold",
        requirements=(
            {"id": "MAL-01"}, {"id": "MAL-02"}, {"id": "MAL-04"}, {"id": "MAL-05", "n_min": 4},
        ),
        packs={"content": downloads(SEED, of_case=1, clean=0, rows=False, taken=taken)},
        probes=("download",),
        settings={"service": {"archives": dict.fromkeys(("deep", "encrypted", "huge"), "block")}},
    )  # fmt: skip


def _upload(taken: frozenset[str]) -> Area:
    handled = {"pupils": "block", "staff": "allow"}
    return Area(
        name="upload",
        title="What may be uploaded",
        requirements=({"id": "UPL-01"}, {"id": "UPL-02"}),
        packs={"content": uploads(SEED, of_case=1, rows=False, taken=taken)},
        probes=("upload",),
        profiles={name: one | {"uploads": handled[name]} for name, one in GROUPS.items()},
    )


def _policy(taken: frozenset[str]) -> Area:
    del taken
    nobody = {"nobody": {"phase": PHASES["pupils"], "users": ["unidentified"]}}
    return Area(
        name="policy",
        title="Whose policy answers",
        requirements=(
            {"id": "POL-01"}, {"id": "POL-04"}, {"id": "POL-05", "n_min": EVENTS}, {"id": "POL-07"},
        ),
        canaries=("ADLT", "DRUG"),
        wiring="users",
        probes=("web",),
        profiles=GROUPS | nobody,
        settings={
            "not_offered": ["guest", "own_device", "off_site"],
            "concurrent_users": {"events": EVENTS},
        },
    )  # fmt: skip


def _block_page(taken: frozenset[str]) -> Area:
    del taken
    return Area(
        name="blockpage",
        title="Block pages",
        requirements=(
            {"id": "BLK-01", "n_min": 2, "threshold": MOST},
            {"id": "BLK-02", "n_min": 2, "threshold": MOST},
            {"id": "BLK-03"},
            {"id": "BLK-05"},
            {"id": "ILL-07"},
        ),
        canaries=("GAMB", "ILL.CSAM"),
        probes=("web", "web_https", "web_markup"),
    )


def _logging(taken: frozenset[str]) -> Area:
    del taken
    records = {"users": {"pupils": "pupils"}, "computers": {"line": "127.0.0.1"}}
    return Area(
        name=LOGGING,
        title="What the log shows",
        requirements=(
            {"id": "LOG-01", "n_min": 222}, {"id": "LOG-02", "n_min": 222}, {"id": "LOG-04"},
            {"id": "LOG-06"}, {"id": "CIR-13", "n_min": 22},
        ),
        canaries=("DRUG",),
        probes=("web",),
        settings={"service": {"records": records}},
    )  # fmt: skip


def _alerting(taken: frozenset[str]) -> Area:
    del taken
    return Area(
        name=ALERTING,
        title="Whom alerts tell",
        requirements=(
            {"id": "ALR-01", "n_min": 22}, {"id": "ALR-02", "n_min": 22},
            {"id": "ALR-03", "n_min": 55}, {"id": "ALR-06", "n_min": 11},
        ),
        canaries=("DRUG",),
        probes=("web",),
        settings={"service": {"alerts": {"recipients": {"pupils": ["lead@school.example"]}}}},
    )  # fmt: skip


def _mailing(taken: frozenset[str]) -> Area:
    del taken
    return Area(
        name=MAILING,
        title="What becomes of mail",
        requirements=(
            {"id": "EML-01", "n_min": 22, "threshold": MORE}, {"id": "EML-02"},
            {"id": "EML-03"}, {"id": "EML-04", "n_min": 22, "threshold": FEWER},
            {"id": "EML-05", "n_min": 22},
        ),
        canaries=("DRUG",),
        probes=("web",),
    )  # fmt: skip


def _speed(taken: frozenset[str]) -> Area:
    del taken
    return Area(
        name=SPEED,
        title="How quick the service is",
        requirements=(
            {"id": "PRF-02", "n_min": 6, "threshold": MOST_LOST},
            {"id": "PRF-08", "n_min": 4, "threshold": FEW},
        ),
        canaries=("DRUG",),
        probes=("web",),
        profiles={"pupils": {"phase": PHASES["pupils"], "uploads": "block"}},
    )


def _availability(taken: frozenset[str]) -> Area:
    del taken
    return Area(
        name=AVAILABILITY,
        title="Whether the service is up and filters",
        requirements=(
            {"id": "AVL-01", "n_min": 16, "threshold": MOST_OF_THE_TIME},
            {"id": "AVL-02"}, {"id": "AVL-03"},
        ),
        canaries=("DRUG", "VIOL"),
        probes=("web",),
        settings={"service": {"continuity": CONTINUITY}},
    )  # fmt: skip


def _devices(taken: frozenset[str]) -> Area:
    del taken
    return Area(
        name=DEVICES, title="Moments of devices", requirements=({"id": "DEV-03"},),
        canaries=("DRUG", "GAMB"), probes=("web",), settings=ONE_MOMENT_ALONE,
    )  # fmt: skip


def _resolving(taken: frozenset[str]) -> Area:
    return Area(
        name="resolving",
        title="What name servers answer",
        requirements=({"id": "DNS-02"}, {"id": "DNS-03"}, {"id": "IP6-01"}),
        packs={"content": resolver_names(SEED, ("DRUG",), timed=0, taken=taken)},
        canaries=("DRUG",),
        wiring="resolver",
        probes=("web", "web_ipv6", "dns_queries"),
    )


GROUPS_TRIED = (
    "resolver", "encrypted-dns", "ech", "quic", "spelling", "name", "framing", "identity", "relay",
    "hello", "device",
)  # fmt: skip


def _techniques(taken: frozenset[str]) -> Area:
    """Ways to a blocked page; without those in control protocols, of which one needs pings."""
    del taken
    tried = ("CIR-04", "CIR-05", "CIR-07", "CIR-08", "CIR-09", "CIR-10", "CIR-11", "CIR-12")
    return Area(
        name=TECHNIQUES,
        title="Ways round the filter",
        requirements=(
            *({"id": each} for each in tried), {"id": "CIR-15", "n_min": 6}, {"id": "TLS-09"},
            {"id": "DEV-01"},
        ),
        techniques=tuple(ids_of(*GROUPS_TRIED)) + MORE_TECHNIQUES,
        wiring="gateway",
        probes=("web", "web_https", "techniques"),
        settings={"limits": HURRIED},
    )  # fmt: skip


_MAKERS = (
    _illegal, _url, _search, _dynamic, _overblock, _malware, _upload, _policy, _block_page,
    _logging, _alerting, _mailing, _speed, _availability, _devices, _resolving, _techniques,
)  # fmt: skip

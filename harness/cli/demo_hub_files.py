"""The files of ``accredit serve --demo``: what is monitored where, the scheme, the sites to test.

Everything in them is made up, and says so. The monitored lines are simulated
(``probes.lines.simulated``), and the tested sites exist only in names.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from harness.campaign.origin_file import write_origin
from harness.ports.network import Origin

MONITORING, SCHEME_ID, SCHEDULE, LINE, PROFILE = "demo", "demo", "weekly", "school", "pupils"
"""Names in the files: of the monitoring, the scheme, the schedules, the lines and the profile."""

TITLE = "Demonstration, all made up"
SIMULATED = f"{TITLE}: the figures are simulated, nothing was measured"
MEASURED = f"{TITLE}: measured on a simulated line"

NORTHGATE, BRIGHTWATER = "Northgate Learning Networks", "Brightwater Filtering Ltd"


class DemoService(NamedTuple):
    """A service of the demonstration and the sites where it is monitored."""

    name: str
    supplier: str
    sites: tuple[str, ...]

    def file_name(self, site: str) -> str:
        """The name of the campaign file of a site."""
        return f"{_slug(self.name)}-{_slug(site)}.yaml"


def _slug(name: str) -> str:
    return "-".join(name.lower().split())


DNS = DemoService(
    "SchoolShield DNS",
    NORTHGATE,
    ("Ashfield High", "Brook Primary", "Castle Academy", "Moorside Primary"),
)
GATEWAY = DemoService(
    "SchoolShield Gateway",
    NORTHGATE,
    ("Dale High", "Elm Primary", "Ferry Academy", "Grange School"),
)
HARBOUR = DemoService(
    "Harbour Filter",
    BRIGHTWATER,
    (
        "Harbour View Primary",
        "Inglewood High",
        "Jubilee Academy",
        "Kingsmead School",
        "Lakeside Primary",
        "Northcliff High",
    ),
)
SERVICES = (DNS, GATEWAY, HARBOUR)


class Category(NamedTuple):
    """A category of made-up sites: its code, the begin of their names, and how many there are.

    ``sample`` is how many of them a campaign tries, 0 for all.
    """

    code: str
    name: str
    size: int
    sample: int = 0

    @property
    def tested(self) -> int:
        """How many of them a campaign tries."""
        return self.sample or self.size

    def host(self, number: int) -> str:
        """The host of the site with that number."""
        return f"{self.name}-{number:04}.canary.accredit.test"


CATEGORIES = (
    Category("ILL.CSAM", "ill-csam", 30),
    Category("PORN", "porn", 40),
    Category("VIOL", "viol", 40),
    Category("DISC", "disc", 40),
    Category("DRUG", "drug", 240, sample=90),
    Category("ALW.CURR", "lesson", 40),
    Category("ALW.HEALTH", "health", 90),
)
"""The categories of the requirements of the scheme, in their order."""

BLOCKED = ("ILL", "PORN", "VIOL", "DISC", "DRUG", "copper-meadow.accredit.test")
"""What a service blocks: categories, and the page by which a filter is seen to be on."""

PACK_VERSION = "2026.1.0"

SCHEME = """\
id: {id}
version: "{version}"
title: "Demonstration: seven checks, with made-up thresholds"
about: >-
  This scheme is no standard. It belongs to a demonstration of a hub, in which suppliers, services,
  people and figures are made up.
effective_from: "2024-01-01"
reviewed_on: "2026-11-24"
review_by: "2099-11-24"
sources: ["made up for a demonstration"]
policy: uk-schools-2026
decision:
  alpha: 0.05
  statement: Decided by exact one-sided 95 % confidence bounds (guarded, ILAC-G8:2019).
  provenance: proposed
  source: METHOD (c)
requirements:
  - id: ILL-01
    measure: {{metric: missed, categories: [ILL.CSAM], expectation: block}}
    n_min: 30
  - id: URL-01
    measure: {{metric: block_rate, categories: [PORN], expectation: block}}
    threshold: &least {{at_least: {least}, provenance: proposed, source: "a demonstration"}}
  - {{id: URL-02, threshold: *least}}
  - id: URL-03
    measure: {{metric: block_rate, categories: [DISC], expectation: block}}
    threshold: *least
  - {{id: URL-04, threshold: *least}}
  - id: OVB-01
    measure: {{metric: overblock_rate, categories: [ALW.CURR], expectation: allow}}
    threshold: &most {{at_most: 0.1, provenance: proposed, source: "a demonstration"}}
    n_min: 29
  - id: OVB-03
    severity: Min
    measure: {{metric: overblock_rate, categories: [ALW.HEALTH], expectation: allow}}
    threshold: *most
    n_min: 29
    profiles: []
"""
EDITIONS = {"1.0": 0.85, "2.0": 0.9}
"""The least block rate by edition of the scheme; the last edition is in force."""

CAMPAIGN = """\
campaign: {campaign}
title: {title}
{seed}service: {{name: {service}, supplier: {supplier}}}
scheme: scheme.yaml
origin: origin.json
lines:
  - name: {line}
    site: {site}
    type: simulated
    options: {{block: {block}, miss: {miss}, overblock: {overblock}, latency_ms: 20}}
control: {{type: simulated}}
profiles:
  {profile}: {{phase: ks3}}
corpora:
{corpora}items: agreed
plain_twins: {{pause: 0}}
"""


class Behaviour(NamedTuple):
    """How a simulated line behaves: which drug sites pass, and which health sites do not."""

    missed: range = range(0)
    overblocked: range = range(0)


def campaign_text(
    service: DemoService, site: str, campaign: str, behaviour: Behaviour, seed: str = ""
) -> str:
    """A campaign file, which measures a service at a site on a simulated line.

    Without a ``seed`` each campaign draws another sample, as runs of surveillance must.
    """
    drug, health = (
        next(each for each in CATEGORIES if each.code == code) for code in ("DRUG", "ALW.HEALTH")
    )
    return CAMPAIGN.format(
        campaign=campaign,
        seed=f"seed: {seed}\n" if seed else "",
        title=json.dumps(MEASURED),
        service=json.dumps(service.name),
        supplier=json.dumps(service.supplier),
        line=LINE,
        site=json.dumps(site),
        block=json.dumps(BLOCKED),
        miss=json.dumps([drug.host(number) for number in behaviour.missed]),
        overblock=json.dumps([health.host(number) for number in behaviour.overblocked]),
        profile=PROFILE,
        corpora="".join(_selections()),
    )


def _selections() -> Iterator[str]:
    """The selections of a campaign: whole categories, then the sampled ones."""
    whole = json.dumps([each.code for each in CATEGORIES if not each.sample])
    yield f"  - {{pack: ./pack, categories: {whole}}}\n"
    for each in CATEGORIES:
        if each.sample:
            yield f"  - {{pack: ./pack, categories: [{each.code}], sample: {each.sample}}}\n"


def monitoring_text(due: datetime) -> str:
    """The monitoring file: each site once a week, at the weekday and time of ``due``."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    cron = f"{due.minute} {due.hour} * * {days[due.weekday()]}"
    services = [
        {
            "service": service.name,
            "supplier": service.supplier,
            "alarm": {"sites": 2, "retest_within": "5d"},
            "sites": [
                {
                    "site": site,
                    "schedules": [
                        {"name": SCHEDULE, "cron": cron, "campaign": service.file_name(site)}
                    ],
                }
                for site in service.sites
            ],
        }
        for service in SERVICES
    ]
    return json.dumps({"monitoring": MONITORING, "title": TITLE, "services": services}, indent=1)


def scheme_text(edition: str) -> str:
    """The scheme of the demonstration in an edition."""
    return SCHEME.format(id=SCHEME_ID, version=edition, least=EDITIONS[edition])


def write_files(folder: Path, due: datetime) -> None:
    """Write the files of the demonstration into the folder of its hub."""
    from corpora.pack_writer import PackDetails, write_pack  # noqa: PLC0415 - keep the start light
    from probes.range.zone import TWIN_ZONE, ZONE  # noqa: PLC0415 - the same

    origin = Origin(
        zone=ZONE,
        resolver="127.0.0.1:53",
        ports={80: 80, 443: 443},
        authority="",
        key=secrets.token_bytes(32),
        address="127.0.0.1",
        twin_zone=TWIN_ZONE,
    )
    write_origin(origin, folder / "origin.json")
    write_pack(folder / "pack", _rows(), PackDetails(
        name="demo", version=PACK_VERSION, title=TITLE, created="2026-01-01T00:00:00Z",
    ))  # fmt: skip
    (folder / "scheme.yaml").write_text(scheme_text(max(EDITIONS)), encoding="utf-8")
    (folder / "monitoring.yaml").write_text(monitoring_text(due), encoding="utf-8")


def _rows() -> Iterator[dict[str, str]]:
    for each in CATEGORIES:
        for number in range(1, each.size + 1):
            host = each.host(number)
            yield {
                "id": f"{each.name}-{number:04}",
                "value": host,
                "kind": "host",
                "registrable": host,
                "labels": each.code,
                "stratum": each.code,
                "sensitivity": "S0",
            }

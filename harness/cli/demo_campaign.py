"""The campaigns of ``accredit demo --all``: what is declared, and which items an assessor draws."""

from __future__ import annotations

import secrets
from pathlib import Path
from textwrap import fill, indent

from rich.console import Console

from corpora.build_pack import import_pack
from corpora.origin_pack import OriginPages
from corpora.sampler import sample_pack
from harness.cli.compose import open_pack
from harness.cli.demo_service_side import declared_service
from harness.cli.demo_story import SERVICE, SUPPLIER, files_of
from harness.cli.range import VENDOR_LIST
from harness.model.content_form import FORMS
from harness.ports.storage import WallClock
from probes.range.testbed import RangeTestbed

CAMPAIGN = """\
campaign: demo
title: "Demonstration: a filter on this computer, with four deliberate faults"
service:
  name: {service}
  supplier: {supplier}
{declared}origin: range/origin.json
lines:
  - name: proxy
    type: explicit_proxy
    site: school
    options: {{proxy: "{proxy}"}}
# availability is checked from two places
availability_lines:
  - name: branch
    type: explicit_proxy
    site: branch of the school
    options: {{proxy: "{proxy}"}}
profiles:
  pupils: {{phase: ks2}}
corpora:
  # agreed items: the supplier knows these names
  - {{pack: canary, categories: [DRUG], sample: 60}}          # about half of them pass
  - {{pack: canary, categories: [ILL.CSAM]}}                  # a census
  # real items: a sealed sample of a category list, unknown to the supplier
  - {{pack: real/harmful}}
  - {{pack: real/hateful}}                                    # too few to decide
  - {{pack: real/harmless}}
  # content items: pages on unannounced hosts, recognisable only by their text: 29 plain ones, and
  # 30 in each ordinary form
  - pack: range/content-pages
    items:
{content}
  # files with the anti-malware test string, and harmless ones; one of each kind
  - {{pack: range/downloads, sample: 1}}
probes: [web, download]
scheme: becta-2008
limits: {{timeout: 3, confirmation_timeout: 6, concurrency: 40, batch: 250}}
plain_twins: {{pause: 0.01}}
"""
LATER = """\
corpora:
  - {{pack: canary, categories: [DRUG], sample: 30}}
  - {{pack: real/harmful, categories: [DRUG]}}
  - {{pack: range/downloads, items: [{files}]}}
"""
"""What the later campaign measures: the lists of FIXES."""

NAMED = ("PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW.HACK")
"""The categories that the scheme names."""
FEW = ("DISC", "EXTR")
"""The categories of which the assessor draws too few items."""


CONTENT = ("PORN", "ADLT", "VIOL", "DRUG", "GAMB")
"""The categories of content pages: of so many, at least 29 pages come in each form."""
FEWEST = 29
"""How many items decide a rate of at least 90 %."""


def draw_samples(console: Console, home: Path) -> None:
    """Import the vendor's list, and draw sealed samples of harmful and harmless sites."""
    moment = WallClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
    vendor = home / "real/vendor"
    listed = home / "range" / VENDOR_LIST
    imported = import_pack("labelled", listed, vendor, created=moment)
    pack = open_pack(str(vendor))
    many = tuple(code for code in NAMED if code not in FEW)
    for name, categories, size in (
        ("harmful", many, 30),
        ("hateful", FEW, 12),
        ("harmless", ("ALW",), 5),
    ):
        sample = sample_pack(
            pack,
            out=home / "real" / name,
            seed=secrets.token_hex(16),
            size=size,
            categories=categories,
            audience="sealed",
        )
        console.print(f"   {sample.size} of {imported.items} sites: {home / 'real' / name}")


def write_campaign(home: Path, running: RangeTestbed) -> Path:
    """Write the campaign file, and return its path."""
    path = home / "campaign.yaml"
    text = CAMPAIGN.format(
        service=SERVICE,
        supplier=SUPPLIER,
        declared=declared_service(running, "proxy"),
        proxy=running.origin.services["reference"]["proxy"]["pupils"],
        content=_content_items(home),
    )
    path.write_text(text, encoding="utf-8")
    return path


def _content_items(home: Path) -> str:
    """The ids of the content pages of the campaign, as lines of its file."""
    items = tuple(open_pack(str(home / "range/content-pages")).items())
    plain = [item.id for item in items if item.stratum == CONTENT[0]][:FEWEST]
    ordinary = [form.name for form in FORMS.values() if form.family == "ordinary"]
    strata = {f"{code}/{form}" for code in CONTENT for form in ordinary}
    formed = [item.id for item in items if item.stratum in strata]
    return indent(fill(", ".join([*plain, *formed]), 90, initial_indent="["), " " * 6) + "]"


def write_later_campaign(path: Path, home: Path, pages: OriginPages) -> Path:
    """Write a campaign like that at ``path``, with the lists and files that were fixed."""
    head, _, rest = path.read_text(encoding="utf-8").partition("corpora:\n")
    head = head.replace("campaign: demo\n", "campaign: demo-later\n")
    settings = rest[rest.index("probes: ") :]
    later = home / "later.yaml"
    measured = LATER.format(files=", ".join(files_of(home, pages, "eicar_variants_passed")))
    later.write_text(f"{head}{measured}{settings}", encoding="utf-8")
    return later

"""``accredit init``: write a commented campaign file that works after two edits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.printing import say
from harness.errors import UsageError

TEMPLATE = """\
# A campaign: what is measured, over which lines, with which corpora and probes.
# Edit the two lines marked "EDIT", then: accredit doctor {file}, and: accredit run {file}
campaign: {name}
title: First look at a filtered internet service

service:
  name: Example SchoolSafe        # EDIT 1: the service under test
  supplier: Example Networks Ltd

# The canary origin: pages whose arrival proves that nothing blocked them.
# "accredit range up --out origin.json" starts one and writes this file.
origin: origin.json

# The lines through the service. Each is assessed separately.
lines:
  - name: proxy
    type: explicit_proxy          # known types: accredit list lines
    options:
      proxy: http://127.0.0.1:3128   # EDIT 2: the address of the service's proxy
#  - name: resolver
#    type: resolver
#    probes: [dns, web]          # dns checks the answer; web also times the page
#    options:
#      server: 127.0.0.1:5353

# Age groups as the service knows them. The phase selects the column of the policy:
# ks1, ks2, ks3, ks4, post16 or staff.
profiles:
  pupils: {{phase: ks2}}

# What is tried. A seeded sample is drawn from each category and from its must-allow twins.
corpora:
  # Agreed items, whose names the supplier loads: they show that a list is enforced.
  - pack: canary
    categories: [PORN, ADLT, VIOL, DISC, EXTR, DRUG, CRIM, PIRA, MALW.HACK]
    sample: 60
  - pack: canary
    categories: [ILL.CSAM]        # the illegal list: every entry, since one miss fails it
  # Real items, drawn from a list and hidden from the supplier: they show what its filter knows.
  # "accredit corpus import" and "accredit corpus sample --audience sealed" make these packs.
#  - pack: ./real-items
#  - pack: ./harmless-items
  # Content items, on unannounced hosts: they show content analysis.
#  - pack: ./content-pages

# Without hidden real items a pass is limited to the agreed list. This line accepts that limit;
# remove it when you use the packs above.
items: agreed

probes: [web]                     # known probes: accredit list probes
scheme: becta-2008                # known schemes: accredit scheme list
# A random seed for the samples is made and kept in the journal's folder. Give your own (seed: ...)
# to try the same items in another campaign. Anyone who knows the seed knows what is tried.

# Hosts agreed with the supplier: one must pass, one must be blocked. They are tried before and
# after every batch, so that a dead line or a filter that is off never counts as a result.
sentinels:
  must_allow: [amber-lantern.accredit.test]
  must_block: [copper-meadow.accredit.test]

limits:
  timeout: 5                      # seconds; a timeout is tried again with the next value
  confirmation_timeout: 15
  concurrency: 20

# A sample of the items is tried once more as a pupil would, and the results are compared, to find
# a service that filters only for the test. It takes two minutes for each line, profile and probe.
plain_twins:
  number: 59
  pause: 1                        # seconds between two visits, on average
"""


def init_command(
    directory: Annotated[Path, typer.Argument(help="Where to write campaign.yaml.")] = Path(),
    name: Annotated[str, typer.Option(help="The name of the campaign.")] = "first-campaign",
) -> None:
    """Write a commented campaign file to start from. An existing file is never overwritten."""
    path = directory / "campaign.yaml"
    if path.exists():
        msg = f"{path} exists already; choose another folder, or edit that file"
        raise UsageError(msg)
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(name=name, file=path), encoding="utf-8")
    say(f"wrote {path}: edit the two lines marked EDIT, then 'accredit doctor {path}'")

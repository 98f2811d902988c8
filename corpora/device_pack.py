"""A pack of ordinary requests as devices make them that an assessor recorded (DEV-01)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from corpora.pack_writer import PackDetails, write_pack
from harness.model.origin_zone import RANGE_ZONE
from harness.model.technique import DEVICE, PARTED, WAY
from harness.model.technique_host import CODE, PART

SCHEMES = ("https", "https", "http")
"""How each device asks: for so many pages, each on a host of its own."""


def write_device_pack(out: Path, recordings: Mapping[str, str], created: str) -> int:
    """Write a pack to a new folder; returns its number of items.

    ``recordings`` are JSON texts by the names of the devices; ``created`` is an RFC 3339 time.
    """
    rows = list(_rows(recordings))
    details = PackDetails(
        name="our-devices",
        version="1.0.0",
        title="Ordinary requests by recorded devices",
        created=created,
        kind="agreed",
        description="The supplier loads the hosts of its items, as of the pack circumvention.",
    )
    write_pack(out, rows, details)
    return len(rows)


def _rows(recordings: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for number, (name, text) in enumerate(recordings.items(), 1):
        told = text.replace(PARTED, PARTED.replace("|", r"\u007c"))
        word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "device"
        for place, scheme in enumerate(SCHEMES, 1):
            identity = f"OD-{number:02}-{place}"
            yield {
                "id": identity,
                "value": f"recorded-device {scheme}://{{host}}/ {told}",
                "kind": "vector",
                "registrable": f"{identity.lower()}.{PART}.{RANGE_ZONE}",
                "labels": CODE,
                "label_source": "curated",
                "stratum": f"{CODE}/{WAY}{DEVICE}:{word}:{scheme}",
                "sensitivity": "S0",
                "notes": f"An ordinary request by {name}",
            }

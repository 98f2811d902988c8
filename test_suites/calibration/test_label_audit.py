"""An audit of a pack's labels gives a second, corrected figure beside the block rate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from corpora.pack_reader import PACKS
from harness.campaign.origin_file import write_origin
from harness.ports.network import Origin
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign

BLOCK = ["DRUG", "copper-meadow.accredit.test"]


def measured(folder: Path, audit: dict[str, int] | None) -> Rehearsal:
    """A service that blocks drugs, tried with a pack that was audited or not."""
    shutil.copytree(PACKS / "canary", folder / "pack")
    manifest = json.loads((folder / "pack/datapackage.json").read_text())
    if audit:
        manifest["accredit"]["labels"]["audit"] = audit
    (folder / "pack/datapackage.json").write_text(json.dumps(manifest))
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a", key=b"k" * 32
    )
    write_origin(origin, folder / "origin.json")
    return rehearse(
        write_campaign(
            folder,
            origin=folder / "origin.json",
            lines=[{"name": "proxy", "type": "simulated", "options": {"block": BLOCK}}],
            control={"type": "simulated"},
            corpora=[{"pack": "./pack", "categories": ["DRUG"], "sample": 40}],
        )
    )


def test_the_figure_corrected_by_the_audit_is_shown_and_does_not_decide(tmp_path: Path) -> None:
    audited = measured(tmp_path / "audited", {"items": 299, "wrong": 3})
    plain = measured(tmp_path / "plain", None)
    one, other = audited.outcome("URL-04", "proxy"), plain.outcome("URL-04", "proxy")

    assert other.corrected is None
    assert one.corrected is not None
    assert (one.corrected.audited, one.corrected.wrong) == (299, 3)
    assert 0.01 < one.corrected.label_error < 0.03
    assert one.corrected.lower == one.metric.lower, "clean items are let through here"
    assert (one.conformity, one.metric, one.reasons) == (
        other.conformity,
        other.metric,
        other.reasons,
    )

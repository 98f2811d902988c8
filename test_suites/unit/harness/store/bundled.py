"""A bundle made by hand: a sealed journal, a scheme, a registry, and an assessment of them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from harness.model.observation import Observation
from harness.store.assessments import encode_assessment
from harness.store.bundle import (
    journal_files,
    write_bundle,
)
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.example import example_assessment
from test_suites.kit.campaigns.journal_headers import CAMPAIGN, header
from test_suites.kit.hubs.keys import write_keys

STEP = 53
"""Of the bytes that are changed, the distance from one to the next; a prime."""
Files = dict[str, bytes | Path]
MANIFEST = {"name": "canary", "version": "1.0.0", "resources": [{"hash": "sha256:beef"}]}
ASSESSMENT = example_assessment(campaign="spring", observations=7)


def make_journal(folder: Path, observe_batch: Callable[[int, int], list[Observation]]) -> Path:
    """A sealed journal of two segments and seven observations."""
    campaign = CAMPAIGN.model_copy(update={"campaign": "spring"})
    told = header(campaign, corpora=("canary 1.0.0 beef",)).as_document()
    journal = SegmentJournal.create(folder / "journal", told)
    for batch, size in ((1, 3), (2, 4)):
        journal.append(batch, observe_batch(batch, size))
        journal.seal()
    journal.close()
    return folder / "journal"


def files_of(journal: Path, more: dict[str, bytes] | None = None) -> Files:
    """What a bundle holds."""
    scheme = {"id": ASSESSMENT.scheme, "version": ASSESSMENT.scheme_version}
    return {
        **journal_files(journal),
        "assessment.json": encode_assessment(ASSESSMENT),
        "scheme.json": json.dumps(scheme).encode(),
        "registry.json": b'{"events": 3, "last_hash": "cafe"}',
        "appeals.json": b"[]",
        "corpora/canary/datapackage.json": json.dumps(MANIFEST).encode(),
        **(more or {}),
    }


def make_bundle(journal: Path, tmp_path: Path) -> Path:
    """A bundle that holds, with the keys beside it."""
    private, _ = write_keys(tmp_path)
    write_bundle(tmp_path / "spring.zip", files_of(journal), ASSESSMENT, private)
    return tmp_path / "spring.zip"


def rewritten(bundle: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The same archive with other content, well-formed throughout."""
    with zipfile.ZipFile(bundle) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, raw in content.items():
            archive.writestr(name, raw)
    return bundle

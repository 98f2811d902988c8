"""Bundles of a simulated campaign, whole and as it stood earlier, signed by several keys."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from harness.cli.bundle import make_bundle
from harness.cli.measure import measure_campaign
from harness.model.observation import Observation
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.store.journal.sealed_segment import records_by_batch
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.hubs.keys import write_keys

LABORATORY, SUPPLIER, STRANGER = "laboratory", "acme", "stranger"
SEEDS = {LABORATORY: 1, SUPPLIER: 2, STRANGER: 3}
CATEGORIES = ("PORN", "DRUG")
BLOCKED = ["PORN", "DRUG", "ILL"]
OBSERVATIONS = msgspec.json.Decoder(Observation)


class SentBundles:
    """A campaign that was measured in ``folder``, and the bundles of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, seed in SEEDS.items():
            write_keys(folder, name, seed)
        self.origin = simulated_origin(folder, twin_zone="orchard-view.test")

    def key(self, name: str = LABORATORY) -> Path:
        """The public key of a signer."""
        return self.folder / f"{name}.pub.pem"

    def measure(self, name: str = "autumn", out: str = "own", **changes: Any) -> Path:
        """Measure a campaign; the folder of its journal."""
        more: dict[str, Any] = {
            "service": {"name": "Safe Net", "supplier": "Acme"},
            "campaign": name,
            "control": {"type": "simulated"},
            "plain_twins": {"pause": 0},
            "limits": {"batch": 8},
        } | changes
        line = {"name": "proxy", "type": "simulated", "options": {"block": BLOCKED}}
        path = write_campaign(
            self.folder / out / f"{name}.files",
            origin=self.origin,
            lines=[line],
            categories=CATEGORIES,
            sample=8,
            **more,
        )
        return measure_campaign(path, self.folder / out)

    def earlier(self, journal: Path, batches: int, out: str) -> Path:
        """The journal as it stood after so many batches, sealed after each of them."""
        with closing(open_journal(journal)) as whole:
            target = self.folder / out / journal.parent.name / "journal"
            with closing(SegmentJournal.create(target, whole.document)) as made:
                for number, found in batches_of(whole)[:batches]:
                    made.append(number, found)
                    made.seal()
                for stop in whole.stops():
                    made.stop(stop)
                for record in whole.instrument_records():
                    made.record_instrument(record)
        return target

    def bundle(self, journal: Path, name: str, by: str = LABORATORY, **options: Any) -> Path:
        """A signed bundle of a journal."""
        path = self.folder / f"{name}.zip"
        make_bundle(journal, self.folder / f"{by}.pem", path, **options)
        return path


def batches_of(journal: SegmentJournal) -> list[tuple[int, list[Observation]]]:
    """The batches of a sealed journal, with their observations."""
    found: dict[int, list[Observation]] = {}
    for segment in journal.state().sealed:
        for number, record in records_by_batch(journal.directory / segment.name):
            found.setdefault(number, []).append(OBSERVATIONS.decode(record))
    return list(found.items())

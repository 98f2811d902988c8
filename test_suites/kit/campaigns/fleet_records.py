"""What agents and their hub hold on their disks after a play, for comparison."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.cli.hub_registry import FleetRegistry
from harness.cli.registry_session import open_session
from harness.model.instrument_record import InstrumentRecord
from harness.model.observation import Observation
from harness.ports.storage import WallClock
from harness.store.bundle_reading import opened_bundle
from harness.store.journal.journal import SegmentJournal, open_journal
from test_suites.kit.networks.icap_recorder import Shown

SEALED = re.compile(rb'"(sealed|signature)":"([A-Za-z0-9+/=]*)"')


class Measured(NamedTuple):
    """A journal: the hash of its head, its observations, and its instrument records."""

    campaign: str
    head: str
    observations: tuple[Observation, ...]
    instrument: tuple[InstrumentRecord, ...]

    @classmethod
    def of(cls, journal: SegmentJournal) -> Measured:
        """What is in an open journal."""
        return cls(
            journal.header.campaign.campaign,
            journal.head.hash,
            tuple(journal.observations()),
            tuple(journal.instrument_records()),
        )


def on_agent(out: Path, campaign: str) -> Measured:
    """What an agent holds of a campaign."""
    with closing(open_journal(out / campaign / "journal")) as journal:
        return Measured.of(journal)


def at_hub(hub: Path, registry: Path) -> Iterator[Measured]:
    """What is in the bundles of a hub, each verified with the key of the agent that sent it."""
    with open_session(registry) as session:
        standings = FleetRegistry(session, WallClock()).all()
    for standing in standings:
        verifier = standing.identity.verifier
        with tempfile.TemporaryDirectory() as folder:
            key = Path(folder, "agent.pem")
            key.write_bytes(verifier.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            for path in sorted((hub / "bundles" / standing.agent).glob("*")):
                with opened_bundle(path, [key]) as bundle:
                    yield Measured.of(bundle.journal)


def written(observations: tuple[Observation, ...]) -> list[tuple[str, bytes]]:
    """The keys of observations, and all that they say, as text that can be compared."""
    return [(repr(each.key), msgspec.json.encode(each)) for each in observations]


def readable(shown: Shown) -> bytes:
    """What can be read of a request or an answer: all but encrypted text and signatures."""
    return SEALED.sub(rb'"\1":""', shown.heads + shown.body)

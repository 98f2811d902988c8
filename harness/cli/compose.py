"""Puts a campaign together from all rooms: corpora, probes, clients, range and reporters.

Every command that measures, and the pytest plug-in, prepares its campaign here. Stages are given
what they need of other rooms as arguments, and import none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.campaign import assemble
from harness.campaign.assemble import Prepared
from harness.campaign.twin_lines import twin_lines
from harness.measure.measurement_context import Instruments
from harness.model.campaign import Campaign
from harness.model.instrument_record import InstrumentRecord
from harness.model.outcome import Assessment
from harness.ports.storage import Clock, EvidenceStore

# Each function imports the room that it needs: a command that measures nothing loads no probe.
if TYPE_CHECKING:
    from rich.console import Console

    from corpora.content_pages import ContentPages
    from corpora.pack_reader import Pack
    from harness.model.scheme import Policy
    from probes.range.testbed import World

WITH_TEXTS = ("overblock", "school-pages")
"""Packs of our own range whose notes are the words of their pages."""

OWN_PHASES = frozenset({"ks1", "ks3", "ks4", "post16", "staff"})
"""Profiles of the range that are named after a school phase; all others are for ks2."""


def prepare(
    path: Path,
    campaign: Campaign | None = None,
    checked: Collection[str] = (),
    lane: str | None = None,
    *,
    swapped: bool = False,
) -> Prepared:
    """Read and equip the campaign at ``path``; see ``harness.campaign.assemble.prepare``.

    Raises FaultyDocument, UsageError.
    """
    from probes.clients.pupil import Pupil  # noqa: PLC0415 - see above
    from probes.clients.second_client import SecondClient  # noqa: PLC0415 - see above

    rooms = assemble.Rooms(open_pack=open_pack, second_client=SecondClient(), pupil=Pupil())
    return assemble.prepare(path, campaign, checked, lane, swapped=swapped, rooms=rooms)


def measurement_context(
    prepared: Prepared, evidence: EvidenceStore, clock: Clock, key: bytes = b"", run: str = ""
) -> Instruments:
    """What a prepared campaign is measured with; ``key`` keys the sketches of pages.

    ``run`` is the random id of this run, which is in every nonce.
    """
    campaign, rooms = prepared.campaign, prepared.rooms
    return Instruments.create(
        campaign.limits,
        clock,
        probes=prepared.probes,
        lines=prepared.lines,
        origin=prepared.origin,
        evidence=evidence,
        half=prepared.half,
        only_undecided=prepared.only_undecided,
        sketch_key=key,
        seed=campaign.seed,
        run=run,
        second_client=rooms.second_client,
        pupil=rooms.pupil,
        twin_lines=twin_lines(prepared.lines, campaign.plain_twins, rooms.pupil),
    )


def open_pack(name_or_path: str, *, checked: Collection[str] = (), rows: bool = True) -> Pack:
    """Open and check a corpus pack; see ``corpora.pack_reader.open_pack``, also for errors."""
    from corpora.pack_reader import open_pack as opened  # noqa: PLC0415 - see above

    return opened(name_or_path, checked=checked, rows=rows)


def read_instrument(at: datetime, control_resolver: str) -> InstrumentRecord:
    """Read what this machine measures with; nothing is sent to any network."""
    from probes.clients.instrument import read_instrument as read  # noqa: PLC0415 - see above

    return read(at, control_resolver)


def print_assessment(assessment: Assessment, console: Console) -> None:
    """Print an assessment as a table for people."""
    from reports.terminal import render_assessment  # noqa: PLC0415 - see above

    render_assessment(assessment, console)


def running_range(
    folder: Path,
    *,
    policy: Policy,
    profiles: tuple[str, ...] = ("pupils",),
    dead_hosts: tuple[str, ...] = (),
    pages: ContentPages | None = None,
    dual_stack: bool = False,
) -> AbstractContextManager[World]:
    """Run the loopback range, with its files in ``folder``, while the context lasts.

    Its reference filter follows ``policy``. It was given the pack ``canary``, and knows the sites
    of a made-up vendor's list by its own categorisation; nobody gave it the content ``pages``.
    The pages of the packs in ``WITH_TEXTS`` show the harmless words that their notes give.
    """
    from corpora.vendor_list import vendor_list  # noqa: PLC0415 - see above
    from probes.range.policy import FilterPolicy  # noqa: PLC0415 - see above
    from probes.range.testbed import World  # noqa: PLC0415 - see above

    def is_blocked(code: str, profile: str) -> bool:
        phase = profile if profile in OWN_PHASES else "ks2"
        return policy.expects(code, phase) == "block"

    texts: dict[str, str] = {}
    for name in WITH_TEXTS:
        texts |= open_pack(name).notes()
    codes: Mapping[str, str] = {}
    if pages is not None:
        texts |= pages.texts
        codes = pages.codes
    items = open_pack("canary").items()
    return World.running(
        folder,
        policy=FilterPolicy.from_items(items, is_blocked, own=vendor_list()),
        profiles=profiles,
        dead_hosts=dead_hosts,
        texts=texts,
        contents=codes,
        dual_stack=dual_stack,
    )

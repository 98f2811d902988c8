"""Puts a campaign together from all rooms: corpora, probes, clients, range and reporters.

Every command that measures, and the pytest plug-in, prepares its campaign here. Stages are given
what they need of other rooms as arguments, and import none of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.campaign import assemble
from harness.campaign.assemble import Prepared, twin_lines
from harness.cli.printing import say
from harness.errors import UsageError
from harness.judge.rules.order import JUDGED_FACTS
from harness.measure.measurement_context import MeasurementContext
from harness.model.campaign import Campaign
from harness.model.corpus import CorpusReference
from harness.model.instrument_record import InstrumentRecord
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.ports.storage import Clock, EvidenceStore, WallClock

if TYPE_CHECKING:
    from rich.console import Console

    from corpora.pack_reader import Pack
    from corpora.synthetic_sites import ContentPages
    from harness.model.scheme import Policy
    from probes.range.testbed import RangeTestbed


def load_and_warn(name_or_path: str, clock: Clock | None = None) -> Scheme:
    """Load a scheme; if its review is overdue, say so in one line on standard error.

    Raises UsageError, FaultyDocument.
    """
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - keep the start light

    scheme = load_scheme(name_or_path)
    warn_if_overdue(scheme, clock)
    return scheme


def warn_if_overdue(scheme: Scheme, clock: Clock | None = None) -> None:
    """One line on standard error if a scheme's review is overdue."""
    for sentence in scheme.warnings((clock or WallClock()).now().date()):
        warn(sentence)


def warn(sentence: str) -> None:
    """One line on standard error."""
    say(f"accredit: warning: {sentence}", to_stderr=True)


def uses_of(reference: CorpusReference, out: Path) -> tuple[str, ...]:
    """The campaigns under ``out`` that used this pack, in order of their names."""
    from harness.store.journal.header import HEADER, read_header  # noqa: PLC0415 - keep the start light

    name = f"{reference.name} {reference.version} {reference.sha256}"
    return tuple(
        path.parent.parent.name
        for path in sorted(out.glob(f"*/journal/{HEADER}"))
        if name in msgspec.json.decode(read_header(path.parent)).get("corpora", ())
    )


def refuse_burnt(references: Iterable[CorpusReference], campaign: str, out: Path) -> None:
    """Raises UsageError for a pack whose use limit other campaigns under ``out`` have reached."""
    for reference in references:
        if reference.use_limit is None:
            continue
        others = [name for name in uses_of(reference, out) if name != campaign]
        if len(others) >= reference.use_limit:
            msg = (
                f"pack {reference.name} {reference.version} is burnt: its use limit is "
                f"{reference.use_limit}, and it was used by {', '.join(others)}; draw a fresh "
                "sample, with a seed that nobody knows"
            )
            raise UsageError(msg)


BYTES = 16
"""As much as nobody guesses."""


def seeded(campaign: Campaign, journal: Path) -> Campaign:
    """A campaign with its seed, which is drawn where neither its file nor ``journal`` has one.

    Raises UsageError if the journal was begun with a seed that is not here any more.
    """
    if campaign.seed and "seed" in campaign.model_fields_set:
        return campaign
    seed = held_seed(journal) or secrets.token_hex(BYTES)
    return campaign.model_copy(update={"seed": seed})


def held_seed(journal: Path) -> str:
    """The seed that a journal was begun with; empty if there is no journal. Raises UsageError."""
    from harness.store.journal.header import (  # noqa: PLC0415 - the same
        HEADER,
        SEED,
        seed_of,
    )
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - duckdb is heavy

    if not (journal / HEADER).exists():
        return ""
    seed = seed_of(JournalReader(journal).document)
    if not seed:
        msg = (
            f"{journal / SEED}: the seed that this journal was begun with is missing; put the file "
            "back, or name it as 'seed' in the campaign file"
        )
        raise UsageError(msg)
    return seed


# Each function imports the room that it needs: a command that measures nothing loads no probe.

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

    dependencies = assemble.CampaignDependencies(
        open_pack=open_pack,
        judged_facts=JUDGED_FACTS,
        second_client=SecondClient(),
        pupil=Pupil(),
    )
    return assemble.prepare(
        path, campaign, checked, lane, swapped=swapped, dependencies=dependencies
    )


def measurement_context(
    prepared: Prepared, evidence: EvidenceStore, clock: Clock, key: bytes = b"", run: str = ""
) -> MeasurementContext:
    """What a prepared campaign is measured with; ``key`` keys the sketches of pages.

    ``run`` is the random id of this run, which is in every nonce.
    """
    campaign, dependencies = prepared.campaign, prepared.dependencies
    return MeasurementContext.create(
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
        second_client=dependencies.second_client,
        pupil=dependencies.pupil,
        twin_lines=twin_lines(prepared.lines, campaign.plain_twins, dependencies.pupil),
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
) -> AbstractContextManager[RangeTestbed]:
    """Run the loopback range, with its files in ``folder``, while the context lasts.

    Its reference filter follows ``policy``. It was given the pack ``canary``, and knows the sites
    of a made-up vendor's list by its own categorisation; nobody gave it the content ``pages``.
    The pages of the packs in ``WITH_TEXTS`` show the harmless words that their notes give.
    """
    from corpora.synthetic_sites import vendor_list  # noqa: PLC0415 - see above
    from probes.range.filter import FilterPolicy  # noqa: PLC0415 - see above
    from probes.range.testbed import RangeTestbed  # noqa: PLC0415 - see above

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
    return RangeTestbed.running(
        folder,
        policy=FilterPolicy.from_items(items, is_blocked, own=vendor_list()),
        profiles=profiles,
        dead_hosts=dead_hosts,
        texts=texts,
        contents=codes,
        dual_stack=dual_stack,
    )

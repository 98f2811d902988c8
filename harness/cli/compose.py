"""Compose a campaign from all rooms: corpora, probes, clients, range and reporters.

Every command that measures, and the pytest plug-in, prepares its campaign here; the stages get what
they need from other rooms as arguments. The module also holds the warnings about overdue schemes,
the use limits of packs, and the seed of a campaign.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.campaign import assemble
from harness.campaign.assemble import Prepared, twin_lines
from harness.cli.printing import warn
from harness.errors import UsageError
from harness.judge.rules.order import JUDGED_FACTS
from harness.measure.concurrency_limiter import (
    CONFIRMATION_FACTOR,
    ConcurrencyLimiter,
    RateLimits,
)
from harness.measure.event_loop import LoopLagMonitor
from harness.measure.measurement_context import MeasurementContext
from harness.model.campaign import Campaign
from harness.model.corpus import CorpusReference, Item
from harness.model.instrument_record import InstrumentRecord
from harness.model.machine_facts import MachineReading
from harness.model.scheme import Scheme
from harness.ports.storage import Clock, EvidenceStore, WallClock
from harness.untrusted.regular_file import read_bounded

if TYPE_CHECKING:
    from corpora.origin_pack import OriginPages
    from corpora.pack_reader import Pack
    from harness.model.content_form import PageContent
    from harness.model.scheme import Policy
    from probes.range.alert_delivery import AlertSettings
    from probes.range.mail_relay import RelaySettings
    from probes.range.testbed import RangeTestbed


def load_and_warn(name_or_path: str, clock: Clock | None = None) -> Scheme:
    """Load a scheme; warn on standard error if its review is overdue.

    Raises UsageError, FaultyDocument.
    """
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - keep the start light

    scheme = load_scheme(name_or_path)
    warn_if_overdue(scheme, clock)
    return scheme


def warn_if_overdue(scheme: Scheme, clock: Clock | None = None) -> None:
    """Print a warning on standard error if a scheme's review is overdue."""
    for sentence in scheme.warnings((clock or WallClock()).now().date()):
        warn(sentence)


def campaigns_using(reference: CorpusReference, out: Path) -> tuple[str, ...]:
    """The names of the campaigns under ``out`` that used this pack, sorted."""
    from harness.store.journal.header import HEADER, read_header  # noqa: PLC0415 - keep the start light

    name = reference.identity
    return tuple(
        path.parent.parent.name
        for path in sorted(out.glob(f"*/journal/{HEADER}"))
        if name in msgspec.json.decode(read_header(path.parent)).get("corpora", ())
    )


def refuse_retired(references: Iterable[CorpusReference], campaign: str, out: Path) -> None:
    """Raise UsageError for a pack whose use limit other campaigns under ``out`` have reached."""
    for reference in references:
        if reference.use_limit is None:
            continue
        others = [name for name in campaigns_using(reference, out) if name != campaign]
        if len(others) >= reference.use_limit:
            msg = (
                f"pack {reference.name} {reference.version} is retired: its use limit is "
                f"{reference.use_limit}, and it was used by {', '.join(others)}; draw a fresh "
                "sample with a new secret seed"
            )
            raise UsageError(msg)


SEED_BYTES = 16
"""The length of a random seed: long enough that it cannot be guessed."""


def seeded(campaign: Campaign, journal: Path) -> Campaign:
    """The campaign with its seed: the file's, else that of ``journal``, else a random one.

    A seed that was committed to for this campaign (``accredit seed commit``) comes before a random
    one.

    Raises UsageError if the journal was begun with a seed whose file is missing.
    """
    if campaign.seed and "seed" in campaign.model_fields_set:
        return campaign
    seed = seed_in_journal(journal) or committed_seed(journal.parent)
    seed = seed or secrets.token_hex(SEED_BYTES)
    return campaign.model_copy(update={"seed": seed})


COMMITTED_SEED = "committed-seed"
"""The name of the file in a campaign's folder with the seed that was committed to."""


def committed_seed(home: Path) -> str:
    """The seed in a campaign's folder that was committed to; empty if there is none.

    Raises UsageError if the file cannot be read.
    """
    path = home / COMMITTED_SEED
    if not path.exists():
        return ""
    try:
        return read_bounded(path, 4 * SEED_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: the committed seed cannot be read: {reason}") from None


def seed_in_journal(journal: Path) -> str:
    """The seed that a journal was begun with; empty if there is no journal.

    Raises UsageError if the file of the seed is missing.
    """
    from harness.store.journal.header import (  # noqa: PLC0415 - the same
        HEADER,
        SEED,
        seed_of,
    )
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    if not (journal / HEADER).exists():
        return ""
    seed = seed_of(JournalReader(journal).document)
    if not seed:
        msg = (
            f"{journal / SEED}: the seed of this journal is missing; restore the file, "
            "or give the seed as 'seed' in the campaign file"
        )
        raise UsageError(msg)
    return seed


# Each function imports the room that it needs: a command that measures nothing loads no probe.

WITH_TEXTS = ("overblock", "school-pages")
"""Packs of the range whose notes are the text of their pages."""

OWN_PHASES = frozenset({"ks1", "ks3", "ks4", "post16", "staff"})
"""Profiles of the range that are named after a school phase; all others count as ks2."""


def prepare(
    path: Path,
    campaign: Campaign | None = None,
    checked: Collection[str] = (),
    lane: str | None = None,
    *,
    swapped: bool = False,
) -> Prepared:
    """Read the campaign at ``path`` and build its parts; see ``harness.campaign.assemble.prepare``.

    Raises FaultyDocument, UsageError.
    """
    from probes.clients.list_program import SealedListProgram  # noqa: PLC0415 - see above
    from probes.clients.pupil import Pupil  # noqa: PLC0415 - see above
    from probes.clients.second_client import SecondClient  # noqa: PLC0415 - see above

    dependencies = assemble.CampaignDependencies(
        open_pack=open_pack,
        judged_facts=JUDGED_FACTS,
        second_client=SecondClient(),
        pupil=Pupil(),
        list_program=SealedListProgram,
    )
    return assemble.prepare(
        path, campaign, checked, lane, swapped=swapped, dependencies=dependencies
    )


def measurement_context(
    prepared: Prepared, evidence: EvidenceStore, clock: Clock, key: bytes = b"", run: str = ""
) -> MeasurementContext:
    """The context in which a prepared campaign is measured; ``key`` keys the sketches of pages.

    ``run`` is the random id of this run; every nonce derives from it.
    """
    campaign, dependencies = prepared.campaign, prepared.dependencies
    limits = campaign.limits
    return MeasurementContext(
        clock=clock,
        limiter=ConcurrencyLimiter(limits.concurrency),
        confirmation_limiter=ConcurrencyLimiter(CONFIRMATION_FACTOR * limits.concurrency),
        rate_limits=RateLimits(limits),
        lag_monitor=LoopLagMonitor(clock),
        read_machine=machine_reader(campaign),
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
        list_program=prepared.list_program,
        twin_lines=twin_lines(prepared.lines, campaign.plain_twins, dependencies.pupil),
    )


def open_pack(name_or_path: str, *, checked: Collection[str] = (), rows: bool = True) -> Pack:
    """Open and check a corpus pack; see ``corpora.pack_reader.open_pack``, also for errors."""
    from corpora.pack_reader import open_pack as opened  # noqa: PLC0415 - see above

    return opened(name_or_path, checked=checked, rows=rows)


def read_instrument(at: datetime, control_resolver: str) -> InstrumentRecord:
    """Read this machine's instrument record; nothing is sent to any network."""
    from probes.clients.instrument import read_instrument as read  # noqa: PLC0415 - see above

    return read(at, control_resolver)


def read_machine() -> MachineReading:
    """Read how busy this machine is; nothing is sent to any network."""
    from probes.clients.machine import read_machine as read  # noqa: PLC0415 - see above

    return read()


def machine_reader(campaign: Campaign) -> Callable[[], MachineReading] | None:
    """Return what reads the machine; None for simulated lines alone, whose times are made up."""
    types = {campaign.control.type}
    types |= {one.type for one in (*campaign.lines, *campaign.availability_lines)}
    return None if types == {"simulated"} else read_machine


def texts_of_pages(
    pages: OriginPages | None,
) -> tuple[dict[str, str], Mapping[str, PageContent]]:
    """Return, by host, the texts of an origin's pages, and what else content pages show."""
    texts: dict[str, str] = {}
    for name in WITH_TEXTS:
        texts |= open_pack(name).notes()
    return (texts, {}) if pages is None else (texts | pages.texts, pages.contents)


AGREED_PACKS = ("canary", "circumvention")
"""The packs whose hosts the range's filter has loaded."""


def running_range(
    folder: Path,
    *,
    policy: Policy,
    profiles: tuple[str, ...] = ("pupils",),
    dead_hosts: tuple[str, ...] = (),
    pages: OriginPages | None = None,
    dual_stack: bool = False,
    gateway: bool = False,
    changes_at: datetime | None = None,
    alerts: AlertSettings | None = None,
    mail: RelaySettings | None = None,
) -> AbstractContextManager[RangeTestbed]:
    """Run the loopback range, with its files in ``folder``, while the context lasts.

    Its reference filter follows ``policy``. It has loaded ``AGREED_PACKS`` and the list of
    illegal pages, and categorises the sites of a made-up vendor's list itself; of ``pages`` it
    knows what suppliers are told. Its proxy opens TLS, and clients trust it, as managed devices do.
    With ``alerts`` it sends alerts, with ``mail`` it has a mail relay. Pages of packs in
    ``WITH_TEXTS`` show the words of their notes.
    """
    from corpora.illegal_pages import several_addressed, supplier_list  # noqa: PLC0415 - see above
    from corpora.search_pages import SupplierLists, supplier_lists  # noqa: PLC0415 - see above
    from corpora.synthetic_sites import vendor_list  # noqa: PLC0415 - see above
    from probes.range.filter import FilterPolicy  # noqa: PLC0415 - see above
    from probes.range.testbed import RangeTestbed  # noqa: PLC0415 - see above

    texts, contents = texts_of_pages(pages)
    told = supplier_lists(pages) if pages is not None else SupplierLists()
    listed = supplier_list(pages) if pages is not None else None
    known = (*_agreed_hosts(), *(listed.sites if listed else ()))
    urls = listed.urls if listed else None
    own = {**vendor_list(), **told.without_lock}
    categories = FilterPolicy.from_items(known, _blocks_by(policy), own=own, urls=urls)
    return RangeTestbed.running(
        folder,
        policy=replace(categories, engines=told.engines, terms=told.terms),
        profiles=profiles,
        dead_hosts=dead_hosts,
        texts=texts,
        contents=contents,
        dual_stack=dual_stack,
        gateway=gateway,
        changes_at=changes_at,
        several=several_addressed(pages) if pages is not None else (),
        opens_tls=True,
        alerts=alerts,
        mail=mail,
        report=warn,
    )


def _agreed_hosts() -> Iterator[Item]:
    """The hosts of ``AGREED_PACKS``."""
    return (item for name in AGREED_PACKS for item in open_pack(name).items() if item.host)


def _blocks_by(policy: Policy) -> Callable[[str, str], bool]:
    """Return whether the policy blocks a category for a profile, named by its phase or as KS2."""

    def is_blocked(code: str, profile: str) -> bool:
        phase = profile if profile in OWN_PHASES else "ks2"
        return policy.expects(code, phase) == "block"

    return is_blocked

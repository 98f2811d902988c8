"""Whether anything vouches for the time on which a decision and a certificate rest.

A clock is vouched for if the kernel says that it is synchronised, or if a witness signed the heads
of the registry or of the campaign's journal within a day of the time that the clock shows. A clock
that is behind the time of a witness is wrong, and so is one by which something was recorded later
than a witness signed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.registry_facts import session_if_any
from harness.errors import UsageError
from harness.model.event import ClockCorrected
from harness.model.event_times import TOLERANCE, in_utc, lasting
from harness.model.instrument_record import ClockState
from harness.ports.storage import Clock

if TYPE_CHECKING:
    from harness.cli.decision_bars import JudgedCampaign
    from harness.cli.registry_session import RegistrySession
    from harness.fleet.witness import Statement

NEAR = timedelta(days=1)
"""How far the time of a witness may be from a clock that it vouches for."""

SYNCHRONISE = "synchronise the clock (chrony or another NTP client), or ask a witness"


def machine_clock() -> ClockState:
    """What the kernel says of the clock of this machine."""
    from probes.clients.instrument import kernel_clock  # noqa: PLC0415 - ctypes, seldom needed

    return kernel_clock()


def time_bars(campaign: JudgedCampaign) -> Iterator[str]:
    """Why the time of a campaign, or of deciding about it, is not known well enough to decide."""
    assessment, paths = campaign.assessment, campaign.paths
    signed = _signed_observations(campaign)
    if not assessment.has_synchronised_clock and not signed:
        yield (
            f"nothing vouches for when campaign {assessment.campaign} was measured: the clock was "
            "not synchronised, and no witness signed its journal; ask one (accredit witness), or "
            "measure again with a synchronised clock"
        )
    if signed and campaign.begun > min(signed) + TOLERANCE:
        yield (
            f"campaign {assessment.campaign} began on {in_utc(campaign.begun)} by its own clock, "
            f"and a witness signed its journal on {in_utc(min(signed))}: the clock was ahead; "
            "measure again"
        )
    if why := why_ahead(campaign.session, paths.registry, paths.out):
        yield why
    if why := why_not_vouched((each.at for each in assessment.witnessed), assessment.concluded):
        yield why


def _signed_observations(campaign: JudgedCampaign) -> list[datetime]:
    """When witnesses signed observations of a campaign's journal."""
    from harness.cli.present_heads import JOURNAL_RECEIPTS  # noqa: PLC0415 - cryptography is heavy
    from harness.cli.signed_heads import signed_after  # noqa: PLC0415 - the same

    journal = campaign.paths.journal
    observations = hashlib.sha256((journal / "header.json").read_bytes()).hexdigest()
    own = signed_after(campaign.session.registry, 0)[1]
    return [
        said.at
        for said in (
            *statements_in(journal / JOURNAL_RECEIPTS),
            *(each.statement for each in own),
        )
        if any(each.chain == observations and each.entries for each in said.chains)
    ]


def statements_in(path: Path) -> tuple[Statement, ...]:
    """What witnesses signed, by the receipts in a file. Raises InstrumentError, UsageError."""
    if not path.exists():
        return ()
    from harness.store.receipt_file import receipts_in  # noqa: PLC0415 - cryptography is heavy

    return tuple(each.statement for each in receipts_in(path))


def statements_on(where: Path | str, out: Path) -> tuple[Statement, ...]:
    """What witnesses signed of a registry; see ``statements_in``."""
    from harness.cli.present_heads import registry_receipts  # noqa: PLC0415 - the same

    return statements_in(registry_receipts(where, out))


def known_now(where: Path | str, out: Path, clock: Clock) -> datetime:
    """The later of the clock, the newest event of a registry and the last time of a witness.

    Deadlines and statuses are shown as of then, so that a clock that is behind extends none.
    """
    now = clock.now()
    with session_if_any(where, clock) as session:
        latest = [head.latest for head in session.registry.heads()] if session else []
    return max((now, *latest, *(said.at for said in statements_on(where, out))))


def require_not_behind_any(where: Path | str, out: Path, clock: Clock) -> None:
    """Raise UsageError if the clock is behind the newest event or the last time of a witness."""
    now, latest = clock.now(), known_now(where, out, clock)
    if latest > now + TOLERANCE:
        msg = (
            f"the registry or a witness recorded {in_utc(latest)}, {lasting(latest - now)} after "
            f"this machine's clock ({in_utc(now)}), so what holds now is not known: put the clock "
            "right; if it is right now and was wrong then, record that with 'accredit plan "
            "correct-clock'"
        )
        raise UsageError(msg)


def why_ahead(session: RegistrySession, where: Path | str, out: Path) -> str:
    """Say which event is dated later than a witness signed it; empty if none is.

    Events before a correction of the clock do not count: what they made possible was undone.
    """
    statements = statements_on(where, out)
    for head in session.registry.heads() if statements else ():
        with session.registry.reading(head.stream) as access:
            first, events = access.hashes()[0], access.events()
        corrected = max(
            (at for at, one in enumerate(events, 1) if isinstance(one, ClockCorrected)), default=0
        )
        for said in statements:
            signed = next((one.entries for one in said.chains if one.chain == first), 0)
            for position in range(corrected + 1, min(signed, len(events)) + 1):
                if (at := events[position - 1].at) > said.at + TOLERANCE:
                    return (
                        f"event {position} of {head.name} is dated {in_utc(at)}, and a witness "
                        f"signed it on {in_utc(said.at)}: the clock was ahead; put it right, and "
                        "record that with 'accredit plan correct-clock'"
                    )
    return ""


def why_not_vouched(signed: Iterable[datetime], now: datetime) -> str:
    """Why nothing vouches for a clock that shows ``now``, in words; empty if something does.

    ``signed`` are the times of witnesses.
    """
    last = max(signed, default=None)
    if last is not None and last > now + TOLERANCE:
        return (
            f"the clock of this machine ({in_utc(now)}) is {lasting(last - now)} behind the time "
            f"at which a witness signed ({in_utc(last)}); put it right"
        )
    if machine_clock().is_known or (last is not None and now - last <= NEAR):
        return ""
    return (
        "the clock of this machine is not synchronised, and no witness signed journal or registry "
        f"within a day; {SYNCHRONISE} (accredit witness)"
    )

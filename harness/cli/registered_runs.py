"""The registered campaigns of a supplier, as the registry holds them, and how each ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import session_if_any
from harness.cli.registry_session import Place, place_of_any
from harness.model.conformity import Conformity
from harness.model.event import Event
from harness.model.journal_header import JournalHeader
from harness.model.registration import NOT_REGISTERED, Registration, Try
from harness.model.registration_event import (
    CampaignConcluded,
    CampaignRegistered,
    CampaignStarted,
    CampaignStopped,
    RegistrationEvent,
)
from harness.model.stream import same_name

if TYPE_CHECKING:
    from harness.store.registry.streams import StreamAccess

KINDS = ("campaign-registered", "campaign-started", "campaign-stopped", "campaign-concluded")

ENDS = {
    Conformity.CONFORMS: "conformed",
    Conformity.DOES_NOT_CONFORM: "did not conform",
    Conformity.INSUFFICIENT: "was insufficient",
}


class RegisteredRun(NamedTuple):
    """A registered campaign with its later events, oldest first."""

    begun: CampaignRegistered
    starts: tuple[CampaignStarted, ...]
    stops: tuple[CampaignStopped, ...]
    conclusions: tuple[CampaignConcluded, ...]

    @property
    def is_complete(self) -> bool:
        """Whether everything was measured."""
        return bool(self.stops) and self.stops[-1].complete

    @property
    def conclusion(self) -> CampaignConcluded | None:
        """The last conclusion by the scheme that it was registered for."""
        own = [one for one in self.conclusions if one.scheme == self.begun.scheme]
        return own[-1] if own else None

    @property
    def end(self) -> str:
        """How it ended, in words."""
        if not self.is_complete:
            if not self.stops:
                return "was stopped, and nothing says where"
            return f"was stopped after {self.stops[-1].held:,} observations"
        found = self.conclusion
        return ENDS[Conformity(found.conformity)] if found else "was not concluded"


def place_of_campaign(header: JournalHeader) -> Place:
    """The stream of the supplier of a campaign."""
    return place_of_any(header.campaign.service.supplier, header.campaign.service.name)


Kind = TypeVar("Kind", bound=RegistrationEvent)


def _of_kind(events: Iterable[Event], kind: type[Kind]) -> tuple[Kind, ...]:
    return tuple(one for one in events if isinstance(one, kind))


def runs_in(access: StreamAccess) -> tuple[RegisteredRun, ...]:
    """The registered campaigns of a stream, oldest first."""
    return runs_among(event for _, event in access.found(kind=KINDS))


def runs_among(events: Iterable[Event]) -> tuple[RegisteredRun, ...]:
    """The registered campaigns that events are about, oldest first."""
    by_run: defaultdict[str, list[Event]] = defaultdict(list)
    begun = []
    for event in events:
        if isinstance(event, CampaignRegistered):
            begun.append(event)
        elif isinstance(event, RegistrationEvent):
            by_run[event.run].append(event)
    return tuple(
        RegisteredRun(
            one,
            _of_kind(by_run[one.run], CampaignStarted),
            _of_kind(by_run[one.run], CampaignStopped),
            _of_kind(by_run[one.run], CampaignConcluded),
        )
        for one in begun
    )


def runs_of(paths: CampaignPaths, header: JournalHeader) -> tuple[RegisteredRun, ...]:
    """The registered campaigns of a campaign's supplier; empty without a registry."""
    with session_if_any(paths.registry) as session:
        if session is None:
            return ()
        with session.registry.reading(place_of_campaign(header).stream) as access:
            return runs_in(access)


def run_of(runs: Iterable[RegisteredRun], header: JournalHeader) -> RegisteredRun | None:
    """The run of a journal among registered ones, or ``None``."""
    return next((one for one in runs if header.run and one.begun.run == header.run), None)


def earlier_than(run: RegisteredRun, runs: Iterable[RegisteredRun]) -> tuple[RegisteredRun, ...]:
    """The earlier registered campaigns of the same service, version and scheme.

    One for which no version was on record may have been of this version, so it counts.
    """
    found = []
    for other in runs:
        if other.begun.run == run.begun.run:
            break
        same = same_name(other.begun.service) == same_name(run.begun.service)
        versions = ("", same_name(run.begun.version))
        if same and other.begun.scheme == run.begun.scheme:
            found += [other] if same_name(other.begun.version) in versions else []
    return tuple(found)


def registration_of(run: RegisteredRun | None, runs: Iterable[RegisteredRun]) -> Registration:
    """Which campaign of its service a run is, and how the earlier ones ended."""
    if run is None:
        return NOT_REGISTERED
    earlier, begun = earlier_than(run, runs), run.begun
    version = f"version {begun.version} of " if begun.version else ""
    return Registration(
        number=len(earlier) + 1,
        subject=f"{version}{begun.service} by {begun.scheme}",
        starts=len(run.starts),
        at=begun.at,
        earlier=tuple(
            Try(campaign=one.begun.campaign, at=one.begun.at, end=one.end) for one in earlier
        ),
    )

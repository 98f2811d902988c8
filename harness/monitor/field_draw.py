"""Draw certified services and sites for checks in the field, and say what may follow what.

The order of services and sites is that of HMAC-SHA256 (RFC 2104): the key is the seed as UTF-8, the
message a JSON array of what is drawn. The first ones are drawn (bottom-k), so that the draw does
not depend on the order of the register, and anybody with the seed draws the same ones again.

Shares and numbers of sites are those of SUP-10; the rule of 2 % is that of CHPL's randomized
surveillance (ONC Health IT Certification Program, 45 CFR 170.556).
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from fractions import Fraction

import msgspec

from harness.errors import known
from harness.model.event_times import TOLERANCE, in_utc
from harness.model.field_event import (
    LEAST_SHARE,
    LEAST_SITES,
    CheckedService,
    DrawnService,
    FieldDrawn,
    FieldEvent,
    FieldSeedCommitted,
    FieldSiteAdded,
    FieldVisited,
)
from harness.model.stream import same_name


class FramedService(CheckedService, frozen=True, kw_only=True):
    """A service that may be drawn: its valid certificate, and all sites of its supplier."""

    certificate: str
    sites: tuple[str, ...]


def digest_of_seed(seed: str) -> str:
    """The SHA-256 of a seed: its commitment."""
    return hashlib.sha256(seed.encode()).hexdigest()


def services_required(share: float, certificates: int) -> int:
    """How many services have to be drawn: the share, rounded up, and one if there is any."""
    return max(min(1, certificates), math.ceil(Fraction(str(share)) * certificates))


def draw(
    frame: Iterable[FramedService], seed: str, share: float, sites: int
) -> tuple[DrawnService, ...]:
    """Draw services and sites, in the order of the seed.

    A service with fewer sites on record than asked for gets all of them; ``of_sites`` says so.
    """
    framed = {each.identity: each for each in frame}
    chosen = sorted(framed, key=lambda identity: _place_of(seed, "service", *identity))
    return tuple(
        _drawn(framed[identity], seed, sites)
        for identity in chosen[: services_required(share, len(framed))]
    )


def digest_of_frame(frame: Iterable[FramedService]) -> str:
    """The SHA-256 of the certificates that may be drawn with their sites, whatever their order."""
    rows = sorted(
        msgspec.json.encode([*each.identity, each.certificate, sorted(_by_name(each.sites))])
        for each in frame
    )
    return hashlib.sha256(b"\n".join(rows)).hexdigest()


def _drawn(framed: FramedService, seed: str, sites: int) -> DrawnService:
    named = _by_name(framed.sites)
    ordered = sorted(named, key=lambda name: _place_of(seed, "site", *framed.identity, name))
    return DrawnService(
        stream=framed.stream,
        supplier=framed.supplier,
        service=framed.service,
        version=framed.version,
        scheme=framed.scheme,
        certificate=framed.certificate,
        sites=tuple(named[name] for name in ordered[:sites]),
        of_sites=len(named),
    )


def _by_name(sites: Iterable[str]) -> dict[str, str]:
    """The sites by their names as they are compared."""
    return {same_name(site): site for site in sorted(sites)}


def _place_of(seed: str, *words: str) -> bytes:
    """The place of something in the order of a seed."""
    return hmac.digest(seed.encode(), msgspec.json.encode(words), "sha256")


def draw_faults(
    committed: FieldSeedCommitted, drawn: FieldDrawn, frame: Sequence[FramedService]
) -> Iterator[str]:
    """Yield what shows that a draw is not the one that the commitment and the frame give.

    ``frame`` is made again from what the registry held at the time of the draw.
    """
    if digest_of_seed(drawn.seed) != committed.commitment:
        yield "its seed is not the one that was committed to"
    if drawn.at < committed.at:
        yield "it is dated before the commitment"
    if drawn.certificates != len(frame):
        yield f"it says {drawn.certificates} certificates; {len(frame)} were valid"
    if drawn.frame != digest_of_frame(frame):
        yield "its frame is not that of the certificates that were valid, and of their sites"
    again = {
        each.identity: each for each in draw(frame, drawn.seed, committed.share, committed.sites)
    }
    said = {each.identity: each for each in drawn.services}
    if len(said) != len(drawn.services):
        yield "it names a service twice"
    for identity in again.keys() - said.keys():
        yield f"drawn again, the seed also gives {_titled(again[identity])}"
    for identity in said.keys() - again.keys():
        yield f"drawn again, the seed does not give {_titled(said[identity])}"
    for identity in again.keys() & said.keys():
        if again[identity] != said[identity]:
            yield f"drawn again, the seed gives other sites of {_titled(said[identity])}"


def refusal(before: Sequence[FieldEvent], event: FieldEvent) -> str:
    """Why an event cannot follow those that were recorded ``before``; empty if it can.

    The same is asked before an event is recorded, and when the registry is verified.
    """
    match event:
        case FieldSeedCommitted():
            return _why_no_commitment(before, event)
        case FieldDrawn():
            return _why_no_draw(before, event)
        case FieldSiteAdded():
            return _why_notadded_in(before, event)
        case FieldVisited():
            return _why_no_visit(before, event)
    return f"{type(event).__name__}: not a known kind of event"


def why_no_period(period: str) -> str:
    """Why a text is no period; empty if it is a year."""
    is_year = len(period) == len("2027") and period.isascii() and period.isdecimal()
    return "" if is_year else f"{period!r} is no period; give a year, such as 2027"


def committed_in(events: Iterable[FieldEvent], period: str) -> FieldSeedCommitted | None:
    """The commitment to the seed of a period: the first, as a later one could be chosen."""
    of = (one for one in events if isinstance(one, FieldSeedCommitted) and one.period == period)
    return next(of, None)


def drawn_in(events: Iterable[FieldEvent], period: str) -> FieldDrawn | None:
    """The draw of a period."""
    of = (one for one in events if isinstance(one, FieldDrawn) and one.period == period)
    return next(of, None)


def _why_no_commitment(before: Sequence[FieldEvent], event: FieldSeedCommitted) -> str:
    if why_not := why_no_period(event.period):
        return why_not
    if drawn := drawn_in(before, event.period):
        return f"the services of {event.period} were drawn already, on {in_utc(drawn.at)}"
    if held := committed_in(before, event.period):
        return (
            f"a seed of {event.period} was committed to already, on {in_utc(held.at)}; with a "
            "second one the better draw could be chosen"
        )
    if event.at.astimezone(UTC).year > int(event.period):
        return f"{event.period} is over; commit to a later period"
    if not (LEAST_SHARE <= event.share <= 1 and event.sites >= LEAST_SITES):
        return f"draw at least {LEAST_SHARE:.0%} of the certificates, and {LEAST_SITES} sites each"
    return ""


def _why_no_draw(before: Sequence[FieldEvent], event: FieldDrawn) -> str:
    committed = committed_in(before, event.period)
    if committed is None:
        return f"no seed of {event.period} was committed to: accredit monitor field commit"
    if drawn := drawn_in(before, event.period):
        return f"the services of {event.period} were drawn already, on {in_utc(drawn.at)}"
    if digest_of_seed(event.seed) != committed.commitment:
        return f"this is not the seed of {event.period} that was committed to"
    if event.at < committed.at:
        return f"the draw of {event.period} is dated before the commitment"
    if str(event.at.astimezone(UTC).year) != event.period:
        return f"services of {event.period} are drawn in that year, and it is {in_utc(event.at)}"
    return "" if event.certificates else "no certificate is valid now, so nothing can be drawn"


def _why_notadded_in(before: Sequence[FieldEvent], event: FieldSiteAdded) -> str:
    if why_not := why_no_period(event.period):
        return why_not
    if str(event.at.astimezone(UTC).year) != event.period:
        return f"a complaint counts for the year in which its site is added, not {event.period}"
    if not event.because.strip():
        return "say why the site is visited: the complaint, or the reason"
    if any(each.place == event.place for each in added_in(before, event.period)):
        return (
            f"site {event.site!r} was added already for {event.checked.service} in "
            f"{event.period}; of its visits the first counts"
        )
    return ""


def added_in(events: Iterable[FieldEvent], period: str) -> Iterator[FieldSiteAdded]:
    """The sites that were added on complaint in a period."""
    for event in events:
        if isinstance(event, FieldSiteAdded) and event.period == period:
            yield event


def _why_no_visit(before: Sequence[FieldEvent], event: FieldVisited) -> str:
    since, names = None, []
    if event.kind == "randomized":
        drawn = drawn_in(before, event.period)
        for each in drawn.services if drawn else ():
            if each.identity == event.checked.identity:
                names = list(each.sites)
        is_known = same_name(event.site) in map(same_name, names)
        since = drawn.at if drawn and is_known else None
    else:
        added = [
            one for one in added_in(before, event.period)
            if one.checked.identity == event.checked.identity
        ]  # fmt: skip
        names = [one.site for one in added]
        since = next((one.at for one in added if one.place == event.place), None)
    if since is None:
        how = "drawn" if event.kind == "randomized" else "added on complaint"
        of = f"for {event.checked.service} in {event.period}"
        return f"site {event.site!r} was not {how} {of}; {known(names)}"
    if event.begun <= since:
        return (
            f"campaign {event.campaign!r} began on {in_utc(event.begun)}, before the site was "
            f"chosen on {in_utc(since)}; measure the site again"
        )
    if event.begun > event.at + TOLERANCE:
        return f"campaign {event.campaign!r} is dated in the future: check both clocks"
    for other in before:
        if isinstance(other, FieldVisited) and _is_same_campaign(other, event):
            return (
                f"campaign {event.campaign!r} shows a visit of {other.site!r} in {other.period} "
                "already; each visit is a campaign of its own"
            )
    return ""


def _is_same_campaign(one: FieldVisited, other: FieldVisited) -> bool:
    names = [
        (each.checked.stream, *map(same_name, (each.checked.service, each.campaign)))
        for each in (one, other)
    ]
    return names[0] == names[1] or (one.journal == other.journal and bool(one.journal))


def _titled(service: CheckedService) -> str:
    return f"{service.service} {service.version} ({service.scheme})"

"""Why a campaign bars a favourable decision by how it was declared, seeded and repeated.

A decision rests on a campaign that was registered before its first packet, whose sample nobody
chose, that left nothing out, and that is not the best of several tries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.cli.registered_runs import (
    RegisteredRun,
    earlier_than,
    place_of_campaign,
    run_of,
    runs_in,
)
from harness.cli.seed_commitments import digest_of_seed, sample_events_in
from harness.cli.seed_parts import is_of_both, own_part, part_for
from harness.errors import first_of
from harness.follow.derived_rows import HELD_RECORDS, read_row
from harness.model.conformity import Conformity
from harness.model.content_identity import differences
from harness.model.journal_header import JournalHeader
from harness.model.registration import NAMED
from harness.model.registry_record import CampaignRecord
from harness.model.sample_event import SeedCommitted

if TYPE_CHECKING:
    from harness.cli.decision_bars import JudgedCampaign
    from harness.cli.registry_session import RegistrySession
    from harness.store.registry.streams import StreamAccess

AGAIN = "measure again under a new campaign name with 'accredit run'"


def bars_of_registration(judged: JudgedCampaign) -> Iterator[str]:
    """Yield what the registry, the seed and the choice of items say against a campaign."""
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    header = JournalReader(judged.paths.journal).header
    yield from _of_registry(judged, header)
    yield from _of_seed(header, judged)
    if judged.assessment.reduced:
        left = ", ".join(judged.assessment.reduced)
        yield f"campaign {_name(header)} left out what the scheme asks for ({left}): {AGAIN}"


def _name(header: JournalHeader) -> str:
    return repr(header.campaign.campaign)


def _of_registry(judged: JudgedCampaign, header: JournalHeader) -> Iterator[str]:
    with judged.session.registry.reading(place_of_campaign(header).stream) as access:
        runs = runs_in(access)
        run = run_of(runs, header)
        followed = _followed_in(access) if run else frozenset[str]()
    yield from bars_of_run(run, runs, followed, judged, header)


def bars_of_run(
    run: RegisteredRun | None,
    runs: tuple[RegisteredRun, ...],
    followed: frozenset[str],
    judged: JudgedCampaign,
    header: JournalHeader,
) -> Iterator[str]:
    """Yield what the registered campaigns of a supplier say against one of them.

    ``followed`` are the heads of journals whose failures have findings.
    """
    if run is None:
        yield (
            f"campaign {_name(header)} was not registered before its first packet, so it is "
            f"practice: {AGAIN}, which registers it"
        )
        return
    yield from _of_run(run, judged, header)
    yield from _of_earlier(earlier_than(run, runs), followed)


def _of_run(run: RegisteredRun, judged: JudgedCampaign, header: JournalHeader) -> Iterator[str]:
    """Yield where a journal is not what was registered."""
    begun, assessment, name = run.begun, judged.assessment, _name(header)
    if begun.at > judged.begun:
        yield f"campaign {name} was registered after its first packet: {AGAIN}"
    held = (header.campaign.service.name, header.corpora, header.seed_commitment, header.items)
    if held != (begun.service, begun.corpora, begun.seed_commitment, begun.items):
        yield f"campaign {name} was registered with another service, packs, sizes or seed: {AGAIN}"
    if (begun.scheme, begun.scheme_version) != (assessment.scheme, assessment.scheme_version):
        yield (
            f"campaign {name} was registered for {begun.scheme} {begun.scheme_version}, and is "
            f"judged by {assessment.scheme} {assessment.scheme_version}: {AGAIN} --scheme"
        )
    for each in differences(begun.measured_with, header.measured_with):
        yield f"campaign {name} was registered with other content: {each.sentence}: {AGAIN}"
    for number, one in enumerate(run.starts, 1):
        if one.held < max((stop.held for stop in run.stops if stop.at <= one.at), default=0):
            yield f"the journal of campaign {name} had lost observations at start {number}: {AGAIN}"


def _followed_in(access: StreamAccess) -> frozenset[str]:
    """The heads of journals whose failures have findings: those that ``accredit run`` recorded."""
    held = (read_row(row, HELD_RECORDS).record for row in access.rows("campaign"))
    return frozenset(one.journal for one in held if isinstance(one, CampaignRecord))


def _of_earlier(earlier: tuple[RegisteredRun, ...], followed: frozenset[str]) -> Iterator[str]:
    """Yield which earlier campaigns failed without findings, or were never judged."""
    open_ends: dict[str, list[str]] = {"did not conform": [], "was not concluded": []}
    for each in earlier:
        found = each.conclusion
        is_failed = found is not None and found.conformity == Conformity.DOES_NOT_CONFORM
        if each.is_complete and found is None:
            open_ends["was not concluded"].append(each.begun.campaign)
        elif (
            each.is_complete
            and is_failed
            and not followed & {one.journal for one in each.conclusions}
        ):
            open_ends["did not conform"].append(each.begun.campaign)
    for end, names in open_ends.items():
        if names:
            number = "an earlier campaign" if len(names) == 1 else f"{len(names)} earlier campaigns"
            yield (
                f"{number} of this version {_plural(end, len(names))}, and no finding follows "
                f"({first_of(names, NAMED)}): 'accredit run' with the campaign file concludes it "
                "and opens its plans; a service that was changed since has a new version"
            )


def _plural(end: str, number: int) -> str:
    return end.replace("was", "were") if number > 1 else end


def _of_seed(header: JournalHeader, judged: JudgedCampaign) -> Iterator[str]:
    """Yield whether the tester alone chose the sample, or could choose among several."""
    name, part, noted = _name(header), header.seed_part, header.commitment
    if part is None or noted is None:
        yield (
            f"the tester alone chose the seed of campaign {name}: commit to one (accredit seed "
            "commit), have a second person add to it (accredit seed contribute), and measure again"
        )
        return
    if not _is_on_record(header, judged.session):
        yield (
            f"the registry does not hold that the seed of campaign {name} was committed to, and "
            f"that {part.public or part.by} added to it afterwards: commit and measure again"
        )
    if noted.unused:
        yield (
            "the best of several samples may have been chosen; committed to and never measured: "
            f"{', '.join(noted.unused)}"
        )
    if noted.sample != noted.drawn:
        yield f"the items of campaign {name} are not those that were committed to: measure again"


def _is_on_record(header: JournalHeader, session: RegistrySession) -> bool:
    """Whether the registry holds the commitment and then the part, and the seed is made of both."""
    part, seed, noted = header.seed_part, header.campaign.seed, header.commitment
    if part is None or noted is None or not is_of_both(seed, part):
        return False
    events = sample_events_in(session)
    committed = [
        one
        for one in events
        if isinstance(one, SeedCommitted)
        and (one.campaign, one.commitment) == (header.campaign.campaign, noted.digest)
    ]
    if not committed or digest_of_seed(own_part(seed, part)) != noted.digest:
        return False
    return part_for(events, committed[-1]) == part and committed[-1].at <= part.at

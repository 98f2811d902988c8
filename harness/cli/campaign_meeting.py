"""Where two campaigns meet: what differs between them is named, and refused or allowed by record.

A difference is allowed if a named person allowed it for the plan (``change-allowed``), or if the
part that is new is shipped or signed by the body. Other rules of judgement are only named.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from harness.cli.paths import CampaignPaths
from harness.cli.registry_session import HeldPlan
from harness.cli.trusted_content import SIGNED_KINDS, TrustedContent
from harness.errors import UsageError
from harness.model.action_plan import ActionPlan, Finding, Retest, RetestResult
from harness.model.content_identity import (
    POLICY,
    SHOWN,
    UNKNOWN,
    Difference,
    Parts,
    about,
    concluded_with,
    differences,
    ordered,
    with_rules,
)
from harness.model.event import ChangeAllowed
from harness.model.journal_header import JournalHeader
from harness.model.scheme import Scheme
from harness.ports.storage import Journal

ALLOW_CHANGE = Annotated[
    str, typer.Option(help="Why a scheme, pack, origin, line or profile may differ; on record.")
]


class Meeting(NamedTuple):
    """A campaign that is to show something of a finding: how it differs from the finding's.

    ``named`` are all differences in sentences, ``refused`` those that nobody allowed. ``unknown``
    says that one of the campaigns recorded nothing to compare.
    """

    campaign: str
    named: tuple[str, ...]
    refused: tuple[str, ...]
    unknown: str = ""

    def require_allowed(self, plan: str) -> None:
        """Raise UsageError, naming each difference that nobody allowed."""
        if self.refused:
            msg = (
                f"plan {plan}: campaign {self.campaign!r} was not measured with what its finding "
                f"was: {'; '.join(self.refused)}. Measure with the same, or have the change "
                'allowed by name: --allow-change "REASON"'
            )
            raise UsageError(msg)

    def as_allowed(self) -> Meeting:
        """The same after somebody allowed all of it."""
        return self._replace(refused=())

    def said(self) -> tuple[str, ...]:
        """All that is to be said beside a result."""
        return (*self.named, *filter(None, [self.unknown]))


def meeting_of(
    finding: Finding,
    plan: ActionPlan,
    campaign: str,
    parts: Parts,
    before: Parts,
    trusted: TrustedContent,
) -> Meeting:
    """Compare a later campaign with that of a plan's finding, which had the parts ``before``.

    Only what the finding's line and profile were measured with is compared. The canaries that were
    made for the plan are no difference.
    """
    first, second = (about(each, finding.line, finding.profile) for each in (before, parts))
    if not first or not second:
        which = campaign if first else finding.campaign
        return Meeting(campaign, (), (), UNKNOWN.format(f"campaign {which}"))
    found = differences(first, second, ignored=[each.sha256 for each in plan.canaries])
    return _meeting(plan, campaign, found, trusted)


def parts_in(journal: Journal, scheme: Scheme) -> Parts:
    """What a campaign was measured with, and judged by a scheme, with what its lines showed."""
    from harness.estimate.shown_by_lines import shown_by_lines  # noqa: PLC0415 - keep the start light
    from harness.judge.rules.order import RULES_VERSION  # noqa: PLC0415 - the same

    shown = shown_by_lines(journal.sentinels())
    return with_rules(concluded_with(journal.header.measured_with, scheme, shown), RULES_VERSION)


def shown_meeting(held: HeldPlan, paths: CampaignPaths) -> Meeting:
    """Compare what the service showed of itself in a campaign with what it showed before."""
    from harness.estimate.shown_by_lines import shown_by_lines  # noqa: PLC0415 - keep the start light
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    finding, campaign = held.finding, paths.campaign
    shown = ordered(shown_by_lines(JournalReader(paths.journal).sentinels()))
    before = tuple(each for each in finding.measured_with if each[0].startswith(SHOWN))
    found = differences(before, about(shown, finding.line, finding.profile))
    return _meeting(held.plan, campaign, found, TrustedContent(paths.journal, paths.registry))


def _meeting(
    plan: ActionPlan, campaign: str, found: Collection[Difference], trusted: TrustedContent
) -> Meeting:
    allowed = frozenset(each for change in plan.changes for each in change.differences)
    refused = tuple(each.sentence for each in found if not _is_allowed(each, allowed, trusted))
    return Meeting(campaign, tuple(each.sentence for each in found), refused)


def _is_allowed(each: Difference, allowed: Collection[str], trusted: TrustedContent) -> bool:
    if each.is_named_only or each.sentence in allowed:
        return True
    is_content = bool(each.now) and each.part.startswith(SIGNED_KINDS)
    return is_content and not each.is_edited and trusted.holds(each.part, each.now)


def compared_journals(first: JournalHeader, second: JournalHeader) -> tuple[str, ...]:
    """How two campaigns that are only compared differ, in sentences.

    Raises UsageError for a scheme, policy or pack that was edited under the same name and version:
    then one name stands for two things.
    """
    if not first.measured_with or not second.measured_with:
        which = first if not first.measured_with else second
        return (UNKNOWN.format(f"campaign {which.campaign.campaign}"),)
    found = differences(first.measured_with, second.measured_with)
    edited = [each.sentence for each in found if each.is_edited or each.part.startswith(POLICY)]
    if edited:
        msg = (
            f"campaigns {first.campaign.campaign!r} and {second.campaign.campaign!r} cannot be "
            f"compared: {'; '.join(edited)}"
        )
        raise UsageError(msg)
    return tuple(each.sentence for each in found)


def parts_before(finding: Finding, out: Path) -> Parts:
    """What the campaign of a finding was measured with: as recorded, else as its journal says."""
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    journal = CampaignPaths(out=out, campaign=finding.campaign).journal
    if finding.measured_with or not (journal / HEADER).exists():
        return finding.measured_with
    return JournalReader(journal).header.measured_with


def allowance(
    plan: ActionPlan, meeting: Meeting, reason: str, actor: str, at: datetime
) -> tuple[ChangeAllowed, ...]:
    """The event by which a person allows what differs; none if nothing is refused.

    The one place where such an act is made, and where it is signed once people have keys. Raises
    UsageError for a refused difference without a reason.
    """
    if not meeting.refused:
        return ()
    if not reason.strip():
        meeting.require_allowed(plan.id)
    event = ChangeAllowed(
        at=at,
        actor=actor,
        plan=plan.id,
        campaign=meeting.campaign,
        differences=meeting.refused,
        reason=reason,
    )
    return (event,)


def with_meetings(retest: Retest, *meetings: Meeting) -> Retest:
    """The re-test that names what differed; a difference that nobody allowed verifies nothing.

    A failure stays one.
    """
    said = dict.fromkeys(each for meeting in meetings for each in meeting.said())
    refused = [each for meeting in meetings for each in meeting.refused]
    outcome = retest.outcome
    if refused and outcome is RetestResult.CONFORMS:
        outcome = RetestResult.INSUFFICIENT
    hint = ['allow that by name (--allow-change "REASON")'] if refused else []
    statement = "; ".join((retest.statement, *said, *hint))
    return msgspec.structs.replace(retest, outcome=outcome, statement=statement)

"""Whether a fix that excuses a campaign's failure was shown with the same as the campaign."""

from __future__ import annotations

from collections.abc import Iterator

from harness.cli.campaign_meeting import meeting_of, parts_before
from harness.cli.decision_bars import JudgedCampaign
from harness.cli.registry_facts import follow_ups_of
from harness.cli.trusted_content import TrustedContent
from harness.model.action_plan import FIXED
from harness.model.content_identity import with_rules


def other_content(judged: JudgedCampaign) -> Iterator[str]:
    """Why a verified fix says nothing of a campaign's failure: it was shown with something else."""
    assessment, paths = judged.assessment, judged.paths
    parts = with_rules(assessment.measured_with, assessment.rules_version)
    for each in follow_ups_of(judged.session, assessment):
        finding, plan = each.finding, each.plan
        if plan is None or plan.state not in FIXED or finding.campaign == assessment.campaign:
            continue
        trusted = TrustedContent(paths.journal, judged.session)
        before = parts_before(finding, paths.out)
        meeting = meeting_of(finding, plan, assessment.campaign, parts, before, trusted)
        said = [*meeting.refused, *filter(None, [meeting.unknown])]
        if said:
            yield f"plan {plan.id} fixed {finding.requirement} elsewhere: {'; '.join(said)}"

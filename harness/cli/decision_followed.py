"""Whether a fix that excuses a campaign's failure was shown with the same as the campaign."""

from __future__ import annotations

from collections.abc import Iterator

from harness.cli.campaign_meeting import meeting_of, parts_before
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import follow_ups_in
from harness.cli.trusted_content import TrustedContent
from harness.model.action_plan import FIXED
from harness.model.content_identity import with_rules
from harness.model.outcome import Assessment


def other_content(assessment: Assessment, paths: CampaignPaths) -> Iterator[str]:
    """Why a verified fix says nothing of a campaign's failure: it was shown with something else."""
    parts = with_rules(assessment.measured_with, assessment.rules_version)
    for each in follow_ups_in(paths.registry, assessment) or ():
        finding, plan = each.finding, each.plan
        if plan is None or plan.state not in FIXED or finding.campaign == assessment.campaign:
            continue
        trusted = TrustedContent(paths.journal, paths.registry)
        before = parts_before(finding, paths.out)
        meeting = meeting_of(finding, plan, assessment.campaign, parts, before, trusted)
        said = [*meeting.refused, *filter(None, [meeting.unknown])]
        if said:
            yield f"plan {plan.id} fixed {finding.requirement} elsewhere: {'; '.join(said)}"

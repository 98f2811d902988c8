"""The action plans of one supplier as a plan of action and milestones (POA&M) of OSCAL 1.2.

Each item meets the rules of FedRAMP (GSA/fedramp-automation, ``poam.sch``): one risk, observations
that are in the document, a deadline, a recommendation, a planned response with milestones, and an
impact. It names how many items failed, never which: they may be hidden from the supplier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from harness.errors import UsageError
from harness.follow.deadlines import latest_due
from harness.follow.exit_query import exit_query_of, in_words
from harness.follow.retest_levels import level_words
from harness.model.action_plan import TO_AGREE, ActionPlan, Finding, FollowUp, RetestResult
from harness.model.deviation import DeviationKind
from harness.model.stream import StreamHead, same_name
from reports.oscal.pieces import (
    IMPACTS,
    NO_SECURITY_PLAN,
    Piece,
    component,
    encoded,
    id_of,
    id_of_risk,
    impact,
    marked,
    metadata,
    origin,
    plain,
    prop,
    subject,
    time_of,
    token,
    tool,
)
from reports.oscal.risk_log import entries_of

LIMITS = {"high": 30, "moderate": 90, "low": 180}
"""Days within which a risk of an impact has to be dealt with: the deadline is before their end."""


def write_poam(supplier: str, followed: Sequence[FollowUp], head: StreamHead) -> bytes:
    """The plans of a supplier, as they are in its stream with that head.

    Raises UsageError if there is no plan: a POA&M has at least one item.
    """
    pairs = [(each.finding, each.plan) for each in followed if each.plan is not None]
    versions = {each.finding.id: each.version for each in followed}
    if not pairs:
        msg = f"{supplier} has no action plan to export"
        raise UsageError(msg)
    services = sorted({finding.service for finding, _ in pairs})
    document = {
        "uuid": id_of("poam", head.stream, head.hash),
        "metadata": metadata(f"Action plans of {supplier}", head.latest, head.hash[:16], supplier),
        "import-ssp": {"href": f"#{NO_SECURITY_PLAN['uuid']}"},
        "system-id": {
            "identifier-type": "https://ietf.org/rfc/rfc4122",
            "id": id_of("supplier", same_name(supplier)),
        },
        "local-definitions": {
            "components": [*(component(supplier, each) for each in services), tool()]
        },
        "observations": [_observation(supplier, finding) for finding, _ in pairs],
        "risks": [_risk(supplier, finding, plan, head.latest) for finding, plan in pairs],
        "poam-items": [
            _item(supplier, finding, plan, versions[finding.id]) for finding, plan in pairs
        ],
        "back-matter": {"resources": [NO_SECURITY_PLAN]},
    }
    return encoded("plan-of-action-and-milestones", document)


def _id(kind: str, supplier: str, finding: Finding) -> str:
    return id_of(kind, same_name(supplier), same_name(finding.service), finding.id)


def _observation(supplier: str, finding: Finding) -> Piece:
    where = f"{finding.requirement}, profile {finding.profile}, line {finding.line}"
    counted = f"{len(finding.missed)} items failed; {finding.sampled} were sampled"
    return {
        "uuid": _id("observation", supplier, finding),
        "title": marked(f"Finding {finding.id}: {where}"),
        "description": marked(finding.statement or finding.title),
        "methods": ["TEST"],
        "types": ["finding"],
        "origins": [origin()],
        "subjects": [subject(supplier, finding.service)],
        "relevant-evidence": [{"description": marked(f"Campaign {finding.campaign}: {counted}")}],
        "collected": time_of(finding.opened),
    }


def _item(supplier: str, finding: Finding, plan: ActionPlan, version: str) -> Piece:
    return {
        "uuid": _id("item", supplier, finding),
        "title": marked(f"{plan.id}: {finding.title}"),
        "description": marked(plan.corrective_action),
        "props": [
            prop("plan", plan.id),
            prop("finding", finding.id),
            prop("requirement", finding.requirement),
            prop("scheme", f"{finding.scheme} {finding.scheme_version}"),
            prop("state", plan.state),
            prop("due", time_of(plan.effective_due)),
            *([prop("version", version)] if version else []),
            *([prop("level", plan.level)] if plan.level else []),
        ],
        "related-observations": [{"observation-uuid": _id("observation", supplier, finding)}],
        "related-risks": [{"risk-uuid": id_of_risk(supplier, finding.service, finding.id)}],
    }


def _risk(supplier: str, finding: Finding, plan: ActionPlan, at: datetime) -> Piece:
    rated = [impact(finding.severity, "initial")]
    rated += [
        impact(each.severity, "adjusted")
        for each in plan.approved
        if each.kind is DeviationKind.RISK_ADJUSTMENT
        and each.severity
        and at <= plan.excused_until(each)
    ]
    risk: Piece = {
        "uuid": id_of_risk(supplier, finding.service, finding.id),
        "title": marked(finding.title),
        "description": marked(finding.statement or finding.title),
        "statement": marked(f"{finding.requirement} of {finding.scheme} is not met."),
        "status": _status(plan, at),
        "characterizations": rated,
        "deadline": time_of(_deadline(finding, plan)),
        "remediations": list(_responses(supplier, finding, plan)),
        "related-observations": [{"observation-uuid": _id("observation", supplier, finding)}],
    }
    if factors := [each.mitigation for each in plan.approved if each.mitigation.strip()]:
        risk["mitigating-factors"] = [
            {"uuid": id_of("factor", risk["uuid"], str(number)), "description": marked(text)}
            for number, text in enumerate(factors)
        ]
    if entries := entries_of(plan, risk["uuid"]):
        risk["risk-log"] = {"entries": entries}
    return risk


def _status(plan: ActionPlan, at: datetime) -> str:
    """The status of a risk, in OSCAL's words."""
    if plan.is_ended:
        return "closed"
    if plan.requested is not None:
        return "deviation-requested"
    if plan.deviation_at(at) is not None:
        return "deviation-approved"
    return "open" if plan.state in TO_AGREE else "remediating"


def _deadline(finding: Finding, plan: ActionPlan) -> datetime:
    """The first due date, which an extension does not move, but before the end of the limit.

    FedRAMP asks for less than 30, 90 or 180 days; our dates may be the last second of these.
    """
    limit = timedelta(days=LIMITS[IMPACTS.get(finding.severity, "high")])
    first = min(plan.due, plan.original_due, latest_due(finding))
    return min(first, finding.opened + limit - timedelta(seconds=1))


def _responses(supplier: str, finding: Finding, plan: ActionPlan) -> Iterator[Piece]:
    """What the assessor recommends, what the supplier plans, and what was shown in the end."""
    base = _id("response", supplier, finding)
    wanted = "; ".join((in_words(exit_query_of(finding)), *level_words(plan, finding)))
    yield {
        "uuid": id_of(base, "recommendation"),
        "lifecycle": "recommendation",
        "title": "What a re-test has to show",
        "description": marked(wanted),
    }
    parts = {
        "Corrective action": plan.corrective_action,
        "Root cause": plan.root_cause,
        "Containment": plan.containment,
        "Preventive action": plan.preventive_action,
    }
    yield {
        "uuid": id_of(base, "planned"),
        "lifecycle": "planned",
        "title": marked(f"Action plan {plan.id}, owner {plan.owner}"),
        "description": marked("; ".join(f"{name}: {plain(text)}" for name, text in parts.items())),
        "tasks": [*_milestones(base, plan)],
    }
    shown = [one for one in plan.retests if one.outcome is RetestResult.CONFORMS]
    if plan.is_ended and shown:
        yield {
            "uuid": id_of(base, "completed"),
            "lifecycle": "completed",
            "title": marked(f"Re-test {shown[-1].campaign}"),
            "description": marked(shown[-1].statement),
        }


def _milestones(base: str, plan: ActionPlan) -> Iterator[Piece]:
    """The milestones of a plan, and the one that every plan has: it is closed when it is due."""
    steps = [(each.title, each.due, each.done) for each in plan.milestones]
    for number, (title, due, done) in enumerate((*steps, ("Plan closed", plan.due, plan.ended)), 1):
        task: Piece = {
            "uuid": id_of(base, "milestone", str(number)),
            "type": "milestone",
            "title": marked(title),
            "description": marked(f"{title} of {plan.id}"),
            "timing": {"on-date": {"date": time_of(due)}},
        }
        if done is not None:
            task["props"] = [prop(token("done"), time_of(done))]
        yield task

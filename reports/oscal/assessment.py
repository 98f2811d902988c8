"""An assessment as the assessment plan and the assessment results of OSCAL 1.2.

Requirements are controls, and each outcome is an observation and a finding. What is insufficient
is *not satisfied*, with the reason *other*: only evidence satisfies. Items are not named.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time

from harness.model.action_plan import FollowUp
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.people_metric_specs import JUDGED_BY_PEOPLE
from harness.store.assessments import digest_of
from reports.oscal.pieces import (
    NO_SECURITY_PLAN,
    TOOL,
    Piece,
    component,
    encoded,
    id_of,
    id_of_risk,
    impact,
    marked,
    metadata,
    origin,
    prop,
    resource,
    reviewed,
    subject,
    time_of,
    token,
    tool,
)


def plan_document(assessment: Assessment) -> bytes:
    """What a campaign assesses: requirements, lines, packs and the tool."""
    one = assessment
    lines = [
        prop("line", f"{line.name}: {line.type}{f', {line.site}' if line.site else ''}")
        for line in one.lines
    ]
    version = f"{one.scheme} {one.scheme_version}"
    document: Piece = {
        "uuid": _id(one, "plan"),
        "metadata": metadata(f"Campaign {one.campaign}", _start(one), version, one.supplier),
        "import-ssp": {"href": f"#{NO_SECURITY_PLAN['uuid']}"},
        "local-definitions": {"components": [component(one.supplier, one.service)]},
        "reviewed-controls": _controls(one),
        "assessment-subjects": [
            {
                "type": "component",
                "description": marked(f"{one.service} of {one.supplier or 'no supplier'}"),
                "include-subjects": [subject(one.supplier, one.service)],
                **({"props": lines} if lines else {}),
            }
        ],
        "assessment-assets": {
            "components": [tool()],
            "assessment-platforms": [
                {
                    "uuid": _id(one, "platform"),
                    "title": "Accredit",
                    "uses-components": [{"component-uuid": TOOL}],
                    "props": [
                        prop("rules", one.rules_version),
                        *(prop("corpus", each) for each in one.corpora),
                    ],
                }
            ],
        },
        "tasks": [{"uuid": _id(one, "task"), "type": "action", "title": marked(one.campaign)}],
        "back-matter": {"resources": [NO_SECURITY_PLAN]},
    }
    return encoded("assessment-plan", document)


def results_document(assessment: Assessment, followed: tuple[FollowUp, ...]) -> bytes:
    """What was found, requirement by requirement; ``followed`` are the findings of failures."""
    one, digest = assessment, digest_of(assessment)
    findings = {
        (each.finding.requirement, each.finding.profile, each.finding.line): each.finding.id
        for each in followed
    }
    risks = [_risk(one, each, findings) for each in one.outcomes if _fails(each)]
    plan = resource(
        _id(one, "plan"), "The assessment plan", "The campaign, as the assessment plan declares it."
    )
    plan["document-ids"] = [{"identifier": f"urn:uuid:{_id(one, 'plan')}"}]
    result: Piece = {
        "uuid": _id(one, "result", digest),
        "title": marked(": ".join(filter(None, (one.title or one.campaign, one.limit)))),
        "description": marked(f"{one.service} by {one.scheme} {one.scheme_version}"),
        "start": time_of(_start(one)),
        "end": time_of(one.concluded),
        "props": [
            prop("conformity", one.conformity.value),
            prop("rules", one.rules_version),
            prop("observations", one.observations),
            prop("assessment", digest),
            *([prop("journal", one.journal_head.hash)] if one.journal_head else []),
        ],
        "local-definitions": {"components": [component(one.supplier, one.service)]},
        "reviewed-controls": _controls(one),
    }
    if one.outcomes:
        result["observations"] = [_observation(one, each) for each in one.outcomes]
        result["findings"] = [_finding(one, each, findings) for each in one.outcomes]
    if risks:
        result["risks"] = risks
    document = {
        "uuid": _id(one, "results", digest),
        "metadata": metadata(
            f"Results of campaign {one.campaign}", one.concluded, digest[:16], one.supplier
        ),
        "import-ap": {"href": f"#{plan['uuid']}"},
        "results": [result],
        "back-matter": {"resources": [plan]},
    }
    return encoded("assessment-results", document)


Findings = Mapping[tuple[str, str, str], str]
"""The ids of findings by requirement, profile and line."""


def _id(one: Assessment, *names: str) -> str:
    """An id within a campaign of a service, by a scheme."""
    return id_of(one.supplier, one.service, one.campaign, one.scheme, one.scheme_version, *names)


def _id_of_outcome(one: Assessment, outcome: Outcome, kind: str) -> str:
    """An id of an outcome; a later assessment of the same campaign has others."""
    return _id(one, kind, outcome.id, time_of(one.concluded))


def _start(one: Assessment) -> datetime:
    """The first start of the instrument; the conclusion, where a journal has no record of it."""
    return min((each.at for each in one.instrument), default=one.concluded)


def _controls(one: Assessment) -> Piece:
    return reviewed(outcome.requirement.id for outcome in one.outcomes)


def _fails(outcome: Outcome) -> bool:
    return outcome.conformity is Conformity.DOES_NOT_CONFORM


def _observation(one: Assessment, outcome: Outcome) -> Piece:
    metric = outcome.metric
    measured = {"value": metric.value, "lower": metric.lower, "upper": metric.upper}
    numbers = {"metric": metric.name, "unit": metric.unit, "k": metric.k, "n": metric.n}
    numbers |= {"indeterminate": metric.indeterminate, "method": metric.method}
    numbers |= {name: format(each, ".6g") for name, each in measured.items() if each is not None}
    return {
        "uuid": _id_of_outcome(one, outcome, "observation"),
        "title": marked(outcome.id),
        "description": marked("; ".join((outcome.decided_by, *outcome.reasons))),
        "props": [
            *(prop(name, value) for name, value in numbers.items()),
            prop("profile", outcome.profile),
            prop("line", outcome.line),
        ],
        "methods": list(_methods(outcome)),
        "types": ["control-objective"],
        "origins": [origin()],
        "subjects": [subject(one.supplier, one.service)],
        "collected": time_of(one.concluded),
        **_expires(outcome),
    }


def _methods(outcome: Outcome) -> tuple[str, ...]:
    """How it was found out: tests by Accredit, or how people know what they state."""
    if outcome.people is None:
        return ("TEST",)
    by_people = [each.upper() for each in outcome.people.methods]
    is_measured = outcome.metric.name not in JUDGED_BY_PEOPLE
    return tuple(dict.fromkeys([*(["TEST"] if is_measured else []), *by_people]))


def _expires(outcome: Outcome) -> Piece:
    """From when on the evidence of people does not count."""
    if outcome.people is None or outcome.people.expires is None:
        return {}
    return {"expires": time_of(datetime.combine(outcome.people.expires, time.min, UTC))}


def _finding(one: Assessment, outcome: Outcome, findings: Findings) -> Piece:
    requirement, is_met = outcome.requirement, one.is_granted(outcome)
    reason = "pass" if is_met else "fail" if _fails(outcome) else "other"
    said = outcome.conformity.value
    if outcome.qualifier:
        said = f"{said}: {outcome.qualifier}"
    made: Piece = {
        "uuid": _id_of_outcome(one, outcome, "finding"),
        "title": marked(outcome.id),
        "description": marked(requirement.title),
        "props": [prop("severity", requirement.severity), prop("binding", requirement.binding)],
        "target": {
            "type": "objective-id",
            "target-id": token(requirement.id),
            "status": {
                "state": "satisfied" if is_met else "not-satisfied",
                "reason": reason,
                "remarks": marked(said),
            },
        },
        "related-observations": [{"observation-uuid": _id_of_outcome(one, outcome, "observation")}],
    }
    if _fails(outcome):
        made["related-risks"] = [{"risk-uuid": _risk(one, outcome, findings)["uuid"]}]
    return made


def _risk(one: Assessment, outcome: Outcome, findings: Findings) -> Piece:
    """The risk of a failure. It has the id of the risk in the POA&M, if a finding is open."""
    finding = findings.get((outcome.requirement.id, outcome.profile, outcome.line))
    own = _id_of_outcome(one, outcome, "risk")
    return {
        "uuid": id_of_risk(one.supplier, one.service, finding) if finding else own,
        "title": marked(outcome.requirement.title),
        "description": marked("; ".join((outcome.decided_by, *outcome.reasons))),
        "statement": marked(f"{outcome.requirement.id} of {one.scheme} is not met."),
        "status": "open",
        "characterizations": [impact(outcome.requirement.severity, "initial")],
        "related-observations": [{"observation-uuid": _id_of_outcome(one, outcome, "observation")}],
    }

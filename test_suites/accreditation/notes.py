"""What the accreditation suite reports of an outcome: JUnit properties, messages, Allure labels."""

from __future__ import annotations

import csv
import io
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from harness.model.outcome import Assessment, Outcome, Witness
from harness.untrusted.visible_text import spreadsheet_cell, visible
from reports import phrases
from reports.words import source_of

SEVERITIES = {"Crit": "blocker", "Maj": "critical", "Min": "normal", "Obs": "trivial"}
"""Our severities as Allure names them."""
WORST = 50
"""How many items are attached; the JSON of the assessment holds all of them."""


def properties(outcome: Outcome, assessment: Assessment) -> dict[str, str]:
    """The JUnit ``<properties>`` of an outcome."""
    requirement, metric = outcome.requirement, outcome.metric
    return {
        "requirement": requirement.id,
        "severity": requirement.severity,
        "scheme": assessment.scheme,
        "scheme_version": assessment.scheme_version,
        "campaign": assessment.campaign,
        "profile": outcome.profile,
        "line": outcome.line,
        "conformity": outcome.conformity.value,
        "qualifier": outcome.qualifier,
        "items": outcome.kind,
        "decision_rule": outcome.decided_by,
        "counted": f"{metric.k}/{metric.n}",
        "bounds": phrases.bounds(outcome),
        "threshold": phrases.threshold(requirement, metric.unit),
    }


def message(outcome: Outcome, shown: int = 5) -> str:
    """The outcome's sentence, and its worst items below."""
    lines = [phrases.sentence(outcome), f"decided by: {outcome.decided_by}"]
    lines += [f"  {phrases.witness_line(witness)}" for witness in outcome.witnesses[:shown]]
    if len(outcome.witnesses) > shown:
        lines.append(f"  and {len(outcome.witnesses) - shown} more")
    return "\n".join(map(visible, lines))


def tell_allure(outcome: Outcome, assessment: Assessment) -> None:
    """Label the running test and attach the evidence, where Allure is installed."""
    if find_spec("allure") is None:
        return
    allure: Any = import_module("allure")  # an optional reader
    requirement = outcome.requirement
    allure.dynamic.title(
        f"{requirement.id} {requirement.title} [{outcome.profile}, {outcome.line}]"
    )
    allure.dynamic.description(phrases.sentence(outcome))
    allure.dynamic.parent_suite(f"{assessment.scheme} {assessment.scheme_version}")
    allure.dynamic.suite(f"{outcome.profile} on {outcome.line}")
    allure.dynamic.feature(requirement.area)
    allure.dynamic.story(requirement.id)
    allure.dynamic.severity(SEVERITIES[requirement.severity])
    allure.dynamic.tag(requirement.area, requirement.severity, *requirement.measure.categories)
    for name, text in _texts(outcome).items():
        allure.attach(text, name=name, attachment_type=allure.attachment_type.TEXT)
    if outcome.witnesses:
        table = worst_items(outcome.witnesses)
        allure.attach(table, name="worst items", attachment_type=allure.attachment_type.CSV)


def worst_items(witnesses: tuple[Witness, ...]) -> str:
    """The first witnesses as CSV (RFC 4180), with formulas of spreadsheets made harmless."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(("item", "value", "category", "state", "mechanism", "rule", "saw"))
    for each in witnesses[:WORST]:
        row = (each.item, each.value, each.category, each.state, each.mechanism, each.rule)
        writer.writerow([spreadsheet_cell(cell) for cell in (*row, "; ".join(each.saw))])
    return text.getvalue()


def _texts(outcome: Outcome) -> dict[str, str]:
    requirement, metric = outcome.requirement, outcome.metric
    limit = requirement.threshold
    source = f"source of the threshold: {source_of(limit)}" if limit else "no threshold"
    demand = phrases.threshold(requirement, metric.unit)
    categories = ", ".join(requirement.measure.categories) or "all"
    interval = (
        f"{phrases.counted(outcome)}: {phrases.value(outcome)}\n"
        f"bounds: {phrases.bounds(outcome)}, each one-sided at "
        f"{phrases.confidence(metric.alpha)} ({metric.method})\n"
        f"undecided: {metric.indeterminate}; {'; '.join(phrases.left_out(outcome)) or 'none left out'}\n"
        f"decided by: {outcome.decided_by}\n"
    )
    return {
        "requirement": f"{requirement.id} {requirement.title}\n{demand}\n{source}\n",
        "category": f"{categories}\n",
        "interval": interval,
    }

"""Write a report as one self-contained HTML page.

Text from a supplier's pages is hostile input: everything is escaped, nothing becomes a link, and
control characters are replaced. A content security policy forbids requests, and all scripts but
the one that filters the table of items, which is named by its digest.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.model.outcome import Assessment, Conformity
from harness.store.assessments import digest_of
from harness.store.atomic_write import PRIVATE, write_document
from reports import (
    case_matrices,
    evidence,
    phrases,
    requirement_table,
    tables,
    technique_table,
    words,
)
from reports.documents import DOCUMENTS, Report
from reports.gates import consequence, gate_states
from reports.next_steps import day, lead, next_steps
from reports.people import declared_rows, declared_title, people_rows
from reports.tables import NO_INSTRUMENT, NO_LOAD, instrument_tables, pack_tables

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
FIRST_ITEMS = 10
"""How many items the page shows before unfolding."""
SHOWN_ITEMS = 500
"""How many items the page holds; the JSON of the assessment holds all of them."""
FIRST_STEPS = 6
"""How many rows of next steps are shown before unfolding."""
FIRST_SUBJECTS = 6
"""How many subjects of wrongly blocked sites are shown before unfolding."""
SQUARES = 12
"""More checks than these that ended alike are shown as a number alone."""
SHOWN_CHARACTERS = 300
"""How many characters of one observed text are shown."""
SHOWN_DIGITS = 8
"""How many digits of a digest are shown at each end; bundles hold digests in full."""


@DOCUMENTS.register("html")
def write_html(report: Report, path: Path) -> Path:
    """A self-contained HTML page, whole or not at all, that only the user can read.

    Raises InstrumentError.
    """
    return write_document(path, render(report).encode(), PRIVATE)


def render(report: Report) -> str:
    """The page as text."""
    return _environment().get_template("report.html.j2").render(**_contents(report))


@cache
def _environment() -> Environment:
    """The templates, read once, with the words and filters that they use."""
    from reports.page_templates import page_environment  # noqa: PLC0415 - Jinja is read on demand

    page = page_environment()
    page.globals.update(phrases=phrases, tables=tables, words=words, day=day)
    page.filters.update(short=_short, tight=phrases.tight, digest=_short_digest, css=_css_text)
    return page


def headline(assessment: Assessment) -> str:
    """The result in one sentence: "Example does not meet Becta 2008: 2 of 8 checks failed.".

    It begins with the scope if that is limited, and with what was left out of the items:
    "Web filtering only: ...".
    """
    limit = assessment.restriction
    return ": ".join(filter(None, (f"{limit[:1].upper()}{limit[1:]}", _headline(assessment))))


def _headline(assessment: Assessment) -> str:
    counts = phrases.tally(assessment)
    total, service = sum(counts.values()), assessment.service or "The service"
    part = "the web part of " if assessment.scope == "web" else ""
    scheme = f"{part}the scheme {words.SCHEMES.get(assessment.scheme, assessment.scheme)}"
    if not total:
        return f"Nothing was decided about {assessment.service or 'the service'}."
    failed = counts[Conformity.DOES_NOT_CONFORM]
    checks = "check" if total == 1 else "checks"
    if failed:
        return f"{service} does not meet {scheme}: {failed} of {total} {checks} failed."
    if counts[Conformity.CONFORMS] == total:
        limit = f", on the {assessment.qualifier}" if assessment.qualifier else ""
        conform = "the one check conforms" if total == 1 else f"all {total} checks conform"
        return f"{service} meets {scheme}{limit}: {conform}."
    return f"It could not be decided whether {service} meets {scheme}."


def _contents(report: Report) -> dict[str, Any]:
    assessment = report.assessment
    steps = next_steps(report)
    anchors = requirement_table.anchors(assessment)
    places, items = evidence.places(assessment), evidence.items(assessment)
    script = (HERE / "report.js").read_text(encoding="utf-8")
    return {
        "assessment": assessment,
        "report": report,
        "headline": headline(assessment),
        "lead": lead(report, steps),
        "squares": _squares(assessment),
        "steps": _split(steps, FIRST_STEPS),
        "tried": any(each.metric.tried for each in assessment.outcomes),
        "kinds": evidence.kinds(assessment),
        "has_canaries": any(each.startswith("canary ") for each in assessment.corpora),
        "tests_illegal": _tests_illegal(assessment),
        "anchors": anchors,
        "people_rows": people_rows(assessment),
        "declared_title": declared_title(assessment),
        "declared_rows": declared_rows(assessment),
        "where_of": requirement_table.where_of,
        "areas": requirement_table.areas(assessment, binding=True, names=anchors),
        "not_required": requirement_table.areas(assessment, binding=False, names=anchors),
        "not_measured": requirement_table.not_measured(assessment),
        "provenances": _provenances(assessment),
        "places": places,
        "one_place": len({(each.profile, each.line) for each in assessment.outcomes}) == 1,
        "matrix": evidence.matrix(places),
        "cases": _cases(assessment),
        "ways": technique_table.technique_table(assessment),
        "ways_states": technique_table.KEY,
        "items": _split(items[:SHOWN_ITEMS], FIRST_ITEMS),
        "all_items": len(items),
        "gates": gate_states(assessment),
        "gate_consequence": consequence,
        "failed_preconditions": evidence.voiding_of(assessment),
        "sure": phrases.tight(_confidence(assessment)),
        "instrument": instrument_tables(assessment),
        "no_instrument": NO_INSTRUMENT,
        "no_load": NO_LOAD,
        "pack_tables": pack_tables(assessment),
        "import_columns": tables.IMPORT_COLUMNS,
        "import_rows": tables.import_rows(assessment),
        "digest": digest_of(assessment),
        "script": script,
        "script_digest": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **_teaching(assessment),
    }


def _cases(assessment: Assessment) -> list[tuple[str, case_matrices.CaseMatrix]]:
    """The tables of cases that there is something to show of, with their titles."""
    tables = (
        ("Harmful pages by form", case_matrices.content_matrix(assessment)),
        ("Categories and the policy", case_matrices.policy_matrix(assessment)),
    )
    return [(title, one) for title, one in tables if one]


def _teaching(assessment: Assessment) -> dict[str, Any]:
    stay_open = evidence.must_stay_open(assessment)
    blocked = evidence.must_block(assessment)
    untested = [
        name
        for area, name in (("circumvent", "Ways round the filter"), ("search", "Search engines"))
        if not (area == "circumvent" and assessment.techniques)
        and not any(
            each.requirement.area == area and each.metric.tried for each in assessment.outcomes
        )
    ]
    return {
        "stay_open": _split(stay_open, FIRST_SUBJECTS),
        "wrongly_blocked": sum(each.blocked for each in stay_open),
        "opened": sum(each.decided for each in stay_open),
        "waits": evidence.waits(assessment),
        "delays": [
            each
            for each in assessment.outcomes
            if each.metric.name == "first_byte_overhead" and each.metric.value is not None
        ],
        "categories": (blocked[: (len(blocked) + 1) // 2], blocked[(len(blocked) + 1) // 2 :]),
        "left_open": evidence.left_open(assessment),
        "means": evidence.means(assessment),
        "mechanisms": sorted(assessment.mechanisms.items(), key=lambda way: -way[1]),
        "untested": untested,
    }


def _squares(assessment: Assessment) -> list[tuple[Conformity, int, int]]:
    """How many binding checks ended each way, the failed first, and how many squares to draw."""
    counts = phrases.tally(assessment)
    return [
        (each, counts[each], counts[each] if counts[each] <= SQUARES else 1)
        for each in requirement_table.WORST_FIRST
        if counts[each]
    ]


def _tests_illegal(assessment: Assessment) -> bool:
    """Whether harmless test entries were used in place of entries of an illegal list."""
    return any(phrases.items_of(each) == "test entries" for each in assessment.outcomes)


def _provenances(assessment: Assessment) -> list[tuple[str, str]]:
    """The words for the sources of thresholds that the table uses, each with its meaning."""
    limits = [each.requirement.threshold for each in assessment.outcomes]
    used = dict.fromkeys(limit.provenance for limit in limits if limit is not None)
    meanings = words.PROVENANCE_MEANINGS
    return [
        (words.SHORT_PROVENANCES[each].removeprefix("widely "), meanings[each])
        for each in meanings
        if each in used
    ]


def _confidence(assessment: Assessment) -> str:
    alphas = sorted({each.metric.alpha for each in assessment.outcomes}) or [0.05]
    return " or ".join(map(phrases.confidence, reversed(alphas)))


def _split(rows: Any, first: int) -> tuple[Any, Any]:
    """The rows that are shown, and those that are folded; one row alone is not folded."""
    first = first if len(rows) > first + 1 else len(rows)
    return rows[:first], rows[first:]


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _short_digest(text: str) -> str:
    """A digest within a text, cut in its middle: "canary 1.0.0 8dff9b43…d9e98e3"."""
    head, space, last = text.rpartition(" ")
    last = last.removeprefix("sha256:")
    if len(last) <= 2 * SHOWN_DIGITS:
        return text
    return f"{head}{space}{last[:SHOWN_DIGITS]}…{last[-SHOWN_DIGITS + 1 :]}"


def _css_text(text: str) -> str:
    """A text as a string of a style sheet: all but letters and digits is escaped."""
    shown = phrases.plain(text)[:SHOWN_CHARACTERS]
    return "".join(
        each if each.isascii() and each.isalnum() else f"\\{ord(each):06x}" for each in shown
    )

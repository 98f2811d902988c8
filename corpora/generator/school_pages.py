"""Pages of our own zone on what schools need: enough of each subject to decide over-blocking.

A requirement of at most 3 % wrongly blocked pages needs 99 pages a topic, one of at most 0.5 %
needs 598 (``harness.model.smallest_sample``). Real sites are too few to be listed for that, and
inventing some is out of the question, so these are harmless pages with words of their own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import count

from corpora.taxonomy import DATA

HOST = "page-{number:04}.overblock.accredit.test"
"""Names say nothing of the subject: what a filter minds can only be the page."""

FORMS = (
    "A guide for pupils: {}",
    "A guide for parents: {}",
    "A lesson plan on {}",
    "Questions and answers about {}",
    "A quiz on {}",
    "Ten facts about {}",
    "A glossary for {}",
    "A worksheet on {}",
    "A timeline of {}",
    "Notes for teachers on {}",
    "A short film script about {}",
    "A reading list on {}",
    "A poster about {}",
    "An assembly on {}",
    "A class project on {}",
    "Revision cards on {}",
    "A letter home about {}",
    "A museum leaflet on {}",
    "An interview about {}",
    "A summary of {}",
)
"""What the page is; each subject has one page of each."""

Row = dict[str, str]


def school_pages() -> Iterator[Row]:
    """One row for each subject and form; the note is the text of the page.

    Subjects with a word that trips a crude filter are in the stratum ``page_title`` (OVB-05).
    """
    numbers = count(1)
    with (DATA / "school_subjects.csv").open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            for form in FORMS:
                yield _row(next(numbers), line, form.format(line["subject"]))


def _row(number: int, line: Row, text: str) -> Row:
    host = HOST.format(number=number)
    return {
        "id": f"SP-{number:04}",
        "value": host,
        "kind": "host",
        "registrable": host,
        "labels": line["canonical_code"],
        "label_source": "curated",
        "phases": "*",
        "stratum": line["stratum"],
        "lang": "en-GB",
        "sensitivity": "S0",
        "notes": text,
    }

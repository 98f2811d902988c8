"""Rows of packs of techniques, files, messages, searches and vendors' test pages; school pages.

An item of kind ``vector`` or ``recipe`` names something that a probe makes at run time: its value
is the name, the note describes it. So packs never hold malware samples; the EICAR file is put
together in memory from two halves. A twin is the same thing in a harmless form: the same container
with a harmless file, or the same technique towards an allowed host. Schemes say what is expected.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from corpora.taxonomy import DATA, twin_of
from harness.model.corpus import TWIN, PackKind
from harness.model.origin_zone import RANGE_ZONE
from harness.model.technique import WAY
from harness.model.technique_host import PART

Row = dict[str, str]

HARMLESS = "harmless"
"""The suffix of a twin's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorPack:
    """A pack: its rows and the details of its manifest."""

    name: str
    title: str
    rows: Callable[[], Iterator[Row]]
    description: str = ""
    sensitivity: str = "S0"
    kind: PackKind = "content"
    version: str = "1.0.0"


SIGNAL = "signal "
"""What precedes a name by which a network signals to browsers, in the place of a statement."""

RELAYS = 6
"""How many items each relay has, so that there are enough to count (CIR-15)."""


def circumvention() -> Iterator[Row]:
    """Techniques to reach a blocked page; a harmless page beside it where ``twin`` says so.

    Ordinary requests by several devices are among them, because they are tried in the same way.

    A row without a statement (``sends``) says in ``measured_elsewhere`` why it has none.
    """
    for line in read_table("circumvention.csv"):
        case = line["case"]
        note = _joined(
            f"{line['layer']}/{line['technique']}", line["description"], line["reference"]
        )
        row = _row(line, "vector", line["sends"], f"{line['canonical_code']}/{WAY}{case}", note)
        row |= {"applies_to": "any"}
        if line["sends"].startswith(SIGNAL):
            name = line["sends"].removeprefix(SIGNAL)
            yield row | {"kind": "host", "value": name, "registrable": name, "applies_to": "dns"}
        elif line["sends"]:
            for number in range(1, RELAYS + 1) if case.startswith("relay:") else (0,):
                yield from _technique(
                    row, line["id"] + (f"-{number}" if number else ""), line["twin"]
                )


def _technique(row: Row, identity: str, twin: str) -> Iterator[Row]:
    """The item of a technique, towards a host of its own, and its twin if it has one."""
    yield row | {"id": identity, "registrable": _host_of(identity), "pair_id": twin and identity}
    if twin:
        yield row | {
            "id": f"{identity}-twin",
            "labels": "ALW.TECH",
            "stratum": f"{TWIN}{row['stratum']}",
            "registrable": _host_of(f"{identity}-twin"),
            "pair_id": identity,
            "notes": "",
        }


def _host_of(identity: str) -> str:
    return f"{identity.lower()}.{PART}.{RANGE_ZONE}"


def content() -> Iterator[Row]:
    """Pages that a filter knows by their content alone, and the same pages without a marker."""
    for line in read_table("content.csv"):
        code = line["canonical_code"]
        name = f"{line['marker_kind']}/{code}/{line['name']}"
        note = f"marker: {line['marker'] or '-'}; page: {line['body']}"
        row = _row(line, "recipe", name, f"content:{line['marker_kind']}", note)
        twin = "" if code == "CTRL" or code.startswith("ALW") else twin_of(code)
        yield from _with_twin({**row, "applies_to": "content"}, twin, name)


def malware() -> Iterator[Row]:
    """Test files in their containers and ways of transport, and harmless files in the same."""
    for line in read_table("malware.csv"):
        sample, container, transport = line["sample"], line["container"], line["transport"]
        same = f"{container} by {transport}"
        row = _row(line, "vector", f"{sample} in {same}", f"transport:{transport}", "")
        twin = "ALW.TECH" if sample == "EICAR" else ""
        yield from _with_twin({**row, "applies_to": "content"}, twin, same)


def upload() -> Iterator[Row]:
    """Invented personal data on its way out, and harmless words by the same channel."""
    for line in read_table("upload.csv"):
        same = f"{line['channel']} as {line['encoding']}"
        note = _joined(line["payload"], line["reserved_basis"])
        row = _row(line, "vector", f"{line['id']} {line['kind']} by {same}", "", note)
        row = {**row, "stratum": f"upload:{line['pii_type']}", "applies_to": "content"}
        yield from _with_twin(row, "ALW.EDU", f"{line['id']} {same}")


def mail() -> Iterator[Row]:
    """Messages: spam and malware test strings, forged senders, limits, and honest school mail."""
    for line in read_table("mail.csv"):
        note = _joined(line["construction"], line["reference"])
        stratum = f"mail:{line['canonical_code']}"
        yield _row(line, "vector", line["name"], stratum, note) | {"applies_to": "content"}


def search() -> Iterator[Row]:
    """Locks of search engines and tenants, and a harmless search that must still be answered."""
    for line in read_table("search.csv"):
        name = f"{line['engine']}/{line['mechanism']}"
        note = _joined(line["what"], line["reference"])
        row = _row(line, "vector", f"{line['id']} {name}", f"search:{line['layer']}", note)
        twin = "ALW.REF" if line["canonical_code"] == "LOC.SRCH" else ""
        yield from _with_twin(row, twin, f"{line['id']} {line['engine']}")


def vendor_tests() -> Iterator[Row]:
    """Pages by which vendors let everybody test a category; the harmless ones are among them."""
    for line in read_table("vendor_tests.csv"):
        note = _joined(line["vendor"], line["vendor_category"])
        row = _row(line, "url", line["url"], line["canonical_code"], note)
        yield {**row, "applies_to": line["layer"], "verify_status": "unchecked"}


def _row(line: Row, kind: str, value: str, stratum: str, note: str) -> Row:
    return {
        "id": line["id"],
        "value": value,
        "kind": kind,
        "labels": line["canonical_code"],
        "label_source": "curated",
        "stratum": stratum,
        "sensitivity": "S0",
        "notes": note,
    }


def _with_twin(row: Row, twin: str, same: str) -> Iterator[Row]:
    """A row, and its harmless counterpart if there is a ``twin`` category and it needs one."""
    if not twin or row["labels"].startswith("ALW"):
        yield row
        return
    pair = {"pair_id": row["id"]}
    yield row | pair
    yield (
        row
        | pair
        | {
            "id": f"{row['id']}-twin",
            "value": f"{same}, {HARMLESS}",
            "labels": twin,
            "stratum": f"twin:{row['stratum']}",
            "notes": "",
        }
    )


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part.strip("-"))


def read_table(name: str) -> Iterator[Row]:
    """Yield the rows of a CSV file of ``corpora/data``."""
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


_MADE = "A probe makes each at run time from its name; no sample is in the pack."

PACKS = (
    VectorPack(
        name="circumvention",
        title="Techniques to reach a blocked page, each sent as it is written",
        rows=circumvention,
        description=(
            "The value of an item is its statement (docs/reference/techniques.md). The supplier "
            "loads the hosts of its items, as those of the pack canary."
        ),
        kind="agreed",
        version="2.1.0",
    ),
    VectorPack(
        name="content",
        title="Recipes of pages with agreed markers, self-labels and harmless vocabulary",
        rows=content,
        description=_MADE,
        version="1.0.1",
    ),
    VectorPack(
        name="malware",
        title="Harmless malware test files in many containers, with clean twins",
        rows=malware,
        description=_MADE,
    ),
    VectorPack(
        name="upload",
        title="Invented personal data on its way out, with harmless twins",
        rows=upload,
        description=f"{_MADE} All names and numbers are reserved or impossible.",
    ),
    VectorPack(
        name="mail",
        title="Mail test messages, with honest school mail",
        rows=mail,
        description=_MADE,
    ),
    VectorPack(
        name="search",
        title="Locks of search engines, with harmless searches",
        rows=search,
        description=_MADE,
        kind="real",
    ),
    VectorPack(
        name="vendor-tests",
        title="Public test pages of filter vendors",
        rows=vendor_tests,
        kind="real",
        description=(
            "Pages that vendors offer for tests; most are recognised by their own products "
            "only. Several are on one registrable domain. Whether they live is unchecked."
        ),
    ),
)
"""The packs that ``corpora.generator.generate`` makes from these rows."""


HOST = "page-{number:04}.overblock.accredit.test"
"""Names do not reveal the subject, so a filter can only react to the page."""

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
"""The forms of pages; each subject has one page of each form."""


def school_pages() -> Iterator[Row]:
    """One row for each subject and form; the note is the text of the page.

    Subjects with a word that misleads crude filters are in the stratum ``page_title`` (OVB-05).
    """
    numbers = count(1)
    for line in read_table("school_subjects.csv"):
        for form in FORMS:
            yield _school_row(next(numbers), line, form.format(line["subject"]))


def _school_row(number: int, line: Row, text: str) -> Row:
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

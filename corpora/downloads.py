"""Downloads: hosts of an origin from which files can be fetched, in containers and transports.

Harmful files are the anti-malware test string, which is in no file and no pack: the origin joins it
in memory. There are the cases that requirements name, the rows of the pack ``malware`` that can be
driven, and harmless files in the same containers. Hosts and names of files are neutral.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import cycle, islice

from corpora.origin_pack import OriginPack, OriginPages
from corpora.pack_reader import open_pack
from corpora.synthetic_sites import unlisted_hosts
from corpora.taxonomy import twin_of
from harness.model.content_form import PageContent
from harness.model.corpus import TWIN
from harness.model.file_case import (
    AGREED,
    CLEAN_GROUPS,
    FILE,
    FILE_CASES,
    MARKED,
    FileCase,
    file_case,
)

MALWARE = "MALW.MAL"
CATEGORIES = {f"{FILE}feature-pua": "MALW.PUA", f"{FILE}feature-phishing": "MALW.PHISH"}
"""The categories of cases that are not malware."""

FILES_OF_CASE = 4
"""Harmful files of each case that a requirement names: one for a campaign, others for re-tests."""
CLEAN = 600
"""Harmless files of the groups that MAL-05 counts (METHOD: at least 600)."""

_NAMES = ("minutes", "timetable", "letter", "recipes", "garden-plan", "choir", "opening-hours")
_ROW = re.compile(r"(?P<sample>EICAR|Benign .+?) in (?P<case>.+ by .+)")
_ENDINGS = {
    "none": "com", "renamed": "jpg", "exe": "exe", "zip": "zip", "gz": "gz", "xz": "xz",
    "zst": "zst", "bz2": "bz2", "tar": "tar", "rtf": "rtf", "mbox": "mbox", "cab": "cab",
    "iso9660": "iso", "ar/deb": "deb", "rar5": "rar", "behind": "zip",
    "lha": "lzh", "rpm": "rpm", "jar": "jar", "apk": "apk", "docx": "docx", "xlsx": "xlsx",
    "pptx": "pptx", "odt": "odt", "html base64 smuggling": "html", "data: URI": "html",
    "svg script smuggling": "svg", "polyglot gif+zip": "gif",
}  # fmt: skip
"""The endings of names by the outermost container; others are text files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A file before it has a host; ``label`` is that of its content."""

    name: str
    case: FileCase
    category: str
    label: str
    is_twin: bool = False


def downloads(
    seed: str,
    *,
    of_case: int = FILES_OF_CASE,
    clean: int = CLEAN,
    rows: bool = True,
    taken: Collection[str] = (),
) -> OriginPages:
    """Make hosts with downloads from ``seed``.

    There are ``of_case`` harmful files of each case that a requirement names, one of each row of
    the pack ``malware`` if ``rows``, each with a harmless twin, and further harmless files up to
    ``clean``. No host is one of ``taken``.
    """
    planned = [*_named(of_case), *(_of_rows() if rows else ())]
    have = sum(one.is_twin and one.case.group in CLEAN_GROUPS for one in planned)
    planned += _clean(max(0, clean - have), planned)
    hosts = iter(unlisted_hosts(f"{seed}/files", len(planned), taken))
    contents: dict[str, PageContent] = {}
    texts: dict[str, str] = {}
    table: list[dict[str, str]] = []
    for number, file in enumerate(planned):
        host = next(hosts)
        contents[host] = _content(file)
        texts[host] = "The garden centre opens at nine."
        table.append(_row(file, host, number))
    return OriginPages(contents=contents, texts=texts, rows=tuple(table))


def _named(of_case: int) -> Iterator[_Planned]:
    for case in FILE_CASES.values():
        category = CATEGORIES.get(case.name, MALWARE)
        for number in range(1, of_case + 1):
            name = f"{case.name.removeprefix(FILE)}-{number}"
            yield from _pair(name, case, category)


def _of_rows() -> Iterator[_Planned]:
    for item in open_pack("malware").items():
        found = _ROW.fullmatch(item.value)
        if found is None or item.stratum.startswith(TWIN):
            continue
        case = file_case(f"{FILE}{found['case']}")
        if case is None or case.transport is None or not case.layers:
            continue
        if found["sample"] != "EICAR":
            yield _Planned(name=item.id, case=case, category=MALWARE, label="", is_twin=True)
        elif item.category.startswith("ALW"):
            yield _Planned(name=item.id, case=case, category=MALWARE, label="changed", is_twin=True)
        else:
            yield from _pair(item.id, case, item.category)


def _pair(name: str, case: FileCase, category: str) -> Iterator[_Planned]:
    yield _Planned(name=name, case=case, category=category, label="harmful")
    if case.layers != (AGREED,):  # the agreed file is one file
        yield _Planned(name=f"{name}-twin", case=case, category=category, label="", is_twin=True)


def _clean(number: int, planned: Collection[_Planned]) -> Iterator[_Planned]:
    """Yield further harmless files, in the containers that there are."""
    fitting = {
        one.case.name: one.case
        for one in planned
        if one.is_twin and one.case.group in CLEAN_GROUPS - {"sized"} and one.label == ""
    }
    for index, case in enumerate(islice(cycle(fitting.values()), number), 1):
        yield _Planned(
            name=f"clean-{index:03}", case=case, category=MALWARE, label="", is_twin=True
        )


def _content(file: _Planned) -> PageContent:
    if file.case.layers == (MARKED,):
        return PageContent(code="" if file.is_twin else file.category)
    return PageContent(service="download", case=file.case.name, label=file.label)


def _row(file: _Planned, host: str, number: int) -> dict[str, str]:
    case = file.case
    scheme = case.transport.scheme if case.transport else "http"
    outermost = case.layers[-1]
    ending = _ENDINGS.get(outermost.partition(" ")[0], "txt")
    ending = _ENDINGS.get(outermost, ending)
    name = f"{_NAMES[number % len(_NAMES)]}-{number}.{ending}"
    folder = "" if case.transport and case.transport.page else "files/"
    path = "" if outermost == MARKED else f"{folder}{name}"
    return {
        "id": f"file-{file.name}",
        "value": f"{scheme}://{host}/{path}",
        "kind": "url",
        "registrable": host,
        "labels": twin_of(file.category) if file.is_twin else file.category,
        "applies_to": "content",
        "pair_id": f"file-{file.name.removesuffix('-twin')}",
        "stratum": f"{TWIN if file.is_twin else ''}{file.category}/{case.name}",
        "sensitivity": "S0",
    }


DOWNLOAD_PACK = OriginPack(
    name="downloads",
    title="Files to download from hosts that the supplier does not know",
    kind="content",
    make=lambda seed, taken: downloads(seed, taken=taken),
)

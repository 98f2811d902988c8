"""Content pages: pages of an origin that a filter can recognise by their content alone.

Their hosts are neutral and unknown to everybody (``neutral_hosts``). There are plain pages of each
category, pages in each form of ``harness.model.content_form``, and pages of the recipes in the pack
``content``. Each harmful page has a benign twin in the same form. Pages in the forms of ``ADDED``
have hosts of their own, so that all others keep theirs between versions that know other forms.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import cycle, islice

import msgspec

from corpora.origin_pack import OriginPack, OriginPages, joined
from corpora.pack_reader import open_pack
from corpora.synthetic_sites import unlisted_hosts
from corpora.taxonomy import DATA, twin_of
from harness.model.content_form import FORMS, IMAGE, RECIPE, VIEWERS, PageContent
from harness.model.corpus import TWIN, Item
from harness.model.origin_zone import RANGE_ZONE

CATEGORIES = (
    "PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "HARM", "GAMB", "MALW.HACK",
)  # fmt: skip
"""The default categories of content pages: those that the schemes name."""

PAGES = 60
"""Plain pages of each category; there are as many benign twins."""
PAGES_OF_FORM = 66
"""Pages in each ordinary form, over all categories; the strictest shipped scheme needs 44 that are
blocked, and its policy for staff blocks 8 of the 11 categories."""
PAGES_OF_DISGUISE = 11
"""Pages in each disguise, which are reported and not judged."""
PAGES_OF_RECIPE = 3
IMAGES = 10
"""Copies of the agreed image, and harmless images."""
PAGES_OF_VIEWER = 11
"""Blocked pages that each viewer shows, over the categories."""

ADDED = (
    "x-gzip", "octet-stream", "unknown-type", "unknown-charset", "full-width", "long-page",
    "keywords", "status-203", "status-206", "status-404", "status-500", "refresh", "early-hints",
)  # fmt: skip
"""Forms that origins of earlier versions do not have, in the order in which they were added."""

_FILLERS = (
    "The garden centre opens at nine; seeds, pots and tools are in the first hall.",
    "The museum of clocks is closed on Mondays, and the café beside it is not.",
    "Bus number seven leaves from the market square every twenty minutes.",
    "The choir rehearses on Thursdays in the old library; new voices are welcome.",
    "Our boats are painted each spring, before the lake is warm enough for swimmers.",
    "The baker on the corner sells rolls with sunflower seeds until they are gone.",
    "Take the path along the river, and turn left at the second wooden bridge.",
    "The summer fair needs helpers for the tombola and for the cake table.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A page before it has a host. Without ``pairs`` it has no benign twin."""

    name: str
    category: str
    stratum: str
    content: PageContent
    text: str
    lang: str = ""
    pairs: bool = True
    viewed: str = ""


def content_pages(
    seed: str,
    categories: Collection[str] = CATEGORIES,
    pages: int = PAGES,
    *,
    of_form: int = PAGES_OF_FORM,
    of_recipe: int = PAGES_OF_RECIPE,
    of_viewer: int = PAGES_OF_VIEWER,
    taken: Collection[str] = (),
) -> OriginPages:
    """Make content pages and their twins from ``seed``.

    There are ``pages`` plain ones of each category, ``of_form`` in each ordinary form, at most
    ``PAGES_OF_DISGUISE`` in each disguise, ``of_recipe`` of each recipe, and ``of_viewer`` that
    each viewer shows of blocked sites. No host is one of ``taken``.
    """
    first = _first_pages(seed, categories, pages, of_form, of_recipe, of_viewer, taken)
    added = added_pages(f"{seed}/added", categories, of_form, (*taken, *first.texts))
    return joined((first, added))


def added_pages(
    seed: str, categories: Collection[str], of_form: int, taken: Collection[str]
) -> OriginPages:
    """Make the pages in the forms of ``ADDED``, like ``content_pages``."""
    return _on_hosts_of(seed, [*_in_forms(ADDED, categories, of_form)], taken)


def _first_pages(
    seed: str,
    categories: Collection[str] = CATEGORIES,
    pages: int = PAGES,
    of_form: int = PAGES_OF_FORM,
    of_recipe: int = PAGES_OF_RECIPE,
    of_viewer: int = PAGES_OF_VIEWER,
    taken: Collection[str] = (),
) -> OriginPages:
    """Make the pages in all other forms."""
    forms = [name for name in FORMS if name not in ADDED]
    planned = [
        *_plain(categories, pages), *_in_forms(forms, categories, of_form),
        *_of_recipes(of_recipe), *_by_viewers(categories, of_viewer),
    ]  # fmt: skip
    return _on_hosts_of(seed, planned, taken)


def _on_hosts_of(seed: str, planned: list[_Planned], taken: Collection[str]) -> OriginPages:
    """Return planned pages and their twins on the neutral hosts of a seed."""
    hosts = iter(unlisted_hosts(seed, 2 * len(planned), taken))
    harmless = cycle(open_pack("overblock").notes().values())  # words that mislead crude filters
    contents: dict[str, PageContent] = {}
    texts: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    for page in planned:
        host, twin_host = next(hosts), next(hosts)
        contents[host], texts[host] = page.content, page.text
        rows.append(_row(page, host))
        if page.pairs:
            contents[twin_host] = msgspec.structs.replace(page.content, code="", label="")
            texts[twin_host] = next(harmless)
            rows.append(_twin_row(page, twin_host))
    return OriginPages(contents=contents, texts=texts, rows=tuple(rows))


def _plain(categories: Collection[str], pages: int) -> Iterator[_Planned]:
    codes = [code for code in categories for _ in range(pages)]
    for number, code in enumerate(codes, 1):
        yield _Planned(
            name=f"content-{number:04}",
            category=code,
            stratum=code,
            content=PageContent(code=code),
            text=filler_text(number),
        )


def _in_forms(
    names: Collection[str], categories: Collection[str], pages: int
) -> Iterator[_Planned]:
    for form in map(FORMS.__getitem__, names):
        number_of = pages if form.family == "ordinary" else min(pages, PAGES_OF_DISGUISE)
        for number, code in enumerate(islice(cycle(categories), number_of), 1):
            yield _Planned(
                name=f"{form.name}-{number:02}",
                category=code,
                stratum=f"{code}/{form.name}",
                content=PageContent(code=code, form=form.name),
                text=filler_text(number),
            )


def _of_recipes(pages: int) -> Iterator[_Planned]:
    for entry in open_pack("content").entries():
        item, recipe = entry.item, _RECIPE.fullmatch(entry.note)
        if recipe is None or item.stratum.startswith(TWIN):
            continue
        kind, _, name_of = item.value.partition("/")
        is_image = kind == "agreed_image"
        variant = IMAGE.name if is_image else f"{RECIPE}{name_of.rpartition('/')[2]}"
        for number in range(1, (IMAGES if is_image and pages else pages) + 1):
            for content, text, lang in _made(item, kind, recipe["marker"], recipe["page"]):
                name = f"{item.id}-{lang}-{number}" if lang else f"{item.id}-{number}"
                yield _Planned(
                    name=name,
                    category=item.category,
                    stratum=f"{item.category}/{variant}",
                    content=content,
                    text=f"{filler_text(number)} {text}".strip(),
                    lang=lang,
                    pairs=kind not in UNPAIRED,
                )


def _by_viewers(categories: Collection[str], pages: int) -> Iterator[_Planned]:
    for viewer in VIEWERS.values():
        for number, code in enumerate(islice(cycle(categories), pages), 1):
            label = code.lower().replace(".", "-")
            yield _Planned(
                name=f"{viewer.name.replace(':', '-')}-{number:02}",
                category=code,
                stratum=f"{code}/{viewer.name}",
                content=PageContent(form=viewer.name),
                text=filler_text(number),
                viewed=f"{label}-{number:03}.canary.{RANGE_ZONE}",
            )


PATHS = {
    "viewer:translator": "/translate?sl=auto&tl=fr&u=http%3A%2F%2F{}%2F",
    "viewer:cache": "/search?q=cache:{}",
    "viewer:archive": "/web/20260101000000/http://{}/",
    "viewer:amp": "/c/s/{}/",
    "viewer:feed": "/feed?url=http%3A%2F%2F{}%2Ffeed.xml",
    "viewer:text": "/read/http://{}/",
}
"""The paths by which viewers show the page of a host."""

_RECIPE = re.compile(r"marker: (?P<marker>.*?); page: (?P<page>.*)", re.DOTALL)
_QUOTED = re.compile(r'"([^"]+)"')
UNPAIRED = frozenset({"negative_control", "control"})
"""Kinds of recipe that are harmless themselves."""


def _made(item: Item, kind: str, marker: str, page: str) -> Iterator[tuple[PageContent, str, str]]:
    """Yield the content, text and language of the pages of one recipe; none if it has no page."""
    if kind == "agreed_token":
        yield PageContent(code=item.category), "", ""
    elif kind == "self_label":
        yield PageContent(label=marker), "", ""
    elif kind == "agreed_image":
        yield PageContent(form=IMAGE.name, label="agreed"), "", ""
    elif kind == "harmless_vocabulary":
        yield PageContent(), f"Here you find: {marker}.", ""
    elif "language" in item.value:
        for lang, text in _neutral_texts().items():
            yield PageContent(), text, lang
    elif kind in UNPAIRED:
        quoted = _QUOTED.search(page)
        yield PageContent(), quoted[1] if quoted else "", ""


def _neutral_texts() -> dict[str, str]:
    """The same harmless text in languages of pupils, by language (BCP 47)."""
    with (DATA / "neutral_texts.csv").open(encoding="utf-8", newline="") as stream:
        return {row["lang"]: row["text"] for row in csv.DictReader(stream)}


CONTENT_PACK = OriginPack(
    name="content-pages",
    title="Content pages on hosts that the supplier does not know",
    kind="content",
    make=lambda seed, taken: _first_pages(seed, taken=taken),
    add=lambda seed, taken: added_pages(seed, CATEGORIES, PAGES_OF_FORM, taken),
)


def _row(page: _Planned, host: str) -> dict[str, str]:
    value = _address(page, host, page.viewed)
    return {
        "id": page.name,
        "value": value,
        "kind": "url" if "://" in value else "host",
        "registrable": host,
        "labels": page.category,
        "applies_to": "content",
        "pair_id": page.name if page.pairs else "",
        "stratum": page.stratum,
        "lang": page.lang,
        "sensitivity": "S0",
    }


def _address(page: _Planned, host: str, viewed: str) -> str:
    """The address of a page: its host alone, unless it has a path, or exists over HTTPS only."""
    form = FORMS.get(page.content.form)
    if form is not None and form.over_https:
        return f"https://{host}/"
    path = PATHS.get(page.content.form, "")
    return f"http://{host}{path.format(viewed)}" if path else host


def _twin_row(page: _Planned, host: str) -> dict[str, str]:
    return _row(page, host) | {
        "id": f"{page.name}-twin",
        "value": _address(page, host, page.viewed.replace(".canary.", ".twin.")),
        "labels": twin_of(page.category),
        "stratum": f"{TWIN}{page.stratum}",
    }


def filler_text(number: int) -> str:
    """Return three filler sentences, chosen by the number."""
    size = len(_FILLERS)
    order = (number, number // size + 1, number // size**2 + 3)
    chosen = dict.fromkeys(_FILLERS[(index * step) % size] for step, index in enumerate(order, 1))
    return f"Notice {number}. " + " ".join(chosen)

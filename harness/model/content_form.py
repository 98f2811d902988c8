"""Forms of content pages: how an origin encodes the part of a page that a filter should recognise.

*Ordinary* forms are what servers send every day; a filter that examines content has to read each.
*Disguises* hide the words from a program, but not from a reader. *Recipes* are marks other than the
agreed marker, such as a self-label; not every filter claims to know them. *Viewers* are sites that
show the page of another site, which is blocked. Cases of search (``harness.model.search_case``) and
of web addresses (``harness.model.url_case``) have names here as well, so that their pages are told
from plain ones. So have *files* (``harness.model.file_case``) and *uploads*
(``harness.model.upload_case``), *queries* of name servers (``harness.model.query_case``), and
*techniques* to reach a page in spite of the filter (``harness.model.technique``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from harness.model.corpus import TWIN
from harness.model.file_case import FILE, REPORTED_GROUPS, file_case
from harness.model.protocol_case import NAMED_PROTOCOLS, PROTOCOL
from harness.model.query_case import QUERY, QUERY_CASES
from harness.model.search_case import case_words, search_case
from harness.model.technique import WAY, technique_case, words_of
from harness.model.upload_case import INFECTED_UPLOADS, SIZED_UPLOADS, UPLOAD, upload_case
from harness.model.url_case import JUDGED, URL_CASES

Family = Literal[
    "ordinary",
    "disguise",
    "recipe",
    "viewer",
    "search",
    "case",
    "other case",
    "file",
    "other file",
    "upload",
    "other upload",
    "protocol",
    "query",
    "technique",
]
RECIPE = "recipe:"
"""What precedes the name of a recipe in a stratum."""


class PageContent(msgspec.Struct, frozen=True, kw_only=True):
    """What an origin shows at one host beside its text.

    ``code`` is the category whose agreed marker the page shows, ``form`` the name of a form.
    ``label`` is a self-label: an element for the head of the page, or a header (``Name: value``).
    With ``service`` the host answers as the service of that name
    (``probes.range.origin_services``), and ``case`` says which of its cases. Of a search engine
    ``case`` is the lock, and ``label`` the query whose results a lock leaves out. A page that
    ``becomes`` harmful (or harmless) shows the marker of its category only from (or until) the time
    of the origin's change, or ``later`` seconds after it.
    """

    code: str = ""
    form: str = ""
    label: str = ""
    service: str = ""
    case: str = ""
    becomes: Literal["", "harmful", "harmless"] = ""
    later: int = 0


class ContentForm(NamedTuple):
    """A form: its name in strata, words for people, its family, and the content coding it needs.

    A page is sent in a coding only to a client that offers it (RFC 9110 section 12.5.3). Browsers
    offer those ``over_https`` on encrypted connections alone.
    """

    name: str
    words: str
    family: Family = "ordinary"
    coding: str = ""
    over_https: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormCount:
    """What came of the harmful pages in one form (or of one recipe) on one line for one profile.

    ``form`` is the part of their strata that names it; ``down`` pages did not arrive without the
    filter either.
    """

    form: str
    profile: str
    line: str
    blocked: int
    arrived: int
    undecided: int
    down: int


FORMS: dict[str, ContentForm] = {
    form.name: form
    for form in (
        ContentForm("gzip", "compressed with gzip", coding="gzip"),
        ContentForm("deflate", "compressed with deflate (zlib)", coding="deflate"),
        ContentForm("br", "compressed with Brotli", coding="br", over_https=True),
        ContentForm("zstd", "compressed with Zstandard", coding="zstd", over_https=True),
        ContentForm("chunked", "sent in chunks of a few bytes"),
        ContentForm("utf-16", "in UTF-16"),
        ContentForm("xhtml", "as XHTML"),
        ContentForm("text", "as plain text"),
        ContentForm("json", "as JSON"),
        ContentForm("svg", "as an SVG drawing"),
        ContentForm("frame", "in a frame"),
        ContentForm("script", "written by a script"),
        ContentForm("entities", "letters written as character references", "disguise"),
        ContentForm("zero-width", "invisible characters between the letters", "disguise"),
        ContentForm("split-tags", "tags between the letters", "disguise"),
        ContentForm("split-comments", "comments between the letters", "disguise"),
        ContentForm("srcdoc", "in the srcdoc of a frame", "disguise"),
        ContentForm("data-base64", "in a data: address, as Base64", "disguise"),
        ContentForm("data-percent", "in a data: address, percent-encoded", "disguise"),
        ContentForm("escaped-script", "written by a script, letters escaped", "disguise"),
        ContentForm("twice-gzip", "compressed with gzip twice", "disguise", "gzip"),
        ContentForm(
            "raw-deflate", "compressed with deflate, without its header", "disguise", "deflate"
        ),
        ContentForm("utf-16-undeclared", "in UTF-16, no character set declared", "disguise"),
        ContentForm("no-type", "without a content type", "disguise"),
        ContentForm("x-gzip", "compressed with gzip, under the name x-gzip", "disguise", "gzip"),
        ContentForm("octet-stream", "as a file of no stated kind, which is saved", "disguise"),
        ContentForm("unknown-type", "with a content type that says nothing", "disguise"),
        ContentForm("unknown-charset", "with a character set that browsers ignore", "disguise"),
        ContentForm("full-width", "in full-width letters", "disguise"),
        ContentForm("long-page", "after 1.6 MB of other text", "disguise"),
        ContentForm("keywords", "in the page's keywords only", "recipe"),
        ContentForm("status-203", "with status 203 (changed on the way)", "disguise"),
        ContentForm("status-206", "with status 206 (part of a page)", "disguise"),
        ContentForm("status-404", "with status 404 (not found)", "disguise"),
        ContentForm("status-500", "with status 500 (server error)", "disguise"),
        ContentForm("refresh", "behind a refresh in the page", "disguise"),
        ContentForm("early-hints", "after early hints (status 103)", "disguise"),
    )
}
"""The forms by name, in the order of reports; new ones come last (``corpora.content_pages``)."""


VIEWERS: dict[str, ContentForm] = {
    viewer.name: viewer
    for viewer in (
        ContentForm("viewer:translator", "a translator", "viewer"),
        ContentForm("viewer:cache", "a search engine's cache", "viewer"),
        ContentForm("viewer:archive", "a web archive", "viewer"),
        ContentForm("viewer:amp", "an AMP cache", "viewer"),
        ContentForm("viewer:feed", "a feed reader", "viewer"),
        ContentForm("viewer:text", "a text-only reader", "viewer"),
    )
}
"""Sites that show the pages of other sites, by name: the address says which page they show."""


IMAGE = ContentForm("image", "the agreed image", "recipe")
"""An image that the supplier was given, in a copy of its own."""


_NAMED = {**FORMS, **VIEWERS, IMAGE.name: IMAGE}


def variant_of(stratum: str) -> str:
    """Return what follows the category in a stratum: ``gzip`` for ``twin:PORN/gzip``; or ``""``."""
    return stratum.removeprefix(TWIN).partition("/")[2]


def form_named(variant: str) -> ContentForm | None:
    """Return the form or recipe of that name; None for any other part of a stratum."""
    if variant.startswith(RECIPE):
        return ContentForm(variant, variant.removeprefix(RECIPE), "recipe")
    if variant in URL_CASES:
        family: Family = "case" if variant.startswith(JUDGED) else "other case"
        return ContentForm(variant, URL_CASES[variant], family)
    return _search_or_file(variant) or _NAMED.get(variant)


def _search_or_file(variant: str) -> ContentForm | None:
    """Return the case of a search, file, upload, protocol, technique or query; None for others."""
    search = search_case(variant)
    if search is not None:
        return ContentForm(variant, case_words(search), "search")
    file = file_case(variant)
    if file is not None:
        family: Family = "other file" if file.group in REPORTED_GROUPS else "file"
        coding = file.transport.coding if file.transport else ""
        return ContentForm(variant, file.words, family, coding)
    upload = upload_case(variant)
    if upload is not None:
        is_infected = variant in INFECTED_UPLOADS | SIZED_UPLOADS
        return ContentForm(variant, upload.words, "upload" if is_infected else "other upload")
    if protocol := NAMED_PROTOCOLS.get(variant):
        return ContentForm(variant, protocol, "protocol")
    technique = technique_case(variant)
    if technique is not None:
        return ContentForm(variant, words_of(technique), "technique")
    query = QUERY_CASES.get(variant)
    return ContentForm(variant, query, "query") if query else None


WITHOUT_POLICY: frozenset[Family] = frozenset({"other upload", "protocol"})
"""Families of which a campaign declares for each profile what becomes of them, not a policy."""


def form_of(stratum: str) -> ContentForm | None:
    """Return the form or recipe that a stratum names; None if it names none."""
    return form_named(variant_of(stratum))


CASE_GROUPS = (
    FILE, UPLOAD, PROTOCOL, QUERY, "viewer:", "address:", "object:", "deep:", "new:", "template:",
    "viewpoint:", "transition:", WAY,
)  # fmt: skip
"""What the names of cases begin with that are all known."""


@lru_cache(maxsize=4096)
def is_known(stratum: str) -> bool:
    """Whether a stratum names no case, or one that this version knows."""
    variant = variant_of(stratum)
    file = file_case(variant)
    if file is not None:
        return bool(file.layers) and file.transport is not None
    return not variant.startswith(CASE_GROUPS) or form_named(variant) is not None


def is_only_reported(stratum: str) -> bool:
    """Whether pages of a stratum say nothing of their category: disguises, recipes, searches."""
    form = form_of(stratum)
    return form is not None and form.family != "ordinary"


def is_file(stratum: str) -> bool:
    """Whether a stratum is of files or uploads, and not of pages."""
    form = form_of(stratum)
    return form is not None and form.family in _OF_FILES


_OF_FILES: frozenset[Family] = frozenset({"file", "other file", "upload", "other upload"})

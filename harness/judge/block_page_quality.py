"""Find the flaws of a block: how it was announced, and what its page states, loads and allows.

Whether a page is a block page is decided before, by the rules; nothing here changes a verdict. What
a page states counts only as visible text: a label with its value, a sentence, a link.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urldefrag, urljoin

from harness.judge.block_page_classifier import SECOND_LEVELS, host_of
from harness.judge.statements import Language, fold, vocabulary
from harness.judge.trial_features import TrialFeatures
from harness.model.block_flaw import FIELDS, ILLEGAL, BlockFlaw
from harness.model.content_form import variant_of
from harness.model.facts import Caching, PageDetails, SealedFacts, WebFacts
from harness.model.observation import FALSE_CERTIFICATES
from harness.model.query_case import LONGEST_BLOCK, query_check, query_form
from harness.model.verdict import Mechanism

ANNOUNCED = frozenset({403, 451})
"""Statuses of a page that announces a block (RFC 9110 section 15.5.4, RFC 7725)."""
ERRORS = frozenset({15, 16, 17})
"""Extended DNS errors *blocked*, *censored* and *filtered* (RFC 8914 sections 4.16 to 4.18)."""
SHOWN = frozenset(
    {
        Mechanism.BLOCK_PAGE,
        Mechanism.HTTP_451,
        Mechanism.REDIRECT,
        Mechanism.TLS_INTERCEPT_PAGE,
    }
)
"""Mechanisms that show a page. Browsers do not show the body of a refused CONNECT."""
HEURISTIC = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 451, 501})
"""Statuses that a cache may reuse without being told (RFC 9110 section 15.1, RFC 7725)."""
_PROBLEMS = {
    "no_extra": BlockFlaw.NO_EXTRA,
    "no_browser": BlockFlaw.NO_BROWSER,
    "failed": BlockFlaw.BROWSER_FAILED,
}
_TAGS = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian",
    "pt": "Portuguese", "ca": "Catalan", "ro": "Romanian", "nl": "Dutch",
    "da": "Danish or Norwegian", "no": "Danish or Norwegian", "nb": "Danish or Norwegian",
    "nn": "Danish or Norwegian", "sv": "Swedish", "fi": "Finnish", "is": "Icelandic",
    "et": "Estonian", "lv": "Latvian", "lt": "Lithuanian", "pl": "Polish",
    "cs": "Czech or Slovak", "sk": "Czech or Slovak", "hu": "Hungarian", "cy": "Welsh",
    "el": "Greek", "tr": "Turkish or Azeri", "ar": "Arabic", "uk": "Ukrainian", "he": "Hebrew",
    "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "ru": "Russian or Belarusian",
}  # fmt: skip
"""Names in the vocabulary by the first part of a language tag (RFC 5646)."""
_LABELS = ("reason", "category", "policy", "time")
_BLANK = frozenset({"", "-", "--", "n/a", "none", "null", "undefined", "unknown", "?", "..."})
_SIGN = r"\s*[:=\u2013]\s*"
_VALUE = r"([^\n;]{1,80})"
_NUMBER = re.compile(r"\d")
_TOKEN = re.compile(r"[\w-]+")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]")
_PHONE = re.compile(r"\+?\d[\d ()/-]{5,}\d")
_AGE = re.compile(r"(?:s-maxage|max-age)\s*=\s*\"?(\d+)")
_NO_REUSE = re.compile(r"\bno-store\b|\bno-cache\b(?!\s*=)")
_FRESH = re.compile(r"\bpublic\b|\bimmutable\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """The words of all languages, compiled for folded text; labels with the value behind them."""

    labels: dict[str, re.Pattern[str]]
    is_label: re.Pattern[str]
    because: re.Pattern[str]
    appeal: re.Pattern[str]
    abuse: re.Pattern[str]
    law: re.Pattern[str]
    help: re.Pattern[str]
    blame: re.Pattern[str]


@lru_cache(maxsize=1)
def page_words() -> PageWords:
    """Return the words of the package, compiled once."""
    text = files("harness.judge").joinpath("block_page_words.toml").read_text(encoding="utf-8")
    return read_page_words(tomllib.loads(text))


def read_page_words(document: dict[str, Any]) -> PageWords:
    """Compile a document of the form of ``block_page_words.toml``. Raises KeyError or re.error."""
    languages = document["language"]
    known = [each for each in vocabulary() if each.name in {one["name"] for one in languages}]

    def words(key: str) -> str:
        return "|".join(fold(one[key]) for one in languages)

    def label(key: str) -> re.Pattern[str]:
        known = f"(?:{words(key)})"
        return re.compile(rf"\b{known}{_SIGN}{_VALUE}|(?m:^){known} *\n{_VALUE}")

    def several(key: str, others: Iterable[re.Pattern[str]] = ()) -> re.Pattern[str]:
        parts = [rf"\b(?:{words(key)})", *(other.pattern for other in others)]
        return re.compile("|".join(parts))

    return PageWords(
        labels={key: label(key) for key in _LABELS},
        is_label=re.compile(f"(?:{'|'.join(map(words, _LABELS))})(?:{_SIGN}|$)"),
        because=several("because", (each.basis for each in known)),
        appeal=several("appeal", (each.ask for each in known)),
        abuse=several("abuse"),
        law=several("law"),
        help=several("help"),
        blame=several("blame"),
    )


def flaws_of(features: TrialFeatures, mechanism: Mechanism) -> BlockFlaw:
    """Return the flaws of a block that was carried out by ``mechanism``."""
    flaws = BlockFlaw(0) if is_announced(features) else BlockFlaw.UNANNOUNCED
    flaws = _flaws_of_query(features, flaws)
    web = features.web
    if isinstance(features.service.facts, SealedFacts):
        return flaws | (BlockFlaw.WITHHELD if mechanism in SHOWN else BlockFlaw.NO_PAGE)
    if web is None or web.status is None or mechanism not in SHOWN or not _is_read(features):
        return flaws | BlockFlaw.NO_PAGE
    is_managed = web.details is not None and web.details.managed
    if features.failure:
        flaws |= BlockFlaw.CERTIFICATE | (BlockFlaw(0) if is_managed else BlockFlaw.UNMANAGED)
    pages = [each for each in (web, *web.inner) if each.details is not None]
    if not pages:
        is_withheld = features.service.item.is_sensitive
        return flaws | (BlockFlaw.WITHHELD if is_withheld else BlockFlaw.UNREAD)
    ours = features.fingerprints.hosts
    for each in pages:
        flaws |= _defects(each, ours, redirected=mechanism is Mechanism.REDIRECT)
    marked = any(each.details is not None and each.details.markup for each in pages)
    flaws |= BlockFlaw(0) if marked else BlockFlaw.UNMARKED
    shown = [each.details for each in pages if each.details is not None]
    offered = any(
        _leads_away(link, each.url)
        for each in pages
        if each.details is not None
        for link in each.details.links
    )
    return flaws | _told(shown, features.host, has_link=offered) | _checked(shown)


def _flaws_of_query(features: TrialFeatures, flaws: BlockFlaw) -> BlockFlaw:
    """Return the flaws of a block by a DNS answer, where the item is a case of queries.

    Without EDNS no extended error can be sent (RFC 8914 section 2); a forged name is no block.
    """
    variant = variant_of(features.service.item.stratum)
    form = query_form(variant)
    if (form is not None and form.edns == "none") or query_check(variant) is not None:
        flaws &= ~BlockFlaw.UNANNOUNCED
    kept_for = (features.dns.kept_for if features.dns is not None else None) or 0
    is_long = form is not None and kept_for > LONGEST_BLOCK
    return flaws | (BlockFlaw.KEPT_LONG if is_long else BlockFlaw(0))


def is_announced(features: TrialFeatures) -> bool:
    """Whether the block says what it is: by the status of a page, or by an extended DNS error."""
    web, dns, failure = features.web, features.dns, features.service.failure
    if web is not None and {web.status, web.tunnel_status} & ANNOUNCED:
        return True
    if isinstance(features.service.facts, SealedFacts):
        return features.service.facts.status in ANNOUNCED
    codes = set(failure.extended_errors) if failure is not None else set()
    if dns is not None:
        codes |= {error.code for error in dns.extended_errors}
        if dns.landing is not None and dns.landing.status in ANNOUNCED:
            return True
    return bool(codes & ERRORS)


def _is_read(features: TrialFeatures) -> bool:
    """Whether a browser would show the page, if need be after a warning of the certificate."""
    return not features.failure or features.failure in FALSE_CERTIFICATES


def _told(pages: list[PageDetails], host: str, *, has_link: bool) -> BlockFlaw:
    """Return the flaws of the texts of pages, outer and inner, that are read together.

    Host names and numbers are made alike first, so that pages that differ in these are read once.
    """
    text = fold("\n".join(page.text for page in pages))
    has_mail = "@" in text and bool(_MAIL.search(text))
    alike = _TOKEN.sub(_without_number, text.replace(host, "*") if host else text)
    languages = tuple(page.language.partition("-")[0].lower() for page in pages)
    missing = _missing_in(alike, has_link or has_mail, has_link or bool(_PHONE.search(text)))
    return missing | _worded(alike, languages)


def _without_number(token: re.Match[str]) -> str:
    return "0" if _NUMBER.search(token[0]) else token[0]


@lru_cache(maxsize=1024)
def _missing_in(text: str, has_route: bool, has_helpline: bool) -> BlockFlaw:
    words, text = page_words(), _joined(text)
    is_illegal = bool(words.abuse.search(text) and words.law.search(text))
    stated = {
        BlockFlaw.NO_REASON: _has_value("reason", text) or bool(words.because.search(text)),
        BlockFlaw.NO_CATEGORY: _has_value("category", text),
        BlockFlaw.NO_POLICY: _has_value("policy", text),
        BlockFlaw.NO_TIME: _has_value("time", text, _NUMBER),
        BlockFlaw.NO_APPEAL: has_route and bool(words.appeal.search(text)),
        BlockFlaw.NO_LEGAL_WORDING: is_illegal,
        BlockFlaw.NO_HELP: has_helpline and bool(words.help.search(text)),
    }
    missing = BlockFlaw(0)
    for flaw in (*FIELDS, *ILLEGAL):
        missing |= BlockFlaw(0) if stated[flaw] else flaw
    return missing


def _checked(pages: list[PageDetails]) -> BlockFlaw:
    """Return what a browser found of a page; the pages in its frames are not checked."""
    found = pages[0].browser
    if found is None or found.problem or len(pages) > 1:
        problem = _PROBLEMS.get(found.problem if found is not None else "", BlockFlaw(0))
        return BlockFlaw.UNCHECKED | problem
    return BlockFlaw.INACCESSIBLE if found.violations else BlockFlaw(0)


@lru_cache(maxsize=1024)
def _worded(text: str, languages: tuple[str, ...]) -> BlockFlaw:
    """Return whether a text blames, or says *blocked* in no language that its page declares."""
    flaws = BlockFlaw.BLAMING if page_words().blame.search(text) else BlockFlaw(0)
    spoken = [_by_name().get(_TAGS.get(each, "")) for each in languages]
    speaks = any(each is not None and each.withheld.search(text) for each in spoken)
    return flaws if speaks else flaws | BlockFlaw.WRONG_LANGUAGE


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Language]:
    return {language.name: language for language in vocabulary()}


def _joined(text: str) -> str:
    """Put a value that stands in an element of its own behind its label."""
    text = re.sub(r"\s+", lambda blanks: "\n" if "\n" in blanks[0] else blanks[0], text)
    return re.sub(r"(?<=[:=])\n", " ", re.sub(r"\n(?=[:=])", "", text))


def _has_value(label: str, text: str, needs: re.Pattern[str] | None = None) -> bool:
    """Whether some occurrence of the label has a value, which is not the next label."""
    words = page_words()
    for found in words.labels[label].finditer(text):
        value = (found[1] or found[2] or "").strip(" .,\"'")
        if value in _BLANK or words.is_label.match(value):
            continue
        if needs is None or needs.search(value):
            return True
    return False


def _leads_away(link: str, page: str) -> bool:
    """Whether a link or form leads to a page or a person; none leads to the page itself again.

    ``page`` is the URL at which the block page came.
    """
    if not link or link in ("/", "?") or link.startswith(("about:", "data:")):
        return False
    return link == "." or _place_of(page, link) != _place_of(page)


def _place_of(page: str, link: str = "") -> str:
    """Return a URL without its scheme and fragment; empty if it cannot be read."""
    try:
        return urldefrag(urljoin(page, link)).url.partition("://")[2].rstrip("/")
    except ValueError:
        return ""


def _defects(web: WebFacts, ours: frozenset[str], *, redirected: bool) -> BlockFlaw:
    details = web.details
    assert details is not None
    flaws = BlockFlaw(0)
    responses = details.caching[-1:]
    if redirected:  # the answers that led away from the item are the filter's too
        led = [one for one, next_ in zip(details.caching, details.caching[1:], strict=False)
               if host_of(one.url) != host_of(next_.url)]  # fmt: skip
        responses = (*led, *responses)
    if any(map(is_reusable, responses)):
        flaws |= BlockFlaw.CACHEABLE
    if details.markup == "raw":
        flaws |= BlockFlaw.INJECTABLE
    own = {site_of(host_of(web.url)), *map(site_of, ours)}
    if any(site_of(host) not in own for host in details.loads):
        flaws |= BlockFlaw.THIRD_PARTY
    return flaws


def is_reusable(response: Caching) -> bool:
    """Whether a cache may give the response again without asking (RFC 9111 sections 3 and 4.2)."""
    control = response.control.lower()
    if _NO_REUSE.search(control):
        return False
    ages = [int(age) for age in _AGE.findall(control)]
    if ages:
        return max(ages) > 0
    if response.expires:
        return _expires_later(response)
    return bool(_FRESH.search(control)) or response.status in HEURISTIC


def _expires_later(response: Caching) -> bool:
    """Whether Expires is later than Date; an invalid one is in the past (RFC 9111 section 5.3)."""
    try:
        expires = parsedate_to_datetime(response.expires)
    except (ValueError, TypeError):
        return False
    try:
        return expires > parsedate_to_datetime(response.date)
    except (ValueError, TypeError):
        return True


@lru_cache(maxsize=4096)
def site_of(host: str) -> str:
    """Return the site of a host: its last two labels, or three below ``co.uk`` and its like."""
    if ":" in host or host.replace(".", "").isdigit():
        return host
    labels = host.split(".")
    is_second = len(labels) > 2 and labels[-2] in SECOND_LEVELS and len(labels[-1]) == 2  # noqa: PLR2004 - country codes
    return ".".join(labels[-3 if is_second else -2 :])

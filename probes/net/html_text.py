"""Reads what a person would see of a page: its title, and the start of its text."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

MOST_TAGS = 20_000
"""Tags that are parsed: so many elements inside each other take about half a second."""

MOST_CHARACTERS = 1_000_000
"""Characters that are parsed."""

SHORT = 64 * 1024
"""Pages up to this length keep their comments and white space."""

_RAW_TEXT = re.compile(r"<(?:xmp|textarea|plaintext|noembed|noframes)\b", re.IGNORECASE)
_BLANKS = re.compile(r"\s{2,}")


def bounded(markup: str) -> tuple[str, bool]:
    """The markup to parse, and whether something was cut off that might have been seen.

    Comments and repeated white space of a long page are left out, which shows nothing less.
    """
    if len(markup) > SHORT:
        markup = _BLANKS.sub(" ", _without_comments(markup))
    end = _end_of_tags(markup)
    return markup[:end], end < len(markup)


def _without_comments(markup: str) -> str:
    """The markup without comments; one that holds a tag stays, for it may be none to a browser.

    In a script ``<!--`` begins no comment, and an element that follows the script is seen; in
    elements whose text is taken as it stands, it is shown.
    """
    if _RAW_TEXT.search(markup):
        return markup
    parts, place = [], 0
    while (start := markup.find("<!--", place)) >= 0:
        end = markup.find("-->", start + 4)
        if end < 0:
            break
        is_plain = markup.find("<", start + 4, end) < 0
        parts.append(markup[place : start if is_plain else end + 3])
        place = end + 3
    return "".join((*parts, markup[place:]))


def _end_of_tags(markup: str) -> int:
    if len(markup) <= MOST_CHARACTERS and markup.count("<") <= MOST_TAGS:
        return len(markup)
    place = -1
    for _ in range(MOST_TAGS + 1):
        place = markup.find("<", place + 1)
        if place < 0:
            return min(len(markup), MOST_CHARACTERS)
    return min(place, MOST_CHARACTERS)


SHOWING = (
    "img, object, embed, applet, video, audio, canvas, svg, math, iframe, frame, script, "
    "input[type=image i], meta[http-equiv=refresh i], link[rel~=stylesheet i], style[style], "
    "[background], template[shadowrootmode]"
)
"""Elements that show what is not in the page's text, or that load something that does."""

STYLED = "style, [style]"
"""Elements that do so if their style loads a picture or another style, or writes text."""

FIELDS = "input:not([type=hidden i]), textarea[placeholder], option[label], optgroup[label]"
"""Elements that show the words of an attribute."""

LEADING = "a[href], area[href], form[action], [formaction]"
"""Elements that may run a script in place of leading to a page."""

WORDY = 60
"""Characters from which the values of all fields, or the strings of all styles, may tell as much
as a text."""

LONGEST = 200
"""Characters that a script in an attribute has at most if it shows nothing new."""

_STYLED = re.compile(
    r"url\s*\(|@import|@counter-style|\bcontent\s*:|image-set\s*\(|\\[0-9a-f]", re.IGNORECASE
)
"""What such styles have in them; an escape may hide one of these."""
_STYLE_PARTS = re.compile(
    r"/\*.*?(?:\*/|$)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'(?:\\.|[^'\\\n])*'?"
    r"|[;{}]|[^\"'/;{}]+|.",
    re.DOTALL,
)
"""A style's comments, strings, ends of declarations, and what is between (CSS Syntax 3, 4.3)."""
_FONT = re.compile(r"font(-family)?\s*:", re.IGNORECASE)
"""Begins a declaration whose strings are the names of fonts, and are never shown."""
_XML_STYLE = "<?xml-stylesheet"

_HANDLER = re.compile(r"\bon[a-z]+\s*=", re.IGNORECASE)
_SCRIPT = re.compile(r"[\x00-\x20]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.IGNORECASE)
"""The scheme of a script in a URL; a parser of URLs drops control characters (WHATWG URL, 4.4)."""
_HARMLESS = re.compile(
    r"(?:\s*(?:return\s+)?(?:"
    r"true|false|void\s*\(?\s*0\s*\)?|(?:window\.)?(?:close|print)\(\)"
    r"|(?:window\.)?history\.(?:back\(\)|go\(\s*-\s*\d+\s*\))"
    r"|(?:window\.|document\.)?location\.reload\((?:true|false)?\)"
    r")\s*(?:;|$))*\s*"
)
"""Scripts that show nothing new: they go back, close, print, or load the page again."""


def count_embedded(tree: LexborHTMLParser, markup: str) -> int:
    """How many things in a page may show content that is not in its text."""
    values = sum(map(_shown_value, tree.css(FIELDS)))
    styles = [_style_of(node) for node in tree.css(STYLED)]
    return (
        len(tree.css(SHOWING))
        + sum(bool(_STYLED.search(style)) for style in styles)
        + (sum(map(_written_by, styles)) > WORDY)
        + (values > WORDY)
        + (_XML_STYLE in markup)
        + sum(map(_is_script, tree.css(LEADING)))
        + _handlers(tree, markup)
    )


def _style_of(node: LexborNode) -> str:
    written = node.text() if node.tag == "style" else ""
    return f"{written} {node.attributes.get('style') or ''}"


def _written_by(style: str) -> int:
    """Characters of a style's strings: quotes, list markers and others may show them."""
    first, last, count = "", "", 0
    for part in _STYLE_PARTS.findall(style):
        if part in ";{}":
            first = last = ""
        elif part[0] in "\"'":
            is_selector = last.endswith("=")  # a[href="..."]
            count += 0 if is_selector or _FONT.match(first) else len(part)
        elif not part.startswith("/*"):
            last = part.strip()
            first = first or last
    return count


def _shown_value(node: LexborNode) -> int:
    """Characters of a field that stand in an attribute and are shown."""
    attrs = node.attributes
    return sum(len(attrs.get(name) or "") for name in ("value", "placeholder", "label"))


def _is_script(node: LexborNode) -> bool:
    """Whether following an element runs a script that may show something new."""
    urls = (node.attributes.get(name) or "" for name in ("href", "action", "formaction"))
    scripts = [url[found.end() :] for url in urls if (found := _SCRIPT.match(url))]
    return not all(map(_is_harmless, scripts))


def _is_harmless(script: str) -> bool:
    return len(script) <= LONGEST and bool(_HARMLESS.fullmatch(script))


def _handlers(tree: LexborHTMLParser, markup: str) -> int:
    """How many attributes hold a script (``onload``, ``onclick``) that may show something new."""
    if not _HANDLER.search(markup):
        return 0
    return sum(
        name.lower().startswith("on") and not _is_harmless(value or "")
        for node in tree.css("*")
        for name, value in node.attributes.items()
    )


TEXT_CHARACTERS = 256
"""How much of the title and of the text is kept."""

WHOLE_TEXT = 24_000
"""How much of the visible text is sketched."""

MAX_PAGES = 2048
"""How many pages a reader knows again: those of the batches under way."""

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.ASCII)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([a-z0-9_.:-]+)")
"""In lower case: to leave case to the pattern would cost ten times as much."""
FRAMES, FRAME_CHARACTERS = 8, 300
"""How many addresses of frames are kept, and how much of each."""

_REFRESH = re.compile(r"[;,]\s*(?:url\s*=\s*)?(\S.*)", re.IGNORECASE)
_SCRIPTED = re.compile(
    r"location(?:\.href)?\s*=\s*[\"']([^\"'\s]{1,300})[\"']"
    r"|location\.(?:replace|assign)\s*\(\s*[\"']([^\"'\s]{1,300})[\"']"
)
"""A redirect by script that a plain reading shows (WHATWG HTML, 7.2.4)."""
_META_BYTES = 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BROWSERS_KNOW = frozenset(
    codecs.lookup(name).name
    for name in (
        *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "latin-1", "koi8-r", "koi8-u"),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs", "euc-jp", "iso-2022-jp", "shift-jis"),
        *("cp932", "euc-kr", "cp949", "cp866", "cp874", "tis-620", "mac-roman", "mac-cyrillic"),
        *(f"cp{number}" for number in range(1250, 1259)),
        *(f"iso8859-{number}" for number in (*range(2, 12), *range(13, 17))),
    )
)
"""Encodings that browsers decode (WHATWG Encoding, 4.2). Others, such as UTF-7, show a browser
something else than they show Python."""
_UNSEEN = ["script", "style", "noscript", "template", "head"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Title and start of the visible text, white space folded.

    ``frames`` are the addresses, as written, that the page frames or forwards to. ``embedded``
    counts what may show content without text (``probes.net.html_text``); a body that is no text at
    all is one such thing. ``words`` is the whole visible text as it stands in the page, for
    sketches; it is not kept. ``length`` is the number of its characters, white space folded, and
    of those of titles beyond the part that is kept.
    Of a page that ``is_cut`` only the start was parsed: the rest may show something else.
    """

    title: str = ""
    text: str = ""
    frames: tuple[str, ...] = ()
    embedded: int = 0
    words: str = ""
    length: int = 0
    is_cut: bool = False


class PageReader:
    """Reads each page once: a service mostly shows what the control shows, or its own one page.

    A page of 64 KiB takes a millisecond to read, which is more than all the rest of an attempt.
    """

    def __init__(self, max_pages: int = MAX_PAGES) -> None:
        self._max_pages = max_pages
        self._pages: dict[tuple[str, str], Page] = {}

    def read(self, body: bytes, content_type: str, digest: str) -> Page:
        """What ``read_page`` says of a body; ``digest`` is the SHA-256 of its bytes."""
        name = digest, content_type
        page = self._pages.pop(name, None) or read_page(body, content_type)
        self._pages[name] = page  # the last one used goes last, the first one is forgotten first
        if len(self._pages) > self._max_pages:
            del self._pages[next(iter(self._pages))]
        return page


def read_page(body: bytes, content_type: str) -> Page:
    """Read a body by its declared type; one that is no text is a page that shows one thing."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return Page()
    if not _is_text(kind):
        return Page(embedded=1)
    markup = decode_text(body, content_type)
    if kind == "text/plain" or "<" not in markup:
        return Page(text=_fold(markup), words=markup[:WHOLE_TEXT], length=_length(markup))
    markup, is_cut = bounded(markup)
    tree = LexborHTMLParser(markup)
    titles = tree.tags("title")
    heading = titles[0].text() if titles else ""
    headings = sum(len(node.text()) for node in titles)
    frames = _frames(tree)
    embedded = count_embedded(tree, markup)
    tree.strip_tags(_UNSEEN)
    seen = tree.body.text(separator=" ") if tree.body else ""
    return Page(
        title=_fold(heading),
        text=_fold(seen),
        frames=frames,
        embedded=embedded,
        words=seen[:WHOLE_TEXT],
        length=_length(seen) + max(0, headings - TEXT_CHARACTERS),
        is_cut=is_cut,
    )


def _frames(tree: LexborHTMLParser) -> tuple[str, ...]:
    """Sources of frames, and targets of meta refresh (WHATWG HTML, 4.2.5.3) and of scripts."""
    framed = (*tree.tags("iframe"), *tree.tags("frame"))
    found = [node.attributes.get("src") or "" for node in framed]
    for node in tree.tags("meta"):
        attrs = node.attributes
        if (attrs.get("http-equiv") or "").lower() == "refresh":
            found += refresh_target(attrs.get("content") or "")
    for node in tree.tags("script"):
        found += [each for pair in _SCRIPTED.findall(node.text()) for each in pair]
    return tuple(dict.fromkeys(each[:FRAME_CHARACTERS] for each in found if each))[:FRAMES]


def refresh_target(value: str) -> tuple[str, ...]:
    """The address in a ``Refresh`` header or a meta refresh, if it has one."""
    target = _REFRESH.search(value)
    return (target[1].strip("'\" "),) if target else ()


def decode_text(body: bytes, content_type: str) -> str:
    """Text of a body: by byte order mark, header, ``meta`` element, else UTF-8 (WHATWG HTML)."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    declared = _CHARSET.search(content_type)
    encoding = declared[1] if declared else ""
    if not encoding:
        meta = _META_CHARSET.search(body[:_META_BYTES].lower())
        encoding = meta[1].decode("ascii") if meta else "utf-8"
    try:
        known = codecs.lookup(encoding).name
        return body.decode(encoding if known in _BROWSERS_KNOW else "utf-8", "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def _is_text(kind: str) -> bool:
    return not kind or kind.startswith("text/") or kind.endswith(("html", "xml", "json"))


def _length(text: str) -> int:
    """Characters of a text with white space folded; beyond what is sketched, as they stand."""
    return len(" ".join(text[:WHOLE_TEXT].split())) + max(0, len(text) - WHOLE_TEXT)


def _fold(text: str) -> str:
    start = text[: TEXT_CHARACTERS * 2].strip()
    # Of white space, only the blank is printable: most text needs no folding.
    folded = start if start.isprintable() and "  " not in start else " ".join(start.split())
    if len(folded) < TEXT_CHARACTERS and len(text) > TEXT_CHARACTERS * 2:
        # So many words and the spaces between them are never fewer characters than are kept.
        folded = " ".join(text[: TEXT_CHARACTERS * 16].split(None, TEXT_CHARACTERS // 2))
    return folded[:TEXT_CHARACTERS].strip()

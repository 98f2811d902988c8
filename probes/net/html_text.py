"""Extract what a person sees of an HTML page: title, start of the text, frames, embedded content.

``read_page`` and ``PageReader`` (with a cache) return a ``Page``. Also holds ``bounded``, which
limits what is parsed; ``count_embedded``, which counts what may show content without text; and
``decode_text``, which chooses a character encoding as browsers do.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from encodings import normalize_encoding
from encodings.aliases import aliases

from selectolax.lexbor import LexborHTMLParser, LexborNode

from harness.model.sketch import Sketch, sketch_of

MOST_TAGS = 20_000
"""Maximum number of tags parsed; this many nested elements take about half a second."""

MOST_CHARACTERS = 1_000_000
"""Maximum number of characters parsed."""

SHORT = 64 * 1024
"""Pages up to this length are parsed with comments and white space."""

_RAW_TEXT = re.compile(r"<(?:xmp|textarea|plaintext|noembed|noframes)\b", re.IGNORECASE)
_BLANKS = re.compile(r"\s{2,}")


def bounded(markup: str) -> tuple[str, bool]:
    """Return the markup to parse, and whether visible content may have been cut off.

    Comments and repeated white space of a long page are removed; neither is visible.
    """
    if len(markup) > SHORT:
        markup = _BLANKS.sub(" ", _without_comments(markup))
    end = _end_of_tags(markup)
    return markup[:end], end < len(markup)


def _without_comments(markup: str) -> str:
    """Return the markup without comments, except those that contain a tag.

    A browser may not treat these as comments: in a script ``<!--`` begins no comment, so an element
    after the script is visible; in raw-text elements it is shown as text.
    """
    if _RAW_TEXT.search(markup):
        return markup
    parts, position = [], 0
    while (start := markup.find("<!--", position)) >= 0:
        end = markup.find("-->", start + 4)
        if end < 0:
            break
        is_plain = markup.find("<", start + 4, end) < 0
        parts.append(markup[position : start if is_plain else end + 3])
        position = end + 3
    return "".join((*parts, markup[position:]))


def _end_of_tags(markup: str) -> int:
    if len(markup) <= MOST_CHARACTERS and markup.count("<") <= MOST_TAGS:
        return len(markup)
    position = -1
    for _ in range(MOST_TAGS + 1):
        position = markup.find("<", position + 1)
        if position < 0:
            return min(len(markup), MOST_CHARACTERS)
    return min(position, MOST_CHARACTERS)


SHOWING = (
    "img, object, embed, applet, video, audio, canvas, svg, math, iframe, frame, script, "
    "input[type=image i], meta[http-equiv=refresh i], link[rel~=stylesheet i], style[style], "
    "[background], template[shadowrootmode]"
)
"""Elements that show content beyond the page's text, or that load such content."""

STYLED = "style, [style]"
"""Elements that do so if their style loads an image or a style sheet, or generates text."""

FIELDS = "input:not([type=hidden i]), textarea[placeholder], option[label], optgroup[label]"
"""Elements that display an attribute's value."""

LEADING = "a[href], area[href], form[action], [formaction]"
"""Elements that may run a script instead of linking to a page."""

WORDY = 60
"""Total length from which field values, or strings in styles, count as embedded content."""

LONGEST = 200
"""Maximum length of a script in an attribute that may count as harmless."""

_STYLED = re.compile(
    r"url\s*\(|@import|@counter-style|\bcontent\s*:|image-set\s*\(|\\[0-9a-f]", re.IGNORECASE
)
"""Matches such styles; an escape may hide one of these constructs."""
_STYLE_PARTS = re.compile(
    r"/\*.*?(?:\*/|$)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'(?:\\.|[^'\\\n])*'?"
    r"|[;{}]|[^\"'/;{}]+|.",
    re.DOTALL,
)
"""Splits a style into comments, strings, delimiters and other text (CSS Syntax 3, 4.3)."""
_FONT = re.compile(r"font(-family)?\s*:", re.IGNORECASE)
"""Begins a declaration whose strings are font names, which are not displayed."""
_XML_STYLE = "<?xml-stylesheet"

_HANDLER = re.compile(r"on(?<!\won)[a-z]+\s*=")
"""Applied to lower-cased text; it begins with a literal, which is searched for fast."""
_SCRIPT = re.compile(r"[\x00-\x20]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.IGNORECASE)
"""The ``javascript:`` scheme; URL parsers drop control characters (WHATWG URL, 4.4)."""
_HARMLESS = re.compile(
    r"(?:\s*(?:return\s+)?(?:"
    r"true|false|void(?:\s*\()?\s*0(?:\s*\))?|(?:window\.)?(?:close|print)\(\)"
    r"|(?:window\.)?history\.(?:back\(\)|go\(\s*-\s*\d+\s*\))"
    r"|(?:window\.|document\.)?location\.reload\((?:true|false)?\)"
    r")\s*(?:;|$))*+\s*"
)
"""Scripts that show no new content: they go back, close, print, or reload. Each has one reading:
several would multiply with every repetition."""


_SQUID = re.compile(
    r"url\s*\(\s*([\"']?)(?:https?://[\w.:-]{1,300})?/squid-internal-[\w./-]{1,200}\1\s*\)",
    re.IGNORECASE,
)
"""A picture that Squid answers with itself, whatever host is asked; its error pages show one."""
_STYLE_ADDRESS = re.compile(r"url\s*\(\s*[\"']?([^\"')\s]*)", re.IGNORECASE)
FIXED = ("http://", "https://", "data:")
"""How an address begins that is the same on every page, or holds its content itself."""


def count_embedded(tree: LexborHTMLParser, markup: str) -> int:
    """Count the constructs in a page that may show content beyond its text."""
    values = sum(map(_shown_value, tree.css(FIELDS)))
    styles = [_style_of(node) for node in tree.css(STYLED)]
    return (
        len(tree.css(SHOWING))
        - sum(map(_is_squids, tree.css("img[src*=squid-internal]:not([srcset], [background])")))
        + sum(bool(_STYLED.search(style)) for style in styles)
        + (sum(map(_written_by, styles)) > WORDY)
        + (values > WORDY)
        + (_XML_STYLE in markup)
        + sum(map(_is_script, tree.css(LEADING)))
        + _handlers(tree, markup)
    )


def _is_squids(node: LexborNode) -> bool:
    return bool(_SQUID.fullmatch(f"url({node.attributes.get('src')})"))


def fixed_parts(tree: LexborHTMLParser) -> tuple[str, ...]:
    """Return pictures and style sheets that are the same wherever the page stands, as written.

    Each counts as one in ``count_embedded``. What an address on the page's own host leads to may
    differ from host to host, and a script may load anything, so they are not among them.
    """
    pictures = [node.attributes for node in tree.css("img[src]:not([srcset]):not([style])")]
    sheets = [node.attributes for node in tree.css("link[rel~=stylesheet i]:not([style])")]
    addresses = [each.get("src") or "" for each in pictures]
    addresses += [each.get("href") or "" for each in sheets]
    styles = [style for node in tree.tags("style") if _STYLED.search(style := _style_of(node))]
    fixed = [style for style in styles if _leads_to_fixed_addresses(style)]
    return tuple([each for each in addresses if each.lower().startswith(FIXED)] + fixed)


def _leads_to_fixed_addresses(style: str) -> bool:
    if "@" in style or "\\" in style:
        return False
    return all(each.lower().startswith(FIXED) for each in _STYLE_ADDRESS.findall(style))


def _style_of(node: LexborNode) -> str:
    """The style of an element, without the pictures of Squid."""
    written = node.text() if node.tag == "style" else ""
    style = f"{written} {node.attributes.get('style') or ''}"
    return _SQUID.sub("none", style) if "squid-internal" in style else style


def _written_by(style: str) -> int:
    """Count the characters of a style's strings, which quotes and list markers may display."""
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
    """Count the characters of a field's attributes that are displayed."""
    attrs = node.attributes
    return sum(len(attrs.get(name) or "") for name in ("value", "placeholder", "label"))


def _is_script(node: LexborNode) -> bool:
    """Whether activating an element runs a script that may show new content."""
    urls = (node.attributes.get(name) or "" for name in ("href", "action", "formaction"))
    scripts = [url[match.end() :] for url in urls if (match := _SCRIPT.match(url))]
    return not all(map(_is_harmless, scripts))


def _is_harmless(script: str) -> bool:
    return len(script) <= LONGEST and bool(_HARMLESS.fullmatch(script))


def _handlers(tree: LexborHTMLParser, markup: str) -> int:
    """Count the event handlers (``onload``, ``onclick``) that may show new content."""
    if not _HANDLER.search(markup.lower()):
        return 0
    return sum(
        name.lower().startswith("on") and not _is_harmless(value or "")
        for node in tree.css("*")
        for name, value in node.attributes.items()
    )


TEXT_CHARACTERS = 256
"""Characters of the title and of the text that become facts."""

WHOLE_TEXT = 24_000
"""Characters of the visible text that are sketched."""

MAX_PAGES = 2048
"""Size of a reader's cache: about the pages of the batches in progress."""

_CHARSET = re.compile(r"charset\s*=\s*(?:[\"']\s*)?([A-Za-z0-9_.:-]+)", re.ASCII)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*(?:[\"']\s*)?([a-z0-9_.:-]+)")
"""Applied to lower-cased bytes: IGNORECASE would take ten times as long."""
FRAMES, FRAME_CHARACTERS = 8, 300
"""Maximum number of frame addresses in the facts, and the maximum length of each."""

_REFRESH = re.compile(r"[;,]\s*(?:url\s*=\s*)?(\S.*)", re.IGNORECASE)
_SCRIPTED = re.compile(
    r"location(?:\.href)?\s*=\s*[\"']([^\"'\s]{1,300})[\"']"
    r"|location\.(?:replace|assign)\s*\(\s*[\"']([^\"'\s]{1,300})[\"']"
)
"""A redirect by script that can be recognised without running it (WHATWG HTML, 7.2.4)."""
_META_BYTES = 1024
LONGEST_LABEL = 40
"""Maximum length of a character encoding's name."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BROWSER_ENCODINGS = frozenset(
    aliases.get(name, name)
    for name in (
        *("utf_8", "utf_16", "utf_16_le", "utf_16_be", "ascii", "latin_1", "koi8_r", "koi8_u"),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs", "euc_jp", "iso2022_jp", "shift_jis"),
        *("cp932", "euc_kr", "cp949", "cp866", "cp874", "tis_620", "mac_roman", "mac_cyrillic"),
        *(f"cp{number}" for number in range(1250, 1259)),
        *(f"iso8859_{number}" for number in (*range(2, 12), *range(13, 17))),
    )
)
"""Encodings that browsers support (WHATWG Encoding, 4.2). Others, such as UTF-7, would be decoded
differently by Python than by a browser."""
_INVISIBLE = ["script", "style", "noscript", "template", "head"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Title and start of the visible text, white space folded.

    ``frames`` are the addresses, as written, that the page frames or forwards to. ``embedded`` is
    the result of ``count_embedded``; 1 for a body that is not text. ``words`` is the visible text
    as it stands in the page, for sketches; it does not become a fact. ``length`` is its number of
    characters, white space folded, plus those of titles beyond the part in ``title``.
    ``parts`` is the result of ``fixed_parts``.
    ``is_cut``: only the start of the page was parsed, and the rest may show something else.
    """

    title: str = ""
    text: str = ""
    frames: tuple[str, ...] = ()
    embedded: int = 0
    words: str = ""
    length: int = 0
    parts: tuple[str, ...] = ()
    is_cut: bool = False
    _sketches: dict[bytes, Sketch] = field(default_factory=dict, compare=False, repr=False)

    def sketch(self, key: bytes) -> Sketch:
        """Return the keyed sketch of the visible text, computed once for each key."""
        found = self._sketches.get(key)
        if found is None:
            found = self._sketches[key] = sketch_of(self.words, key)
        return found


class PageReader:
    """Parses pages with a cache: most responses repeat the control's page or one block page.

    Parsing a page of 64 KiB takes a millisecond, more than the rest of an attempt.
    """

    def __init__(self, max_pages: int = MAX_PAGES) -> None:
        self._max_pages = max_pages
        self._pages: dict[tuple[str, str], Page] = {}

    def read(self, body: bytes, content_type: str, digest: str) -> Page:
        """Return ``read_page`` of a body; its SHA-256 ``digest`` is the cache key."""
        name = digest, content_type
        page = self._pages.pop(name, None) or read_page(body, content_type)
        self._pages[name] = page  # insertion order makes this an LRU cache
        if len(self._pages) > self._max_pages:
            del self._pages[next(iter(self._pages))]
        return page


def read_page(body: bytes, content_type: str) -> Page:
    """Parse a body by its declared type; a body that is not text counts as one embedded object."""
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
    parts = fixed_parts(tree) if embedded else ()
    tree.strip_tags(_INVISIBLE)
    visible = tree.body.text(separator=" ") if tree.body else ""
    return Page(
        title=_fold(heading),
        text=_fold(visible),
        frames=frames,
        embedded=embedded,
        words=visible[:WHOLE_TEXT],
        length=_length(visible) + max(0, headings - TEXT_CHARACTERS),
        parts=parts,
        is_cut=is_cut,
    )


def _frames(tree: LexborHTMLParser) -> tuple[str, ...]:
    """Return frame sources, and targets of meta refresh (WHATWG HTML, 4.2.5.3) and of scripts."""
    framed = (*tree.tags("iframe"), *tree.tags("frame"))
    addresses = [node.attributes.get("src") or "" for node in framed]
    for node in tree.tags("meta"):
        attrs = node.attributes
        if (attrs.get("http-equiv") or "").lower() == "refresh":
            addresses += refresh_target(attrs.get("content") or "")
    for node in tree.tags("script"):
        addresses += [address for pair in _SCRIPTED.findall(node.text()) for address in pair]
    return tuple(dict.fromkeys(address[:FRAME_CHARACTERS] for address in addresses if address))[
        :FRAMES
    ]


def refresh_target(value: str) -> tuple[str, ...]:
    """Return the address in a ``Refresh`` header or a meta refresh, if any."""
    target = _REFRESH.search(value)
    return (target[1].strip("'\" "),) if target else ()


def decode_text(body: bytes, content_type: str) -> str:
    """Decode a body by byte order mark, header, ``meta`` element, else UTF-8 (WHATWG HTML)."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    declared = _CHARSET.search(content_type)
    label = declared[1] if declared else ""
    if not label:
        meta = _META_CHARSET.search(body[:_META_BYTES].lower())
        label = meta[1].decode("ascii") if meta else "utf-8"
    return body.decode(_encoding(label), "replace")


def _encoding(label: str) -> str:
    """Return Python's name of an encoding that browsers support, else UTF-8.

    A label is never looked up in ``codecs``, which keeps each one in memory until the process ends.
    """
    name = normalize_encoding(label[:LONGEST_LABEL].lower())
    known = aliases.get(name) or aliases.get(name.replace(".", "_"), name)
    return known if known in _BROWSER_ENCODINGS else "utf_8"


def _is_text(kind: str) -> bool:
    return not kind or kind.startswith("text/") or kind.endswith(("html", "xml", "json"))


def _length(text: str) -> int:
    """Count characters with white space folded; beyond the sketched part, without folding."""
    start = text[:WHOLE_TEXT]
    beyond = len(text) - len(start)
    if start.isprintable() and "  " not in start:  # nothing to fold
        return len(start.strip()) + beyond
    return len(" ".join(start.split())) + beyond


def _fold(text: str) -> str:
    start = text[: TEXT_CHARACTERS * 2].strip()
    # The space is the only printable white space; most text needs no folding.
    folded = start if start.isprintable() and "  " not in start else " ".join(start.split())
    if len(folded) < TEXT_CHARACTERS and len(text) > TEXT_CHARACTERS * 2:
        # This many words with the spaces between them always fill TEXT_CHARACTERS.
        folded = " ".join(text[: TEXT_CHARACTERS * 16].split(None, TEXT_CHARACTERS // 2))
    return folded[:TEXT_CHARACTERS].strip()

"""Record what a page shows and loads: its text by element, links, other hosts, caching, markup.

A page that came instead of the origin's may be a block page; whether it is one, the judge says.
``MARKUP`` is harmless markup that a request can carry. If the page holds it as an element or an
attribute, or in a script, the page does not escape the address that it shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal
from urllib.parse import quote, unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from harness.model.facts import Caching, PageDetails
from harness.ports.network import Exchange
from probes.net.hidden_text import hides
from probes.net.html_text import bounded, decode_text, refresh_target
from probes.net.redirects import RedirectChain

TEXT, LINKS, HOSTS, LONGEST = 2000, 16, 16, 200
"""The most characters of text, links and hosts that become facts, and characters of a link."""
SELECTORS = 40
"""The most selectors of a page's style sheets that are looked up."""
BODY = 65_536
"""Bytes of a page that are parsed."""

MARKUP = "\"' data-leaf=1 ><i data-leaf=1>"
"""Leaves an attribute in either kind of quotes, and a text (OWASP, cross-site scripting)."""
MARKED_PATH = f"{quote(MARKUP, safe='=')}?q={quote(MARKUP, safe='=')}"
"""The same in a path and a query, written as browsers write it (WHATWG URL, 4.1)."""

_INVISIBLE = frozenset({"script", "style", "noscript", "template", "head"})
_SELECTOR = re.compile(r"[\w.#*-]{1,80}(?:\s{0,9}>\s{0,9}[\w.#*-]{1,80}){0,3}")
"""Selectors that cost one look at each element. Others are left out, since the page chooses them:
the time for ``a b c d`` grows with the depth of the page to the power of its parts."""
_CLOSED = "details:not([open]) > :not(summary), dialog:not([open])"
"""Elements that are shown once a reader opens them (WHATWG HTML, 4.11)."""
_BEFORE_SELECTOR = re.compile(r"[{@/;]")
_SOURCES = {
    "src": "[src]", "data": "object[data]", "poster": "[poster]", "background": "[background]",
    "ping": "[ping]", "xlink:href": "image, use", "href": "image, use",
}  # fmt: skip
"""Attributes that make a browser load something, and the elements that have them."""
_RELATIONS = frozenset(
    ("stylesheet", "icon", "apple-touch-icon", "preload", "prefetch", "preconnect", "dns-prefetch",
     "modulepreload", "manifest", "prerender")
)  # fmt: skip
"""Relations of a link that a browser contacts by itself (WHATWG HTML, 4.6.7)."""
_STYLE_URL = re.compile(r"(?:url\(\s*|@import\s+)[\"']?([^\"')\s]+)", re.IGNORECASE)
_BACKGROUNDS = "[bgcolor], [background], link[rel~=stylesheet i]"
"""Elements that may set a background of the page."""
_STYLE_BACKGROUND = re.compile(r"background|@import", re.IGNORECASE)
_SCRIPT_URL = re.compile(r"(?:(?:https?|wss?):)?//[a-z0-9.-]+\.[a-z0-9-]+", re.IGNORECASE)
_LINK_HEADER = re.compile(r"<([^<>]*)>\s*;[^,<]*rel=\"?([\w -]+)", re.IGNORECASE)
_IN_SCRIPT = re.compile(r"(?<!\\)\"' data-leaf|<i data-leaf")


def page_details(chain: RedirectChain, requested: str, *, managed: bool) -> PageDetails:
    """Return the details of the last page of a chain; ``requested`` is the URL of the request."""
    last = chain.last
    kind = next((value for name, value in last.headers if name == "content-type"), "")
    caching = tuple(_caching(url, each) for url, each in _responses(chain))
    is_marked = "data-leaf" in requested
    if kind.partition(";")[0].strip().lower() == "text/plain":
        text = decode_text(last.body[:BODY], kind)
        told: Literal["", "absent", "escaped"] = ""
        if is_marked:
            told = "escaped" if "data-leaf" in unquote(text) else "absent"
        return PageDetails(
            text=_folded(text.splitlines()), caching=caching, markup=told, managed=managed
        )
    markup, _ = bounded(decode_text(last.body[:BODY], kind))
    tree = LexborHTMLParser(markup)
    loads = _hosts(chain.url, (*_loaded(tree), *_by_header(last)))
    echoed = _what_became(tree, markup) if is_marked else ""
    roots = tree.tags("html")
    language = (roots[0].attributes.get("lang") or "" if roots else "")[:20]
    visible = [*_visible(tree)]
    return PageDetails(
        text=_lines(visible),
        links=tuple(_links(visible))[:LINKS],
        loads=loads[:HOSTS],
        language=language,
        caching=caching,
        markup=echoed,
        managed=managed,
    )


def shown_text(body: bytes, content_type: str) -> str:
    """Return the visible text of a page, without what is hidden or waits to be opened."""
    markup, _ = bounded(decode_text(body, content_type))
    tree = LexborHTMLParser(markup)
    for node in tree.css(_CLOSED):
        node.decompose()
    return " ".join(node.text_content or "" for node in _visible(tree) if node.tag == "-text")


def _responses(chain: RedirectChain) -> Iterator[tuple[str, Exchange]]:
    urls = [*(hop.url for hop in chain.hops), chain.url]
    yield from zip(urls[-len(chain.exchanges) :], chain.exchanges, strict=False)


def _caching(url: str, exchange: Exchange) -> Caching:
    """Return what a response says of its reuse; several lines of a header are joined."""
    values = {
        name: ", ".join(value for key, value in exchange.headers if key == name)[:LONGEST]
        for name in ("cache-control", "expires", "date")
    }
    return Caching(
        url=url[:LONGEST],
        status=exchange.status or exchange.tunnel_status or 0,
        control=values["cache-control"],
        expires=values["expires"],
        date=values["date"],
    )


def _loaded(tree: LexborHTMLParser) -> Iterator[str]:
    """Yield the addresses that the page makes a browser contact, as written."""
    for name, selector in _SOURCES.items():
        yield from (node.attributes.get(name) or "" for node in tree.css(selector))
    for node in tree.css("[srcset]"):
        parts = (node.attributes.get("srcset") or "").split(",")
        yield from (part.split()[0] for part in parts if part.strip())
    for node in tree.css("link[href]"):
        if _RELATIONS & {*(node.attributes.get("rel") or "").lower().split()}:
            yield node.attributes.get("href") or ""
    for node in tree.css("meta[http-equiv=refresh i]"):
        yield from refresh_target(node.attributes.get("content") or "")
    for node in tree.css("style, [style]"):
        style = f"{node.text() if node.tag == 'style' else ''} {node.attributes.get('style') or ''}"
        yield from _STYLE_URL.findall(style)
    for script in _scripts(tree):
        yield from _SCRIPT_URL.findall(script)


def _scripts(tree: LexborHTMLParser) -> Iterator[str]:
    """Yield scripts: elements, and event handlers."""
    yield from (node.text() for node in tree.tags("script"))
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            if name.lower().startswith("on") and value:
                yield value


def _by_header(exchange: Exchange) -> Iterator[str]:
    """Yield the addresses of Link and Refresh headers (RFC 8288)."""
    for name, value in exchange.headers:
        if name == "link":
            for address, relation in _LINK_HEADER.findall(value):
                if _RELATIONS & {*relation.lower().split()}:
                    yield address
        elif name == "refresh":
            yield from refresh_target(value)


def _hosts(base: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Return the hosts of addresses other than the page's own, in order, each once."""
    own, root = _host(base), _joined(base, "/")  # the path of a page may be as long as a head
    hosts = (_host(_joined(root, address)) for address in addresses if address)
    return tuple(dict.fromkeys(host for host in hosts if host not in ("", own)))


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return ""


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https", "ws", "wss")
        return (parts.hostname or "")[:LONGEST] if is_web else ""
    except ValueError:
        return ""


def _what_became(tree: LexborHTMLParser, markup: str) -> Literal["absent", "escaped", "raw"]:
    """Return whether the request's markup is a part of the page, is shown as text, or neither."""
    scripts = (node.text() for node in tree.tags("script"))
    if tree.css("[data-leaf]") or any(map(_IN_SCRIPT.search, scripts)):
        return "raw"
    return "escaped" if "data-leaf" in unquote(markup) else "absent"


def _hidden(tree: LexborHTMLParser) -> frozenset[int]:
    """Return the ids of hidden elements, and of those that a style sheet hides."""
    sheets = [node.text() for node in tree.tags("style")]
    styled = {node.mem_id: node.attributes.get("style") or "" for node in tree.css("[style]")}
    styles = (*sheets, *styled.values())
    is_white = not (tree.css(_BACKGROUNDS) or any(map(_STYLE_BACKGROUND.search, styles)))
    hidden = {node.mem_id for node in tree.css("[hidden]")}
    hidden |= {each for each, style in styled.items() if hides(style, page_is_white=is_white)}
    found_in = (each for sheet in sheets for each in _hiding(sheet, page_is_white=is_white))
    for selector in [*dict.fromkeys(found_in)][:SELECTORS]:
        try:
            found = tree.css(selector)
        except (SelectolaxError, ValueError):  # a style sheet knows more than the parser
            continue
        hidden |= {node.mem_id for node in found}
    return frozenset(hidden - {node.mem_id for node in tree.css("html, body")})


def _hiding(style: str, *, page_is_white: bool) -> Iterator[str]:
    """Yield the selectors of a style sheet that hide elements and are cheap to look up."""
    for rule in style.split("}"):
        head, _, declarations = rule.rpartition("{")
        if hides(declarations, page_is_white=page_is_white):
            selectors = _BEFORE_SELECTOR.split(head)[-1].split(",")
            yield from filter(_SELECTOR.fullmatch, map(str.strip, selectors))


def _visible(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    """Yield the visible nodes of the body, in order; nothing inside a hidden element is visible."""
    hidden = _hidden(tree)
    waiting = [tree.body] if tree.body else []
    while waiting:
        node = waiting.pop()
        if node.tag not in _INVISIBLE and node.mem_id not in hidden:
            yield node
            waiting += reversed([*node.iter(include_text=True)])


def _lines(nodes: list[LexborNode]) -> str:
    return _folded(node.text_content or "" for node in nodes if node.tag == "-text")


def _folded(texts: Iterable[str]) -> str:
    """Return the start of texts, each on a line of its own with its white space folded."""
    return "\n".join(filter(None, (" ".join(text.split()) for text in texts)))[:TEXT]


def _links(nodes: list[LexborNode]) -> Iterator[str]:
    """Yield the addresses of links and forms, without those that stay on the page."""
    for node in nodes:
        address = _address(node) if node.tag in ("a", "area", "form") else ""
        if address and not address.startswith(("#", "javascript:")):
            yield address[:LONGEST]


def _address(node: LexborNode) -> str:
    if node.tag == "form":
        return (node.attributes.get("action") or ".").strip()
    return (node.attributes.get("href") or "").strip()

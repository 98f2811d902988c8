"""Extract a page's subresources and the steps a pupil can take from it: links, frames, forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

import httpx
from selectolax.lexbor import LexborHTMLParser, LexborNode

from probes.net.html_text import bounded, decode_text, read_page, refresh_target
from probes.net.redirects import url_host

BUTTONS = frozenset({"submit", "image"})
"""Types of input elements that submit a form."""

UNSENT = BUTTONS | {"button", "reset", "password"}
"""Types of input elements that are not submitted: buttons, and passwords, which are never sent."""

PRESSED_ONLY = frozenset({"hidden", "submit", "image", "button", "reset"})
"""Types of input elements that need no input by the user."""


class Step(NamedTuple):
    """A request to make next: a URL, and the encoded form fields if it is a POST."""

    url: str
    fields: str | None = None

    @property
    def host(self) -> str:
        """The host of the URL."""
        return url_host(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLinks:
    """A page's subresources (images, scripts, styles) and its steps, each in order."""

    subresources: tuple[str, ...]
    steps: tuple[Step, ...]


def read_links(page: httpx.Response) -> PageLinks:
    """Return a page's subresources and steps: automatic steps, then same host, then other hosts."""
    content = page.headers.get("content-type", "")
    tree = LexborHTMLParser(bounded(decode_text(page.content, content))[0])
    base = _base_of(tree, page)
    forwards = (
        *refresh_target(page.headers.get("refresh", "")),
        *read_page(page.content, content).frames,
    )
    forms = [step for form in tree.css("form") for step in _form_steps(form, page, base)]
    links = _absolute(_values(tree.css("a[href], area[href]"), "href"), base)
    home = url_host(str(page.url))
    manual = sorted([*forms, *map(Step, links)], key=lambda step: step.host != home)
    subresources = [
        *_values(tree.css("img[src], script[src]"), "src"),
        *_values(tree.css("link[rel=stylesheet][href], link[rel=icon][href]"), "href"),
    ]
    steps = dict.fromkeys([*map(Step, _absolute(forwards, base)), *manual])
    return PageLinks(subresources=tuple(_absolute(subresources, base)), steps=tuple(steps))


def _base_of(tree: LexborHTMLParser, page: httpx.Response) -> str:
    """Return the base URL of a page (WHATWG HTML, 4.2.3)."""
    references = _values(tree.css("base[href]"), "href")
    return next(iter(_absolute(references[:1], str(page.url))), str(page.url))


def _form_steps(form: LexborNode, page: httpx.Response, base: str) -> Iterator[Step]:
    """Yield the requests of a form submitted with its default values, one for each button.

    A form with a password is never sent by POST, nor is one to another host that needs input.
    """
    inputs = form.css("input")
    fields = [(name, _value(node)) for node in inputs if (name := _name(node)) and _is_field(node)]
    types = {_type(node) for node in inputs}
    is_pressed_only = types <= PRESSED_ONLY and not form.css("select, textarea")
    for button in _buttons(form) or [form]:
        attributes = {**form.attributes, **_overrides(button)}
        action = (attributes.get("action") or "").strip() or str(page.url)
        is_post = (attributes.get("method") or "").lower() == "post"
        pressed = button is not form and _name(button)
        query = urlencode([*fields, (pressed, _value(button))] if pressed else fields)
        for url in _absolute([action], base):
            is_own = url_host(url) == url_host(str(page.url))
            if not is_post:
                yield Step(urlsplit(url)._replace(query=query).geturl() if query else url)
            elif "password" not in types and (is_own or is_pressed_only):
                yield Step(url, query)


def _buttons(form: LexborNode) -> list[LexborNode]:
    pressed = [node for node in form.css("input") if _type(node) in BUTTONS]
    return [*pressed, *(node for node in form.css("button") if _type(node, "submit") == "submit")]


def _overrides(button: LexborNode) -> dict[str, str | None]:
    """Return the attributes by which a button overrides its form (WHATWG HTML, 4.10.18.6)."""
    attributes = button.attributes
    references = {"action": attributes.get("formaction"), "method": attributes.get("formmethod")}
    return {name: value for name, value in references.items() if value}


def _is_field(node: LexborNode) -> bool:
    return _type(node) not in UNSENT


def _type(node: LexborNode, usual: str = "text") -> str:
    return (node.attributes.get("type") or usual).lower()


def _name(node: LexborNode) -> str:
    return node.attributes.get("name") or ""


def _value(node: LexborNode) -> str:
    return node.attributes.get("value") or ""


def _values(nodes: Iterable[LexborNode], name: str) -> list[str]:
    return [value for node in nodes if (value := node.attributes.get(name))]


def _absolute(references: Iterable[str], base: str) -> list[str]:
    urls = []
    for reference in references:
        try:
            url = urldefrag(urljoin(base, reference.strip())).url
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.hostname:
            urls.append(url)
    return list(dict.fromkeys(urls))

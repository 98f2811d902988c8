"""Check pages for accessibility: axe-core in headless Chromium, offline, without page scripts.

The page is loaded from the bytes that came, and nothing is fetched, so that its style sheets and
pictures of other addresses are not seen. Its own scripts could change what axe finds: they are
removed, and a policy in the page forbids those that are left, such as in ``srcdoc``. Pages of one
shape (elements, attributes and styles, whatever their text) are checked once. Needs the extra
``browser`` and the system's Chromium; without them a check says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from shutil import which
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from harness.model.facts import BrowserCheck
from harness.model.observation import Evidence
from probes.net.html_text import bounded, decode_text

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
"""The tags of axe's rules for WCAG 2.1 at level AA."""
PATIENCE = 60_000
"""Milliseconds after which a step of the browser counts as failed."""
_FLAGS = ("--disable-background-networking", "--disable-component-update", "--no-first-run")
_RUN = "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})"
_REQUIRE_OWN_DOCUMENT = """() => {
    const names = Object.getOwnPropertyNames(document).filter(name => name in Document.prototype);
    if (names.length) throw new Error(`an element of the page replaces document.${names[0]}`);
}"""
_NAMED = "form[name], img[name], embed[name], object[name], object[id], iframe[name], frame[name]"
"""Elements whose names become properties of ``document`` (WHATWG HTML, 3.1.7), which axe uses."""
_DIRECTIVES = "meta[http-equiv=refresh i], meta[http-equiv=content-security-policy i]"
_POLICY = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
"""Forbids every script of the page, of its frames and its links (CSP 3, 6.1.12 and 7.8)."""
_DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)
MOST_SHAPES, MOST_WAITING = 1000, 16
"""The most shapes whose results are kept, and the most that wait for the browser."""
_TEXT = re.compile(r">([^<]+)<")
_ADDRESS = re.compile(r"\b(?:href|src|action|value|content)\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)")


class BrowserChecks:
    """Checks each shape of a page once, one at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._checks: dict[str, asyncio.Task[BrowserCheck]] = {}
        self._thread = ThreadPoolExecutor(1, "browser-check")
        self._turn = asyncio.Lock()

    async def check(self, page: Evidence, patience: float) -> BrowserCheck | None:
        """Return what the browser found; None if it takes longer than ``patience`` seconds.

        The check then continues, and a later page of the same shape has its result. None also
        while too many shapes wait: a service may send another shape each time.
        """
        markup = static_markup(decode_text(page.body, page.media_type))
        shape = shape_of(markup)
        found = self._checks.pop(shape, None)
        if found is None:
            if sum(not each.done() for each in self._checks.values()) >= MOST_WAITING:
                return None
            found = asyncio.create_task(self._check(markup))
        self._checks[shape] = found  # insertion order: the shape that was seen last goes last
        if len(self._checks) > MOST_SHAPES:
            self._checks.pop(next(iter(self._checks))).cancel()
        await asyncio.wait({found}, timeout=max(0.0, patience))
        return found.result() if found.done() and not found.cancelled() else None

    async def _check(self, markup: str) -> BrowserCheck:
        """Check in the thread. Shapes wait here, as tasks, so that they end with the event loop."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, check_markup, markup)


def static_markup(markup: str) -> str:
    """Return a page without scripts, handlers, refreshes and names, and with our own policy."""
    tree = LexborHTMLParser(bounded(markup)[0])
    tree.strip_tags(["noscript", "script", "base"])
    for node in tree.css(_DIRECTIVES):
        node.decompose()
    for node in tree.css(_NAMED):
        for name in {"name", "id"} & {*node.attributes}:
            del node.attrs[name]
    for node in tree.css("*"):
        for name in [name for name in node.attributes if name.lower().startswith("on")]:
            del node.attrs[name]
    html = tree.html or ""
    kind = _DOCTYPE.match(html)
    start = kind.end() if kind else 0
    return html[:start] + _POLICY + html[start:]


def shape_of(markup: str) -> str:
    """Return a digest of a page's elements, attributes and styles; its text does not matter."""
    plain = _TEXT.sub(_without_text, _ADDRESS.sub("", markup))
    styles = (node.text() for node in LexborHTMLParser(markup).tags("style"))
    return hashlib.sha256("\n".join((plain, *styles)).encode()).hexdigest()


def _without_text(part: re.Match[str]) -> str:
    return ">T<" if part[1].strip() else part[0]


def check_markup(markup: str) -> BrowserCheck:
    """Load a page in Chromium and run axe on it."""
    try:
        playwright: Any = import_module("playwright.sync_api")
        script = import_module("axe_playwright_python.sync_playwright").Axe().axe_script
    except ImportError:
        return BrowserCheck(problem="no_extra")
    browser = next(filter(None, map(which, BROWSERS)), None)
    if browser is None:
        return BrowserCheck(problem="no_browser")
    try:
        with playwright.sync_playwright() as running:
            return _found_in(running.chromium, browser, markup, script)
    except playwright.Error as error:
        return BrowserCheck(problem="failed", detail=str(error).partition("\n")[0][:200])


def _found_in(chromium: Any, executable: str, markup: str, script: str) -> BrowserCheck:
    opened = chromium.launch(
        executable_path=executable,
        args=list(_FLAGS),
        chromium_sandbox=os.geteuid() != 0,  # Chromium refuses a sandbox to the superuser
    )
    try:
        context = opened.new_context(offline=True, service_workers="block")
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.set_content(markup, wait_until="domcontentloaded")
        page.evaluate(_REQUIRE_OWN_DOCUMENT)
        page.evaluate(script)
        found = page.evaluate(_RUN, list(RULES))
        return BrowserCheck(
            engine=f"axe-core {found['testEngine']['version']}, Chromium {opened.version}",
            violations=tuple(sorted(str(each["id"]) for each in found["violations"])),
        )
    finally:
        opened.close()

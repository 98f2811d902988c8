"""Check pages for accessibility: axe-core in headless Chromium, offline, without page scripts.

The page is loaded from the bytes that came, and nothing is fetched, so that its style sheets and
pictures of other addresses are not seen. Its own scripts are removed, because they could change
what axe finds. Pages of one shape (elements, attributes and styles, whatever their text) are
checked once. Needs the extra ``browser`` and the system's Chromium; without them a check says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from importlib import import_module
from shutil import which
from threading import Lock
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
_STYLE = re.compile(r"<style[^>]*>(.*?)</style", re.IGNORECASE | re.DOTALL)
_TEXT = re.compile(r">[^<]*[^\s<][^<]*<")
_ADDRESS = re.compile(r"\b(?:href|src|action|value|content)\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)")


class BrowserChecks:
    """Checks each shape of a page once, one at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._checks: dict[str, asyncio.Future[BrowserCheck]] = {}
        self._alone = Lock()

    async def check(self, page: Evidence, patience: float) -> BrowserCheck | None:
        """Return what the browser found; None if it takes longer than ``patience`` seconds.

        The check then continues, and a later page of the same shape has its result.
        """
        markup = static_markup(decode_text(page.body, page.media_type))
        shape = shape_of(markup)
        found = self._checks.get(shape)
        if found is None:
            found = asyncio.ensure_future(asyncio.to_thread(self._check_alone, markup))
            self._checks[shape] = found
        await asyncio.wait({found}, timeout=max(0.0, patience))
        return found.result() if found.done() else None

    def _check_alone(self, markup: str) -> BrowserCheck:
        with self._alone:
            return check_markup(markup)


def static_markup(markup: str) -> str:
    """Return a page without scripts, handlers and refreshes."""
    tree = LexborHTMLParser(bounded(markup)[0])
    tree.strip_tags(["noscript", "script", "base"])
    for node in tree.css("meta[http-equiv=refresh i]"):
        node.decompose()
    for node in tree.css("*"):
        for name in [name for name in node.attributes if name.lower().startswith("on")]:
            del node.attrs[name]
    return tree.html or ""


def shape_of(markup: str) -> str:
    """Return a digest of a page's elements, attributes and styles; its text does not matter."""
    plain = _TEXT.sub(">T<", _ADDRESS.sub("", markup))
    return hashlib.sha256("\n".join((plain, *_STYLE.findall(markup))).encode()).hexdigest()


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
        context = opened.new_context(offline=True, bypass_csp=True, service_workers="block")
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.set_content(markup, wait_until="domcontentloaded")
        page.evaluate(script)
        found = page.evaluate(_RUN, list(RULES))
        return BrowserCheck(
            engine=f"axe-core {found['testEngine']['version']}, Chromium {opened.version}",
            violations=tuple(sorted(str(each["id"]) for each in found["violations"])),
        )
    finally:
        opened.close()

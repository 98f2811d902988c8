"""People at browsers of their own, who walk through a hub; what goes wrong there is kept."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response

from test_suites.browser.story_hub import StoryHub

PATIENCE = 120_000
"""Milliseconds for each step; an idle machine needs less than a thousandth of it."""

FAILED_ANSWER = "Failed to load resource: the server responded with a status of "
"""How a browser tells of every refusal, such as that of a wrong password."""


class People:
    """Browsers of people by their addresses; the public's address is empty."""

    def __init__(self, hub: StoryHub, browser: Browser, core: str = "", **options: Any) -> None:
        self.hub = hub
        self.core = core
        """The source of axe-core, to check each page that is looked at; empty: none is checked."""
        self.faults: list[str] = []
        """What scripts, the console and the content security policy said, and what axe found."""
        self.asked: set[str] = set()
        """The origins of all requests."""
        self.refused: list[tuple[int, str]] = []
        """The answers that refused something: the status, and the path."""
        self._browser, self._options = browser, options
        self._contexts: dict[str, BrowserContext] = {}

    def page(self, email: str) -> Page:
        """The page of a person, in a browser of its own."""
        if email in self._contexts:
            return self._contexts[email].pages[0]
        context = self._browser.new_context(base_url=self.hub.url, **self._options)
        context.set_default_timeout(PATIENCE)
        self._contexts[email] = context
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.asked.add("/".join(request.url.split("/")[:3])))
        page.on("response", self._response)
        return page

    def close(self) -> None:
        """Close all browsers' windows."""
        for context in self._contexts.values():
            context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(FAILED_ANSWER):
            self.faults.append(f"{message.text} at {message.location}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.refused.append((response.status, response.url.removeprefix(self.hub.url)))

    def sign_in(self, email: str, password: str = "") -> Page:
        """Sign in by password, as far as the page that comes then."""
        page = self.page(email)
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(password or self.hub.passwords[email])
        press(page, "Sign in")
        return page

    def signed_in(self, email: str) -> Page:
        """The page of somebody who is signed in, at the overview or at what the role has first."""
        page = self.sign_in(email)
        page.get_by_role("button", name="Sign out").wait_for()
        return page

    def look(self, page: Page) -> None:
        """Check by axe-core what a page shows, if that is wanted."""
        if not self.core:
            return
        page.evaluate(self.core)
        found = page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(done => done.violations.map("
            "each => `${each.id}: ${each.nodes[0].html.slice(0, 160)}`))"
        )
        self.faults += [f"{page.url}: {each}" for each in found]


def press(page: Page | Locator, name: str) -> None:
    """Press the button with that name."""
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page | Locator, name: str, *, is_exact: bool = False) -> None:
    """Follow the first link with that name."""
    page.get_by_role("link", name=name, exact=is_exact).first.click()


def open_until(page: Page, path: str, shown: str) -> None:
    """Open a path again and again, until its page shows a text."""
    deadline = time.monotonic() + PATIENCE / 1000
    page.goto(path)
    while not page.get_by_text(shown).first.is_visible():
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.goto(path)

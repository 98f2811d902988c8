"""Checks of pages in a browser: what is loaded, what is checked once, and what is missing."""

from __future__ import annotations

import asyncio
import threading
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from harness.model.facts import BrowserCheck
from harness.model.observation import Evidence
from probes.clients import browser_check
from probes.clients.browser_check import BrowserChecks, check_markup, shape_of, static_markup

LONG = 60.0


def page(text: str) -> Evidence:
    return Evidence(media_type="text/html", body=f"<h1>Blocked</h1>{text}".encode())


POLICY = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'


def test_nothing_of_a_page_can_run() -> None:
    markup = static_markup(
        "<base href='http://x.test/'><meta http-equiv=refresh content='0; url=/'>"
        "<script>a</script><noscript>b</noscript><p onclick='c()' lang=en>d</p>"
        "<form name=body></form><img name=forms id=e><object id=links></object>"
    )
    rest = markup.removeprefix(POLICY)

    assert rest != markup
    assert '<p lang="en">d</p>' in rest
    assert not any(part in rest for part in ("script", "onclick", "refresh", "base", "name", "id="))


@pytest.mark.parametrize(
    ("start", "kept"),
    [
        ("<!doctype html><html a='<head>'>", "<!DOCTYPE html>"),
        ("<!-- <head> --><html>", ""),
        ("<html <head>", ""),
        ("<html><head><meta http-equiv=content-security-policy content='script-src *'>", ""),
    ],
)
def test_the_policy_stands_before_all_that_the_page_can_choose(start: str, kept: str) -> None:
    markup = static_markup(f"{start}<title>x</title><p>y")

    assert markup.startswith(kept + POLICY)
    assert markup.lower().count("content-security-policy") == 1


def test_no_shape_takes_long_to_find() -> None:
    """A search that begins anew at each tag takes minutes; the test's own limit stops it."""
    shown = f"<xmp>{'<style>' * 19_000}{'x' * 800_000}</xmp>"

    assert shape_of(static_markup(f"{shown}<p>one")) == shape_of(static_markup(f"{shown}<p>two"))


def test_pages_of_one_shape_differ_in_texts_and_addresses_alone() -> None:
    shape = shape_of("<style>p { color: red }</style><p>one <a href='/1'>x</a></p>")

    assert shape == shape_of("<style>p { color: red }</style><p>two <a href='/2'>y</a></p>")
    assert shape != shape_of("<style>p { color: tan }</style><p>one <a href='/1'>x</a></p>")
    assert shape != shape_of("<style>p { color: red }</style><p>one <a href='/1'></a></p>")


async def test_a_shape_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def check(markup: str) -> BrowserCheck:
        checked.append(markup)
        return BrowserCheck(engine=str(len(checked)))

    monkeypatch.setattr(browser_check, "check_markup", check)
    checks = BrowserChecks()
    found = [await checks.check(page(text), LONG) for text in ("<p>1", "<p>2", "<b>3")]

    assert [each and each.engine for each in found] == ["1", "1", "2"]


async def test_only_the_latest_shapes_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def check(markup: str) -> BrowserCheck:
        checked.append(markup)
        return BrowserCheck()

    monkeypatch.setattr(browser_check, "MOST_SHAPES", 2)
    monkeypatch.setattr(browser_check, "check_markup", check)
    checks = BrowserChecks()
    for text in ("<p>1", "<b>1", "<p>2", "<i>1", "<p>3", "<b>2"):
        await checks.check(page(text), LONG)

    assert len(checked) == 4


async def test_who_cannot_wait_gets_nothing_and_a_later_page_has_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_end = threading.Event()

    def check(_: str) -> BrowserCheck:
        may_end.wait(LONG)
        return BrowserCheck(engine="late")

    monkeypatch.setattr(browser_check, "check_markup", check)
    checks = BrowserChecks()
    assert await checks.check(page("<p>1"), -1) is None
    may_end.set()
    assert await checks.check(page("<p>2"), LONG) == BrowserCheck(engine="late")


async def test_no_more_shapes_wait_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, checked = threading.Event(), []

    def check(markup: str) -> BrowserCheck:
        may_end.wait(LONG)
        checked.append(markup)
        return BrowserCheck()

    monkeypatch.setattr(browser_check, "MOST_WAITING", 2)
    monkeypatch.setattr(browser_check, "check_markup", check)
    checks = BrowserChecks()
    for text in ("<p>", "<b>", "<i>", "<u>"):
        assert await checks.check(page(text), -1) is None
    may_end.set()

    assert await checks.check(page("<b>"), LONG) == BrowserCheck()
    assert len(checked) == 2
    assert await checks.check(page("<i>"), LONG) == BrowserCheck()


def test_shapes_that_wait_when_the_event_loop_ends_are_not_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has_begun, may_end, checked = threading.Event(), threading.Event(), []

    def check(markup: str) -> BrowserCheck:
        checked.append(markup)
        has_begun.set()
        may_end.wait(LONG)
        return BrowserCheck()

    monkeypatch.setattr(browser_check, "check_markup", check)
    checks = BrowserChecks()

    async def see() -> None:
        for text in ("<p>", "<b>", "<i>"):
            assert await checks.check(page(text), -1) is None
        await asyncio.to_thread(has_begun.wait, LONG)

    asyncio.run(see())
    may_end.set()
    checks._thread.shutdown()

    assert len(checked) == 1


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(browser_check, "import_module", missing)
    assert check_markup("<p>") == BrowserCheck(problem="no_extra")


class BrokenError(Exception):
    """What the library raises."""


def installed(name: str) -> Any:
    """A library whose browser cannot be started."""
    if name == "playwright.sync_api":

        def broken() -> None:
            raise BrokenError("no display\nand more")

        return SimpleNamespace(sync_playwright=broken, Error=BrokenError)
    if name == "axe_playwright_python.sync_playwright":
        return SimpleNamespace(Axe=lambda: SimpleNamespace(axe_script="axe"))
    return import_module(name)


def test_a_missing_or_broken_browser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_check, "import_module", installed)
    monkeypatch.setattr(browser_check, "which", lambda _: None)
    assert check_markup("<p>") == BrowserCheck(problem="no_browser")

    monkeypatch.setattr(browser_check, "which", lambda name: f"/usr/bin/{name}")
    assert check_markup("<p>") == BrowserCheck(problem="failed", detail="no display")

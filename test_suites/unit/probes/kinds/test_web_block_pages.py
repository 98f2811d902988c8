"""What web probes record of a page that may be a block page, and what they send for it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import BrowserCheck, PageDetails, WebFacts
from harness.model.marker import mark
from harness.model.observation import CONTROL, AttemptKey, Timings
from harness.ports.network import Attempt, Exchange, Origin, Request
from probes.clients import browser_check
from probes.kinds.web import NOTICE, Web, WebAccessibility, WebMarkup
from probes.net.page_details import MARKED_PATH

HOST = "gamb-001.canary.accredit.test"
ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)


class Blocking:
    """A line of a managed device that shows one page for everything."""

    origin = ORIGIN
    trusts_supplier = True

    def __init__(self, text: str = "Blocked") -> None:
        self.text = text
        self.urls: list[str] = []

    async def fetch(self, request: Request) -> Exchange:
        self.urls.append(request.url)
        body = f"<p>{self.text}</p>".encode()
        return Exchange(timings=Timings(total=0.1), status=403, body=body)


def attempt(*, marked: bool = True, line: str = "proxy", sensitivity: Any = "S0") -> Attempt:
    item = Item(id="a", value=HOST, labels=("GAMB",), sensitivity=sensitivity)
    key = AttemptKey(campaign="c", item="a", probe="web", line=line, profile="ks2")
    marker = mark(ORIGIN.key, key, HOST) if marked else None
    return Attempt(key=key, item=item, limits=Limits(), timeout=60.0, marker=marker)


async def details(probe: Any, this: Attempt, line: Any) -> PageDetails | None:
    seen = (await probe().try_item(this, line)).facts
    assert isinstance(seen, WebFacts)
    return seen.details


async def test_a_page_that_is_not_the_origins_is_recorded_in_detail() -> None:
    found = await details(Web, attempt(), Blocking())

    assert found is not None
    assert (found.text, found.managed, found.markup) == ("Blocked", True, "")


async def test_of_the_control_and_of_sensitive_items_nothing_is_recorded() -> None:
    assert await details(Web, attempt(line=CONTROL), Blocking()) is None
    assert await details(Web, attempt(sensitivity="S3"), Blocking()) is None


async def test_of_other_peoples_pages_only_short_ones_are_recorded() -> None:
    long = Blocking("x" * (NOTICE + 1))

    assert await details(Web, attempt(marked=False), long) is None
    assert await details(Web, attempt(), long) is not None
    assert await details(Web, attempt(marked=False), Blocking()) is not None


async def test_markup_is_sent_to_hosts_of_our_origin_alone() -> None:
    line = Blocking()
    found = await details(WebMarkup, attempt(), line)
    await details(WebMarkup, attempt(marked=False), line)

    assert line.urls == [f"http://{HOST}/{MARKED_PATH}", f"http://{HOST}/"]
    assert found is not None
    assert found.markup == "absent"


def test_an_entry_for_one_page_is_not_tried_with_markup() -> None:
    item = attempt().item

    assert WebMarkup().fits(item)
    assert not WebMarkup().fits(replace(item, kind="url", value=f"http://{HOST}/page"))


async def test_a_page_is_checked_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    check = BrowserCheck(engine="axe", violations=("label",))
    monkeypatch.setattr(browser_check, "check_markup", lambda _: check)
    found = await details(WebAccessibility, attempt(), Blocking())

    assert found is not None
    assert found.browser == check
    assert await details(WebAccessibility, attempt(line=CONTROL), Blocking()) is None

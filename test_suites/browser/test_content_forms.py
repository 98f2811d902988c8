"""A browser shows a reader the marker of a content page, in whatever form the page comes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from corpora.synthetic_sites import neutral_hosts
from harness.model.content_form import FORMS, PageContent
from probes.range.page_forms import NOT_SHOWN
from probes.range.testbed import RangeTestbed
from test_suites.browser.chromium import Page, browser_page
from test_suites.kit.processes.product import require

HOSTS = dict(zip(FORMS, neutral_hosts("browser", len(FORMS)), strict=True))
MARKER = "ACCREDIT-MARKER-DRUG-0000"
INVISIBLE = re.compile("[\u200b\u00ad]")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """A browser for which all names lead to the origin of a test range."""
    require("chromium")
    contents = {host: PageContent(code="DRUG", form=form) for form, host in HOSTS.items()}
    folder: Path = tmp_path_factory.mktemp("range")
    with RangeTestbed.running(folder, contents=contents) as world:
        port = world.origin.ports[443]
        flags = (f"--host-resolver-rules=MAP * 127.0.0.1:{port}", "--ignore-certificate-errors")
        async with browser_page(*flags) as opened:
            yield opened


async def shown(page: Page, form: str) -> str:
    """What a reader sees of the page in a form, without invisible characters."""
    await page.open(f"https://{HOSTS[form]}/")
    if form == "refresh":
        await page.loaded()
    return unicodedata.normalize("NFKC", INVISIBLE.sub("", await page.text()))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("form", [form for form in FORMS if form not in NOT_SHOWN])
async def test_the_marker_is_shown_to_a_reader(page: Page, form: str) -> None:
    assert MARKER in await shown(page, form)


@pytest.mark.asyncio(loop_scope="module")
async def test_keywords_are_not_shown(page: Page) -> None:
    text = await shown(page, "keywords")

    assert "Garden" in text or "hall" in text
    assert MARKER not in text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_of_no_stated_kind_is_saved(page: Page) -> None:
    answer = await page.call("Page.navigate", url=f"https://{HOSTS['octet-stream']}/")

    assert answer["isDownload"]

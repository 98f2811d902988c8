"""Block pages as axe sees them in Chromium, offline and without their scripts."""

from __future__ import annotations

from html import escape

import pytest

from probes.clients.browser_check import check_markup, static_markup
from probes.range.block_page_text import block_document
from test_suites.kit.processes.product import require

pytest.importorskip("playwright", reason="needs the extra: pip install 'isp-accredit[browser]'")
HOST = "gamb-001.canary.accredit.test"


@pytest.fixture(autouse=True)
def chromium() -> None:
    require("chromium")


def test_the_reference_filters_page_violates_nothing() -> None:
    found = check_markup(static_markup(block_document(HOST, "ILL.CSAM").decode()))

    assert found.problem == ""
    assert found.violations == ()
    assert found.engine.startswith("axe-core 4")


FORGING = (
    "Object.defineProperty(top, 'axe', {get: () => ({run: () => ({violations: [], testEngine: {}})}),"
    " set() {}}); top.document.body.remove()"
)
"""A script that replaces the tool and removes what is wrong."""


def framed(script: str) -> str:
    return f'<iframe title="a" srcdoc="{escape(f"<script>{script}</script>")}"></iframe>'


def test_what_is_wrong_is_named_and_a_page_cannot_hide_it() -> None:
    page = block_document(HOST, "GAMB", flaws=("language",)).decode()
    address = f"javascript:{escape(FORGING)}"
    hiding = (
        f"<script>{FORGING}</script>{framed(FORGING)}<iframe title='b' src=\"{address}\"></iframe>"
        f"<div><template shadowrootmode='open'><script>{FORGING}</script></template></div>"
        "<meta http-equiv='Content-Security-Policy' content=\"require-trusted-types-for 'script'\">"
        "<img name='documentElement' alt='x'><img name='querySelectorAll' alt='x'>"
    )
    bad = page.replace("</main>", f'<img src="x"><input><p style="color: #eee">Pale</p>{hiding}')

    found = check_markup(static_markup(bad))
    assert {"html-has-lang", "image-alt", "label", "color-contrast"} <= {*found.violations}


def test_a_page_that_replaces_what_the_tool_uses_is_not_checked() -> None:
    found = check_markup("<html lang='en'><title>x</title><img name='documentElement' alt='x'>")

    assert found.problem == "failed"
    assert "replaces document.documentElement" in found.detail

"""Block pages as axe sees them in Chromium, offline and without their scripts."""

from __future__ import annotations

import pytest

from probes.clients.browser_check import check_markup, static_markup
from probes.range.block_page_text import block_document
from test_suites.products.process import require

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


def test_what_is_wrong_is_named_and_a_page_cannot_hide_it() -> None:
    page = block_document(HOST, "GAMB", flaws=("language",)).decode()
    hiding = "<script>window.axe = {run: () => ({violations: []})}; document.body = null</script>"
    bad = page.replace("</main>", f'<img src="x"><input><p style="color: #eee">Pale</p>{hiding}')

    found = check_markup(static_markup(bad))
    assert {"html-has-lang", "image-alt", "label", "color-contrast"} <= {*found.violations}

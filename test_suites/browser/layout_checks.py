"""Checks of a page in a browser: accessible by axe-core, and nothing outside, cut off or covered."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from test_suites.browser.chromium import Page
from test_suites.kit.clocks.sizes import sized

WIDTHS = (320, 390, 600, 768, 1024, 1280, 1400)
SCREENS = sized(
    [(1280, "light"), (390, "dark")],
    [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")],
)
"""Each width and each colour scheme; in full size, each width in each scheme."""
UNFOLD = "document.querySelectorAll('details').forEach(each => each.open = true)"
BROKEN = """
[...document.querySelectorAll('td, th, dd, p, h3')].filter(each => {
  const line = parseFloat(getComputedStyle(each).lineHeight);
  const box = each.getBoundingClientRect();
  return each.checkVisibility() && !each.closest('.hidden, thead') && box.height > 8 * line && box.width < 60;
}).map(each => each.outerHTML.slice(0, 120))
"""
"""Texts in columns so narrow that their words are broken."""
WIDER = """
[...document.querySelectorAll('body *')].filter(each =>
    each.checkVisibility() && !each.closest('.hidden, .scrolls, svg') && each.getBoundingClientRect().right > innerWidth + 1
).map(each => each.outerHTML.slice(0, 120))
"""
CLIPPED = """
[...document.querySelectorAll('body *')].filter(each =>
    each.checkVisibility() && !each.closest('.hidden, .scrolls, svg, input') &&
    getComputedStyle(each.closest('thead') || each).clipPath === 'none' && getComputedStyle(each).overflowX !== 'visible'
    && each.scrollWidth > each.clientWidth + 1
).map(each => each.outerHTML.slice(0, 120))
"""
OVERLAPS = """
(() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const boxes = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.textContent.trim() || !node.parentElement.checkVisibility()) continue;
    let parent = node.parentElement;
    while (parent && getComputedStyle(parent).clipPath === 'none') parent = parent.parentElement;
    if (parent) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      if (box.width > 2 && box.height > 2) boxes.push([box, node.textContent.trim().slice(0, 40)]);
  }
  boxes.sort(([one], [other]) => one.top - other.top);
  const found = [];
  boxes.forEach(([one, said], at) => {
    for (let next = at + 1; next < boxes.length && boxes[next][0].top < one.bottom; next++) {
      const [other, says] = boxes[next];
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (across > 2 && down > 0.4 * Math.min(one.height, other.height)) found.push([said, says]);
    }
  });
  return found;
})()
"""
GAP = """
(() => {
  const ends = [...document.querySelectorAll('p, h1, h2, h3, li, tr, summary, dd')]
    .filter(each => each.checkVisibility() && !each.closest('.hidden')).map(each => each.getBoundingClientRect())
    .filter(box => box.height).map(box => [box.top, box.bottom]).sort((a, b) => a[0] - b[0]);
  let last = 0, widest = 0;
  for (const [top, bottom] of ends) { widest = Math.max(widest, top - last); last = Math.max(last, bottom); }
  return widest;
})()
"""


def axe() -> str:
    """The source of axe-core, which a package for tests brings."""
    found = find_spec("axe_selenium_python")
    if found is None or found.origin is None:
        if os.environ.get("CI") == "true":
            pytest.fail("axe_selenium_python is missing: pip install --group test")
        pytest.skip("axe_selenium_python, which brings axe-core, is not installed")
    core = Path(found.origin).parent / "node_modules/axe-core/axe.min.js"
    return core.read_text(encoding="utf-8")


async def violations(page: Page, core: str) -> list[Any]:
    """What axe-core finds in a page, which it reads once."""
    await page.call("Page.setBypassCSP", enabled=True)
    if await page.run("typeof axe") != "object":
        await page.run(core)
    found = await page.run(
        "axe.run(document, {resultTypes: ['violations']}).then(result => result.violations.map("
        "each => [each.id, each.nodes.map(node => node.html.slice(0, 160)).slice(0, 3)]))"
    )
    assert isinstance(found, list)
    return found

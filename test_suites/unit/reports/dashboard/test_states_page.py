"""The six states: a sign, a word and a colour each, on every page, with enough contrast."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from harness.store.hub.repository import Repository
from reports.dashboard.pages.states import STATES
from reports.dashboard.static_files import REPORTS
from test_suites.kit.hubs.hub_page_sets import PAGE_SETS
from test_suites.kit.hubs.hub_pages import example_routes, example_viewers, filled_registry
from test_suites.kit.hubs.hub_serving import Asker, app_of
from test_suites.kit.hubs.state_marks import STATES as MARKED
from test_suites.kit.hubs.state_marks import states_by_colour_alone

TOKEN = re.compile(r"--([a-z-]+): (#[0-9a-f]{3,6})")
TEXT, GRAPHIC = 4.5, 3.0
"""The least contrast of text, and of graphics and edges of controls (WCAG 2.2, 1.4.3, 1.4.11)."""

TEXTS = (
    ("ink", "ground"), ("ink", "panel"), ("note", "ground"), ("note", "panel"),
    ("link", "ground"), ("link", "panel"), ("good", "ground"), ("good", "good-wash"),
    ("bad", "ground"), ("bad", "bad-wash"), ("unsure", "ground"), ("unsure", "unsure-wash"),
    ("none", "ground"), ("none", "none-wash"), ("silent", "ground"), ("silent", "silent-wash"),
    ("ground", "ink"), ("on-bar", "bar"), ("on-bad", "bad"), ("note", "bad-wash"),
    ("ink", "bad-wash"), ("link", "bad-wash"), ("ink", "silent-wash"), ("ink", "unsure-wash"),
    ("note", "none-wash"), ("note", "unsure-wash"), ("note", "silent-wash"), ("ground", "link"),
)  # fmt: skip
GRAPHICS = (
    ("edge", "ground"), ("edge", "panel"), ("focus", "ground"), ("focus", "panel"),
    ("good-fill", "ground"), ("bad-fill", "ground"), ("unsure-fill", "ground"),
    ("data", "ground"), ("silent", "ground"),
)  # fmt: skip


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    with filled_registry(tmp_path_factory.mktemp("hub")) as registry:
        yield Asker(app_of(registry, example_routes(Repository(registry)), example_viewers()))


def tokens() -> tuple[dict[str, str], dict[str, str]]:
    """The colours for light and for dark screens."""
    sheet = (REPORTS / "documents/report.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[:2]
    return dict(TOKEN.findall(light)), dict(TOKEN.findall(dark))


def luminance(colour: str) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_that_of_the_standard() -> None:
    assert 21 == pytest.approx(contrast("#000", "#ffffff"))
    assert 4.54 == pytest.approx(contrast("#767676", "#fff"), abs=0.01)


@pytest.mark.parametrize("colours", tokens(), ids=("light", "dark"))
def test_text_and_graphics_have_enough_contrast(colours: dict[str, str]) -> None:
    for one, other in TEXTS:
        assert contrast(colours[one], colours[other]) >= TEXT, (one, other)
    for one, other in GRAPHICS:
        assert contrast(colours[one], colours[other]) >= GRAPHIC, (one, other)
    assert contrast("#ffffff", colours["bar"]) >= TEXT


def test_light_and_dark_have_the_same_tokens() -> None:
    light, dark = tokens()

    assert set(light) == set(dark)


def test_the_page_shows_each_state_and_what_it_asks(asker: Asker) -> None:
    page = LexborHTMLParser(asker.get("/states").text)

    chips = [each.text(strip=True) for each in page.css("tbody th .chip")]
    assert [
        "Conforms", "Does not conform", "Insufficient", "No data", "Probe silent", "Suspended",
    ] == chips  # fmt: skip
    assert list(MARKED) == [row.state for row in STATES]
    signs = [each.attributes["d"] for each in page.css("tbody th .chip path")]
    assert 6 == len(set(signs))


@pytest.mark.parametrize("name", PAGE_SETS)
def test_no_state_is_told_by_colour_alone_on_any_page(name: str, tmp_path: Path) -> None:
    with PAGE_SETS[name](tmp_path) as made:
        for shown in made.pages:
            answer = Asker(made.app).get(shown.path, shown.role)

            assert 200 == answer.status_code, shown
            assert [] == states_by_colour_alone(answer.text), shown


@pytest.mark.parametrize(
    "html",
    [
        '<p class="conforms">98 %</p>',
        '<span class="chip silent"><svg class="icon"></svg></span>',
        '<p><svg><rect class="does-not-conform"/></svg></p>',
        '<p><svg aria-hidden="true"><rect class="stopped"/></svg></p>',
        '<svg role="img"><rect class="insufficient"/></svg>',
    ],
)
def test_a_state_without_a_sign_or_a_word_is_found(html: str) -> None:
    assert 1 == len(states_by_colour_alone(f"<body>{html}</body>"))


def test_a_sign_with_a_word_is_enough() -> None:
    told = '<b class="chip conforms"><svg class="icon"></svg>Conforms</b>'
    drawn = '<svg role="img" aria-label="Accredited"><rect class="conforms"/></svg>'

    assert [] == states_by_colour_alone(f"<body>{told}{drawn}</body>")

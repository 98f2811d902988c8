"""The pages of metrics and formats are what the registries hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from test_suites.documentation.architecture_picture import LAYERS, PICTURE, imports, picture
from test_suites.documentation.registry_pages import PAGES

ROOMS = {"reports", "probes", "corpora"}


@pytest.mark.parametrize(("path", "make"), PAGES.items(), ids=[path.name for path in PAGES])
def test_the_page_is_the_registry_s(path: Path, make: Callable[[], str]) -> None:
    assert make() == path.read_text(encoding="utf-8")


def test_the_picture_shows_the_imports_as_they_are() -> None:
    assert picture() == PICTURE.read_text(encoding="utf-8")


def test_no_room_imports_one_above_it_and_there_are_few_edges() -> None:
    row = {room: number for number, layer in enumerate(LAYERS) for room in layer}
    edges = imports()

    assert [] == [(one, other) for one, other in sorted(edges) if row[one] > row[other]]
    assert 50 >= sum("cli" not in edge and not {*edge} & ROOMS for edge in edges)

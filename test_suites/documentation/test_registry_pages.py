"""The pages of metrics and formats are what the registries hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from test_suites.documentation.registry_pages import PAGES


@pytest.mark.parametrize(("path", "make"), PAGES.items(), ids=[path.name for path in PAGES])
def test_the_page_is_the_registry_s(path: Path, make: Callable[[], str]) -> None:
    assert make() == path.read_text(encoding="utf-8")

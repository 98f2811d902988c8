"""The accreditation suite in a folder of its own, over the example assessment."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites import plugin
from test_suites.kit.campaigns.example import example_assessment

SUITE = Path(plugin.__file__).parent / "accreditation" / "test_requirements.py"
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\naddopts = --strict-markers\n"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the accreditation suite in it."""
    pytester.makeini(INI)
    (pytester.path / "test_requirements.py").write_text(SUITE.read_text())
    return pytester


@pytest.fixture
def concluded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str | None]]:
    """Concluding gives the example; the list holds what was asked for."""
    asked: list[tuple[Path, str | None]] = []

    def conclude(path: Path, scheme: str | None) -> object:
        asked.append((path, scheme))
        return example_assessment()

    monkeypatch.setattr(plugin, "_conclude", conclude)
    return asked

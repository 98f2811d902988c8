"""Walks the registries: whatever is registered has its docs, its words and a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from harness.cli.list_plugins import TABLES
from harness.judge.rules.order import JUDGED_FACTS, MEASURED_FACTS, READ_FACTS
from harness.model.facts import KINDS
from harness.model.metric_spec import IMPLEMENTED
from harness.plugins import PROBES
from test_suites.kit.rooms import ROOT

PAGES = {
    "probes": "docs/reference/probes.md",
    "lines": "docs/reference/lines.md",
    "importers": "docs/reference/formats.md",
    "exporters": "docs/reference/formats.md",
    "documents": "docs/reference/formats.md",
}


def registered() -> Iterator[tuple[str, str, object]]:
    for table in TABLES:
        for name, plugin in table.load().items():
            yield table.kind, name, plugin


@pytest.mark.parametrize(("kind", "name", "plugin"), list(registered()))
def test_each_plug_in_has_a_docstring_and_a_place_in_the_docs(
    kind: str, name: str, plugin: Callable[..., object]
) -> None:
    assert plugin.__doc__, f"{kind} {name}"
    assert f"`{name}`" in Path(ROOT / PAGES[kind]).read_text(encoding="utf-8")


@cache
def texts_of_tests() -> str:
    paths = {
        *(ROOT / "test_suites").rglob("test_*.py"),
        *(ROOT / "test_suites/calibration").rglob("*.py"),
        *(ROOT / "test_suites/calibration").rglob("*.yaml"),
    }
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths))


@pytest.mark.parametrize(("kind", "name", "plugin"), list(registered()))
def test_each_plug_in_is_used_by_a_test(kind: str, name: str, plugin: object) -> None:
    del kind
    quoted = (f'"{name}"', f"'{name}'", getattr(plugin, "__name__", name))

    assert any(word in texts_of_tests() for word in quoted)


def test_each_probe_leaves_facts_that_have_rules() -> None:
    for name, make in PROBES.load().items():
        declares = make().declares
        is_measured = declares.facts in MEASURED_FACTS and not declares.counts
        assert is_measured or declares.facts in JUDGED_FACTS, name
    assert set(KINDS) == JUDGED_FACTS | READ_FACTS | MEASURED_FACTS


@pytest.mark.parametrize("spec", IMPLEMENTED, ids=lambda spec: spec.name)
def test_each_metric_that_can_be_taken_has_words_and_a_row_in_the_docs(spec: object) -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    name = getattr(spec, "name", "")

    assert getattr(spec, "words", "")
    assert f"| `{name}` |" in page

"""Plug-in tables: found by name, typed by kind, and loud where one is broken."""

from __future__ import annotations

import importlib.metadata
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpora.importers import LIST_IMPORTERS
from harness.cli.list_plugins import TABLES
from harness.errors import UsageError
from harness.interop import MEASUREMENT_IMPORTERS
from harness.plugins import PROBES, PluginTable, _registered_in


@pytest.fixture(autouse=True)
def _fresh_tables() -> Iterator[None]:
    """Load the tables first, then forget what a test registers: a module is imported once."""
    every = [table for tables in PluginTable.tables.values() for table in tables]
    before = [(table, table.load()) for table in every]
    PROBES.is_loaded = False
    yield
    for table, plugins in before:
        table.registered, table.is_loaded = plugins, True


def scratch_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, kind: str = "probes"
) -> None:
    """Install a package of one module and one entry-point line, as pip would."""
    (tmp_path / "scratch_plugin.py").write_text(source)
    info = tmp_path / "scratch_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scratch-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[accredit.{kind}]\nscratch = scratch_plugin\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "scratch_plugin", raising=False)
    importlib.invalidate_caches()


PROBE = """
from harness.model.probe import ProbeDeclaration
from harness.plugins import PROBES

@PROBES.register("scratch")
class Scratch:
    '''A probe from another package.'''
    declares = ProbeDeclaration(needs="fetch", facts="web")
"""

IMPORTER = """
from corpora.source import host_entry
from corpora.importers import LIST_IMPORTERS

@LIST_IMPORTERS.register("scratch")
def read_scratch(source):
    '''One host a line.'''
    for line in source.lines():
        yield host_entry(source.line_label(line.number), line.text, "exact")
"""


def test_a_probe_of_another_package_needs_one_entry_point_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, PROBE)

    found: Any = PROBES.find("scratch")

    assert "fetch" == found.declares.needs


def test_an_importer_of_another_package_reads_what_its_table_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, IMPORTER, "importers")
    LIST_IMPORTERS.is_loaded = MEASUREMENT_IMPORTERS.is_loaded = False

    with pytest.raises(
        UsageError, match=r"no importer 'scratch' for measurements \(it is for lists\)"
    ):
        MEASUREMENT_IMPORTERS.find("scratch")
    assert "read_scratch" == LIST_IMPORTERS.find("scratch").__name__


def test_summaries_say_what_the_loaded_plug_ins_say() -> None:
    for table in TABLES:
        expected = [
            (name, (inspect.getdoc(plugin) or "").partition("\n")[0], plugin.__module__)
            for name, plugin in table.load().items()
        ]
        table.registered = {}  # the fixture restores it

        assert expected == table.summaries()
        assert {} == table.registered, "a built-in plug-in was imported"


def test_a_plug_in_without_a_docstring_is_listed_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare_plugin.py").write_text(
        '@T.register("bare")\nclass Bare:\n    text = ("""a {\n(""",)\n\n\n'
        '@T.register("told")\ndef told():\n    """Says what it is."""\n'
    )
    monkeypatch.syspath_prepend(tmp_path)

    listed = [(each.name, each.about) for each in _registered_in("bare_plugin")]
    assert listed == [("bare", ""), ("told", "Says what it is.")]


def test_installed_packages_are_searched_once_for_all_kinds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searches: list[dict[str, Any]] = []

    def search(**words: Any) -> Any:
        searches.append(words)
        return importlib.metadata.entry_points(**words)

    monkeypatch.setattr("harness.plugins.entry_points", search)
    monkeypatch.setattr(sys, "path", [*sys.path, "/nowhere"])  # what was found before is not known
    for table in TABLES:
        table.summaries()

    assert len(searches) == 1


def test_a_plug_in_of_another_package_is_summarised_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, PROBE)

    assert ("scratch", "A probe from another package.", "scratch_plugin") in PROBES.summaries()


def test_a_summary_of_a_name_that_is_taken_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, PROBE.replace('"scratch"', '"web"'))
    entry = tmp_path / "scratch_plugin-1.0.dist-info/entry_points.txt"
    entry.write_text("[accredit.probes]\nweb = scratch_plugin\n")
    PROBES.registered = {}  # as in a new process, which has imported no probe yet
    monkeypatch.delitem(sys.modules, "probes.kinds.web")

    with pytest.raises(UsageError, match="probe 'web' is already taken by"):
        PROBES.summaries()


def test_a_plug_in_of_another_package_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, "1 / 0")

    with pytest.raises(
        UsageError,
        match="probe 'scratch' of package 'scratch-plugin' does not load: ZeroDivisionError",
    ):
        PROBES.load()


def test_an_entry_point_that_registers_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, "")

    with pytest.raises(UsageError, match=r"group 'accredit\.probes' .* did not register 'scratch'"):
        PROBES.load()


def test_an_unknown_name_tells_what_is_known() -> None:
    with pytest.raises(UsageError, match=r"no probe 'telepathy'; known: .*dns.*web"):
        PROBES.find("telepathy")


def test_a_format_of_the_other_sort_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"no importer 'squid' for measurements \(it is for lists\)"
    ):
        MEASUREMENT_IMPORTERS.find("squid")
    with pytest.raises(
        UsageError, match=r"no importer 'ooni' for lists \(it is for measurements\)"
    ):
        LIST_IMPORTERS.find("ooni")


def test_a_name_is_taken_once_in_all_tables_of_a_kind() -> None:
    def one(line: bytes) -> Any:
        raise NotImplementedError

    MEASUREMENT_IMPORTERS.register("double")(one)

    assert one is MEASUREMENT_IMPORTERS.register("double")(one)
    with pytest.raises(UsageError, match=r"importer 'double' is already taken by .*one"):
        LIST_IMPORTERS.register("double")(lambda source: iter(()))
    with pytest.raises(UsageError, match="importer 'squid' is already taken by corpora"):
        MEASUREMENT_IMPORTERS.register("squid")(one)

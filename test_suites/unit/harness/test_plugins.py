"""The book of plug-ins: one way in, one name once, loud on failure."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from harness import plugins
from harness.errors import UsageError
from harness.plugins import find, load, register


@pytest.fixture(autouse=True)
def _fresh_book(monkeypatch: pytest.MonkeyPatch) -> None:
    load("probes")  # a module signs in but once, and the book of this test is thrown away
    monkeypatch.setattr(
        plugins, "_book", {kind: dict(names) for kind, names in plugins._book.items()}
    )
    monkeypatch.setattr(plugins, "_loaded", set())


def scratch_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, entry: str
) -> None:
    """Install a package of one module and one entry-point line, as pip would."""
    (tmp_path / "scratch_probe.py").write_text(source)
    info = tmp_path / "scratch_probe-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scratch-probe\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[accredit.probes]\n{entry}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "scratch_probe", raising=False)
    importlib.invalidate_caches()
    assert any(each.name == "scratch-probe" for each in Distribution.discover(path=[str(tmp_path)]))


GOOD = """
from harness.plugins import register

@register("probes", "scratch")
class Scratch:
    '''A probe of somebody else's.'''
    asks = "fetch"
"""


def test_a_third_party_probe_needs_one_entry_point_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, GOOD, "scratch = scratch_probe")

    assert "fetch" == find("probes", "scratch").asks


def test_a_foreign_plug_in_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, "1 / 0", "scratch = scratch_probe")

    with pytest.raises(
        UsageError,
        match="probe 'scratch' of package 'scratch-probe' does not load: ZeroDivisionError",
    ):
        load("probes")


def test_a_foreign_plug_in_that_never_signs_in_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch_package(tmp_path, monkeypatch, "", "scratch = scratch_probe")

    with pytest.raises(UsageError, match="never signed"):
        load("probes")


def test_an_unknown_name_tells_what_is_known() -> None:
    with pytest.raises(UsageError, match=r"no probe 'telepathy'; known: .*dns.*web"):
        find("probes", "telepathy")


def test_an_unknown_kind_tells_what_is_known() -> None:
    with pytest.raises(UsageError, match=r"no plug-in kind 'wands'; known: .*lines.*probes"):
        load("wands")
    with pytest.raises(UsageError, match="no plug-in kind 'wands'"):
        register("wands", "x")


def test_a_name_is_taken_once() -> None:
    class One:
        pass

    class Other:
        pass

    register("probes", "double")(One)

    with pytest.raises(UsageError, match="probes 'double' is already taken by"):
        register("probes", "double")(Other)
    assert One is register("probes", "double")(One)

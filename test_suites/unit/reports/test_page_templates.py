"""Templates are compiled once for all processes, and pages come out where nothing can be kept."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import pytest
from jinja2.bccache import Bucket

from reports.page_templates import CompiledTemplates, page_environment


class Counted(CompiledTemplates):
    """Counts the templates that were found compiled."""

    found = 0

    def load_bytecode(self, bucket: Bucket) -> None:
        super().load_bytecode(bucket)
        self.found += bucket.code is not None


def _page(kept: CompiledTemplates, text: str = "{{ 1 + name }}") -> str:
    page = jinja2.Environment(
        loader=jinja2.DictLoader({"page": text}), autoescape=True, bytecode_cache=kept
    )
    return page.get_template("page").render(name=1)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python keeps what it compiles, whatever the environment of the tests says."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.mark.usefixtures("writes")
def test_a_template_is_compiled_once(tmp_path: Path) -> None:
    kept = Counted(tmp_path)
    assert ["2", "2"] == [_page(kept), _page(kept)]
    assert 1 == kept.found
    (file,) = tmp_path.iterdir()
    assert jinja2.__version__ in file.name


@pytest.mark.usefixtures("writes")
def test_a_template_that_changed_is_compiled_again(tmp_path: Path) -> None:
    kept = Counted(tmp_path)
    assert ["2", "3"] == [_page(kept), _page(kept, "{{ 2 + name }}")]
    assert not kept.found


@pytest.mark.usefixtures("writes")
def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    assert "2" == _page(CompiledTemplates(no_folder))


def test_nothing_is_kept_when_python_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert "2" == _page(CompiledTemplates(tmp_path))
    assert not [*tmp_path.iterdir()]


def test_a_page_escapes_and_misses_no_name(tmp_path: Path) -> None:
    (tmp_path / "page.j2").write_text("{{ name }}", encoding="utf-8")
    page = page_environment(tmp_path).get_template("page.j2")
    assert "&lt;b&gt;\\x07\n" == page.render(name="<b>\x07\n")
    with pytest.raises(jinja2.UndefinedError):
        page.render()

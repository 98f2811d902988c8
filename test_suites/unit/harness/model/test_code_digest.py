"""Every module and every data file that judging reaches is in its digest, wherever it lies."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.code_digest import ROOT, digest_of_code, reached_files

HARNESS = ROOT / "harness"
JUDGING = ("harness.judge", "harness.verdicts")


ROOMS = ("judge", "model", "ports", "store", "untrusted", "verdicts")
"""The rooms that judging reaches into."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the rooms, for changes."""
    copied = tmp_path / "harness"
    for room in ROOMS:
        shutil.copytree(HARNESS / room, copied / room, ignore=shutil.ignore_patterns("*.pyc"))
    for path in HARNESS.glob("*.*"):
        shutil.copy(path, copied)
    return tmp_path


def digest(root: Path, *packages: str) -> str:
    """The digest as a new process computes it."""
    digest_of_code.cache_clear()
    return digest_of_code(*packages or JUDGING, root=root)


def test_a_copy_has_the_same_digest_wherever_it_lies(root: Path) -> None:
    assert digest(root) == digest(ROOT)


@pytest.mark.parametrize(
    "name",
    [
        "judge/judge.py",
        "judge/rules/web.py",
        "judge/signatures.toml",
        "judge/vocabulary.toml",
        "judge/block_page_words.toml",
        "judge/rules/__init__.py",
        "model/observation.py",
        "model/facts.py",
        "model/__init__.py",
        "ports/judging.py",
        "untrusted/visible_text.py",
        "errors.py",
        "__init__.py",
    ],
)
def test_a_change_of_what_judging_reaches_changes_the_version_of_the_rules(
    root: Path, name: str
) -> None:
    before = digest(root, "harness.judge")
    with (root / "harness" / name).open("a") as file:
        file.write("\n# another\n")

    assert digest(root, "harness.judge") != before


def test_an_entry_less_in_a_set_of_failures_is_another_judge(root: Path) -> None:
    before = digest(root, "harness.judge")
    path = root / "harness/model/observation.py"
    text = path.read_text(encoding="utf-8")
    changed = text.replace('TIMEOUTS = frozenset({"generic_timeout_error", "timed_out"})',
                           'TIMEOUTS = frozenset({"timed_out"})')  # fmt: skip
    assert changed != text
    path.write_text(changed, encoding="utf-8")

    assert digest(root, "harness.judge") != before


@pytest.mark.parametrize("name", ["judge/deeper/rules.py", "judge/rules/far/below/data.toml"])
def test_a_new_file_in_a_new_folder_below_the_judge_counts(root: Path, name: str) -> None:
    before = digest(root)
    path = root / "harness" / name
    path.parent.mkdir(parents=True)
    path.write_text("first = 1\n")
    added = digest(root)
    path.write_text("first = 2\n")

    assert len({before, added, digest(root)}) == 3


def test_a_module_that_is_put_between_two_others_counts_with_its_data(root: Path) -> None:
    """The judge imports a module elsewhere, in brackets over lines, inside a function."""
    new = root / "harness/measure/fresh/words.py"
    new.parent.mkdir(parents=True)
    (new.parent / "__init__.py").write_text("")
    new.write_text("A = 1\n")
    (new.parent / "words.toml").write_text("a = 1\n")
    before = digest(root)
    with (root / "harness/judge/polls.py").open("a") as file:
        file.write(
            "\ndef more() -> None:\n    from harness.measure.fresh import (\n        words,\n    )\n"
        )

    steps = [before, digest(root)]
    new.write_text("A = 2\n")
    steps.append(digest(root))
    (new.parent / "words.toml").write_text("a = 2\n")

    assert len({*steps, digest(root)}) == 4


def test_what_judging_does_not_reach_changes_nothing(root: Path) -> None:
    before = digest(root)
    for name in ("pipeline.py", "model/hub_access.py", "model/certificate.py", "store/bundle.py"):
        with (root / "harness" / name).open("a") as file:
            file.write("\n# another\n")
    (root / "harness/judge/.hidden").write_text("of an editor")
    (root / "harness/judge/__pycache__").mkdir(exist_ok=True)
    (root / "harness/judge/__pycache__/judge.pyc").write_bytes(b"x")

    assert digest(root) == before


def test_each_module_that_the_syntax_of_python_reaches_is_found() -> None:
    """Against the compiler's own reading of every import."""
    found = reached_files(JUDGING)
    waiting = [path for path in found if path.is_relative_to(HARNESS / "judge")]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path.suffix != ".py" or path in seen:
            continue
        seen.add(path)
        waiting += _imports(path)

    assert len(seen) > 100
    assert seen <= found


def _imports(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
        for name in names:
            place = ROOT.joinpath(*name.split("."))
            yield from filter(Path.is_file, (place.with_suffix(".py"), place / "__init__.py"))


def test_judging_reaches_nothing_outside_the_package() -> None:
    rooms = {"corpora", "probes", "reports", "test_suites"}
    for path in reached_files(JUDGING):
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_bytes())):
                name = node.module if isinstance(node, ast.ImportFrom) else ""
                assert (name or "").partition(".")[0] not in rooms, path

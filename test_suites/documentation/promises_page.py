"""``docs/reference/promises.md``: each promise, the test that guards it, and what turns it red."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path

from test_suites.mutations.entry import Entry, read_entries

ROOT = Path(__file__).parents[2]
CALIBRATION = ROOT / "test_suites/calibration"
LONGEST = 90
"""Characters of a line of code that are shown."""

HEAD = """\
# Promises and their tests

What the product promises, where it is guarded, and a change to the code that is known to turn that test red
(`python -m test_suites.mutations.run --only NUMBER`; all of them: `tox run -e mutations`). A test that is taken out has to
leave its promise guarded here. This page is made from `test_suites/mutations/mutations.toml` and from the
calibration suites by `test_suites/documentation/promises_page.py`.

"""


def promises_page() -> str:
    """The page: by the folder of what was changed, then the calibration suites."""
    by_folder: defaultdict[str, list[tuple[int, Entry]]] = defaultdict(list)
    for number, entry in enumerate(read_entries(), 1):
        by_folder[entry.file.rpartition("/")[0]].append((number, entry))
    parts = [HEAD]
    for folder, entries in sorted(by_folder.items()):
        parts.append(
            f"## `{folder}`\n\n| | promise | change | red | suite |\n|---|---|---|---|---|\n"
        )
        parts += [_row(number, entry) for number, entry in entries]
        parts.append("\n")
    parts.append(
        "## Services, products and situations with a known answer\n\n"
        "Each suite measures them with whole campaigns; [hostile services](hostile-services.md) and\n"
        "[scenarios](scenarios.md) are listed on pages of their own.\n\n| promise | suite |\n|---|---|\n"
    )
    parts += [f"| {_first_line(path)} | `{path.relative_to(ROOT)}` |\n" for path in _suites()]
    return "".join(parts)


def _suites() -> Iterable[Path]:
    return sorted(CALIBRATION.rglob("test_*.py"))


def _first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def _row(number: int, entry: Entry) -> str:
    tests = ", ".join(f"`{test.partition('::')[2] or test}`" for test in entry.test)
    suites = {test.partition("::")[0].removeprefix("test_suites/") for test in entry.test}
    shown = ", ".join(f"`{suite}`" for suite in sorted(suites))
    name = entry.file.rpartition("/")[2]
    return f"| {number} | {_cell(entry.why)} | `{name}`: {_change(entry)} | {tests} | {shown} |\n"


def _change(entry: Entry) -> str:
    """The first line that differs, before and after."""
    for before, after in zip_longest(entry.before.splitlines(), entry.after.splitlines()):
        if before != after:
            return f"{_code(before)} → {_code(after)}"
    return "another end of a line"


def _code(line: str | None) -> str:
    text = (line or "").strip()
    if not text:
        return "nothing"
    text = text if len(text) <= LONGEST else text[:LONGEST] + " …"
    return f"`` {_cell(text)} ``" if "`" in text else f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

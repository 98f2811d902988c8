"""Each reason that the code can give for *insufficient* has its row in the guide."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from harness.estimate.plain_twins import SAME_FOR_PUPILS
from harness.judge import sentinels
from harness.model.metric import CANNOT_DECIDE, CANNOT_MEASURE, PEOPLE_JUDGE
from test_suites.kit.rooms import ROOT

PAGE = ROOT / "docs/how-to/when-it-says-insufficient.md"
TEXT = " ".join(PAGE.read_text(encoding="utf-8").split())
GIVERS = {
    "harness/model/coverage.py": (
        "shortfall", "pooled_shortfall", "_too_few", "_too_small_sample", "shortfalls",
        "_falling_short", "undecided", "left_out", "census_gaps",
    ),
    "harness/assess/outcomes.py": (
        "_assess_one", "_ruling", "_sequential_ruling", "_rule", "_item_by_item", "_gate", "_too_few",
        "_nothing", "bar_incomplete",
    ),
    "harness/estimate/early_stopping_outcomes.py": ("_splits_domains", "_stop_reason", "_result"),
    "harness/estimate/estimate.py": ("_untried_phases",),
    "harness/estimate/gate_metrics.py": ("_lacking", "_commitment_faults"),
    "harness/estimate/line_metrics.py": ("_lateness",),
    "harness/model/gate.py": ("named_gate",),
}  # fmt: skip
"""The functions that give reasons; what they return is walked below."""

NO_REASONS = {"to fail", "which shows"}
"""Parts of the decision rule and of what was found, which the same functions return."""


def sentences(node: ast.AST) -> Iterator[str]:
    """The longest fixed part of each text in a function, but for its docstring."""
    for child in ast.walk(node):
        if isinstance(child, ast.JoinedStr):
            parts = [p.value for p in child.values if isinstance(p, ast.Constant)]
            yield max(map(str, parts), key=len, default="")
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value


def reasons(file: str) -> set[str]:
    """The fixed parts of the reasons that a module can give."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in GIVERS[file]:
            start = 1 if ast.get_docstring(node) else 0
            for statement in node.body[start:]:
                found |= {text.strip(" ;:,()") for text in sentences(statement)}
    return {text for text in found - NO_REASONS if len(re.findall(r"[a-z]{2,}", text)) > 1}


@pytest.mark.parametrize("file", GIVERS)
def test_each_function_that_gives_reasons_is_there(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    assert set(GIVERS[file]) <= names


@pytest.mark.parametrize("file", GIVERS)
def test_each_reason_has_a_row(file: str) -> None:
    assert reasons(file)
    assert {text for text in reasons(file) if text not in TEXT} == set()


def test_each_precondition_and_limit_has_a_row() -> None:
    names = {
        value
        for name, value in vars(sentinels).items()
        if name.isupper() and isinstance(value, str) and "-" in value
    }
    assert len(names) >= 6

    assert {name for name in names | {SAME_FOR_PUPILS} if f"`{name}`" not in TEXT} == set()
    assert CANNOT_MEASURE in TEXT
    assert CANNOT_DECIDE in TEXT
    assert PEOPLE_JUDGE in TEXT

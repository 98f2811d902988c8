"""Files and functions stay short, and every module says what it is for."""

from __future__ import annotations

import ast

from test_suites.kit.rooms import ROOT, modules, syntax

LONGEST_FILE = 700
LONGEST_FUNCTION = 50
NO_IDEA_YET = {"utils", "util", "helper", "helpers", "manager", "managers", "common", "misc"}


def test_files_are_under_700_lines() -> None:
    long = {
        str(path): lines
        for path in modules()
        if (lines := len((ROOT / path).read_text().splitlines())) > LONGEST_FILE
    }

    assert {} == long


def test_functions_are_under_50_lines() -> None:
    long = {
        f"{path}:{node.name}": length
        for path in modules()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }

    assert {} == long


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path) for path in modules() if not ast.get_docstring(syntax(path))]

    assert [] == silent


def test_no_module_is_named_for_having_no_idea() -> None:
    named = [str(path) for path in modules() if path.stem in NO_IDEA_YET]

    assert [] == named


QUANTILES = "harness/model/order_statistic.py"
OTHER_QUANTILES = frozenset(
    {"quantile", "nanquantile", "percentile", "nanpercentile", "quantiles", "scoreatpercentile"}
)
"""Functions of numpy, scipy and statistics that take a quantile by a convention of their own."""


def test_quantiles_of_samples_are_taken_by_one_convention() -> None:
    """No library's quantile is called, and no rank is made of a share and a length elsewhere."""
    found = {
        f"{path}:{node.lineno}"
        for path in modules("harness", "probes", "corpora", "reports", "benchmarks")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call) and str(path) != QUANTILES and _is_quantile(node)
    }

    assert set() == found


def _is_quantile(call: ast.Call) -> bool:
    name = ast.unparse(call.func).rpartition(".")[2]
    if name in OTHER_QUANTILES:
        return True
    if name not in {"int", "ceil", "floor", "round"} or not call.args:
        return False
    products = [
        [node.left, node.right]
        for node in ast.walk(call.args[0])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
    ]
    return any(
        any(ast.unparse(one).startswith("len(") for one in sides)
        and any(_is_share(one) for one in sides)
        for sides in products
    )


def _is_share(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float) and 0 < node.value < 1
    return ast.unparse(node).rpartition(".")[2].lower() in {"quantile", "q", "late"}

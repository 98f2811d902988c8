"""Files and functions stay short, and every module says what it is for."""

from __future__ import annotations

import ast

from test_suites.house.rooms import ROOT, modules, syntax

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

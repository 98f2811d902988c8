"""Rewrites modules so that mutmut changes more of them; what they do stays the same.

mutmut changes functions that have no decorator, and nothing outside functions. So a decorator is
applied below its function instead of above it, and each ``lambda`` of a table, such as one of the
rules of judgement, becomes a function before the table. Only copies are rewritten.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

LEFT_ALONE = frozenset({"staticmethod", "classmethod", "wraps", "contextmanager"})
"""Decorators that mutmut understands, or that need their place."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class TableLambda:
    """A lambda outside all functions, with a name that tells where it stands."""

    name: str
    node: ast.Lambda
    statement: ast.stmt


def exposed(source: str) -> str:
    """Return the source with decorators below their functions and lambdas as functions."""
    tree = ast.parse(source)
    lines = source.encode().splitlines(keepends=True)
    edits = [*_decorators_below(tree, lines), *_lambdas_named(source, tree, lines)]
    for (first, begin), (last, end), text in sorted(edits, reverse=True):
        head, tail = lines[first][:begin], lines[last][end:]
        lines[first : last + 1] = [head + text.encode() + tail]
    return b"".join(lines).decode()


def lines_of_functions(source: str) -> dict[str, int]:
    """The line of each function, as ``f`` or ``Class.f``, and of each lambda of a table."""
    tree = ast.parse(source)
    lines = {one.name: one.node.body.lineno - 1 for one in table_lambdas(tree)}
    for node in tree.body:
        if isinstance(node, _Function):
            lines[node.name] = node.lineno
        elif isinstance(node, ast.ClassDef):
            inside = [one for one in node.body if isinstance(one, _Function)]
            lines |= {f"{node.name}.{one.name}": one.lineno for one in inside}
    return lines


def table_lambdas(tree: ast.Module) -> list[TableLambda]:
    """All lambdas outside functions and classes, in their order."""
    found: list[TableLambda] = []
    names: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, _Function | ast.ClassDef):
            continue
        for words, node in _lambdas(statement, _target(statement)):
            name = stem = re.sub(r"\W+", "_", f"lambda_{words}")
            number = 1
            while name in names:
                number += 1
                name = f"{stem}_{number}"
            names.add(name)
            found.append(TableLambda(name, node, statement))
    return found


_Place = tuple[int, int]
_Edit = tuple[_Place, _Place, str]


def _decorators_below(tree: ast.Module, lines: list[bytes]) -> Iterator[_Edit]:
    """Take each decorator away and apply it in the line after the function."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef):
            continue
        for function in node.body:
            if not isinstance(function, _Function) or len(function.decorator_list) != 1:
                continue
            [decorator] = function.decorator_list
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if not isinstance(called, ast.Name) or called.id in LEFT_ALONE:
                continue
            above, below = decorator.lineno - 1, (function.end_lineno or 0) - 1
            yield (above, 0), (function.lineno - 2, len(lines[function.lineno - 2]) - 1), ""
            applied = f"{function.name} = {ast.unparse(decorator)}({function.name})"
            end = len(lines[below].rstrip(b"\n"))
            yield (below, end), (below, end), f"\n{' ' * function.col_offset}{applied}"


def _lambdas_named(source: str, tree: ast.Module, lines: list[bytes]) -> Iterator[_Edit]:
    """Put each lambda before its statement, as a function."""
    texts: dict[int, list[str]] = {}
    for one in table_lambdas(tree):
        node = one.node
        start, stop = node.lineno - 1, (node.end_lineno or 0) - 1
        body = ast.get_source_segment(source, node.body)
        text = f"def {one.name}({ast.unparse(node.args)}):\n    return ({body})\n\n\n"
        texts.setdefault(one.statement.lineno - 1, []).append(text)
        yield (start, node.col_offset), (stop, node.end_col_offset or 0), one.name
    for line, functions in texts.items():
        assert lines[line][:1].strip(), "a statement of a module begins its line"
        yield (line, 0), (line, 0), "".join(functions)


def _lambdas(parent: ast.AST, words: str) -> Iterator[tuple[str, ast.Lambda]]:
    """Each outermost lambda with words: the id of its call, or the target, and its keyword."""
    if isinstance(parent, ast.Call):
        for keyword in parent.keywords:
            if keyword.arg == "id" and isinstance(keyword.value, ast.Constant):
                words = str(keyword.value.value)
    for child in ast.iter_child_nodes(parent):
        named = words
        if isinstance(child, ast.keyword) and isinstance(child.value, ast.Lambda):
            named = f"{words}_{child.arg}"
        if isinstance(child, ast.Lambda):
            yield named, child
        else:
            yield from _lambdas(child, named)


def _target(statement: ast.stmt) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    target = statement.target if isinstance(statement, ast.AnnAssign) else next(iter(targets), None)
    return ast.unparse(target) if target is not None else "table"

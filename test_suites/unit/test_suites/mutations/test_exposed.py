"""Code is rewritten so that mutmut reaches it, and does the same as before."""

from __future__ import annotations

import ast
from typing import Any

from test_suites.mutations.exposed import exposed, lines_of_functions, table_lambdas

TABLE = '''"""Rules."""

from functools import cached_property, lru_cache

LIMIT = 3


@lru_cache(
    maxsize=4,
)
def double(a):
    """Twice."""
    return 2 * a

class Seen:
    def __init__(self, text):
        self.text = text

    @cached_property
    def size(self):
        return len(self.text)

    @staticmethod
    def name():
        return "seen"

    @property
    def is_long(self):
        return (
            self.size > LIMIT
        )
RULES = (
    dict(id="is-long", matches=lambda seen: seen.is_long
         and bool(seen.text), says="long", é=1, saw=lambda seen: f"{seen.size}"),
    dict(id="is-long", matches=lambda *, of=(lambda: 2): double(of())),
    lambda: None,
)
'''


def run(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(source, "rules.py", "exec"), names)
    return names


def test_rewritten_code_does_the_same() -> None:
    before, after = run(TABLE), run(exposed(TABLE))

    for names in (before, after):
        long, short = names["Seen"]("four"), names["Seen"]("two")
        assert (long.is_long, short.is_long, long.size, long.name()) == (True, False, 4, "seen")
        assert "size" in vars(long)
        first, second, last = names["RULES"]
        assert (first["matches"](long), first["matches"](short)) == (True, False)
        assert (first["saw"](long), second["matches"](), last()) == ("4", 4, None)
        assert names["double"](2) == names["double"](2) == 4
        assert names["double"].cache_info().hits == 2


def test_nothing_is_left_that_mutmut_does_not_change() -> None:
    tree = ast.parse(exposed(TABLE))

    assert [] == table_lambdas(tree)
    assert ["staticmethod"] == [
        ast.unparse(decorator)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
    ]


def test_functions_and_lambdas_are_found_by_the_lines_of_the_original() -> None:
    assert lines_of_functions(TABLE) == {
        "double": 11,
        "Seen.__init__": 16,
        "Seen.size": 20,
        "Seen.name": 24,
        "Seen.is_long": 28,
        "lambda_is_long_matches": 32,
        "lambda_is_long_saw": 33,
        "lambda_is_long_matches_2": 34,
        "lambda_RULES": 35,
    }


def test_code_without_either_stays_as_it_is() -> None:
    source = "@dataclass\nclass A:\n    x: int = 1\n\n\ndef f():\n    return lambda: 1\n"

    assert source == exposed(source)

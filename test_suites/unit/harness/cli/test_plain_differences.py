"""Differences of plain documents are named by their place."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cli.judge import differences


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("x.a.b[1]", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [("x.a", [1], [1, 2])]),
        ({"a": 1}, {}, [("x.a", 1, None)]),
        ({"a": 0.5}, {"a": 0.5 + 1e-13}, []),
        ({"a": 0.5}, {"a": 0.5 + 1e-9}, [("x.a", 0.5, 0.5 + 1e-9)]),
        ({"a": 10**15}, {"a": 10**15 + 1}, [("x.a", 10**15, 10**15 + 1)]),
        ({"a": "1"}, {"a": 1}, [("x.a", "1", 1)]),
    ],
)
def test_each_place_is_named(one: Any, other: Any, found: list[Any]) -> None:
    assert found == list(differences("x", one, other, 1e-12))

"""Lines as a pupil uses them."""

from __future__ import annotations

from typing import Any, cast

from harness.campaign.assemble import twin_lines
from harness.model.plain_twin import PlainTwins
from harness.ports.network import Line


class Plain:
    def as_pupil(self, source: str) -> str:
        return f"as a pupil from {source or 'anywhere'}"


class Client:
    def line_for(self, line: Any, source: str) -> Any:
        return line.as_pupil(source) if isinstance(line, Plain) else None

    async def visit(self, attempt: Any, probe: Any, line: Any) -> Any:
        raise NotImplementedError


SHARED, OTHER = cast("Line", Plain()), cast("Line", object())
LINES = {("control", "ks2"): SHARED, ("a", "ks2"): SHARED, ("b", "ks2"): OTHER}


def test_a_line_that_cannot_be_used_so_has_none() -> None:
    made = twin_lines(LINES, PlainTwins(source="127.0.0.9"), Client())

    assert {("control", "ks2"), ("a", "ks2")} == set(made)
    assert {"as a pupil from 127.0.0.9"} == set(map(str, made.values()))


def test_profiles_that_share_a_line_share_its_twin() -> None:
    made = twin_lines(LINES, PlainTwins(), Client())

    assert made["control", "ks2"] is made["a", "ks2"]


def test_where_no_twin_is_wanted_no_line_is_made() -> None:
    assert {} == twin_lines(LINES, PlainTwins(number=0), Client())

"""A range whose truth is known, for the products to filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from probes.range.testbed import RangeTestbed, running
from test_suites.kit.processes.product import require

StartRange = Callable[..., RangeTestbed]


@pytest.fixture(autouse=True)
def present(request: pytest.FixtureRequest) -> None:
    """Skip (in CI: fail) where a program that ``@pytest.mark.product`` names is absent."""
    marker = request.node.get_closest_marker("product")
    if marker is not None:
        require(*marker.args)


@pytest.fixture
def start_range(tmp_path: Path) -> Iterator[StartRange]:
    """Start a range in the test's folder; ``dead`` hosts resolve, but nobody answers there."""
    with ExitStack() as closing:

        def start(dead: Iterable[str] = ()) -> RangeTestbed:
            return closing.enter_context(running(tmp_path, dead_hosts=dead))

        yield start

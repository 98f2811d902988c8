"""A world whose faults are known, for calibration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora.pack_reader import open_pack
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import is_blocked


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RangeTestbed]:
    """The range, with a reference filter that does exactly what the policy asks."""
    policy = FilterPolicy.from_items(open_pack("canary").items(), is_blocked)
    with RangeTestbed.running(tmp_path / "world", policy=policy, profiles=("pupils",)) as world:
        yield world


@pytest.fixture
def origin_file(world: RangeTestbed, tmp_path: Path) -> Path:
    """The file that describes the world's origin."""
    return tmp_path / "world" / "origin.json"

"""A world whose faults are known, for calibration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpora.pack_reader import open_pack
from harness.schemes.load import load_scheme
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed

POLICY = load_scheme("becta-2008").policy


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RangeTestbed]:
    """The range, with a reference filter that does exactly what the policy asks."""
    policy = FilterPolicy.from_items(
        open_pack("canary").items(), lambda code, _: POLICY.expects(code, "ks2") == "block"
    )
    with RangeTestbed.running(tmp_path / "world", policy=policy, profiles=("pupils",)) as world:
        yield world


@pytest.fixture
def origin_file(world: RangeTestbed, tmp_path: Path) -> Path:
    """The file that describes the world's origin."""
    return tmp_path / "world" / "origin.json"


def proxy_line(world: RangeTestbed, **more: Any) -> dict[str, Any]:
    """The reference filter as an explicit proxy."""
    address = world.origin.services["reference"]["proxy"]["pupils"]
    return {"name": "proxy", "type": "explicit_proxy", "options": {"proxy": address}} | more


def resolver_line(world: RangeTestbed, **more: Any) -> dict[str, Any]:
    """The reference filter as a resolver."""
    address = world.origin.services["reference"]["resolver"]["pupils"]
    line = {"name": "names", "type": "resolver", "probes": ["dns"]}
    return line | {"options": {"server": address}} | more

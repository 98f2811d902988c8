"""tinyproxy with one connection at a time: waiting is not judged as a block."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from test_suites.products.conftest import StartRange
from test_suites.products.measured import ALLOWED, SENTINEL, canaries, measure_through
from test_suites.products.tinyproxy import TinyProxy


@pytest.mark.product("tinyproxy")
def test_a_proxy_with_one_connection_has_no_false_blocks(
    tmp_path: Path, start_range: StartRange
) -> None:
    chosen = canaries({"PORN": 60, "DRUG": 60})
    items = [item for some in chosen.values() for item in some]
    listed = [item.host for item in chosen["DRUG"][:20]]
    world = start_range()

    with TinyProxy(world.origin, [SENTINEL, *listed]) as proxy:
        line = {
            "name": "proxy",
            "type": "explicit_proxy",
            "options": {"proxy": proxy.url},
            "probes": ["web"],
        }
        measured = measure_through(tmp_path, line, items)

    fates = measured.fates("web")
    assert {"blocked": 20, "allowed": 100} == Counter(state for state, _ in fates.values())
    assert dict.fromkeys(listed, "blocked") == {
        host: state for host, (state, _) in fates.items() if fates[host] != ALLOWED
    }

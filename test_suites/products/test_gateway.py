"""An nftables gateway: reset, drop and each ICMP answer to a SYN have mechanisms of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from test_suites.kit.processes.product import namespace
from test_suites.products.gateway import REPLIES, Reply, some_items
from test_suites.products.measured import ALLOWED, LANES, Fate

FATES: dict[Reply, Fate] = {
    Reply.RESET: ("blocked", "tcp_refused"),
    Reply.DROP: ("blocked", "silent_drop"),
    Reply.PROHIBITED: ("blocked", "icmp_unreachable"),
    Reply.NO_HOST: ("blocked", "icmp_unreachable"),
    Reply.NO_ROUTE: ("blocked", "icmp_unreachable"),
    # A SYN answered by "port unreachable" is a refused connection to every socket (RFC 1122).
    Reply.NO_PORT: ("blocked", "tcp_refused"),
}


@pytest.mark.product("nft", "ip", "unbound", "unshare")
@pytest.mark.parametrize("lane", LANES)
def test_each_answer_to_a_syn_gets_its_expected_verdict(tmp_path: Path, lane: str) -> None:
    program = [sys.executable, "-m", "test_suites.products.gateway", str(tmp_path), lane]

    inside = subprocess.run(
        [*namespace(["unshare", "-rn"], ["unshare", "-n"]), *program],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )

    assert inside.returncode == 0, inside.stderr
    fates = {
        probe: {host: tuple(fate) for host, fate in each.items()}
        for probe, each in json.loads(inside.stdout).items()
    }
    items = [item for some in some_items().values() for item in some]
    expected = {
        item.host: FATES[REPLIES[item.category]] if item.category in REPLIES else ALLOWED
        for item in items
    }
    assert {"web": expected, "web_https": expected} == fates

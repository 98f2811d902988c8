"""Transparent filters: the packets of a school are redirected to Squid or e2guardian.

The campaign runs over an interface line inside the school's network namespace.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from test_suites.kit.clocks.sizes import only_full
from test_suites.kit.processes.product import namespace
from test_suites.products.measured import ABRUPT, ALLOWED, LANES, SUDDEN, Fate
from test_suites.products.squid import CERTGEN, Reply
from test_suites.products.transparent import REPLIES, some_items

PAGE: Fate = ("blocked", "block_page")
INSIDE: Fate = ("blocked", "tls_intercept_page")
LEGAL: Fate = ("blocked", "http_451")
CUT: Fate = ("blocked", "tcp_eof")

PLAIN: dict[Reply, Fate] = {
    **dict.fromkeys(Reply, PAGE),
    Reply.RESET: ABRUPT,
    Reply.LEGAL: LEGAL,
}
FATES: dict[str, dict[str, dict[Reply, Fate]]] = {
    # Without the school's authority, TLS to a listed host can only be cut off by its SNI.
    "squid": {"web": PLAIN, "web_https": dict.fromkeys(Reply, CUT)},
    "squid-opening": {
        "web": PLAIN,
        "web_https": {**dict.fromkeys(Reply, INSIDE), Reply.RESET: ABRUPT, Reply.LEGAL: LEGAL},
    },
    "e2guardian": {
        "web": dict.fromkeys(Reply, PAGE),
        "web_https": dict.fromkeys(Reply, INSIDE),
    },
}


@pytest.mark.product("squid", CERTGEN, "e2guardian", "openssl", "unbound", "nft", "ip", "unshare")
@pytest.mark.parametrize(
    ("product", "lane"),
    [
        pytest.param(product, lane, marks=() if product in usual else only_full)
        for lane, usual in (("portable", FATES), ("wire", ("squid-opening",)))
        if lane in LANES
        for product in sorted(FATES)
    ],
)
def test_blocks_by_a_transparent_filter_get_their_expected_verdicts(
    tmp_path: Path, product: str, lane: str
) -> None:
    opened = namespace(["unshare", "-nm"], ["unshare", "-rnm", "--map-auto"])
    program = [sys.executable, "-m", "test_suites.products.transparent"]

    inside = subprocess.run(
        [*opened, *program, str(tmp_path), product, lane],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )

    assert inside.returncode == 0, inside.stderr
    items = [item for some in some_items().values() for item in some]
    for probe, seen in json.loads(inside.stdout).items():
        fates = {host: tuple(fate) for host, fate in seen.items()}
        expected = {
            item.host: FATES[product][probe][REPLIES[item.category]]
            if item.category in REPLIES
            else ALLOWED
            for item in items
        }
        racy = {host for host, fate in expected.items() if fate == ABRUPT}
        fates |= {host: ABRUPT for host in racy if fates[host] in SUDDEN}
        assert expected == fates

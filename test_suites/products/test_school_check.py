"""A school's own check through Squid and Unbound: nothing but the truth about each page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from typer.testing import Result as Ended

from harness.cli.check_plan import find_line, plan_check
from harness.cli.main import app
from test_suites.products.block_page import BlockPage
from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.squid import Reply as SquidReply
from test_suites.products.squid import Squid
from test_suites.products.unbound import Reply as UnboundReply
from test_suites.products.unbound import Unbound

SINKHOLE = "127.0.0.2"


def played_hosts(folder: Path) -> list[str]:
    """The hosts of the range that stand for the agencies' test pages."""
    line = find_line("", "", "", "", folder, direct=False)
    plan = plan_check(line, "", None, b"")
    return [target.address.split("/")[2] for target in plan.of("agency")]


def check(folder: Path, *words: str) -> tuple[Ended, dict[str, str]]:
    """Run a check on the range in ``folder``; the result of each agency's page by its host."""
    out = folder / "records"
    ended = CliRunner().invoke(app, ["check", "--range", str(folder), "--out", str(out), *words])
    (path,) = out.glob("*/record.json")
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    rows = [row for row in record["rows"] if row["part"] == "agency"]
    return ended, {row["address"].split("/")[2]: row["result"] for row in rows}


@pytest.mark.product("squid")
@pytest.mark.parametrize(
    ("reply", "by_http"),
    [
        (SquidReply.PAGE, "blocked"),
        (SquidReply.PAGE_200, "blocked"),
        (SquidReply.LEGAL, "blocked"),
        (SquidReply.RESET, "could not be told"),
    ],
)
def test_squid_is_seen_as_it_is(
    reply: SquidReply, by_http: str, tmp_path: Path, start_range: StartRange
) -> None:
    world = start_range()
    listed, *spared = played_hosts(tmp_path)
    denied = BlockList(name="denied", hosts=(listed,), reply=reply)
    with Squid(world.origin, (denied,), {"ks2": ["denied"]}) as squid:
        ended, told = check(tmp_path, "--proxy", squid.proxy("ks2"))

    assert 1 == ended.exit_code, ended.output
    assert by_http == told[listed]
    assert {"got through"} == {told[host] for host in spared}


@pytest.mark.product("unbound")
@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (UnboundReply.REFUSED, "could not be told"),
        (UnboundReply.NULL, "blocked"),
        (UnboundReply.SINKHOLE, "blocked"),
        (UnboundReply.NXDOMAIN, "could not be told"),
        (UnboundReply.NODATA, "could not be told"),
        (UnboundReply.SILENT, "could not be told"),
    ],
)
def test_unbound_is_seen_as_it_is(
    reply: UnboundReply, result: str, tmp_path: Path, start_range: StartRange
) -> None:
    world = start_range()
    listed, *spared = played_hosts(tmp_path)
    denied = BlockList(name="denied", hosts=(listed,), reply=reply)
    lists, profiles = (denied,), {"ks2": ["denied"]}
    # Whoever is sent to the sinkhole finds the supplier's page there, at the origin's own port.
    with (
        BlockPage(SINKHOLE, world.origin.ports[80]),
        Unbound(world.origin, lists, profiles, sinkhole=SINKHOLE) as unbound,
    ):
        ended, told = check(tmp_path, "--resolver", unbound.server("ks2"))

    assert 1 == ended.exit_code, ended.output
    assert result == told[listed]
    assert {"got through"} == {told[host] for host in spared}

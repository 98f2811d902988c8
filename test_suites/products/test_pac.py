"""A PAC file with Squid: requests that it sends directly are not filtered, which is recorded."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from harness.model.facts import WebFacts
from harness.store.journal.journal import open_journal
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.block_page import BlockPage
from test_suites.products.blocklist import BlockList, lists_from
from test_suites.products.conftest import StartRange
from test_suites.products.measured import ALLOWED, LANES, SENTINEL, canaries, measure_through
from test_suites.products.squid import Reply, Squid

PAC = """
function FindProxyForURL(url, host) {{
    if (shExpMatch(host, "{past}")) return "DIRECT";
    return "PROXY {dead}; PROXY {alive}; DIRECT";
}}
"""


@pytest.mark.product("squid")
@pytest.mark.parametrize("lane", LANES)
def test_each_choice_of_the_pac_file_is_followed_and_recorded(
    tmp_path: Path, start_range: StartRange, lane: str
) -> None:
    world = start_range()
    chosen = canaries({"PORN": 6, "twin:DRUG": 3})
    items = [item for some in chosen.values() for item in some]
    past = chosen["PORN"][0].host
    lists = (
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.PAGE),
        *lists_from(items, {"PORN": Reply.PAGE}),
    )
    dead = f"{LOOPBACK}:{free_port()}"

    with (
        BlockPage(LOOPBACK) as page,
        Squid(
            world.origin, lists, {"ks2": [each.name for each in lists]}, block_page=page.url
        ) as squid,
    ):
        alive = squid.proxy("ks2").removeprefix("http://")
        file = tmp_path / "proxy.pac"
        file.write_text(PAC.format(past=past, dead=dead, alive=alive), encoding="ascii")
        options = {"file": str(file), "resolver": world.origin.resolver, "lane": lane}
        measured = measure_through(
            tmp_path, {"name": "browsers", "type": "pac", "options": options}, items
        )

    for probe, mechanism in (("web", "block_page"), ("web_https", "proxy_refusal")):
        expected = {
            item.host: ("blocked", mechanism) if item.category == "PORN" else ALLOWED
            for item in items
        }
        assert expected | {past: ALLOWED} == measured.fates(probe)
    # The dead proxy is asked until it is known to be out of reach, and then no more.
    expected_choices = {(f"PROXY {dead}", f"PROXY {alive}"), (f"PROXY {alive}",)}
    assert expected_choices == _choices(tmp_path / "out/product/journal", past)


def _choices(journal: Path, past: str) -> set[tuple[str, ...]]:
    """The recorded choices of all hosts but one, whose only choice is a direct connection."""
    told: dict[str, set[tuple[str, ...]]] = {}
    with closing(open_journal(journal)) as opened:
        for seen in opened.observations():
            if seen.key.line == "browsers" and isinstance(seen.facts, WebFacts):
                told.setdefault(seen.item.host, set()).add(seen.facts.choices)
    assert told.pop(past) == {("DIRECT",)}
    return set().union(*told.values())

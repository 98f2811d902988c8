"""Squid's own error page, and a page for each category: idle, nearly every trial is decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites.kit.clocks.sizes import sized
from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.measured import SENTINEL, canaries, measure_through
from test_suites.products.squid import CERTGEN, Reply, Squid

CATEGORIES = ("PORN", "VIOL", "DISC", "DRUG", "GAMB", "HARM", "PIRA", "EXTR")
DECIDED = 0.99

LOGO = "http://filter.school.example/logo.png"
STOCK = Path("/usr/share/squid/errors/English/ERR_ACCESS_DENIED")


def page(head: str, body: str) -> str:
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"


def pages() -> dict[str, str]:
    """One page a category: changed stock pages, and pages with logos, styles, other languages."""
    stock = STOCK.read_text(encoding="utf-8")
    return {
        "PORN": stock.replace("Access Denied.", "Access Denied: pornography."),
        "VIOL": stock.replace("Access Denied.", "Access Denied: violence.").replace(
            "</h2>", '</h2><img src="/squid-internal-static/icons/SN.png" alt="">'
        ),
        "DISC": page(
            "<title>Access denied</title>",
            f'<img src="{LOGO}"><h1>Access denied</h1><p>%U is blocked: discrimination.</p>',
        ),
        "DRUG": page(
            "<title>Blocked by the school's filter</title>"
            '<link rel="stylesheet" href="http://filter.school.example/page.css">',
            f'<img src="{LOGO}"><img src="http://filter.school.example/drugs.png">'
            "<h1>This page is blocked</h1><p>%U is in the category drugs. "
            "If you think this is wrong, ask %w.</p>",
        ),
        "GAMB": page(
            "<title>Diese Seite ist gesperrt</title>",
            "<h1>Diese Seite ist gesperrt</h1><p>Der Zugriff auf %U wurde vom Schulfilter "
            "blockiert. Kategorie: Glücksspiel.</p>",
        ),
        "HARM": page(
            "<title>You are not alone</title>",
            "<h1>This site has been blocked</h1><p>If you feel low, talk to somebody: call 116 123 "
            "at any time. Your school has blocked %U.</p>"
            '<img src="data:image/png;base64,iVBORw0KGgo=">',
        ),
        "PIRA": page("<title>403</title>", "<h1>Forbidden</h1><p>Blocked: %U (piracy)</p>"),
        "EXTR": page(
            "<title>Access to this page is restricted</title>",
            "<p>Your organisation's policy does not allow this website. Category: extremism. "
            "Request: %U, client %i, time %T.</p>",
        ),
    }


@pytest.mark.product("squid", CERTGEN)
@pytest.mark.parametrize("opens_tls", [False, True], ids=["tunnels", "ssl-bump"])
@pytest.mark.parametrize("own_pages", [False, True], ids=["default", "deny_info"])
def test_idle_trials_through_squid_are_decided(
    tmp_path: Path, start_range: StartRange, own_pages: bool, opens_tls: bool
) -> None:
    twins = [f"twin:{each}" for each in CATEGORIES]
    number = sized(5 if own_pages else 2, 8)  # a page is known once several sites showed it
    chosen = canaries(dict.fromkeys(CATEGORIES, number) | dict.fromkeys(twins, sized(1, 4)))
    items = [item for some in chosen.values() for item in some]
    world = start_range()
    written = pages() if own_pages else {}
    lists = [
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.DEFAULT),
        *(
            BlockList(
                name=category.lower(),
                hosts=tuple(item.host for item in chosen[category]),
                reply=Reply.PAGE if own_pages else Reply.DEFAULT,
                page=written.get(category, ""),
            )
            for category in CATEGORIES
        ),
    ]
    with Squid(
        world.origin, lists, {"ks2": [each.name for each in lists]}, intercepts=opens_tls
    ) as squid:
        authority = {"authority": str(squid.authority.certificate)} if squid.authority else {}
        line = {
            "name": "proxy",
            "type": "explicit_proxy",
            "options": {"proxy": squid.proxy("ks2"), **authority},
            "probes": ["web", "web_https"],
        }
        measured = measure_through(tmp_path, line, items)

    listed = {host for each in lists for host in each.hosts}
    assert [] == measured.contradicted(world.log, listed)
    assert measured.decided_share >= DECIDED

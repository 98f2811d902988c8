"""Squid loads a list of illegal addresses that was spoiled: what it misses and what it overblocks.

The list as it was exported is loaded in a campaign of all areas (``test_all_areas``). Measured with
Squid 6.13 of Debian 13, which opens TLS. Each verdict agrees with the origin's log.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpora.illegal_pages import ILLEGAL_PACK, illegal_pages, several_addressed
from corpora.origin_pack import OriginPages, write_origin_pack
from harness.cli.main import app
from harness.model.listed_page import HARD_CASES
from harness.model.outcome import Conformity
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from probes.range.arrival_log import ArrivalLog
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign
from test_suites.products.blocklist import BlockList
from test_suites.products.measured import SENTINEL
from test_suites.products.squid import Reply, Squid

SIBLINGS = 12
PAGES = illegal_pages("squid", siblings=SIBLINGS, pairs=1, canaries=1)
SCHEME = """\
id: our-school
version: "1.0"
title: Lists of illegal addresses
policy: uk-schools-2026
requirements:
  - {id: ILL-01}
  - {id: ILL-02}
  - {id: ILL-03, n_min: 12}
  - {id: ILL-04}
  - {id: OVB-06}
"""


class WithUrls(Squid):
    """A Squid that opens TLS and denies the addresses in a file of expressions as well."""

    urls: str

    def _prepare(self) -> Path:
        self.folder.write("lists/urls.txt", self.urls)
        return super()._prepare()

    def _rules(self) -> list[str]:
        *rules, allow, deny = super()._rules()
        listed = f'acl listed_urls url_regex "{self.folder.path}/lists/urls.txt"'
        reply = "deny_info 403:ERR_LISTED listed_urls"
        return [listed, *rules, reply, "http_access deny listed_urls", allow, deny]


def exported(campaign: Path, form: str) -> str:
    """The list of a campaign for its supplier."""
    out = campaign.parent / f"list-{form}"
    words = ["--format", form, "--campaign", str(campaign), "--out", str(out)]
    result = CliRunner().invoke(app, ["corpus", "export", str(campaign.parent / "pages"), *words])
    assert result.exit_code == 0, result.output
    return out.read_text(encoding="utf-8")


def contradicted(run: Rehearsal, pages: OriginPages, log: ArrivalLog) -> list[str]:
    """The items whose verdict the origin's log denies: a blocked page came, or an open one did not."""
    asked = {(one.nonce, one.host, one.path) for one in log.arrivals() if one.nonce}
    journal = open_journal(run.journal)
    nonces = {one.key: one.nonce for one in journal.observations() if one.role == "item"}
    journal.close()
    urls = {row["id"]: row["value"] for row in pages.rows}
    wrong = []
    for verdict in run.verdicts:
        host, _, path = urls[verdict.item.id].rpartition("//")[2].partition("/")
        last = "start/0" if path == "start/3" else path
        came = (nonces[verdict.key], host, f"/{last}") in asked
        if came is not (verdict.state is State.ALLOWED):
            wrong.append(f"{verdict.item.id}: {verdict.state}, came: {came}")
    return wrong


EXPECTED = dict.fromkeys(("ILL-02", "OVB-06"), Conformity.CONFORMS) | dict.fromkeys(
    ("ILL-01", "ILL-03", "ILL-04"), Conformity.DOES_NOT_CONFORM
)


def spoiled(patterns: str) -> str:
    """A list without one entry, and with a whole site in the place of one page."""
    lines = [line for line in patterns.splitlines() if r"show\.php" not in line]
    page = next(line for line in lines if "summer-fair" in line and "albums" in line)
    return "\n".join([*lines, f"{page.partition('/albums')[0]}/", ""])


@pytest.mark.timeout(300)
@pytest.mark.product("squid", "openssl")
def test_each_entry_of_a_spoiled_list_is_seen_as_squid_handled_it(tmp_path: Path) -> None:
    write_origin_pack(ILLEGAL_PACK, PAGES, tmp_path / "pages", "s", "2026-01-01T00:00:00Z")
    (tmp_path / "scheme.yaml").write_text(SCHEME)
    options = {"contents": PAGES.contents, "texts": PAGES.texts, "profiles": ("all",)}
    options["several"] = several_addressed(PAGES)

    with RangeTestbed.running(tmp_path / "world", **options) as world:
        campaign = _campaign(tmp_path, {"proxy": "http://127.0.0.1:9"})
        sites = exported(campaign, "squid").split()
        listed = BlockList(name="listed", hosts=(SENTINEL, *sites), reply=Reply.PAGE)
        squid = WithUrls(world.origin, [listed], {"all": ["listed"]}, intercepts=True)
        patterns = exported(campaign, "squid-urls")
        squid.urls = spoiled(patterns)
        with squid:
            assert squid.authority is not None
            authority = str(squid.authority.certificate)
            line = {"proxy": squid.proxy("all"), "authority": authority}
            run = rehearse(_campaign(tmp_path, line))
        wrong = contradicted(run, PAGES, world.log)

    assert wrong == []
    found = {one.requirement.id: one for one in run.assessment.outcomes}
    assert {name: one.conformity for name, one in found.items()} == EXPECTED, {
        one.id: (one.reasons, [each.item for each in one.witnesses]) for one in found.values()
    }
    assert len(found["ILL-04"].metric.parts) == 2 * len(HARD_CASES)
    assert {one.item for one in found["ILL-04"].witnesses} == {
        "hard-query-http-01", "hard-query-https-01",
    }  # fmt: skip
    assert found["ILL-03"].metric.k == SIBLINGS


def _campaign(folder: Path, line: dict[str, str]) -> Path:
    return write_campaign(
        folder,
        origin=folder / "world/origin.json",
        lines=[{"name": "proxy", "type": "explicit_proxy", "options": line}],
        corpora=[{"pack": str(folder / "pages")}],
        probes=["web", "web_https"],
        sentinels={"must_block": [SENTINEL]},
        scheme="scheme.yaml",
        plain_twins={"number": 3, "pause": 0},
        limits={"timeout": 10, "confirmation_timeout": 20, "concurrency": 16},
    )

"""Which forms of a page e2guardian reads: it knows the agreed marker as a banned phrase.

Measured with e2guardian 5.5.8 of Debian 13. What it does not read arrives, as the page's own words
show; what it reads is blocked by its template page.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.content_pages import content_pages, write_content_pages
from harness.model.content_form import FORMS, form_of
from harness.model.outcome import Conformity
from harness.model.verdict import Mechanism, State
from probes.range.testbed import RangeTestbed
from test_suites.products.blocklist import BlockList
from test_suites.products.e2guardian import E2Guardian
from test_suites.products.measured import SENTINEL
from test_suites.rehearsal import rehearse, write_campaign

UNREAD = {
    "deflate", "utf-16", "xhtml", "json", "svg", "entities", "zero-width", "split-tags",
    "split-comments", "data-base64", "data-percent", "escaped-script", "twice-gzip",
    "utf-16-undeclared",
}  # fmt: skip
"""The forms that it does not read. It blocks the page inside a frame."""
SCHEME = """\
id: our-school
version: "1.0"
title: What pages say
policy: uk-schools-2026
decision: {alpha: 0.4}
requirements: [{id: DYN-06, n_min: 5}]
"""
FEW = 5
"""Pages of each form: the least that can decide at the level of this scheme."""


@pytest.mark.timeout(400)
@pytest.mark.product("e2guardian", "squid", "openssl")
def test_each_form_is_seen_as_it_was_handled(tmp_path: Path) -> None:
    pages = content_pages("e2guardian", ("DRUG",), FEW, of_form=FEW, of_recipe=0, of_viewer=0)
    write_content_pages(pages, tmp_path / "pages", "s", "2026-01-01T00:00:00Z")
    (tmp_path / "scheme.yaml").write_text(SCHEME)
    options = {"contents": pages.contents, "texts": pages.texts, "profiles": ("all",)}

    with RangeTestbed.running(tmp_path / "world", **options) as world:
        lists = [BlockList(name="listed", hosts=(SENTINEL,), reply="page")]
        with E2Guardian(world.origin, lists, phrases=["accredit-marker-drug"]) as filtering:
            authority = str(filtering.authority.certificate)
            line = {"proxy": filtering.proxy, "authority": authority}
            run = rehearse(
                write_campaign(
                    tmp_path,
                    origin=tmp_path / "world/origin.json",
                    lines=[{"name": "proxy", "type": "explicit_proxy", "options": line}],
                    corpora=[{"pack": str(tmp_path / "pages")}],
                    probes=["web", "web_https"],
                    sentinels={"must_block": [SENTINEL]},
                    scheme="scheme.yaml",
                    limits={"timeout": 10, "confirmation_timeout": 20, "concurrency": 1},
                )
            )
        asked = {arrival.nonce for arrival in world.log.arrivals()}

    found: dict[str, set[State]] = {}
    for verdict in run.verdicts:
        if verdict.mechanism is Mechanism.TCP_EOF or verdict.state is State.INSUFFICIENT:
            continue  # it ended with a segmentation fault, and was started again
        if verdict.item.category == "DRUG":
            form = form_of(verdict.item.stratum)
            found.setdefault(form.name if form else "plain", set()).add(verdict.state)
        else:
            assert verdict.state is State.ALLOWED, verdict
    read = {name: {State.BLOCKED} for name in ("plain", *FORMS) if name not in UNREAD}
    assert found == read | {name: {State.ALLOWED} for name in UNREAD}
    assert asked
    outcome = run.outcome("DYN-06", "proxy")
    assert outcome.conformity is Conformity.DOES_NOT_CONFORM

"""New sites and names for name servers: what an origin writes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from corpora.new_sites import APART, KNOWN_SITES, PLAIN_SITES, new_sites, new_sites_text
from corpora.resolver_names import names_of, names_to_block, resolver_names
from harness.campaign.events_file import read_events
from harness.model.query_case import FORMS_OF_QUERIES

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAGES = new_sites("a seed")


def test_sites_change_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "new-sites.yaml").write_text(
        new_sites_text(PAGES, START, lambda host: f"plain-{host}")
    )
    events = read_events(tmp_path / "new-sites.yaml")
    plain = [one for one in events if one.item.host.startswith("plain-")]

    assert (len(plain), len(events)) == (PLAIN_SITES, PLAIN_SITES + KNOWN_SITES)
    assert {one.kind for one in events} == {"canary"}
    times = [one.when for one in plain if one.when is not None]
    assert times == [START + timedelta(seconds=APART * n) for n in range(PLAIN_SITES)]
    known = [one.when for one in events if one.when is not None and one not in plain]
    assert len(set(known)) == KNOWN_SITES
    assert max(known) <= max(times)


def test_without_plain_twins_all_sites_are_in_the_canary_zones(tmp_path: Path) -> None:
    text = new_sites_text(PAGES, START, lambda _: "")
    (tmp_path / "new-sites.yaml").write_text(text)

    hosts = {one.item.host for one in read_events(tmp_path / "new-sites.yaml")}
    assert hosts == set(PAGES.contents)


def test_the_supplier_is_told_the_harmful_names_alone() -> None:
    pages = resolver_names("a seed", ("DRUG", "PORN"), signed=1, timed=1)
    names = names_of(pages)

    assert sorted(names.values()) == ["DRUG", "PORN"]
    assert {host for host, one in pages.contents.items() if one.case == "alias"} == set(names)
    table = names_to_block(pages).splitlines()
    assert table == ["host,category", *(f"{host},{code}" for host, code in names.items())]
    forms = [row["stratum"].partition("/")[2] for row in pages.rows if row["labels"] == "DRUG"]
    assert forms == list(FORMS_OF_QUERIES)

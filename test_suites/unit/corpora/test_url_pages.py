"""Pages of web addresses: enough of each case, on hosts of its own, from rows of the packs."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from corpora.lint import lint
from corpora.origin_pack import OriginPages, on_hosts, write_origin_pack
from corpora.origin_packs import all_pages
from corpora.pack_reader import open_pack
from corpora.synthetic_sites import vendor_list
from corpora.url_pages import URL_PACK, url_pages
from harness.model.content_form import form_of, is_only_reported, variant_of
from harness.model.corpus import TWIN
from harness.model.coverage import items_needed
from harness.model.url_case import CASES_OF_METRIC, H3_CASE, TEMPLATES, URL_CASES, VIEWPOINTS
from harness.schemes.load import load_scheme


@pytest.fixture(scope="module")
def made() -> OriginPages:
    return url_pages("secret")


def test_the_strictest_scheme_has_enough_of_every_case(made: OriginPages) -> None:
    harmful, harmless = Counter[str](), Counter[str]()
    for row in made.rows:
        counted = harmless if row["stratum"].startswith(TWIN) else harmful
        counted[variant_of(row["stratum"])] += 1

    assert set(harmful) == set(URL_CASES)
    for requirement in load_scheme("strict").requirements:
        cases = CASES_OF_METRIC.get(requirement.measure.metric, {})
        needed = items_needed(requirement, 0.01) if cases else 0
        is_each = requirement.measure.metric == "uncategorised_compliance"
        numbers = [harmful[name] for name in cases]
        assert not cases or (min(numbers) if is_each else sum(numbers)) >= needed, requirement.id
        if requirement.measure.metric == "viewpoint_difference":
            assert min(harmful[name] for name in VIEWPOINTS) >= requirement.n_min
    assert {name for name, count in harmless.items() if count != harmful[name]} == set()


def test_no_two_cases_share_a_host_and_all_pages_are_told_apart(made: OriginPages) -> None:
    cases = defaultdict(set)
    for row in made.rows:
        cases[row["registrable"]].add(variant_of(row["stratum"]))
        form = form_of(row["stratum"])
        assert form is not None
        assert is_only_reported(row["stratum"])

    assert {len(each) for each in cases.values()} == {1}
    assert not made.texts.keys() & vendor_list().keys()


def test_listed_hosts_are_in_the_pack_that_suppliers_load(made: OriginPages) -> None:
    listed = {item.host for item in open_pack("canary").items()}
    named = {row["registrable"] for row in made.rows if ".canary." in row["registrable"]}

    assert named <= listed
    assert named.isdisjoint(made.texts)


def test_pages_over_udp_are_listed_sites_without_twins(made: OriginPages) -> None:
    rows = [row for row in made.rows if variant_of(row["stratum"]) == H3_CASE]

    assert {row["value"] for row in rows} == {f"https://{row['registrable']}/" for row in rows}
    assert all(".canary." in row["registrable"] for row in rows)
    assert {row["pair_id"] for row in rows} == {""}


def test_more_pages_than_categories_have_hosts_of_their_own() -> None:
    pages = url_pages("many", ("DRUG", "PORN"), {"address": 10, "transition": 6})
    cases = defaultdict(set)
    for row in pages.rows:
        cases[row["registrable"]].add(variant_of(row["stratum"]))

    assert {len(each) for each in cases.values()} == {1}
    assert len({row["value"] for row in pages.rows}) == len(pages.rows)


def test_a_row_of_the_pack_overblock_is_shown_in_a_template(made: OriginPages) -> None:
    notes = set(open_pack("overblock").notes().values())
    shown = [row for row in made.rows if variant_of(row["stratum"]) in TEMPLATES]

    assert {made.texts[row["registrable"]] for row in shown} <= notes
    (one,) = [row for row in shown if row["id"] == "template-address-001"]
    words = made.texts[one["registrable"]].lower().split()
    assert words[0].strip(":;,.") in one["value"]


def test_the_pack_is_valid_and_moves_to_the_hosts_of_an_origin(
    made: OriginPages, tmp_path: Path
) -> None:
    moved = on_hosts(made, lambda host: host.replace("accredit.test", "own.example"))
    write_origin_pack(URL_PACK, moved, tmp_path / "pages", "s", "2026-01-01T00:00:00Z")
    pack = open_pack(str(tmp_path / "pages"))

    deep = sum(row["id"].startswith("deep-") for row in made.rows) // 2  # two pages of one host
    assert ["keep one item per registrable domain"] * deep == [
        str(fault).rpartition("; ")[2] for fault in lint(pack)
    ]
    assert pack.reference.audience == "assessor"
    for item in pack.items():
        assert item.host.endswith(".own.example"), item.value
        assert "accredit.test" not in item.value
    values = {item.id: item.value for item in pack.items()}
    assert values["address-www-001"].startswith("http://www.porn-")
    assert urlsplit(values["address-port-8443-001"]).port == 8443
    assert ".canary.own.example" in values["address-redirect-001"]


def test_packs_of_one_origin_share_no_host(made: OriginPages) -> None:
    pages = all_pages("one")

    assert pages["content-pages"].texts.keys().isdisjoint(pages["url-pages"].texts)
    assert pages["url-pages"].texts.keys() != made.texts.keys()

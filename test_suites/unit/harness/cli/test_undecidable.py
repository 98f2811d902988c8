"""Before the first packet: what no result can meet, told of all lines and profiles at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from corpora.illegal_pages import ILLEGAL_PACK, illegal_pages
from corpora.origin_pack import write_origin_pack
from corpora.pack_reader import open_pack
from harness.cli.compose import prepare
from harness.cli.line_supply import line_profiles
from harness.cli.undecidable import sentences, undecidable
from harness.model.content_form import FORMS
from harness.model.corpus import Item
from harness.schemes.load import load_scheme
from test_suites.unit.harness.cli.tried_places import STRICT, items, of, place


def test_bounds_that_hold_at_any_time_need_more() -> None:
    enough = [place(items("DRUG", 300))]
    found = undecidable(STRICT, enough, {"URL-04"})

    assert "domains to try: 300 of DRUG; needed: 380" in [
        one.why for one in found if one.requirement == "URL-04"
    ]
    assert not of("URL-04", *enough)


def test_what_another_line_can_see_is_not_told_of_this_one() -> None:
    tried = items("ILL.CSAM", 9, applies_to="url")
    blind = place(tried, line="resolver", probes=("dns",))

    assert ["resolver"] == [one.line for one in of("ILL-01", blind)]
    assert not of("ILL-01", blind, place(tried, probes=("web", "web_https")))


def in_forms(number: int, *left_out: str) -> list[Item]:
    """Plain content pages, and so many in each ordinary form."""
    pages = items("DRUG", 60, stratum="DRUG", applies_to="content")
    for form in FORMS.values():
        if form.family == "ordinary" and form.name not in left_out:
            stratum = f"DRUG/{form.name}"
            found = items("DRUG", number, stratum=stratum, applies_to="content")
            pages += [replace(one, id=f"{form.name}-{one.id}") for one in found]
    return pages


def test_a_form_of_content_pages_with_too_few_of_them_is_told() -> None:
    (few,) = of("DYN-06", place(in_forms(44, "gzip", "br", "zstd")))
    (secure,) = of("DYN-06", place(in_forms(44, "zstd"), probes=("web", "web_https")))

    assert "content pages to try: 0 compressed with gzip; needed: 44 each" == few.why
    assert "content-pages" in few.remedy
    assert "content pages to try: 0 compressed with Zstandard; needed: 44 each" == secure.why
    assert not of("DYN-06", place(in_forms(44), probes=("web", "web_https")))
    assert not of("DYN-06", place(in_forms(44, "br", "zstd")))
    assert of("DYN-06", place(in_forms(43)))


def test_each_category_needs_plain_content_pages_of_its_own() -> None:
    """Pages in other forms do not make up for plain ones."""
    allowed = items("ALW.NEWS", 3, stratum="ALW.NEWS", applies_to="content")
    few = items("GAMB", 3, stratum="GAMB", applies_to="content")

    (told,) = of("DYN-06", place(in_forms(44) + few))

    assert told.why == "content pages to try: 3 plain of GAMB; needed: 44 each"
    assert not of("DYN-06", place(in_forms(44) + allowed))


def searches(*variants: str, code: str = "LOC.SRCH") -> list[Item]:
    """A few searches of some cases."""
    return [
        replace(one, id=f"{variant}-{one.id}")
        for variant in variants
        for one in items(code, 2, stratum=f"{code}/{variant}", applies_to="content")
    ]


def test_a_kind_of_search_that_is_not_tried_is_told() -> None:
    (few,) = of("DYN-01", place(searches("lock:parameter:a", "lock:cookie:b")))

    assert few.why == "searches to try: 0 an engine locked by a request header; needed: 1 each"
    assert few.remedy == "choose the origin's whole pack search-pages"
    assert not of("DYN-01", place(searches("lock:parameter:a", "lock:cookie:b", "lock:header:c")))
    (queries,) = of("DYN-04", place(searches("query:plain", code="DRUG")))
    assert queries.why.startswith("searches to try: 2 queries as agreed, 0 queries in other letter")


def test_a_probe_that_a_metric_cannot_do_without_is_named() -> None:
    tried = items("ILL.CSAM", 9)
    (missing,) = of("BLK-05", place(tried, probes=("web",)))

    assert missing.why == "the probe web_markup is not used"
    assert "web_markup" in missing.remedy
    assert not of("BLK-05", place(tried, probes=("web", "web_markup")))


def test_what_is_not_asked_of_a_profile_or_is_only_shown_is_not_told() -> None:
    assert not of("OVB-03", place([], phase="ks1", phases=frozenset({"ks1"})))
    assert not of("OVB-07", place([]))
    assert not of("TQ-01", place([]))


def test_one_line_for_each_reason_and_binding_ones_first() -> None:
    becta = load_scheme("becta-2008")
    lines = list(sentences(undecidable(becta, [place([])])))

    assert "cannot decide" in lines[0]
    assert "  ILL-01[pupils-proxy]: items to try: 0 of ILL.CSAM; needed: 1" in lines[1]
    assert any("AVL-01[pupils-proxy]: it rests on checks at random" in one for one in lines)
    web = list(sentences(undecidable(becta.within("web"), [place([])])))
    assert any("AVL-01[pupils-proxy] (not binding): it rests on checks" in one for one in web)
    assert not list(sentences([]))


@pytest.mark.parametrize(
    ("requirement", "pack"),
    [("UPL-01", "uploads"), ("OVB-05", "url-pages")],
)
def test_the_pack_that_has_the_items_is_named(requirement: str, pack: str) -> None:
    found = undecidable(load_scheme("strict"), [place([])])

    assert [one.remedy for one in found if one.requirement == requirement] == [
        f"choose more of them under corpora: the origin's pack {pack}"
    ]


@pytest.mark.parametrize(
    ("requirement", "missing"),
    [("MAL-01", "as it is, by HTTP, as it is, by HTTPS, in a zip"), ("MAL-05", "59 clean files")],
)
def test_files_that_are_missing_are_named_with_how_to_make_them(
    requirement: str, missing: str
) -> None:
    becta = undecidable(load_scheme("becta-2008"), [place([])])

    (found,) = (one for one in becta if one.requirement == requirement)
    assert f"files to try, missing: {missing}" in found.why
    assert found.remedy == (
        "choose the origin's pack downloads ('accredit origin pages' writes it; a range has it) "
        "and the probe download"
    )


def test_a_campaign_is_counted_by_line_and_profile(
    simulated: Any,
) -> None:
    (found,) = line_profiles(prepare(simulated(sample=60)))

    assert ("proxy", "pupils", "ks2") == (found.line, found.profile, found.phase)
    assert 60 == sum(one.items for one in found.supply if one.example.category == "DRUG")
    assert 120 == found.frames["DRUG"]


def test_what_lists_of_illegal_addresses_lack_is_told(tmp_path: Path) -> None:
    pages = illegal_pages("s", siblings=59, pairs=1)
    write_origin_pack(ILLEGAL_PACK, pages, tmp_path / "p", "s", "2026-01-01T00:00:00Z")
    pack = open_pack(str(tmp_path / "p"))
    whole = list(pack.items())
    hosts = [one for one in whole if one.kind == "host"]
    both = ("web", "web_https")
    wanted = ("ILL-01", "ILL-03", "ILL-04", "ILL-06", "OVB-06")

    def told(**changed: Any) -> dict[str, str]:
        found = {name: of(name, place(**changed)) for name in wanted}
        return {name: f"{one[0].why}; {one[0].remedy}" for name, one in found.items() if one}

    assert told(tried=whole, probes=both) == {}
    lacking = told(tried=whole, probes=("web",), has_overrides=False)
    assert set(lacking) == set(wanted)
    assert "no probe tries the entries over HTTPS" in lacking["ILL-01"]
    assert "sites at the address of a blocked site over HTTPS" in lacking["OVB-06"]
    assert "record them under overrides" in lacking["ILL-06"]
    without = told(tried=hosts, probes=both)
    assert set(without) == {"ILL-03", "ILL-04", "OVB-06"}
    assert "and 15 more; choose the origin's pack illegal-pages" in without["ILL-04"]

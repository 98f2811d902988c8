"""Pages on what schools need: each with words of its own, and enough of each topic."""

from __future__ import annotations

from collections import Counter

from corpora.generator.vector_packs import FORMS, school_pages
from corpora.pack_reader import open_pack
from corpora.taxonomy import shipped


def test_each_page_has_a_host_and_words_of_its_own() -> None:
    rows = list(school_pages())

    assert len(rows) == len({row["value"] for row in rows}) == len({row["notes"] for row in rows})
    assert all(row["value"].endswith(".overblock.accredit.test") for row in rows)
    assert open_pack("school-pages").notes()[rows[0]["value"]] == FORMS[0].format(
        "asthma and inhalers"
    )


def test_no_name_tells_the_category() -> None:
    for row in school_pages():
        topic = row["labels"].rpartition(".")[2].lower()
        assert topic not in row["value"].partition(".")[0]


def test_every_must_allow_category_has_pages_and_the_asked_ones_enough_for_strict() -> None:
    sizes = Counter(item.category for item in open_pack("school-pages").items())
    leaves = {one.code for one in shipped() if one.tier == "must_allow"} - {"ALW"}

    assert set(sizes) == leaves
    assert min(sizes.values()) >= 5
    assert min(sizes[f"ALW.{one}"] for one in ("HEALTH", "SEXED", "LGBT", "SUPPORT")) >= 459
    assert sizes["ALW.CURR"] + sizes["ALW.EDU"] >= 919
    assert sizes["ALW.CHILD"] >= 300

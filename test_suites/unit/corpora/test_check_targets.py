"""What a school's own check tries."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from corpora.build_pack import import_pack
from corpora.check_targets import hidden_names, shipped_targets, vendor_targets
from corpora.pack_reader import PACKS, open_pack
from corpora.taxonomy import shipped
from harness.errors import UsageError
from harness.model.corpus import is_among
from harness.model.school_check import PARTS

KEY = b"k" * 32


def test_every_target_has_a_known_category_and_an_id_of_its_own() -> None:
    targets = (*shipped_targets(), *vendor_targets())

    assert len(targets) == len({target.id for target in targets})
    assert {target.category for target in targets} <= {each.code for each in shipped()}
    assert {target.part for target in targets} == {"start", *PARTS} - {"names"}


def test_every_page_that_must_be_told_has_a_mark() -> None:
    pages = [each for each in shipped_targets() if each.part in ("start", "agency", "search")]

    assert [] == [each.id for each in pages if not each.mark]


def test_pages_about_illegal_content_are_those_of_an_agency_alone() -> None:
    illegal = [
        target
        for target in (*shipped_targets(), *vendor_targets(), *vendor_targets("cisco"))
        if is_among(target.category, ("ILL", "EXTR"))
    ]

    assert {"iwf.testfiltering.com", "ctiru.testfiltering.com"} == {
        urlsplit(target.address).hostname for target in illegal if target.category != "EXTR"
    }
    assert {"SWGfL Test Filtering"} == {
        target.publisher for target in illegal if target.category != "EXTR"
    }


def test_pages_of_vendors_are_those_of_the_shipped_pack() -> None:
    known = {item.id: item.value for item in open_pack("vendor-tests").items()}

    for target in (*vendor_targets(), *vendor_targets("Fortinet")):
        assert known[target.id] == target.address


def test_a_vendor_that_is_not_the_supplier_gets_two_pages_that_do_not_count() -> None:
    targets = vendor_targets()
    by_vendor = [target.publisher for target in targets]

    assert max(map(by_vendor.count, by_vendor)) == 2
    assert not any(target.counts for target in targets)


def test_all_harmful_pages_of_the_supplier_count() -> None:
    targets = vendor_targets("palo alto")
    own = [target for target in targets if target.publisher == "Palo Alto Networks"]

    assert len(own) > 5
    assert all(target.counts for target in own)
    assert not any(target.counts for target in targets if target not in own)
    assert not any(target.category.startswith(("ALW", "LOC", "CTRL")) for target in own)


def test_no_program_or_archive_is_fetched() -> None:
    for vendor in ("", "cisco", "google", "amtso", "trend", "palo"):
        assert [] == [
            target.address
            for target in vendor_targets(vendor)
            if target.address.endswith((".exe", ".zip", ".com"))
            and urlsplit(target.address).path not in ("", "/")
        ]


def test_an_unknown_supplier_is_a_mistake_that_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"known: .*Fortinet"):
        vendor_targets("Nobody")


def test_names_of_a_pack_are_its_hosts(tmp_path: Path) -> None:
    feed = tmp_path / "list.csv"
    feed.write_text("bad.example\nworse.example\n", encoding="utf-8")
    import_pack("domains", feed, tmp_path / "pack", created="2026-11-24", label="PORN")

    names, left_out = hidden_names(tmp_path / "pack", KEY)

    assert 0 == left_out
    assert {"bad.example", "worse.example"} == {target.address for target in names}
    assert all(target.method == "name" and target.digest for target in names)


def test_entries_of_digests_are_never_tried(tmp_path: Path) -> None:
    digest = "hmac-sha256:k1:" + "ab" * 32
    (tmp_path / "feed").write_text(f"{digest}\n", encoding="utf-8")
    import_pack(
        "hmac_feed",
        tmp_path / "feed",
        tmp_path / "pack",
        created="2026-11-24",
        label="ILL.CSAM",
    )

    with pytest.raises(UsageError, match="no host name to try"):
        hidden_names(tmp_path / "pack", KEY)


def test_a_list_is_no_longer_than_a_check_can_take() -> None:
    with pytest.raises(UsageError, match="one check tries at most 200; give a sample"):
        hidden_names(PACKS / "canary", KEY)


def test_the_digest_of_a_name_depends_on_the_key_alone(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("a.example\nB.example.\n", encoding="utf-8")

    (first, second), _ = hidden_names(path, KEY)
    (again, _), _ = hidden_names(path, KEY)
    (other, _), _ = hidden_names(path, b"x" * 32)

    assert ("a.example", "b.example") == (first.address, second.address)
    assert first.digest == again.digest != other.digest
    assert "example" not in first.digest + first.id + first.what + first.shown


@pytest.mark.parametrize("content", [b"", b"# nothing\n\n", b"\xff\xfe\x00"])
def test_a_list_without_names_is_a_mistake(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content)

    with pytest.raises(UsageError):
        hidden_names(path, KEY)

"""Items know their host, URL and category."""

from __future__ import annotations

from typing import get_args

import pytest

from harness.model.corpus import (
    NAMED,
    WITHOUT_ADDRESS,
    Audience,
    CorpusReference,
    Item,
    ItemKind,
    Sensitivity,
    bare_code,
    covers,
    frame_of,
    is_among,
)


@pytest.mark.parametrize(
    ("kind", "value", "host"),
    [
        ("host", "Gamb-001.Canary.Accredit.Test.", "gamb-001.canary.accredit.test"),
        ("url", "http://a.example/path?q=http://b.example/", "a.example"),
        ("url", "https://user:secret@A.example:8443/", "a.example"),
        ("url", "http://a.example?x", "a.example"),
        ("url", "http://a.example#x:1", "a.example"),
        ("url", "http://[2001:DB8::1]/x", "2001:db8::1"),
        ("url", "http://[2001:db8::1]:8080/", "2001:db8::1"),
        ("ip", "192.0.2.7", "192.0.2.7"),
    ],
)
def test_the_host_of_an_item(kind: str, value: str, host: str) -> None:
    assert host == Item(id="1", value=value, kind=kind, labels=("GAMB",)).host  # type: ignore[arg-type]


def test_the_url_of_an_item_keeps_its_path_and_takes_the_scheme() -> None:
    page = Item(id="1", value="http://a.example/x?y#z", kind="url", labels=("GAMB",))
    host = Item(id="2", value="a.example", labels=("GAMB",))

    assert "https://a.example/x?y#z" == page.url("https")
    assert "http://a.example/" == host.url()


@pytest.mark.parametrize(
    ("sensitivity", "expected"),
    [("S0", False), ("S1", False), ("S2", False), ("S3", True), ("S4", True)],
)
def test_only_s3_and_s4_are_sensitive(sensitivity: Sensitivity, *, expected: bool) -> None:
    assert expected is Item(id="a", value="", labels=("ILL",), sensitivity=sensitivity).is_sensitive


def test_a_code_covers_itself_and_what_lies_below() -> None:
    assert covers("PORN.NUDE", "PORN")
    assert covers("PORN", "PORN")
    assert not covers("PORNX", "PORN")
    assert not covers("PORN", "PORN.NUDE")


def test_a_code_is_among_those_that_cover_it() -> None:
    assert is_among("PORN.NUDE", ("DRUG", "PORN"))
    assert not is_among("PORNX", ("DRUG", "PORN"))
    assert not is_among("PORN", ())


@pytest.mark.parametrize("kind", sorted(WITHOUT_ADDRESS))
def test_what_is_made_first_has_no_host(kind: ItemKind) -> None:
    assert not Item(id="i", value="url/host_uppercase", kind=kind, labels=("CTRL",)).host


def test_a_kind_is_gone_to_or_made_or_many_places() -> None:
    assert frozenset(get_args(ItemKind)) - NAMED - WITHOUT_ADDRESS == {"cidr"}


@pytest.mark.parametrize("audience", get_args(Audience))
def test_a_pack_is_hidden_from_suppliers_or_not(audience: Audience) -> None:
    pack = CorpusReference(name="p", version="1.0.0", sha256="0123456789", audience=audience)

    assert pack.is_hidden == (audience in {"assessor", "sealed"})
    assert pack.mark == "p 01234567"


def test_a_stratum_is_about_a_category() -> None:
    strata = ("PORN", "twin:PORN", "PORN/top1k/en", "twin:PORN/top1k")

    assert {bare_code(stratum) for stratum in strata} == {"PORN"}


def test_a_mark_tells_the_frame() -> None:
    plain = CorpusReference(name="as visited", version="1.0.0", sha256="0" * 64)
    visited = CorpusReference(
        name="p", version="1.0.0", sha256="0" * 64, design="popularity_weighted"
    )

    assert [frame_of(pack.mark) for pack in (plain, visited)] == ["", "as visited"]
    assert frame_of("") == ""

"""The identity of a campaign: its parts by content, not by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from corpora.pack_reader import PACKS
from harness.campaign.campaign_identity import identity_of
from harness.cli.compose import prepare
from harness.model.content_identity import (
    Parts,
    about,
    differences,
    digest_of,
    scheme_document,
    scheme_parts,
)
from harness.model.declared import tupled
from harness.model.scheme import Scheme
from harness.schemes.load import load_scheme, shipped
from harness.signing import canonical
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign

PROXY: dict[str, Any] = {
    "type": "explicit_proxy",
    "name": "proxy",
    "options": {"proxy": "http://127.0.0.1:3128"},
}


def parts(folder: Path, line: dict[str, Any] | None = None, **more: Any) -> Parts:
    folder.mkdir(exist_ok=True)
    origin = more.pop("origin", None) or simulated_origin(folder)
    declared: dict[str, Any] = {"categories": ["DRUG"], "sample": 5, **more}
    path = write_campaign(folder, origin=origin, lines=[line or PROXY], **declared)
    prepared = prepare(path)
    return identity_of(prepared, prepared.campaign, load_scheme(prepared.campaign.scheme))


def changed(one: Parts, other: Parts) -> list[str]:
    return [each.part for each in differences(one, other)]


def with_options(**options: str) -> dict[str, Any]:
    return PROXY | {"options": PROXY["options"] | options}


def test_the_same_declaration_is_the_same(tmp_path: Path) -> None:
    one, other = parts(tmp_path / "a"), parts(tmp_path / "b")

    assert one == other
    assert [name for name, _ in one] == sorted(name for name, _ in one)
    assert {"control", "line proxy", "origin", "pack canary", "profile pupils",
            "policy uk-schools-2026", "scheme becta-2008"} == {name for name, _ in one}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"line": with_options(proxy="http://127.0.0.1:3129")}, "line proxy"),
        ({"line": with_options(proxy="http://127.0.0.2:3128")}, "line proxy"),
        ({"line": PROXY | {"site": "Another house"}}, "line proxy"),
        (
            {"line": PROXY | {"by_profile": {"pupils": {"proxy": "http://127.0.0.1:1"}}}},
            "line proxy",
        ),
        ({"profiles": {"pupils": {"phase": "ks4"}}}, "profile pupils"),
        ({"control": {"options": {"authority": "other.pem"}}}, "control"),
    ],
)
def test_another_address_site_or_phase_is_another_part(
    tmp_path: Path, more: dict[str, Any], part: str
) -> None:
    (tmp_path / "other.pem").write_text("another authority")
    assert changed(parts(tmp_path), parts(tmp_path, **more)) == [part]


def test_a_certificate_counts_by_its_content(tmp_path: Path) -> None:
    line = with_options(authority="authority.pem")
    found = []
    for number, text in enumerate(("one", "one", "another")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "authority.pem").write_text(text)
        found.append(dict(parts(folder, line))["line proxy"])

    assert found[0] == found[1] != found[2]


def test_another_key_is_another_origin(tmp_path: Path) -> None:
    before = parts(tmp_path)
    other = simulated_origin(tmp_path, key=b"o" * 32)

    assert changed(before, parts(tmp_path, origin=other)) == ["origin"]


def test_what_a_simulated_service_does_is_not_where_it_is(tmp_path: Path) -> None:
    line = {"name": "proxy", "type": "simulated"}
    lines = [line | {"options": {"block": block}} for block in (["DRUG"], [])]

    assert [] == changed(*(parts(tmp_path, each) for each in lines))


def test_a_pack_beside_the_campaign_is_not_the_shipped_one_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the campaign lies in the folder from which the command is given."""
    monkeypatch.chdir(tmp_path)
    simulated_origin(Path())
    path = write_campaign(
        Path(), origin=Path("origin.json"), lines=[PROXY], corpora=[{"pack": "./canary"}]
    )

    with pytest.raises(Exception, match=r"no pack '\./\./canary'|no pack '\./canary'"):
        prepare(path)


def test_a_pack_by_an_absolute_path_is_opened(tmp_path: Path) -> None:
    corpora = [{"pack": str(PACKS / "canary"), "categories": ["DRUG"], "sample": 5}]

    assert parts(tmp_path, corpora=corpora) == parts(tmp_path)


@pytest.mark.parametrize("name", shipped())
def test_a_scheme_is_the_same_from_its_document(name: str) -> None:
    scheme = load_scheme(name)
    document = scheme_document(scheme)

    assert scheme == Scheme.model_validate(tupled(document))
    signed = msgspec.json.decode(canonical(document, name))
    assert scheme_parts(document) == scheme_parts(signed)
    assert scheme_parts(document) == scheme_parts({**document, "review_by": "2031-01-01"})


def test_only_the_line_and_profile_of_a_finding_count(tmp_path: Path) -> None:
    found: Parts = (
        ("line a", "1"), ("line b", "2"), ("origin", "3"), ("profile ks1", "4"),
        ("profile ks2", "5"), ("shown by line a", "x"), ("shown by line b", "y"),
    )  # fmt: skip

    assert [name for name, _ in about(found, "a", "ks2")] == [
        "line a", "origin", "profile ks2", "shown by line a",
    ]  # fmt: skip


def test_what_is_edited_newer_missing_and_new_is_told_apart() -> None:
    old = digest_of("old"), digest_of("new")
    before: Parts = (
        ("pack a", f"1.0.0 {old[0]}"),
        ("pack b", f"1.0.0 {old[0]}"),
        ("pack c", "1 x"),
    )
    after: Parts = (("pack a", f"1.0.0 {old[1]}"), ("pack b", f"1.1.0 {old[1]}"), ("pack d", "1 y"))

    edited, newer, missing, new = differences(before, after)

    assert [each.is_edited for each in (edited, newer, missing, new)] == [True, False, False, False]
    assert edited.sentence.startswith("pack a 1.0.0 has another content under the same version")
    assert newer.sentence.startswith("pack b has version 1.1.0, and 1.0.0 before")
    assert (missing.sentence, new.sentence) == ("pack c is missing (x before)", "pack d is new (y)")
    assert () == differences(before, ()) == differences((), after)
    assert [each.part for each in differences(before, after, ignored=["y"])][-1] == "pack c"


def test_what_a_line_shows_differs_only_if_nothing_is_the_same() -> None:
    part = "shown by line proxy"

    def shown(marks: str) -> Parts:
        return ((part, marks), ("origin", "1"))

    assert () == differences(shown("server=a via=b"), shown("via=b page=c"))
    assert () == differences(shown("server=a"), (("origin", "1"),))
    (other,) = differences(shown("server=a"), shown("server=b"))
    assert other.sentence == "line proxy showed another service (server=a; now server=b)"

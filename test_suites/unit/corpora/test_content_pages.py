"""Content pages are reproducible, each harmful one has a twin, and recipes need no code."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from corpora import content_pages as module
from corpora.content_pages import (
    CATEGORIES,
    CONTENT_PACK,
    PAGES_OF_DISGUISE,
    PAGES_OF_FORM,
    content_pages,
)
from corpora.lint import lint
from corpora.origin_pack import OriginPages, on_hosts, write_origin_pack
from corpora.pack_reader import open_pack
from corpora.pack_writer import PackDetails, write_pack
from corpora.synthetic_sites import vendor_list
from corpora.taxonomy import DATA
from harness.model.campaign import PHASES
from harness.model.content_form import FORMS, RECIPE, VIEWERS, PageContent, form_of
from harness.model.coverage import items_needed
from harness.schemes.load import load_scheme

CREATED = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def made() -> OriginPages:
    return content_pages("secret")


def few(*categories: str, pages: int = 3) -> OriginPages:
    return content_pages("secret", categories, pages, of_form=0, of_recipe=0, of_viewer=0)


def test_each_page_that_bears_a_marker_has_a_neighbour_that_does_not() -> None:
    made = few("PORN", "DRUG")

    codes = [made.contents[row["registrable"]].code for row in made.rows]
    assert codes == ["PORN", ""] * 3 + ["DRUG", ""] * 3
    labels = [row["labels"] for row in made.rows]
    assert labels == ["PORN", "ALW.SEXED"] * 3 + ["DRUG", "ALW.DRUGED"] * 3
    for row in made.rows:
        assert row["applies_to"] == "content"
        assert made.texts[row["registrable"]]


def test_texts_differ_and_hosts_are_nobody_s() -> None:
    made = few(*CATEGORIES)

    assert {each.code for each in made.contents.values()} == {*CATEGORIES, ""}
    texts = [made.texts[host] for host, content in made.contents.items() if content.code]
    assert len(set(texts)) == len(texts)
    assert not made.texts.keys() & vendor_list().keys()
    others = content_pages("other", ("PORN",), 3, of_form=0, of_recipe=0, of_viewer=0)
    assert list(made.texts)[:6] != list(others.texts)


def test_plain_pages_keep_their_hosts_when_forms_are_added(made: OriginPages) -> None:
    """An origin of an earlier version serves the pack that was written with it."""
    plain = content_pages("secret", of_form=0, of_recipe=0, of_viewer=0)

    assert plain.rows == made.rows[: len(plain.rows)]


def test_each_form_has_enough_pages_and_as_many_twins(made: OriginPages) -> None:
    counted = Counter(made.contents[row["registrable"]].form for row in made.rows)
    marked = Counter(each.form for each in made.contents.values() if each.code)
    strict = load_scheme("strict")
    (needed,) = (items_needed(one, 0.05) for one in strict.requirements if one.id == "DYN-06")

    for phase in PHASES:
        blocked = sum(strict.policy.expects(code, phase) == "block" for code in CATEGORIES)
        assert PAGES_OF_FORM // len(CATEGORIES) * blocked >= needed
    for form in FORMS.values():
        pages = PAGES_OF_FORM if form.family == "ordinary" else PAGES_OF_DISGUISE
        assert (marked[form.name], counted[form.name]) == (pages, 2 * pages)


def test_strata_name_the_form_and_the_recipe(made: OriginPages) -> None:
    for row in made.rows:
        is_secure = row["value"].startswith("https://")
        assert is_secure == (made.contents[row["registrable"]].form in ("br", "zstd"))
        form, content = form_of(row["stratum"]), made.contents[row["registrable"]]
        if form is None or form.name.startswith(RECIPE):
            assert content.form == ""
        else:
            assert content.form == form.name


def test_a_viewer_shows_a_blocked_page_and_its_twin_a_harmless_one() -> None:
    made = content_pages("secret", ("DRUG",), 0, of_form=0, of_recipe=0, of_viewer=2)
    shown = {row["id"]: row["value"] for row in made.rows}

    assert len(shown) == 2 * 2 * len(VIEWERS)
    for viewer in VIEWERS:
        name = f"{viewer.replace(':', '-')}-02"
        assert "drug-002.canary.accredit.test" in shown[name]
        assert "drug-002.twin.accredit.test" in shown[f"{name}-twin"]
        assert shown[name].startswith("http://")


def test_on_other_hosts_viewers_show_pages_of_those() -> None:
    made = content_pages("secret", ("DRUG",), 0, of_form=1, of_recipe=0, of_viewer=1)

    moved = on_hosts(made, lambda host: host.replace("accredit.test", "own.example"))

    assert all("accredit.test" not in row["value"] for row in moved.rows)
    assert any("drug-001.canary.own.example" in row["value"] for row in moved.rows)
    assert {row["registrable"] for row in moved.rows} == moved.contents.keys()


def recipes(made: OriginPages) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in made.rows:
        form = form_of(row["stratum"])
        if form is not None and row["id"].startswith("CR-"):
            found.setdefault(row["id"][:6], []).append(row)
    return found


def test_every_recipe_that_has_a_page_is_driven(made: OriginPages) -> None:
    found = recipes(made)
    shipped = {item.id for item in open_pack("content").items() if "-twin" not in item.id}

    assert shipped - found.keys() == {"CR-026"}  # the agency's own page
    contents = {name: made.contents[rows[0]["registrable"]] for name, rows in found.items()}
    assert PageContent(code="PORN.NUDE") == contents["CR-002"]
    assert contents["CR-014"].label.startswith('<meta name="RATING"')
    assert contents["CR-015"].label == "Rating: RTA-5042-1996-1400-1577-RTA"
    assert PageContent(form="image", label="agreed") == contents["CR-025"]
    texts = {name: made.texts[rows[0]["registrable"]] for name, rows in found.items()}
    assert "Here you find: casino, blackjack," in texts["CR-017"]
    assert texts["CR-023"].endswith(" There is a casino in the film.")
    languages = {row["lang"] for row in found["CR-027"]}
    assert {"cy", "pl", "ur", "ar", "ro", "so", "bn", "pa"} == languages
    for name in ("CR-023", "CR-024", "CR-027"):
        assert not [row for row in found[name] if row["id"].endswith("-twin")]


def test_a_new_recipe_needs_no_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = DATA.parent / "packs/content/items.csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    (known,) = (row for row in rows if row["id"] == "CR-017")
    added = known | {
        "id": "CR-900",
        "pair_id": "",
        "notes": known["notes"].replace("casino", "bingo"),
    }
    details = PackDetails(name="content", version="9.0.0", title="Recipes", created=CREATED)
    write_pack(tmp_path / "content", [*rows, added], details)
    recipes = open_pack(str(tmp_path / "content"))
    shipped = open_pack
    monkeypatch.setattr(
        module, "open_pack", lambda name: recipes if name == "content" else shipped(name)
    )

    made = content_pages("secret", ("PORN",), 1, of_form=0, of_recipe=1, of_viewer=0)

    (text,) = (made.texts[row["registrable"]] for row in made.rows if row["id"] == "CR-900-1")
    assert "Here you find: bingo, blackjack" in text


def test_the_pack_is_for_assessors_and_holds_content_items(tmp_path: Path) -> None:
    made = content_pages("secret", ("PORN",), pages=2, of_form=1, of_recipe=1)

    write_origin_pack(CONTENT_PACK, made, tmp_path / "pages", "secret", CREATED)
    pack = open_pack(str(tmp_path / "pages"))

    assert (pack.reference.kind, pack.reference.audience) == ("content", "assessor")
    assert pack.reference.is_hidden
    assert pack.size == len(made.rows)
    assert lint(pack) == []
    for path in (tmp_path / "pages").iterdir():
        assert "secret" not in path.read_text()

"""UT1 trees beyond the golden one: odd folders, links, and archives."""

import shutil
import tarfile
from pathlib import Path

import pytest

from corpora.read_list import ReportRow, import_list

FIXTURES = Path(__file__).parent / "fixtures"


def tree_of(folder: Path, files: dict[str, str]) -> Path:
    root = folder / "lists"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def told(rows: list[ReportRow]) -> list[tuple[str, ...]]:
    return [(row.line, row.value, row.target, row.status, row.reason) for row in rows]


def test_a_name_below_a_listed_one_is_redundant_wherever_that_is(tmp_path: Path) -> None:
    root = tree_of(tmp_path, {"games/domains": "w.a.example\na.example\n", "games/usage": "black"})

    assert told(list(import_list("ut1", root))) == [
        ("lists/games/domains:1", "w.a.example", "LOC.GAME", "redundant", "parent present"),
        ("lists/games/domains:2", "a.example", "LOC.GAME", "ok", ""),
    ]


def test_what_else_lies_about_is_skipped(tmp_path: Path) -> None:
    files = {
        "global_usage": "NAME: x\n" * 50,
        "games/README": "x",
        "games/domains": "",
        "LICENSE": "",
    }
    root = tree_of(tmp_path, files | {"games/urls": "a.example:8080/x\n192.0.2.1/y\n"})

    assert told(list(import_list("ut1", root))) == [
        ("lists/LICENSE", "", "", "skipped", "not a category"),
        ("lists/games/README", "", "", "skipped", "not a list of the category"),
        ("lists/games/urls:1", "a.example:8080/x", "LOC.GAME", "ok", "no usage file"),
        ("lists/games/urls:2", "192.0.2.1/y", "LOC.GAME", "ok", "no usage file"),
        ("lists/global_usage", "", "", "skipped", "not a category"),
    ]


@pytest.mark.parametrize(
    ("leads_to", "status", "reason"),
    [
        ("games", "ok", "symlink is an alias, not a second copy"),
        ("/etc", "error", "symlink leaves the tree: refused"),
        ("../..", "error", "symlink leaves the tree: refused"),
        ("games/domains", "error", "symlink leaves the tree: refused"),
        ("nothing", "error", "symlink leads nowhere"),
        ("play", "error", "symlink leads nowhere"),
    ],
)
def test_links_of_categories(tmp_path: Path, leads_to: str, status: str, reason: str) -> None:
    root = tree_of(tmp_path, {"games/domains": "a.example\n", "games/usage": "black"})
    (root / "play").symlink_to(leads_to)

    row = next(row for row in import_list("ut1", root) if row.line == "lists/play")

    assert (row.status, row.reason) == (status, reason)


def test_links_within_a_category_are_refused(tmp_path: Path) -> None:
    root = tree_of(tmp_path, {"games/usage": "black"})
    (root / "games" / "domains").symlink_to("/etc/hosts")

    assert [(row.line, row.status) for row in import_list("ut1", root)] == [
        ("lists/games/domains", "error")
    ]


def test_a_page_in_place_of_a_list_is_an_error_of_that_list_only(tmp_path: Path) -> None:
    files = {"games/domains": "<html>", "games/urls": "a.example/x\n", "games/usage": "white"}

    assert told(list(import_list("ut1", tree_of(tmp_path, files)))) == [
        ("lists/games/domains", "", "", "error", "HTML page instead of list"),
        ("lists/games/urls:1", "a.example/x", "LOC.GAME", "ok", "usage white"),
    ]


def test_an_archive_gives_what_its_tree_gives(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "ut1", tmp_path / "ut1")
    with tarfile.open(tmp_path / "ut1.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "ut1" / "blacklists", "blacklists")

    for form in ("ut1", "archive"):
        packed = told(list(import_list(form, tmp_path / "ut1.tar.gz")))
        plain = told(list(import_list("ut1", tmp_path / "ut1")))
        assert [(row[0].replace("ut1.tar.gz", "ut1"), *row[1:]) for row in packed] == plain


@pytest.mark.parametrize("form", ["ut1", "archive"])
def test_a_file_is_no_tree(form: str) -> None:
    (row,) = import_list(form, FIXTURES / "hosts.txt")

    assert row.status == "error"
    assert row.reason.startswith("not a")

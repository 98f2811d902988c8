"""The letter to a supplier and its lists: agreed items alone, in new files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from corpora.content_pages import CONTENT_PACK, content_pages
from corpora.exporters import LIST_EXPORTERS, PAGES_ONLY
from corpora.origin_pack import write_origin_pack
from corpora.pack_writer import PackDetails, write_pack
from corpora.url_pages import URL_PACK, url_pages
from harness.cli.compose import open_pack, prepare
from harness.cli.content_packs import write_content_packs
from harness.cli.dry_run import dry_run
from harness.cli.main import app
from harness.cli.supplier_letter import ALWAYS, agreed_lists, write_letter
from harness.errors import UsageError
from harness.schemes.load import load_scheme
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign

BECTA = load_scheme("becta-2008")
ALLOWED, BLOCKED = "amber-lantern.accredit.test", "copper-meadow.accredit.test"
SHARED = "drug-001.canary.accredit.test"
"""An agreed item that a hidden pack names too."""


def pack(folder: Path, hosts: list[str], **more: Any) -> str:
    """Write a pack of drug sites; gives its path."""
    rows = [
        {
            "id": f"{folder.name}-{number}", "value": host, "kind": "host", "registrable": host,
            "labels": "DRUG", "stratum": "DRUG", "sensitivity": "S0",
        }
        for number, host in enumerate(hosts)
    ]  # fmt: skip
    told: dict[str, Any] = {"kind": "real", "audience": "sealed"} | more
    details = PackDetails(
        name=folder.name,
        version="1.0.0",
        title="A list",
        created="2026-11-24T00:00:00Z",
        sources=({"title": "made for a test"},),
        seed="list",
        **told,
    )
    write_pack(folder, rows, details)
    return str(folder)


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """Agreed, hidden, known real and content items; names that would be markup; a password."""
    write_origin_pack(
        CONTENT_PACK, content_pages("s"), tmp_path / "content", "s", "2026-11-24T00:00:00Z"
    )
    origin = simulated_origin(tmp_path, twin_zone="orchard-view.test")
    path = write_campaign(
        tmp_path / "run",
        origin=origin,
        lines=[
            {
                "name": "proxy",
                "type": "explicit_proxy",
                "options": {"proxy": "http://user:word@192.0.2.7:3128", "source": "192.0.2.1"},
                "site": "Hill | Road",
            }
        ],
        service={"name": "A *bold* | <b>name</b>", "supplier": "Net\u202eCo"},
        profiles={"pupils": {"phase": "ks2"}, "sixth": {"phase": "post16"}},
        seed="the-secret-seed",
    )
    declared = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    declared["corpora"] = [
        {"pack": "canary", "categories": ["DRUG", "MALW.HACK", "LOC.JOBS"], "sample": 4},
        {"pack": pack(tmp_path / "hidden", ["hidden-site.org", SHARED])},
        {"pack": pack(tmp_path / "known", ["known-site.org"], audience="public")},
        {"pack": pack(tmp_path / "sealed", ["sealed-site.sites.accredit.test"], kind="agreed")},
        {"pack": str(tmp_path / "content"), "sample": 2},
    ]
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(declared, file)
    return path


def written(campaign: Path, folder: Path) -> dict[str, str]:
    """The files of a letter by their path."""
    prepared = prepare(campaign)
    paths = write_letter(prepared, BECTA, dry_run(prepared, BECTA, folder.parent / "out"), folder)
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}


def test_lists_hold_whole_categories_of_agreed_items_with_their_twins(campaign: Path) -> None:
    prepared = prepare(campaign)
    lists = {each.category: each for each in agreed_lists(prepared, BECTA.policy)}

    hosts = {item.host for item in lists["DRUG"].items}
    drugs = {item.host for item in open_pack("canary").items() if item.category == "DRUG"}
    assert {"DRUG", "MALW.HACK"} == set(lists), "jobs are allowed"
    assert (120, 119) == (len(drugs), len(hosts & drugs))
    assert 119 == sum(host.endswith(".orchard-view.test") for host in hosts)
    assert [("pupils", "sixth"), ("pupils",)] == [
        lists[code].profiles for code in ("DRUG", "MALW.HACK")
    ]


def test_no_file_names_what_a_supplier_may_not_know(campaign: Path, tmp_path: Path) -> None:
    files = written(campaign, tmp_path / "letter")
    content = {item.host for item in open_pack(str(tmp_path / "content")).items()}
    lists = "\n".join(text for name, text in files.items() if name != "letter.md")

    for text in (lists, files["letter.md"]):
        for secret in (
            "hidden-site", "known-site", "sealed-site", SHARED, "the-secret-seed", "word@", "user:",
            (b"k" * 32).hex(),
        ):  # fmt: skip
            assert secret not in text
        assert [] == [host for host in content if host in text]
    assert ALLOWED not in lists
    assert ".twin.accredit.test" not in lists, "must-allow neighbours"


def test_each_format_is_written_and_the_must_block_host_is_in_it(
    campaign: Path, tmp_path: Path
) -> None:
    files = written(campaign, tmp_path / "letter")

    formats = {name.split("/")[1] for name in files if name.startswith("lists/")}
    assert set(LIST_EXPORTERS.load()) - PAGES_ONLY == formats
    for form in formats:
        listed = [text for name, text in files.items() if name.startswith(f"lists/{form}/{ALWAYS}")]
        assert any(BLOCKED in text for text in listed), form
    assert "0.0.0.0 drug-002.canary.accredit.test\n" in files["lists/hosts/DRUG"]
    assert "drug" not in files["lists/hosts/MALW.HACK"]


def test_the_letter_says_who_tests_what_and_what_is_wanted(campaign: Path, tmp_path: Path) -> None:
    text = written(campaign, tmp_path / "letter")["letter.md"]

    for words in (
        r"A \*bold\* \| \<b\>name\</b\>", r"To: Net\\u202eCo", "Becta accredited",
        "explicit proxy http://", "192.0.2.7:3128", r"Hill \| Road", "pupils (ks2), sixth (post16)",
        "Source addresses: 192.0.2.1.", "Exempt them from nothing", "| DRUG | Drugs",
        "| 238 | pupils, sixth |", f"`{BLOCKED}`", f"`{ALLOWED}`", "Put it on no list",
        "No special treatment", "block page", "Log records", "[name, e-mail, telephone]", "[day]",
        "minutes", "requests",
    ):  # fmt: skip
        assert words in text, words


def test_nothing_is_overwritten(runner: CliRunner, campaign: Path, tmp_path: Path) -> None:
    folder = tmp_path / "letter"
    folder.mkdir()
    (folder / "letter.md").write_text("mine")
    words = ["measure", str(campaign), "--out", str(tmp_path / "out"), "--dry-run"]

    ended = runner.invoke(app, [*words, "--letter", str(folder)])

    assert isinstance(ended.exception, UsageError)
    assert "exists already" in str(ended.exception)
    assert ["letter.md"] == [path.name for path in folder.iterdir()]
    assert "mine" == (folder / "letter.md").read_text()


def test_the_command_says_where_the_letter_is(
    runner: CliRunner, campaign: Path, tmp_path: Path
) -> None:
    words = ["measure", str(campaign), "--out", str(tmp_path / "out"), "--dry-run"]
    ended = runner.invoke(app, [*words, "--letter", str(tmp_path / "new/letter")])

    assert 0 == ended.exit_code, ended.exception
    assert "letter.md (fill in" in ended.output
    assert {"letter.md", "lists"} == {path.name for path in (tmp_path / "new/letter").iterdir()}
    assert ["letter"] == [path.name for path in (tmp_path / "new").iterdir()]
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(campaign: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="file"):
        written(campaign, tmp_path / "file/letter")


def test_no_entry_covers_a_host_that_must_stay_on_no_list(campaign: Path, tmp_path: Path) -> None:
    zone = "sites.accredit.test"
    hosts = [f"lantern.{zone}", f"amber.{zone}", f"below.amber.{zone}"]
    declared = YAML(typ="safe").load(campaign.read_text(encoding="utf-8"))
    declared["corpora"] = [
        {"pack": pack(tmp_path / "own", hosts, kind="agreed", audience="public")}
    ]
    declared["sentinels"] = {"must_allow": [f"www.amber.{zone}"], "must_block": ["http://b.org/`x"]}
    with campaign.open("w", encoding="utf-8") as file:
        YAML().dump(declared, file)

    files = written(campaign, tmp_path / "letter")

    listed = [line for line in files["lists/hosts/DRUG"].splitlines() if line.endswith(zone)]
    assert [f"0.0.0.0 below.amber.{zone}", f"0.0.0.0 lantern.{zone}"] == listed
    assert "`http://b.org/%60x`" in files["letter.md"]


def test_a_supplier_is_told_of_engines_and_terms_where_searches_are_tried(tmp_path: Path) -> None:
    write_content_packs(tmp_path, "s")
    origin = simulated_origin(tmp_path)
    path = write_campaign(
        tmp_path / "run",
        origin=origin,
        lines=[{"name": "proxy", "type": "simulated"}],
        control={"type": "simulated"},
        corpora=[{"pack": str(tmp_path / "search-pages")}],
    )
    prepared = prepare(path)
    plan = dry_run(prepared, BECTA, tmp_path / "out")

    write_letter(prepared, BECTA, plan, tmp_path / "letter")

    told = (tmp_path / "letter" / "lists" / "search-engines.csv").read_text()
    assert all(item.host in told for item in prepared.items)
    assert (tmp_path / "letter" / "lists" / "search-terms.csv").is_file()
    text = (tmp_path / "letter" / "letter.md").read_text()
    assert "lists/search-engines.csv" in text
    (tmp_path / "search-terms.csv").unlink()
    with pytest.raises(UsageError, match="write it with 'accredit origin pages'"):
        write_letter(prepared, BECTA, plan, tmp_path / "again")


def test_pages_on_listed_hosts_make_no_gap_in_the_list(tmp_path: Path) -> None:
    """A gap would tell which of the agreed hosts have such pages, and keep them from a supplier."""
    pages = url_pages("s", ("DRUG",), {"address": 1, "object": 2})
    write_origin_pack(URL_PACK, pages, tmp_path / "urls", "s", "2026-11-24T00:00:00Z")
    path = write_campaign(
        tmp_path / "run",
        origin=simulated_origin(tmp_path),
        lines=[{"name": "proxy", "type": "simulated"}],
        control={"type": "simulated"},
    )
    declared = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    declared["corpora"] = [
        {"pack": "canary", "categories": ["DRUG"], "sample": 4},
        {"pack": str(tmp_path / "urls")},
    ]
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(declared, file)

    (listed,) = agreed_lists(prepare(path), BECTA.policy)

    hosts = {item.host for item in listed.items}
    assert {f"drug-{number:03}.canary.accredit.test" for number in range(1, 121)} <= hosts
    assert hosts.isdisjoint(pages.texts)

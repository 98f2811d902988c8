"""``accredit corpus`` reads, checks, samples, imports and exports; wrong use leaves nothing."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from corpora.content_pages import CONTENT_PACK, content_pages
from corpora.origin_pack import write_origin_pack
from harness.campaign.origin_file import write_origin
from harness.cli.compose import prepare
from harness.cli.corpus import app
from harness.errors import UsageError
from harness.model.origin_zone import OriginZone
from harness.model.plain_twin import is_ordinary
from harness.ports.network import Origin
from test_suites.kit.campaigns.rehearsal import write_campaign


def call(runner: CliRunner, *arguments: object) -> Result:
    return runner.invoke(app, [str(one) for one in arguments], catch_exceptions=True)


def test_info_tells_what_a_pack_is(runner: CliRunner) -> None:
    told = json.loads(call(runner, "info", "canary", "--json").stdout)

    assert told["name"] == "canary"
    assert told["items"] == 9210
    assert told["strata"]["GAMB"] == 120
    assert "twin:GAMB" in call(runner, "info", "canary").stdout


def test_lint_is_content_with_a_shipped_pack(runner: CliRunner) -> None:
    assert call(runner, "lint", "overblock").stdout == "overblock: no faults found\n"
    assert json.loads(call(runner, "lint", "overblock", "--json").stdout) == []


def test_lint_tells_what_to_mend(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.b.example\nc.b.example\n")
    pack = tmp_path / "pack"
    call(
        runner,
        "import",
        tmp_path / "list.txt",
        "--format",
        "domains",
        "--label",
        "GAMB",
        "--out",
        pack,
    )

    plain = call(runner, "lint", pack)
    structured = call(runner, "lint", pack, "--json")

    assert isinstance(plain.exception, UsageError)
    assert "'b.example' is already on line 2" in str(plain.exception)
    assert structured.exit_code == 2
    assert json.loads(structured.stdout)[0]["key"] == "registrable"


def test_an_import_prints_a_report_that_adds_up(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("0.0.0.0 a.example a.example b!.example\n")
    arguments = ["--format", "hosts", "--label", "GAMB", "--report", tmp_path / "report.csv"]

    printed = call(runner, "import", tmp_path / "list.txt", *arguments, "--out", tmp_path / "one")
    told = json.loads(
        call(
            runner, "import", tmp_path / "list.txt", *arguments, "--out", tmp_path / "two",
            "--created", "2026-11-24", "--json",
        ).stdout
    )  # fmt: skip

    assert "duplicate" in printed.stdout
    assert printed.stdout.endswith(f"{tmp_path / 'one'}: 1 items\n")
    assert sum(told["statuses"].values()) == told["rows"] == 3
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["status"] for row in csv.DictReader(stream)] == ["ok", "duplicate", "error"]
    manifest = json.loads((tmp_path / "two" / "datapackage.json").read_text())
    assert manifest["created"] == "2026-11-24T00:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--format", "nothing"], "no importer 'nothing' for lists; known: adblock"),
        (["--format", "hosts"], "give one with --label CODE"),
        (["--format", "hosts", "--label", "GAMB", "--created", "soon"], "not a date or time"),
        (["--format", "ut1"], "not a folder with a category in each folder"),
    ],
)
def test_a_wrong_import_writes_no_pack(
    runner: CliRunner, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "list.txt").write_text("0.0.0.0 a.example\n")

    outcome = call(runner, "import", tmp_path / "list.txt", *arguments, "--out", tmp_path / "pack")

    assert isinstance(outcome.exception, UsageError)
    assert told in str(outcome.exception)
    assert not (tmp_path / "pack").exists()


def test_a_sample_is_the_same_for_the_same_seed(runner: CliRunner, tmp_path: Path) -> None:
    for name, seed in (("one", "s"), ("two", "s"), ("three", "t")):
        outcome = call(
            runner, "sample", "canary", "--size", 5, "--seed", seed, "--category", "GAMB",
            "--out", tmp_path / name,
        )  # fmt: skip
        assert "10 items; commitment to the seed: sha256:" in outcome.stdout

    tables = [(tmp_path / name / "items.csv").read_bytes() for name in ("one", "two", "three")]
    assert tables[0] == tables[1] != tables[2]


def test_a_sample_wants_a_seed(runner: CliRunner, tmp_path: Path) -> None:
    outcome = call(runner, "sample", "canary", "--size", 5, "--seed", "", "--out", tmp_path / "x")

    assert isinstance(outcome.exception, UsageError)


def test_an_export_is_loaded_by_the_range_and_by_products(
    runner: CliRunner, tmp_path: Path
) -> None:
    out = tmp_path / "list"

    outcome = call(
        runner, "export", "canary", "--format", "squid", "--category", "GAMB", "--out", out
    )

    assert outcome.stdout == f"{out}: 120 items as squid\n"
    assert out.read_text().splitlines()[0] == "gamb-001.canary.accredit.test"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--format", "nothing"], "no exporter 'nothing' for lists; known: csv, e2guardian"),
        (["--format", "squid", "--category", "NOPE"], "no items of NOPE; known: ADLT"),
    ],
)
def test_a_wrong_export_writes_nothing(
    runner: CliRunner, tmp_path: Path, arguments: list[str], told: str
) -> None:
    outcome = call(runner, "export", "canary", *arguments, "--out", tmp_path / "list")

    assert isinstance(outcome.exception, UsageError)
    assert told in str(outcome.exception)
    assert list(tmp_path.iterdir()) == []


def test_an_export_overwrites_nothing(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("precious")

    outcome = call(runner, "export", "canary", "--format", "squid", "--out", tmp_path / "list")

    assert "exists already" in str(outcome.exception)
    assert (tmp_path / "list").read_text() == "precious"


def test_an_unknown_pack_names_the_known(runner: CliRunner) -> None:
    assert "known: canary" in str(call(runner, "info", "nothing").exception)


def test_a_pack_is_signed_and_verified(runner: CliRunner, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    subject = serialization.PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "key").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    (tmp_path / "public").write_bytes(key.public_key().public_bytes(pem, subject))
    pack = tmp_path / "pack"
    call(
        runner, "sample", "canary", "--size", 1, "--seed", "s", "--category", "GAMB", "--out", pack
    )

    unsigned = call(runner, "verify", pack, "--key", tmp_path / "public")
    signed = call(runner, "sign", pack, "--key", tmp_path / "key")
    verified = call(runner, "verify", pack, "--key", tmp_path / "public")

    assert "is not signed" in str(unsigned.exception)
    assert "signed by key" in signed.stdout
    assert verified.stdout == f"{pack}: canary-sample 1.0.0 is unchanged and signed\n"


def test_diff_tells_what_changed(runner: CliRunner, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    call(runner, "sample", "overblock", "--size", 1, "--seed", "s", "--out", pack)

    told = json.loads(call(runner, "diff", pack, "overblock", "--json").stdout)

    assert len(told["added"]) == 376 - 9
    assert told["removed"] == told["relabelled"] == told["revalued"] == []
    assert "added" in call(runner, "diff", pack, "overblock").stdout


def test_a_list_for_suppliers_holds_the_plain_twins(runner: CliRunner, tmp_path: Path) -> None:
    origin = Origin(
        zone="accredit.test", resolver="r", ports={}, authority="a", key=b"k" * 16,
        twin_zone="orchard-view.test",
    )  # fmt: skip
    write_origin(origin, tmp_path / "origin.json")
    out = tmp_path / "list"

    outcome = call(
        runner, "export", "canary", "--format", "squid", "--category", "GAMB", "--out", out,
        "--origin", tmp_path / "origin.json",
    )  # fmt: skip

    hosts = out.read_text().split()
    assert outcome.stdout == f"{out}: 240 items as squid\n"
    assert 120 == sum(host.endswith(".orchard-view.test") for host in hosts)
    assert hosts == sorted(hosts)


def test_a_category_includes_its_sub_categories_and_no_benign_neighbours(
    runner: CliRunner, tmp_path: Path
) -> None:
    out = tmp_path / "list"

    call(runner, "export", "canary", "--format", "csv", "--category", "PORN", "--out", out)

    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {"PORN": 120, "PORN.NUDE": 120} == Counter(row["category"] for row in rows)
    assert {"host"} == {row["kind"] for row in rows}
    assert rows[0]["name"].startswith("Pornography")


ZONES = ("canary.example.org", "meadow.example.net")


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """A campaign over an origin of two zones."""
    origin = Origin(
        zone=ZONES[0], resolver="192.0.2.10:53", ports={}, authority="", key=b"k" * 32,
        address="192.0.2.10", twin_zone="orchard.example",
        zones=tuple(OriginZone(zone=zone, addresses=("192.0.2.10",)) for zone in ZONES),
        twins=OriginZone(zone="orchard.example", addresses=("192.0.2.11",)),
    )  # fmt: skip
    write_origin(origin, tmp_path / "origin.json")
    return write_campaign(
        tmp_path, origin=tmp_path / "origin.json", categories=["PORN", "GAMB"], sample=5,
        lines=[{"name": "names", "type": "resolver", "options": {"server": "192.0.2.53"}}],
    )  # fmt: skip


def exported(runner: CliRunner, campaign: Path, *words: str | Path) -> list[dict[str, str]]:
    out = campaign.parent / f"list-{'-'.join(map(str, words)).replace('/', '')}.csv"
    outcome = call(
        runner, "export", "canary", "--format", "csv", "--campaign", campaign, "--out", out, *words
    )
    assert 0 == outcome.exit_code, outcome.exception
    return list(csv.DictReader(out.read_text().splitlines()))


def test_a_list_for_a_campaign_holds_all_that_it_may_try(runner: CliRunner, campaign: Path) -> None:
    rows = exported(runner, campaign)
    tried = [item for item in prepare(campaign).items if not is_ordinary(item)]

    values = {row["value"] for row in rows}
    assert {item.value for item in tried} <= values
    assert {"PORN", "PORN.NUDE", "GAMB"} == {row["category"] for row in rows}
    zones = Counter(value.partition(".canary.")[2] or "twins" for value in values)
    assert {*ZONES, "twins"} == set(zones)
    assert 360 == zones["twins"]


def test_must_block_sentinels_are_in_the_list_and_must_allow_ones_never(
    runner: CliRunner, campaign: Path
) -> None:
    without, rows = exported(runner, campaign), exported(runner, campaign, "--with-sentinels")

    (added,) = [row for row in rows if row not in without]
    assert {added["value"]} == set(prepare(campaign).campaign.sentinels.hosts("must_block"))
    assert added["category"] in {row["category"] for row in without}
    values = [row["value"] for row in rows]
    assert values == sorted(values)
    assert not any(value.startswith("amber-lantern") for value in values)


@pytest.mark.parametrize("words", [[], ["--with-sentinels"]])
def test_a_list_that_blocks_what_must_pass_is_refused_with_and_without_sentinels(
    runner: CliRunner, campaign: Path, words: list[str]
) -> None:
    change(campaign, sentinels={"must_allow": [{"at": "porn-001.canary.accredit.test"}]})
    out = campaign.parent / "list"

    outcome = call(
        runner, "export", "canary", "--format", "csv", "--campaign", campaign, "--out", out, *words
    )

    assert isinstance(outcome.exception, UsageError)
    assert "would block the must-allow sentinel porn-001.canary." in str(outcome.exception)
    assert not out.exists()


def change(campaign: Path, **keys: object) -> None:
    """Replace keys of a campaign file."""
    document = YAML(typ="safe").load(campaign.read_text()) | keys
    with campaign.open("w", encoding="utf-8") as file:
        YAML().dump(document, file)


def test_harmless_items_that_a_campaign_tries_are_not_exported_unless_named(
    runner: CliRunner, campaign: Path
) -> None:
    change(campaign, corpora=[{"pack": "canary", "categories": ["PORN", "ALW"]}])

    assert {"PORN", "PORN.NUDE"} == {row["category"] for row in exported(runner, campaign)}
    named = exported(runner, campaign, "--category", "ALW")
    assert {"ALW"} == {row["category"].partition(".")[0] for row in named}


def test_a_whole_pack_of_a_campaign_is_exported_without_what_is_harmless(
    runner: CliRunner, campaign: Path
) -> None:
    change(campaign, corpora=[{"pack": "canary"}])

    roots = {row["category"].partition(".")[0] for row in exported(runner, campaign)}

    assert {"ILL", "PORN", "LOC"} <= roots
    assert not roots & {"ALW", "CTRL"}


@pytest.mark.parametrize(
    ("pack", "words", "said"),
    [
        ("canary", ["--with-sentinels"], "--with-sentinels needs --campaign"),
        ("overblock", ["--campaign"], "the campaign does not use the pack 'overblock'; known: canary"),
        ("hidden", ["--campaign"], "is hidden from suppliers; no list of it is made"),
    ],
)  # fmt: skip
def test_a_list_that_no_supplier_should_get_is_refused(
    runner: CliRunner, campaign: Path, pack: str, words: list[str], said: str
) -> None:
    given = pack
    if pack == "hidden":
        given = str(campaign.parent / "hidden")
        write_origin_pack(
            CONTENT_PACK, content_pages("s", ("DRUG",), 2), Path(given), "s", "2026-11-01T00:00:00Z"
        )
    more = [*words, str(campaign)] if words == ["--campaign"] else words
    out = campaign.parent / "list"

    outcome = call(runner, "export", given, "--format", "csv", "--out", out, *more)

    assert isinstance(outcome.exception, UsageError)
    assert said in str(outcome.exception)
    assert not out.exists()

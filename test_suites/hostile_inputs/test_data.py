"""Hostile lists, archives, ratings, keys, measurements and database URLs."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from corpora.importers import LIST_IMPORTERS
from harness.untrusted.visible_text import cell_text
from test_suites.kit.campaigns.hostile_texts import (
    LISTS,
    MEASUREMENTS,
    NAME,
    STEERING_IDS,
    URLS,
)
from test_suites.kit.processes.hostile_command import Accredit

IMPORTERS = [name for name in LIST_IMPORTERS.load() if name not in ("ut1", "archive")]
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


@pytest.mark.parametrize("form", IMPORTERS)
def test_hostile_lists(form: str, accredit: Accredit) -> None:
    for kind, text in LISTS.items():
        Path("list").write_bytes(text.encode("utf-8", "surrogatepass"))
        out = f"new-{kind.replace(' ', '-')}"
        words = ["list", "--format", form, "--label", "GAMB", "--out", out, "--report", "r.csv"]
        ended = accredit("corpus", "import", *words)

        assert ended.code in (0, 2), (kind, ended)
        if Path("r.csv").exists():
            with Path("r.csv").open(newline="", encoding="utf-8") as stream:
                cells = [cell for row in csv.reader(stream) for cell in row]
            assert not [cell for cell in cells if cell.startswith(FORMULAS)]
            assert all(cell.isprintable() for cell in cells)
            Path("r.csv").unlink()
        if ended.code == 0:
            assert 0 == accredit("corpus", "info", out).code
            accredit("corpus", "lint", out)


def test_a_report_holds_the_formula_that_was_refused(accredit: Accredit) -> None:
    Path("list").write_text("=cmd|'/c calc'!A0\nfine.example\n")
    accredit(
        *[
            "corpus",
            "import",
            "list",
            "--format",
            "domains",
            "--label",
            "GAMB",
            "--out",
            "new",
            "--report",
            "r.csv",
        ]
    )

    with Path("r.csv").open(newline="", encoding="utf-8") as stream:
        values = [row["value"] for row in csv.DictReader(stream)]
    assert ["'=cmd|'/c calc'!A0", "fine.example"] == values
    assert "=cmd|'/c calc'!A0" == cell_text(values[0])


@pytest.mark.parametrize("form", ["ut1", "archive"])
def test_hostile_archives(form: str, accredit: Accredit) -> None:
    for kind, content in _archives().items():
        Path("archive").write_bytes(content)
        ended = accredit(*f"corpus import archive --format {form} --out new".split())

        assert 2 == ended.code, (kind, ended)
        assert not Path("new").exists()
    assert not Path("../escaped").exists()


@pytest.mark.parametrize("kind", LISTS)
def test_hostile_ratings_keys_and_origins(kind: str, accredit: Accredit) -> None:
    Path("file").write_bytes(LISTS[kind].encode("utf-8", "surrogatepass"))

    for command in (
        "corpus agree file",
        "corpus sign pack --key file",
        "corpus verify pack --key file",
        "corpus export pack --format hosts --out new --origin file",
        "corpus sample pack --out new --size 1 --seed x --by popularity --ranks file",
        "bundle verify file --key ours.pub.pem",
        "plan list --registry file",
        "conclude file",
        "report file",
        "compare file file",
        "journal verify file",
        "bundle make file --key ours.pem --out new",
    ):
        ended = accredit(*command.split())
        assert 2 == ended.code, (command, ended)


@pytest.mark.parametrize("head", ["item,rater,label\n", "item,rater,label\na,b,GAMB\n"])
def test_ratings_with_hostile_rows(head: str, accredit: Accredit) -> None:
    for row in (f'"{NAME}","{NAME}","{NAME}"', "a," + "b" * 70_000 + ",GAMB", '"' + "a,\n" * 200):
        Path("file").write_text(head + row)
        assert 2 == accredit("corpus", "agree", "file").code


@pytest.mark.parametrize("form", ["ooni", "page"])
@pytest.mark.parametrize("kind", MEASUREMENTS)
def test_hostile_measurements(kind: str, form: str, accredit: Accredit) -> None:
    line = MEASUREMENTS[kind].encode("utf-8", "surrogateescape")
    Path("file").write_bytes(line + b"\n")

    judged = accredit("judge", "file", "--format", form)
    assert judged.code in (0, 2), judged
    for said in (judged.out + judged.err).splitlines():
        json.loads(said)
    assert accredit(*["bundle", "import", "file", "--format", "ooni", "--out", "new"]).code in (
        0,
        2,
    )


def test_what_can_be_read_is_printed_escaped(accredit: Accredit) -> None:
    Path("file").write_text("\n".join(STEERING_IDS))

    ended = accredit("judge", "file", "--format", "page")
    assert (0, [NAME, NAME]) == (
        ended.code,
        [json.loads(line)["id"] for line in ended.out.splitlines()],
    )


def test_a_journal_of_hostile_names(accredit: Accredit) -> None:
    """Its items and URLs go through every verb that prints or writes what a journal holds."""
    page = {"requests": [{"request": {"url": "http://a.example/"}, "failure": NAME}]}
    lines = [
        {"id": NAME, "input": f"http://a.example/{NAME}", "test_keys": page},
        {"id": "=1+1", "input": "http://b.example/", "test_keys": {"requests": []}},
    ]
    Path("file").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert 0 == accredit(*["bundle", "import", "file", "--format", "ooni", "--out", "theirs"]).code

    for command, code in (
        ("conclude theirs", 3),
        ("conclude theirs --json", 3),
        ("report theirs", 0),
        ("journal verify theirs", 0),
        ("compare theirs theirs", 0),
        ("compare theirs theirs --json", 0),
        ("bundle export theirs --format ooni --out ooni.jsonl", 0),
        ("bundle make theirs --key ours.pem --out b.zip", 0),
        ("bundle verify b.zip --key ours.pub.pem", 0),
    ):
        ended = accredit(*command.split())
        assert code == ended.code, (command, ended)
    (written,) = Path("theirs").glob("report-*.html")
    page_text = written.read_text()
    assert "\x1b" not in page_text
    assert page_text.count("<script>") == 1, "the report's own"


@pytest.mark.parametrize("url", URLS)
def test_no_database_password_is_printed(
    url: str, accredit: Accredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("plan list", "plan show P-0001", "plan close P-0001", "registry verify"):
        assert accredit(*command.split(), "--registry", url).code in (2, 4)
    monkeypatch.setenv("ACCREDIT_REGISTRY", url)
    words = "corpus appeal pack a --label PORN --reason x --appellant me --by you"
    for command in (
        "plan list",
        words,
        "retest P-0001 none.yaml",
        "plan --help",
        "plan list --help",
    ):
        assert accredit(*command.split()).code in (0, 2, 4)
    assert not [path for path in Path().rglob("*") if "Zq7" in str(path)]


def _archives() -> dict[str, bytes]:
    """Archives that leave their folder, link, promise or hold too much, or are broken."""
    kinds = {
        "out of it": _tar(("../escaped", tarfile.REGTYPE, "")),
        "absolute": _tar(("/tmp/escaped", tarfile.REGTYPE, "")),
        "a link out": _tar(("gambling", tarfile.SYMTYPE, "/etc"), ("gambling/x", b"0", "")),
        "a hard link": _tar(("x", tarfile.LNKTYPE, "/etc/passwd")),
        "a device": _tar(("x", tarfile.CHRTYPE, "")),
        "a pipe": _tar(("x", tarfile.FIFOTYPE, "")),
        "a steering name": _tar((f"../{NAME}", tarfile.REGTYPE, "")),
        "many": _zip({f"d/{number}": b"" for number in range(10_001)}),
        "out of a zip": _zip({"../escaped": b"x"}),
        "a bomb in it": gzip.compress(_tar(("gambling/domains", tarfile.REGTYPE, ""))[:700]),
        "cut": _zip({"gambling/domains": b"a.example\n" * 1000})[:-40],
        "nothing": b"",
        "only the end of a zip": b"PK\x05\x06" + b"\xff" * 18,
    }
    damaged = bytearray(_zip({"gambling/domains": b"a.example\n" * 1000}))
    damaged[60:80] = b"\xff" * 20
    return kinds | {"damaged": bytes(damaged)}


def _tar(*members: tuple[str, bytes, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return packed.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()

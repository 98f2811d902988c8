"""No S4 entry in plain text and no body of an S3 page is in any output or file.

A secret name goes into a pack as its keyed digest alone; a secret sentence stands on pages of
S3 items, one blocked and one let through. Then everything is searched: what was printed, and
every file, sealed journals and compressed evidence included.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from traceback import format_exc

import msgspec
import pytest

from corpora.pack_writer import PackDetails, write_pack
from harness.cli import main
from harness.model.outcome import Conformity
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites import plugin
from test_suites.kit.campaigns.ranges import proxy_line
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign
from test_suites.kit.hubs.keys import write_keys

SECRET_NAME = "zq7-planted-name.example"
SECRET_KEY = b"zq7-planted-key-from-outside"
SECRET_WORDS = "zq7 planted sentence of a harmful page"
OPEN_WORDS = "zq7 planted sentence of a harmless page"
DIGEST = "hmac-sha256:k1:" + hmac.new(SECRET_KEY, SECRET_NAME.encode(), "sha256").hexdigest()
HARMFUL = ("gamb-001.canary.accredit.test", "gamb-002.canary.accredit.test")
HARMLESS = "gamb-001.twin.accredit.test"
SUITE = Path(plugin.__file__).parent / "accreditation" / "test_requirements.py"
SECRETS = (SECRET_NAME, SECRET_KEY.decode(), SECRET_WORDS)


def rows(**secret: str) -> Iterator[dict[str, str]]:
    """Two S3 pages, a harmless one, and an S4 entry."""
    for number, host in enumerate(HARMFUL, 1):
        row = {"id": f"S3-{number}", "value": host, "kind": "host", "labels": "GAMB"}
        yield row | {"sensitivity": "S3"}
    yield {"id": "S0-1", "value": HARMLESS, "kind": "host", "labels": "ALW.CURR"}
    row = {"id": "S4-1", "kind": "url", "labels": "ILL.CSAM", "sensitivity": "S4"}
    yield row | {"value_hmac": DIGEST, "notes": SECRET_NAME} | secret


def pack(folder: Path, **secret: str) -> Path:
    details = PackDetails(
        name="secrets", version="1.0.0", title="", created="2026-11-24T00:00:00Z", sensitivity="S4"
    )
    write_pack(folder, rows(**secret), details)
    return folder


def called(*arguments: object) -> str:
    """All output of a command, with the traceback of an unexpected error."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            main.app([str(one) for one in arguments], standalone_mode=False)
        except SystemExit:
            pass
        except Exception:  # noqa: BLE001 - whatever it is, it is searched
            said.write(format_exc())
    return said.getvalue()


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file below a folder, unpacked, and what a sealed journal holds."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            yield str(path), raw.decode("utf-8", "replace")
            if raw[:2] == b"\x1f\x8b":
                yield str(path), gzip.decompress(raw).decode("utf-8", "replace")
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    archive.extractall(folder / "unpacked")
                yield from texts(folder / "unpacked")
    for journal in folder.rglob("journal"):
        opened = open_journal(journal)
        try:
            yield str(journal), msgspec.json.encode(list(opened.observations())).decode()
        finally:
            opened.close()


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Path]:
    words = dict.fromkeys(HARMFUL, SECRET_WORDS) | {HARMLESS: OPEN_WORDS}
    with RangeTestbed.running(tmp_path / "world", texts=words, profiles=("pupils",)) as world:
        blocked = frozenset({HARMFUL[0], "copper-meadow.accredit.test"})
        world.faults.add(Fault(kind=FaultKind.OVERBLOCK, hosts=blocked))
        yield write_campaign(
            tmp_path / "there",
            origin=tmp_path / "world" / "origin.json",
            lines=[proxy_line(world)],
            corpora=[{"pack": str(pack(tmp_path / "pack"))}],
            probes=["web", "web_https"],
        )


def suite_run(folder: Path, journal: Path) -> str:
    """What the accreditation suite prints of a journal; Allure's files go below ``folder``."""
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope=function\n")
    (folder / "test_requirements.py").write_text(SUITE.read_text())
    words = ["-m", "pytest", "--journal", str(journal), "--alluredir", "allure", "-v", "-l"]
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout + ended.stderr


def test_no_secret_is_in_any_output_or_file(campaign: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    out = home / "out"

    said = called("run", campaign, "--out", out)
    said += called("conclude", out / "rehearsal", "--json")
    key, _ = write_keys(tmp_path)
    given = ["--pack", tmp_path / "pack", "--key", key, "--out", out / "bundle.zip"]
    said += called("bundle", "make", out / "rehearsal", *given)
    tested = suite_run(home, out / "rehearsal")
    written = [*texts(home), ("said", said), ("pytest", tested)]

    assert "Traceback" not in said
    assert "test_requirement[" in tested
    names = {Path(name).name for name, _ in written}
    assert {"registry.sqlite", "bundle.zip", "scheme.json", "assessment.json"} <= names
    for prefix in ("assessment-", "report-"):
        assert any(name.startswith(prefix) for name in names), prefix
    assert any("allure" in name for name, _ in written)
    assert any(OPEN_WORDS in text for _, text in written), "the search finds what is there"
    for secret in SECRETS:
        assert not [name for name, text in written if secret in text]


def test_an_entry_known_by_its_digest_only_leaves_a_census_insufficient(campaign: Path) -> None:
    assessment = rehearse(campaign).outcome("ILL-01", "proxy")

    assert assessment.conformity is Conformity.INSUFFICIENT
    assert assessment.metric.frame == 1


def test_the_digest_of_an_s3_body_is_kept_without_the_body(campaign: Path, tmp_path: Path) -> None:
    called("measure", campaign, "--out", tmp_path / "out")

    kept = {path.name for path in (tmp_path / "out").rglob("evidence/**/*") if path.is_file()}
    journal = open_journal(tmp_path / "out" / "rehearsal" / "journal")
    try:
        harmful = [one for one in journal.observations() if one.item.sensitivity == "S3"]
    finally:
        journal.close()

    assert {"S3-1", "S3-2"} == {one.item.id for one in harmful}
    assert not kept & {digest for one in harmful for digest in one.evidence}
    assert not [one for one in harmful if one.evidence]


@pytest.mark.parametrize(
    "secret",
    [
        {"value": SECRET_NAME},
        {"value": SECRET_NAME, "value_hmac": ""},
        {"value_hmac": SECRET_NAME},
        {"value_hmac": f"hmac-sha256:k1:{SECRET_NAME}"},
        {"lang": SECRET_NAME},
        {"labels": SECRET_NAME},
        {"kind": SECRET_NAME},
        {"id": f"{SECRET_NAME} {SECRET_NAME}"},
        {"value": SECRET_NAME, "sensitivity": "S9"},
    ],
)
@pytest.mark.parametrize("verb", ["info", "lint"])
def test_the_message_about_a_faulty_s4_row_omits_its_values(
    verb: str, secret: dict[str, str], tmp_path: Path
) -> None:
    said = called("corpus", verb, pack(tmp_path / "pack", **secret))

    assert "items.csv:5" in said
    assert SECRET_NAME not in said


def test_the_message_about_two_s4_entries_of_one_domain_omits_the_domain(tmp_path: Path) -> None:
    def twice() -> Iterator[dict[str, str]]:
        for row in rows(registrable=SECRET_NAME):
            yield row
            if row["id"] == "S4-1":
                digest = hashlib.sha256(row["id"].encode()).hexdigest()
                yield row | {"id": "S4-2", "value_hmac": f"hmac-sha256:k1:{digest}"}

    details = PackDetails(
        name="twice", version="1.0.0", title="", created="2026-11-24T00:00:00Z", sensitivity="S4"
    )
    write_pack(tmp_path / "twice", twice(), details)

    said = called("corpus", "lint", tmp_path / "twice")

    assert "items.csv:6: registrable:" in said
    assert SECRET_NAME not in said

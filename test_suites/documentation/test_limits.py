"""The page on limits says what is so, and its examples run."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from corpora import archive, manifest, pack_reader, rater_agreement, signing
from corpora.source import Limits
from harness import yaml_reader
from harness.campaign import origin_file
from harness.cli import seed
from harness.interop.logs import raw_lines
from harness.interop.logs.reading import MOST_LINES, MOST_UNREADABLE
from harness.interop.record import LineLimits
from harness.signing import _KEY_BYTES
from harness.yaml_reader import MOST_FAULTS
from probes.net.pac_script import SCRIPT_BYTES
from test_suites.kit.processes.warm_start import folder_of_command

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/limits.md").read_text("utf-8")
ROWS = {
    cells[1].strip(): " ".join(cells[2:])
    for line in PAGE.splitlines()
    if line.startswith("| ") and (cells := line.split("|"))
}
KIB, MIB, GIB = 1024, 1024**2, 1024**3
LIST, LINES = Limits(), LineLimits()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a declaration", f"{yaml_reader.BYTES // MIB} MiB"),
        ("a declaration", f"{yaml_reader.VALUES:,} values"),
        ("a manifest", f"{manifest.LIMIT_BYTES // MIB} MiB"),
        ("a manifest", f"{origin_file.LIMIT_BYTES // MIB} MiB"),
        ("a signature", f"{signing._LIMIT_BYTES // MIB} MiB"),
        ("the file of a [commitment]", f"{seed.MOST_BYTES // MIB} MiB"),
        ("a key", f"{_KEY_BYTES // KIB} KiB"),
        ("a list to import", f"{LIST.total_bytes // GIB} GiB unpacked"),
        ("a list to import", f"{LIST.line_bytes // KIB} KiB a line"),
        ("a list to import", f"{LIST.entries:,} entries"),
        ("a list to import", f"{LIST.labels:,} unknown labels"),
        ("a list to import", f"{LIST.unread:,} unreadable lines"),
        ("a list to import", f"{LIST.seconds / 3600:g} hour"),
        ("an archive", f"{archive._DIRECTORY_LIMIT // MIB} MiB for the directory"),
        ("an archive", f"{LIST.members:,} files, {archive._DEPTH} folders deep"),
        (
            "ratings",
            f"{rater_agreement.TOTAL_BYTES // MIB} MiB, {rater_agreement.LINE_BYTES // KIB} KiB a line",
        ),
        ("the table of a pack", f"{pack_reader.FILE_BYTES // GIB} GiB"),
        ("measurements", f"{LINES.total_bytes // GIB} GiB, {LINES.line_bytes // MIB} MiB a line"),
        ("measurements", f"{LINES.rows:,} lines"),
        ("measurements", f"{LINES.seconds / 3600:g} hours"),
        ("a [log", f"{raw_lines.TOTAL_BYTES // GIB} GiB unpacked"),
        ("a [log", f"{raw_lines.LINE_BYTES // KIB} KiB a line"),
        ("a [log", f"{MOST_LINES:,} lines, {MOST_UNREADABLE:,} unreadable ones"),
        ("a PAC file", f"{SCRIPT_BYTES // MIB} MiB"),
    ],
)
def test_the_table_says_what_is_so(what: str, said: str) -> None:
    (row,) = (row for name, row in ROWS.items() if name.startswith(what))

    assert said in row


def test_the_text_says_what_is_so() -> None:
    text = " ".join(PAGE.split())

    assert f"at most {yaml_reader.DEPTH} deep" in text
    assert f"at most {yaml_reader.DIGITS} digits" in text
    assert f"another number {yaml_reader.NUMBER_LENGTH} characters" in text
    assert f"The first {MOST_FAULTS} faults are reported" in text


def test_the_example_runs(tmp_path: Path) -> None:
    (command,) = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)
    with gzip.open(tmp_path / "pages.jsonl.gz", "wt") as stream:
        stream.write(json.dumps({"id": "a", "body": "x"}) + "\n")
    path = f"{folder_of_command()}{os.pathsep}{os.environ['PATH']}"

    ended = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": path},
    )  # fmt: skip

    assert (0, "a") == (ended.returncode, json.loads(ended.stdout)["id"]), ended

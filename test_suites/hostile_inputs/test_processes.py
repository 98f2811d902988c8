"""A handful of hostile inputs as real processes, with little memory and little time."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from test_suites.kit.campaigns.hostile_texts import NAME, URLS, YAML
from test_suites.kit.processes.hostile_command import check_printed

MEMORY = 1536 * 1024**2
"""Bytes of address space: what the libraries take, and some hundred MiB more."""
SECONDS = 60
"""Of the processor; each needs one or two."""


def limited() -> None:
    """Before the command starts: end it where it takes too much."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def accredit(
    folder: Path, *words: str, stdin: str = os.devnull, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    with Path(stdin).open("rb") as read:
        ended = subprocess.run(
            [sys.executable, "-m", "harness.cli.process", *words],
            cwd=folder,
            stdin=read,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limited,  # nothing else runs in this process
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"} | (environment or {}),
        )
    check_printed(ended.stdout + ended.stderr)
    return ended


@pytest.mark.parametrize("kind", ["laughs", "merged laughs", "an integer that takes minutes"])
def test_yaml_takes_neither_memory_nor_time(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(YAML[kind])

    ended = accredit(tmp_path, "scheme", "check", "x.yaml")

    assert (2, 1) == (ended.returncode, len(ended.stderr.splitlines())), ended


@pytest.mark.parametrize("form", ["ooni", "page"])
def test_a_line_without_end_is_not_read_to_its_end(form: str, tmp_path: Path) -> None:
    ended = accredit(tmp_path, "judge", "-", "--format", form, stdin="/dev/zero")

    assert 2 == ended.returncode
    assert "accredit: standard input:1: this line has more than 33554432 bytes" in ended.stderr


def test_a_list_that_unpacks_to_much_is_read_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "list.gz").write_bytes(gzip.compress(b"a" * 200_000_000, 1))
    words = ["corpus", "import", "list.gz", "--format", "domains", "--label", "GAMB"]

    ended = accredit(tmp_path, *words, "--out", "new")

    assert (2, False) == (ended.returncode, (tmp_path / "new").exists())


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    ended = accredit(tmp_path, "judge", "pipe", "--format", "page")

    assert (2, "accredit: pipe: is a pipe, not a regular file\n") == (
        ended.returncode,
        ended.stderr,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_are_printed_escaped_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    name = NAME.replace("/", "_") + "\u263a"
    environment = {"PYTHONIOENCODING": encoding, "FORCE_COLOR": "1"}

    ended = accredit(tmp_path, "scheme", "check", f"{name}.yaml", environment=environment)

    assert (2, 1) == (ended.returncode, len(ended.stderr.splitlines()))
    assert ("\u263a" if encoding == "utf-8" else "\\u263a") in ended.stderr


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    ended = accredit(tmp_path, "plan", "list", environment={"ACCREDIT_REGISTRY": URLS[0]})

    assert 2 == ended.returncode
    assert ended.stderr.startswith("accredit: postgresql://127.0.0.1/accredit: not a registry")

"""Every command that reads a file refuses what is none, and never waits for it or its end."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from corpora.importers import LIST_IMPORTERS
from test_suites.kit.campaigns.hostile_texts import NAME
from test_suites.kit.processes.hostile_command import Accredit

IMPORT = "corpus import FILE --label GAMB --out new --format"
READERS = [
    "run FILE",
    "measure FILE",
    "doctor FILE",
    "measure FILE --lane portable",
    "scheme check FILE",
    "scheme show FILE",
    "scheme diff FILE becta-2008",
    "scheme plan becta-2008 --campaign FILE",
    "scheme plan FILE",
    "range up --faults FILE",
    "range up --scheme FILE",
    "mail receive new --mail 127.0.0.1:0 --certificate FILE",
    "judge FILE --format ooni",
    "judge FILE --format page",
    "bundle import FILE --format ooni --out new",
    "bundle import good.jsonl --format ooni --out new --block-page FILE",
    "bundle verify FILE --key ours.pub.pem",
    "bundle verify good.jsonl --key FILE",
    "corpus agree FILE",
    "corpus sample pack --out new --size 1 --seed x --by popularity --ranks FILE",
    "corpus sign pack --key FILE",
    "corpus verify pack --key FILE",
    "corpus export pack --format hosts --out new --origin FILE",
    "corpus info FILE",
    "corpus lint FILE",
    "corpus diff pack FILE",
    "plan list --registry FILE",
    "registry verify --registry FILE",
    "journal verify FILE",
    *(f"{IMPORT} {name}" for name in LIST_IMPORTERS.load() if name not in ("ut1", "archive")),
]
KINDS = ("pipe", "device", "socket", "link to a device", "link to itself", "missing", "locked up")


@pytest.fixture
def files(tmp_path: Path) -> Iterator[dict[str, str]]:
    """One of each kind, the last with a name that steers a terminal."""
    with ExitStack() as stack:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link").symlink_to("/dev/zero")
        (tmp_path / "loop").symlink_to("loop")
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        home = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket has at most 108 bytes
        listening.bind("socket")
        os.chdir(home)
        yield dict(
            zip(
                KINDS,
                ("pipe", "/dev/zero", "socket", "link", "loop", f"none{NAME}", f"pipe/{NAME}"),
                strict=True,
            )
        )


@pytest.mark.timeout(60)
@pytest.mark.parametrize("command", READERS)
def test_what_is_no_file_is_refused(
    command: str, files: dict[str, str], accredit: Accredit
) -> None:
    for kind, file in files.items():
        words = [file if word == "FILE" else word for word in command.split()]
        ended = accredit(*words)

        assert 2 == ended.code, (kind, ended)
        assert ended.err.startswith("accredit: "), (kind, ended)
        assert not Path("new").exists(), kind


@pytest.mark.parametrize("form", ["ut1", "archive"])
def test_trees_hold_no_pipes_and_devices(form: str, accredit: Accredit) -> None:
    for name in ("tree/GAMB", "tree/gambling"):
        Path(name).mkdir(parents=True)
        os.mkfifo(f"{name}/domains")
        os.mkfifo(f"{name}/usage")
        Path(f"{name}/urls").symlink_to("/dev/zero")
    os.mkfifo("tree/other")

    assert 2 == accredit(*f"corpus import tree --format {form} --out new".split()).code


@pytest.mark.parametrize("pid", ["-1", "0", "1", "9" * 5000, "x", "9" * 30])
def test_a_range_ends_one_process_and_never_a_group(
    pid: str, accredit: Accredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[object] = []

    def kill(process: int, signal: int) -> None:
        if process > 2**31:
            raise OverflowError
        ended.append(process)

    monkeypatch.setattr(os, "kill", kill)
    Path("range.pid").write_text(pid)

    assert 2 == accredit("range", "down").code
    assert [] == ended


@pytest.mark.timeout(60)
def test_parts_of_a_pack_are_files(accredit: Accredit) -> None:
    for part in ("items.csv", "datapackage.json"):
        kept = Path("pack", part).read_bytes()
        Path("pack", part).unlink()
        os.mkfifo(f"pack/{part}")
        for verb in ("info", "lint"):
            assert 2 == accredit("corpus", verb, "pack").code
        Path("pack", part).unlink()
        Path("pack", part).write_bytes(kept)

    os.mkfifo("pack/datapackage.dsse.json")
    assert 2 == accredit("corpus", "verify", "pack", "--key", "ours.pub.pem").code

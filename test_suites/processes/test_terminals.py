"""Kinds of terminals: ASCII, 60 columns, no colour, pipes that close, a full disk, completion."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.campaign.assemble import read_campaign
from harness.model.event import StreamOpened
from harness.model.stream import stream_of
from harness.store.registry.opening import open_registry
from test_suites.kit.processes.running import accredit, half_way, rows_in, simulated_campaign
from test_suites.kit.processes.warm_start import Started
from test_suites.unit.harness.cli.test_columns import too_long

ESCAPE = b"\x1b["
ASCII_PLACES = [{"LANG": "C"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}]
CLEAN = {"LANG": "", "LC_ALL": "", "LC_CTYPE": "", "PYTHONIOENCODING": "", "PYTHONUTF8": ""}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign that was run."""
    folder = tmp_path_factory.mktemp("measured")
    ended = accredit("run", simulated_campaign(folder), "--out", folder / "out")
    assert ended.returncode in (0, 1, 3), ended.stderr
    return folder / "out/tried"


def on_a_terminal(*words: str | Path, **environment: str) -> tuple[int, bytes]:
    """Run a command on a terminal of 60 columns; return its exit code and what it showed."""
    master, slave = pty.openpty()
    settings = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    started = Started(
        [sys.executable, "-m", "harness.cli.process", *map(str, words)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=settings | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | environment,
    )
    os.close(slave)
    shown = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        try:
            piece = os.read(master, 65536) if ready else b""
        except OSError:  # the other side is closed
            piece = b""
        if not piece:
            break
        shown += piece
    os.close(master)
    return started.wait(), shown


@pytest.mark.parametrize("environment", ASCII_PLACES, ids=lambda each: "=".join(*each.items()))
def test_an_ascii_terminal_gets_ascii_and_readable_signs(
    environment: dict[str, str], measured: Path
) -> None:
    ended = accredit("conclude", measured, environment=CLEAN | environment)

    assert ended.returncode in (0, 1, 3), ended.stderr
    assert (ended.stdout + ended.stderr).isascii()
    assert "\\u" not in ended.stdout
    assert ">= 90 %" in ended.stdout
    assert "+ Conforms" in ended.stdout


def test_a_unicode_terminal_keeps_its_signs(measured: Path) -> None:
    for environment in ({"LANG": "en_GB.UTF-8"}, {"LANG": "C", "PYTHONIOENCODING": "utf-8"}):
        ended = accredit("conclude", measured, environment=CLEAN | environment)

        assert "≥ 90 %" in ended.stdout


def test_json_means_the_same_on_an_ascii_terminal(measured: Path) -> None:
    plain = accredit("conclude", measured, "--json")
    ascii_only = accredit("conclude", measured, "--json", environment=CLEAN | {"LANG": "C"})

    assert ascii_only.stdout.isascii()
    assert json.loads(plain.stdout)["outcomes"] == json.loads(ascii_only.stdout)["outcomes"]


def test_a_terminal_has_colours_unless_they_are_declined(measured: Path) -> None:
    coloured, plain = (
        on_a_terminal("conclude", measured, COLUMNS="60", **more)
        for more in ({}, {"NO_COLOR": "1"})
    )

    assert coloured[0] == plain[0]
    assert b"\x1b[1;3" in coloured[1]
    assert b"\x1b[1;3" not in plain[1]
    assert b"\x1b[3" not in plain[1].replace(b"\x1b[3m", b"")


def test_a_campaign_on_a_narrow_terminal_draws_no_line_that_is_too_wide(tmp_path: Path) -> None:
    code, shown = on_a_terminal(
        "measure", simulated_campaign(tmp_path), "--out", tmp_path / "o", COLUMNS="60", NO_COLOR="1"
    )

    text = shown.decode()
    for control in ("\x1b[2K", "\x1b[1A", "\x1b[?25l", "\x1b[?25h", "\r"):
        text = text.replace(control, "\n")
    assert 0 == code, text
    assert [] == too_long("\n".join(line.rstrip() for line in text.split("\n")), 60)


@pytest.mark.parametrize("words", ["list", "scheme show dfe-2024", "scheme schema", "-h"])
def test_a_pipe_that_closes_ends_quietly(words: str) -> None:
    command = f"{sys.executable} -m harness.cli.process {words} | head -1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert "" == ended.stderr
    assert ["0"] == ended.stdout.splitlines()[1:]


@pytest.mark.parametrize(
    "words", ["-h", "run -h", "plan -h", "corpus import -h", "origin init -h", "run", "plan shwo x"]
)
def test_help_and_complaints_about_the_command_line_fit_sixty_columns(words: str) -> None:
    ended = accredit(*words.split(), environment={"COLUMNS": "60"})

    assert ended.returncode == (0 if words.endswith("-h") else 2), ended.stderr
    assert [] == too_long(ended.stdout + ended.stderr, 60)


def test_an_empty_registry_is_an_answer(tmp_path: Path) -> None:
    told = accredit("plan", "list", cwd=tmp_path)
    data = accredit("plan", "list", "--json", cwd=tmp_path)
    unknown = accredit("plan", "show", "P-0001", cwd=tmp_path)

    assert (0, "") == (told.returncode, told.stderr)
    assert "no open plans: out/registry.sqlite: no registry here" in told.stdout
    assert (0, []) == (data.returncode, json.loads(data.stdout))
    assert 2 == unknown.returncode
    assert [] == list(tmp_path.iterdir())


def test_bash_completes_verbs_and_options_without_importing_verbs() -> None:
    def completed(line: str) -> list[str]:
        asked = {
            "_ACCREDIT_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split()) - 1),
        }
        ended = accredit(environment=asked)
        assert (0, "") == (ended.returncode, ended.stderr)
        return ended.stdout.split()

    assert ["plan"] == completed("accredit pl")
    assert ["claim", "close"] == completed("accredit plan cl")
    assert ["--scheme"] == completed("accredit run --sc")


def test_completion_is_installed_for_the_shell_in_the_home_folder_alone(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = accredit("--install-completion", "bash", environment=environment)
    script = tmp_path / ".bash_completions/accredit.sh"
    shown = accredit("--show-completion", "bash", environment=environment)
    unknown = accredit("--show-completion", "tcsh", environment=environment)

    assert 0 == ended.returncode, ended.stderr
    assert str(script) in (tmp_path / ".bashrc").read_text()
    assert shown.stdout.strip() == script.read_text().strip()
    assert 0 == subprocess.run(["bash", "-n", str(script)], check=False).returncode
    assert 2 == unknown.returncode


FILL = (
    "\n        with open(os.environ['FILLER'], 'wb') as filler:"
    "\n            try:"
    "\n                while True: filler.write(bytes(4096)); filler.flush()"
    "\n            except OSError: pass"
)
"""Fills the disk in the middle of measuring."""


def on_a_small_disk(folder: Path, size: str) -> list[str | Path]:
    """What starts a command where ``folder`` is a disk of a size, kept on ``folder``.disk."""
    wrapper = ["unshare", "-rm", "sh", "-c"]
    wrapper += [
        f'mount -t tmpfs -o size={size} none "$0" && "$@"; code=$?; cp -a "$0" "$0.disk"; exit $code'
    ]
    wrapper += [str(folder)]
    folder.mkdir()
    probe = [*wrapper, "true"]
    if subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")
    subprocess.run(["rm", "-rf", f"{folder}.disk"], check=True)
    return [*wrapper]


def test_a_disk_that_is_too_small_is_found_before_the_first_packet(tmp_path: Path) -> None:
    campaign, out = simulated_campaign(tmp_path, sample=60), tmp_path / "out"
    ended = accredit("run", campaign, "--out", out, wrapper=on_a_small_disk(out, "4m"))

    assert 2 == ended.returncode, ended.stderr
    assert re.search(r"[34]\.\d MiB are free, and this campaign may need 17\.", ended.stderr)
    assert not (tmp_path / "out.disk/tried/journal").exists()


def test_a_disk_that_fills_while_measuring_loses_nothing(tmp_path: Path) -> None:
    campaign, out = simulated_campaign(tmp_path), tmp_path / "out"
    ended = accredit(
        "run",
        campaign,
        "--out",
        out,
        wrapper=on_a_small_disk(out, "20m"),
        before=half_way(FILL),
        environment={"FILLER": str(out / "filler")},
        state=tmp_path / "state",
    )
    kept = tmp_path / "out.disk"
    (kept / "filler").unlink()
    held = rows_in(kept)
    again = accredit("run", campaign, "--out", kept)

    assert 4 == ended.returncode, ended.stderr
    assert "No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert 0 < held < rows_in(kept)
    assert again.returncode in (0, 1, 3), again.stderr


@pytest.mark.parametrize("kind", ["folder", "future", "driver"])
def test_a_registry_that_cannot_be_used_is_found_before_the_first_packet(
    kind: str, tmp_path: Path
) -> None:
    campaign, out = simulated_campaign(tmp_path), tmp_path / "out"
    where, before = str(tmp_path / "registry.sqlite"), ""
    if kind == "folder":
        (tmp_path / "file").write_text("no folder")
        where = str(tmp_path / "file/registry.sqlite")
    if kind == "future":
        late = datetime.now(UTC) + timedelta(days=400)
        name = read_campaign(campaign)[0].service.name
        with (
            open_registry(where, create=True) as registry,
            registry.writing(stream_of("", name)) as access,
        ):
            access.append(StreamOpened(at=late, actor="x", name=name))
    if kind == "driver":
        where, before = "postgresql://localhost/x", "sys.modules['psycopg'] = None"
    ended = accredit(
        "run", campaign, "--out", out, before=before, environment={"ACCREDIT_REGISTRY": where}
    )

    assert 2 == ended.returncode, ended.stderr
    assert REASONS[kind] in ended.stderr
    assert not (out / "tried/journal").exists()


REASONS = {
    "folder": "no registry can be made here",
    "future": "check this machine's clock",
    "driver": "pip install 'isp-accredit[postgresql]'",
}

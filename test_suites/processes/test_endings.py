"""Exit codes after unexpected events: never 1, which means "does not conform"."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from test_suites.kit.processes.running import accredit, half_way, rows_in, simulated_campaign
from test_suites.kit.processes.warm_start import COLD

RAISES = """
import harness.cli.list_plugins as listing
def fail(*words, **more): raise {error}
listing.Table = fail
"""

LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_{}, ({}, {}))
"""
"""Limits what the process may use."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A campaign that was run, in a folder, and its exit code."""
    folder = tmp_path_factory.mktemp("whole")
    ended = accredit("run", simulated_campaign(folder), "--out", folder / "out")
    return folder, ended.returncode


@pytest.fixture
def out(whole: tuple[Path, int], tmp_path: Path) -> Path:
    """A copy of the results of that campaign."""
    return Path(shutil.copytree(whole[0] / "out", tmp_path / "out"))


@pytest.mark.parametrize(
    "error",
    [
        "ValueError('what\\nis this')",
        "MemoryError()",
        "EOFError('cut short')",
        "SystemExit(1)",
        "BaseException('odd')",
        "ExceptionGroup('all', [ValueError('what'), KeyError('x')])",
        "ModuleNotFoundError(\"No module named 'odd'\", name='odd')",
        "BrokenPipeError(32, 'Broken pipe')",
    ],
)
def test_an_unexpected_error_exits_4_with_one_line_and_a_log(error: str, tmp_path: Path) -> None:
    ended = accredit("list", "lines", before=RAISES.format(error=error), state=tmp_path)

    logs = list((tmp_path / "accredit").iterdir())
    assert 4 == ended.returncode, ended.stderr
    assert ended.stderr.startswith("accredit: unexpected error in accredit, not in the service: ")
    assert 1 == len(ended.stderr.splitlines())
    assert 1 == len(logs)
    assert str(logs[0]) in ended.stderr
    assert "Traceback" in logs[0].read_text()
    assert "in fail" in logs[0].read_text()
    assert 0o600 == stat.S_IMODE(logs[0].stat().st_mode)


def test_objects_are_exempted_from_the_last_garbage_collection() -> None:
    count = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count()))"
    ended = accredit("--version", before=count)

    assert int(ended.stdout.split()[-1]) > 0


def test_an_import_that_fails_exits_4(tmp_path: Path) -> None:
    ended = accredit(
        "list", "lines", before="sys.modules['typer'] = None", environment=COLD, state=tmp_path
    )

    assert 4 == ended.returncode
    assert 1 == len(ended.stderr.splitlines())


@pytest.mark.parametrize("verb", ["run", "report"])
def test_a_closed_pipe_changes_no_exit_code_and_loses_no_report(
    verb: str, whole: tuple[Path, int], out: Path
) -> None:
    folder, code = whole
    report = out / "tried/report-becta-2008.html"
    run = ("run", folder / "campaign.yaml", "--out", out)
    words, expected = (run, code) if verb == "run" else (("report", out / "tried"), 0)
    report.unlink()
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = accredit(*words, stdout=writer, stderr=writer)
    finally:
        os.close(writer)

    assert expected == ended.returncode
    assert report.stat().st_size > 1000


def test_a_full_output_device_exits_as_instrument_failure_and_loses_no_report(
    whole: tuple[Path, int], out: Path
) -> None:
    campaign = whole[0] / "campaign.yaml"
    (out / "tried/report-becta-2008.html").unlink()
    with Path("/dev/full").open("w") as full:
        ended = accredit("run", campaign, "--out", out, stdout=full)
        unsaid = accredit("list", "nothing", stderr=full)

    assert 4 == ended.returncode
    assert "cannot write standard output: No space left on device" in ended.stderr
    assert (out / "tried/report-becta-2008.html").stat().st_size > 1000
    assert 2 == unsaid.returncode


def test_files_are_not_opened_in_place_of_closed_standard_streams(
    whole: tuple[Path, int], tmp_path: Path
) -> None:
    campaign, out = simulated_campaign(tmp_path), tmp_path / "out"

    def shut() -> None:
        for number in (0, 1, 2):
            os.close(number)

    ended = accredit("run", campaign, "--out", out, setup=shut)

    assert whole[1] == ended.returncode
    assert rows_in(out, "item") == rows_in(whole[0] / "out", "item") > 0


def test_an_ascii_terminal_causes_no_error() -> None:
    ended = accredit("list", "lines", environment={"PYTHONIOENCODING": "ascii"})

    assert 0 == ended.returncode, ended.stderr


def test_a_campaign_stopped_by_a_full_disk_resumes_later(tmp_path: Path) -> None:
    campaign, out = simulated_campaign(tmp_path, sample=40), tmp_path / "out"

    ended = accredit(
        "run",
        campaign,
        "--out",
        out,
        before=LIMIT.format("FSIZE", 400_000, "resource.RLIM_INFINITY"),
        state=tmp_path / "state",
    )
    held = rows_in(out)
    again = accredit("run", campaign, "--out", out)

    assert 4 == ended.returncode, ended.stderr
    assert 0 < held < rows_in(out)
    assert "run the same command again" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "state").exists()
    assert again.returncode in (0, 1, 3)


def test_a_report_too_large_for_the_disk_exits_as_instrument_failure(out: Path) -> None:
    ended = accredit(
        "report", out / "tried", before=LIMIT.format("FSIZE", 60_000, "resource.RLIM_INFINITY")
    )

    assert 4 == ended.returncode, ended.stderr
    assert 1 == len(ended.stderr.splitlines())
    assert "File too large" in ended.stderr


def test_verdicts_too_large_for_the_disk_exit_as_instrument_failure(out: Path) -> None:
    ended = accredit(
        "report", out / "tried", before=LIMIT.format("FSIZE", 2_000, "resource.RLIM_INFINITY")
    )

    assert 4 == ended.returncode, ended.stderr
    assert 1 == len(ended.stderr.splitlines())
    assert "verdicts cannot be kept: disk I/O error; is there space on the disk?" in " ".join(
        ended.stderr.split()
    )


def counts(assessment: str) -> list[tuple[str, str, int, int]]:
    """Each row of an assessment; how often something was tried again is not in it."""
    return [
        (one["id"], one["conformity"], one["metric"]["k"], one["metric"]["n"])
        for one in json.loads(assessment)["outcomes"]
    ]


def test_a_limit_of_40_file_descriptors_changes_no_outcome(tmp_path: Path) -> None:
    campaign = simulated_campaign(tmp_path)

    one = accredit(
        "run", campaign, "--out", tmp_path / "few", "--json", before=LIMIT.format("NOFILE", 40, 40)
    )
    other = accredit("run", campaign, "--out", tmp_path / "many", "--json")

    assert one.returncode == other.returncode, one.stderr
    assert counts(one.stdout) == counts(other.stdout)
    assert rows_in(tmp_path / "few", "item") == rows_in(tmp_path / "many", "item")


def test_a_read_only_folder_is_reported_in_one_line(tmp_path: Path) -> None:
    campaign, out = simulated_campaign(tmp_path), tmp_path / "out"
    out.mkdir()
    read_only = [
        "unshare",
        "-rm",
        "sh",
        "-c",
        'mount -t tmpfs -o ro none "$0" && exec "$@"',
        str(out),
    ]
    if subprocess.run([*read_only, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")
    ended = accredit("run", campaign, "--out", out, wrapper=read_only)

    assert 2 == ended.returncode, ended.stderr
    assert "Read-only file system; choose another --out" in ended.stderr
    assert 1 == len([line for line in ended.stderr.splitlines() if line.startswith("accredit:")])


def test_a_terminal_closed_during_a_campaign_changes_nothing(tmp_path: Path) -> None:
    campaign, out = simulated_campaign(tmp_path), tmp_path / "out"

    ended = accredit(
        "measure", campaign, "--out", out, before=half_way("os.dup2(os.open('/dev/full', 1), 2)")
    )

    assert 0 == ended.returncode

"""Chromium is the system's own; without it, or without playwright, one sentence says what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from probes.clients import chromium
from probes.clients.chromium import NSS_PROCESS, Chromium, NoBrowserError, missing_browser
from probes.kinds.web_browser import Browser
from probes.range.authority import Authority


def without(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    if what == "library":
        monkeypatch.setattr("harness.errors.find_spec", lambda _: None)
    else:
        monkeypatch.setattr("harness.errors.find_spec", lambda name: name)
        monkeypatch.setattr(chromium, "which", lambda _: None)


@pytest.mark.parametrize(
    ("what", "remedy"),
    [("library", "pip install 'isp-accredit[browser]'"), ("program", "apt install chromium")],
)
async def test_what_is_missing_is_named_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, what: str, remedy: str
) -> None:
    without(monkeypatch, what)
    missing = missing_browser()

    assert missing is not None
    assert missing == Browser().missing()
    assert remedy in missing[1]
    with pytest.raises(NoBrowserError, match=r"install"):
        async with Chromium(""):
            pass


async def test_nothing_is_started_for_a_line_that_opens_no_connections() -> None:
    line: Any = object()

    await Browser().prepare(line)


async def test_a_browser_that_does_not_start_ends_the_campaign_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def never(self: Chromium) -> None:
        raise TimeoutError

    monkeypatch.setattr(chromium, "missing_browser", lambda: None)
    monkeypatch.setattr(Chromium, "_start", never)
    monkeypatch.setattr("probes.kinds.web_browser.HostsBrowser", Line)
    with pytest.raises(UsageError, match="line 'site': Chromium did not start: TimeoutError"):
        await Browser().prepare(Line())  # type: ignore[arg-type]  # all that is needed of it


class Line:
    name = "site"
    authorities = ()

    def at_close(self, end: object) -> None:
        pass


def test_its_environment_has_no_proxy_and_no_folder_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere.example")
    monkeypatch.setenv("SSLKEYLOGFILE", "/keys")
    found = chromium._environment(tmp_path)

    assert found["HOME"] == found["TMPDIR"] == str(tmp_path)
    assert {"HTTPS_PROXY", "SSLKEYLOGFILE", "XDG_CONFIG_HOME"}.isdisjoint(found)


@pytest.mark.parametrize(
    ("folder", "given", "says"),
    [
        ("gone", Authority().pem.decode(), "no database in"),
        ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "authority 1 cannot"),
    ],
)
def test_a_database_that_cannot_be_written_says_why(
    tmp_path: Path, folder: str, given: str, says: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-I", "-S", str(NSS_PROCESS), str(tmp_path / folder)],
        input=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "cannot be loaded" in ended.stderr:
        pytest.skip("this machine has no NSS")

    assert ended.returncode == 1
    assert says in ended.stderr

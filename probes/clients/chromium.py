"""``Chromium``: the system's Chromium, headless, with a profile and trust of its own.

Its home is a temporary folder that is deleted at the end, after a kill by the next one. It connects
to the relay alone (``probes.net.browser_relay``): it resolves no names, QUIC and direct WebRTC are
off, and what it would ask of its maker's servers ends at the relay. It trusts its own root store
and the given authorities; certificates are verified as a pupil's browser does. Playwright drives it
by a pipe, so that it ends with this process, also if that is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import Any, Self

from harness.errors import lacking
from probes.clients.browser_check import BROWSERS
from probes.clients.browser_folder import browser_folder
from probes.net.browser_relay import BrowserRelay

SIZE = {"width": 1280, "height": 800}
"""The size of a page in pixels."""

NSS_PROCESS = Path(__file__).with_name("nss_database_process.py")
"""The script that writes the database of authorities; it is not imported."""
DATABASE = ".pki/nssdb"
"""Where Chromium looks for the database, below the home of its user."""

SHORT_FOLDER = "/tmp"  # noqa: S108 - a folder of our own is made in it

PATIENCE = 60.0
"""Seconds after which a step of the start counts as failed."""

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_LANGUAGES = "en-GB,en-US,en"

_FLAGS = (
    "--disable-auto-reload",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-quic",
    "--disable-sync",
    "--disable-site-isolation-trials",  # one DevTools session then sees all frames of a page
    "--no-first-run",
    "--no-pings",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--lang=en-GB",
    f"--accept-lang={_LANGUAGES}",
)

_PREFERENCES = {
    "alternate_error_pages": {"enabled": False},  # else it looks for captive portals
    "intl": {"accept_languages": _LANGUAGES, "selected_languages": _LANGUAGES},
    "net": {"network_prediction_options": 2},
    "safebrowsing": {"enabled": False},
    "search": {"suggest_enabled": False},
    "signin": {"allowed": False, "allowed_on_next_startup": False},
    "translate": {"enabled": False},
    "webrtc": {"ip_handling_policy": "disable_non_proxied_udp"},
}
"""Preferences of the profile: nothing is asked of anybody but the page's own hosts."""

_VERSION = re.compile(r"\b([0-9]+)(?:\.[0-9]+)+\b")


class NoBrowserError(Exception):
    """There is no browser, or it did not start; the message says why."""


def missing_browser() -> tuple[str, str] | None:
    """Return what a browser lacks on this machine, and how to install it; None if nothing."""
    if (absent := lacking("playwright")) is not None:
        return absent
    if browser_program() is None:
        return "Chromium is not installed", "install Chromium (Debian: apt install chromium)"
    return None


def browser_program() -> str | None:
    """Return the path of the system's Chromium; None without one."""
    return next(filter(None, map(which, BROWSERS)), None)


class Chromium:
    """A running Chromium, while its asynchronous context lasts.

    ``authorities`` are certificates in PEM form. ``version`` is its major version, ``home`` its
    folder. Entering raises NoBrowserError.
    """

    version: str
    home: Path
    relay: BrowserRelay

    def __init__(self, authorities: str) -> None:
        self._authorities = authorities
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        missing = missing_browser()
        if missing is not None:
            raise NoBrowserError("; ".join(missing))
        try:
            async with asyncio.timeout(PATIENCE):
                await self._start()
        except (OSError, TimeoutError) as error:
            await self._stack.aclose()
            msg = f"Chromium did not start: {str(error) or type(error).__name__}"
            raise NoBrowserError(msg) from error
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return bool(self._browser.is_connected())

    async def new_context(self) -> Any:
        """Return a new context: a profile in memory, with connections and caches of its own."""
        return await self._browser.new_context(
            proxy={"server": self.relay.url}, viewport=SIZE, accept_downloads=False
        )

    async def _start(self) -> None:
        home = self.home = self._stack.enter_context(browser_folder(_temporary()))
        profile = home / "profile"
        await asyncio.to_thread(_write_preferences, profile)
        if self._authorities:
            await _write_database(home / DATABASE, self._authorities)
        program = browser_program()
        self.version = await _version_of(str(program))
        self.relay = await self._stack.enter_async_context(BrowserRelay())
        playwright: Any = import_module("playwright.async_api")
        try:
            driver = await self._stack.enter_async_context(playwright.async_playwright())
            started = await driver.chromium.launch_persistent_context(
                str(profile),
                executable_path=program,
                args=[*_FLAGS, f"--user-agent={_user_agent(self.version)}"],
                chromium_sandbox=os.geteuid() != 0,  # Chromium refuses a sandbox to the superuser
                env=_environment(home),
                proxy={"server": self.relay.url},
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
                timeout=PATIENCE * 1000,
            )
        except playwright.Error as error:
            reason = str(error).partition("\n")[0][:200]
            raise NoBrowserError(f"Chromium did not start: {reason}") from error
        self._stack.push_async_callback(started.close)
        self._browser = started.browser


def _write_preferences(profile: Path) -> None:
    (profile / "Default").mkdir(parents=True)
    (profile / "Default" / "Preferences").write_text(json.dumps(_PREFERENCES), encoding="utf-8")


async def _write_database(folder: Path, authorities: str) -> None:
    """Write the database of authorities in a process of its own. Raises NoBrowserError."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(NSS_PROCESS), str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate(authorities.encode())
    if process.returncode:
        reason = said.decode("utf-8", "replace").strip()[:200]
        raise NoBrowserError(f"Chromium cannot be told whom to trust: {reason}")


_versions: dict[str, str] = {}


async def _version_of(program: str) -> str:
    """Return the major version of a Chromium. Raises NoBrowserError."""
    if program not in _versions:
        process = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        said, _ = await process.communicate()
        found = _VERSION.search(said.decode("utf-8", "replace"))
        if found is None:
            raise NoBrowserError(f"{program} does not say which version it is")
        _versions[program] = found[1]
    return _versions[program]


def _user_agent(version: str) -> str:
    """Return what a Chromium with a window sends; a headless one would name itself so."""
    engine = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    return f"{engine} Chrome/{version}.0.0.0 Safari/537.36"


def _environment(home: Path) -> dict[str, str]:
    """Return its environment: no proxy, no key log and no folders of the user."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {"HOME": str(home), "TMPDIR": str(home)}


def _temporary() -> str | None:
    """Return a folder with a short name: Chromium ends if the path of its socket is too long."""
    return SHORT_FOLDER if os.access(SHORT_FOLDER, os.W_OK) else None

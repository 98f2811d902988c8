"""``accredit demo``: an example on this machine, short (``demo_story``) or whole."""

from __future__ import annotations

import os
import shutil
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.drawing import terminal
from harness.cli.paths import OUT, registry_variables
from harness.errors import EXTRAS, UsageError, is_installed

VENDOR_LIST = Path("range", "vendor-list.csv")
"""What either example writes first, within its folder."""

NEEDED = ("aiosmtpd", "aiosmtplib", "dkim")
"""Libraries of extras that the whole example needs."""

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
"""Where one of these is set, there is a desktop (X11, Wayland)."""


def demo_command(
    out: Annotated[
        Path, typer.Option(help="Where results go; an earlier demo there is replaced.")
    ] = OUT,
    *,
    whole: Annotated[
        bool,
        typer.Option(
            "--all", help="Play everything: also log, mail, availability, monitoring, certificate."
        ),
    ] = False,
    opened: Annotated[
        bool, typer.Option("--open", help="Open the report in a browser, where there is one.")
    ] = False,
) -> None:
    """Run a complete example on this machine: no network, no root. Its last line is the report."""
    if whole:
        _require_extras()
    home = out / "demo-run"
    _clear(home)
    for name in registry_variables():  # the demo's plans do not belong in a shared registry
        os.environ.pop(name, None)
    if whole:
        from harness.cli.demo_whole import play_whole as play  # noqa: PLC0415 - the other is lighter
    else:
        from harness.cli.demo_story import play_story as play  # noqa: PLC0415 - keep the start light
    console = terminal()
    address = play(home, console).resolve().as_uri()
    if opened and not _open(address):
        console.print("No browser was found here that shows pages in a window.")
    console.print(address)


def _require_extras() -> None:
    """Raise UsageError, naming every extra that the whole example needs and that is missing."""
    absent = {EXTRAS[library] for library in NEEDED if not is_installed(library)}
    if absent:
        wanted = f"isp-accredit[{','.join(sorted(absent))}]"
        raise UsageError(f"demo --all needs more than the base: pip install '{wanted}'")


def _clear(home: Path) -> None:
    if home.exists():
        is_ours = (home / "campaign.yaml").exists() or (home / VENDOR_LIST).exists()
        if not is_ours and any(home.iterdir()):
            msg = f"{home} holds files that are not a demo's; choose another --out"
            raise UsageError(msg)
        shutil.rmtree(home)
    home.mkdir(parents=True)


def _open(address: str) -> bool:
    """Open an address in a browser, if there is a desktop; one in the terminal would take it."""
    has_desktop = sys.platform in ("win32", "darwin") or any(map(os.environ.get, DISPLAYS))
    return has_desktop and webbrowser.open(address)

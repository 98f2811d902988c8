"""``accredit hub doctor``: check whether a hub can work, and say what to do where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.hub_file import HubFile, read_hub
from harness.cli.hub_file_checks import HubCheck, error_of, file_checks, ok
from harness.cli.printing import say, say_data
from harness.errors import HarnessError
from harness.ports.storage import Clock, WallClock

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""

FAULTS = 2
"""The exit code where something must be mended."""

WORDS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


def doctor_command(
    hub: Annotated[Path, typer.Option("--hub", help="The folder of the hub.")] = Path("hub"),
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Do not check each event.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a hub: files, keys, certificate, registry, agents. Exit 0, or 2 for faults."""
    checks = list(checks_of(hub, clock, is_quick=quick))
    if json:
        say_data(checks)
    else:
        say(*(f"{WORDS[check.level]}  {check.name}: {check.detail}" for check in checks))
    if any(check.level == "error" for check in checks):
        raise typer.Exit(FAULTS)


def checks_of(folder: Path, clock: Clock, *, is_quick: bool = False) -> Iterator[HubCheck]:
    """All checks of a hub, in the order in which somebody would mend what they find."""
    name = "hub.yaml"
    try:
        hub = read_hub(folder)
    except HarnessError as error:
        yield error_of(name, error)
        return
    yield ok(name, str(folder / name))
    yield from file_checks(hub, clock.now())
    yield from _registry_checks(hub, clock, is_quick=is_quick)


def _registry_checks(hub: HubFile, clock: Clock, *, is_quick: bool) -> Iterator[HubCheck]:
    from harness.cli.hub_registry_checks import (  # noqa: PLC0415 - sqlalchemy is heavy
        registry_checks,
    )

    yield from registry_checks(hub, clock, is_quick=is_quick)

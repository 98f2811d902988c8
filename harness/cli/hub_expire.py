"""``accredit hub expire``: remove what a hub keeps no longer, by the rules of ``hub.yaml``.

``accredit serve`` does the same once a day.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.hub_file import HubFile, read_hub
from harness.cli.printing import say
from harness.cli.process import unexpected_message
from harness.cli.registry_session import current_user, open_session
from harness.errors import HarnessError, first_of
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.cli.hub_expiry import Kept, Removed

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""

LOOK_EVERY = 3600.0
"""Seconds between looks whether a new day has begun."""

SERVER = "accredit serve"
"""Who removes files in the record of a hub that serves."""


def expire_command(
    hub: Annotated[Path, typer.Option("--hub", help="The folder of the hub.")] = Path("hub"),
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who does this; default: you.")] = "",
) -> None:
    """Remove evidence, journals and bundles that are too old; figures and events stay."""
    from harness.cli.hub_expiry import Expiry  # noqa: PLC0415 - sqlalchemy is heavy

    declared = read_hub(hub)
    with open_session(declared.registry, create=not dry_run, clock=clock) as session:
        expiry = Expiry(declared, session, clock)
        removed, kept = expiry.look() if dry_run else expiry.carry_out(by or current_user())
    say(*_lines(removed, kept, is_dry=dry_run))


def _lines(removed: list[Removed], kept: list[Kept], *, is_dry: bool) -> Iterator[str]:
    done = "would be removed" if is_dry else "removed"
    for each in removed:
        yield (
            f"{each.rule}: {len(each.names):,} {done}, {each.files:,} files, {each.size:,} bytes, "
            f"older than {each.older_than:%Y-%m-%d}"
        )
    if not removed:
        yield "nothing is too old"
    if kept:
        names = dict.fromkeys(f"{each.campaign} ({each.reason})" for each in kept)
        yield f"stay although they are old: {first_of(list(names), 5)}"


@contextmanager
def expiring(hub: HubFile, clock: Clock, tell: Callable[[str], None]) -> Iterator[None]:
    """Remove what is too old in a thread, once on each day; ``tell`` gets what could not be."""
    stop = threading.Event()
    thread = threading.Thread(target=_days, args=(hub, clock, tell, stop), name="expiry")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _days(hub: HubFile, clock: Clock, tell: Callable[[str], None], stop: threading.Event) -> None:
    last: date | None = None
    while not stop.wait(0.0 if last is None else LOOK_EVERY):
        today = clock.now().date()
        if today != last and expire_once(hub, clock, tell, stop.is_set):
            last = today
        last = last or date.min


def expire_once(
    hub: HubFile,
    clock: Clock,
    tell: Callable[[str], None],
    is_stopped: Callable[[], bool] = lambda: False,
) -> bool:
    """Remove what is too old; whether that was possible. What went wrong is told."""
    from harness.cli.hub_expiry import Expiry  # noqa: PLC0415 - sqlalchemy is heavy

    try:
        with open_session(hub.registry, clock=clock) as session:
            Expiry(hub, session, clock).carry_out(SERVER, is_stopped)
    except HarnessError as error:
        tell(f"old files were not removed, and will be later: {error}")
        return False
    except Exception as error:  # noqa: BLE001 - the server goes on
        tell(f"old files were not removed, and will be later: {unexpected_message(error)}")
        return False
    return True

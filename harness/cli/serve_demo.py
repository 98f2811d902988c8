"""``accredit serve --demo``: a made-up hub on this machine, with people to sign in as.

It listens on 127.0.0.1 alone. Its folder is temporary and is removed at the end, unless ``--hub``
names a new one. Passwords are random, and printed once.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.demo_hub import make_apart, own_environment
from harness.cli.demo_hub_people import PEOPLE, DemoPerson
from harness.cli.hub_file import FILE, LISTEN
from harness.cli.printing import say_at_once
from harness.cli.registry_session import RegistrySession, open_session
from harness.cli.serve import listening, serve_hub, shown_address
from harness.errors import UsageError
from harness.ports.storage import Clock

if TYPE_CHECKING:
    from harness.store.hub.people import Membership

HOST, PORT = "127.0.0.1", int(LISTEN.rpartition(":")[2])
PASSWORD_BYTES = 12


def serve_demo(kept: Path | None, port: int | None, clock: Clock) -> None:
    """Make a hub that is made up, and serve it until a signal ends it.

    Raises UsageError if ``kept`` holds something already, or the port cannot be had.
    """
    with (
        own_environment(),
        listening(HOST, PORT if port is None else port) as listener,
        _folder(kept) as folder,
    ):
        say_at_once("demonstration: suppliers, services, people and figures are made up")
        say_at_once("making two years of surveillance takes about half a minute")
        make_apart(folder, clock.now(), listener.getsockname()[1])
        passwords = demo_people(folder, clock)
        _introduce(listener, passwords, kept)
        serve_hub(folder, lambda: nullcontext(listener))


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """The new folder of the hub; a temporary one is removed at the end, whatever happens."""
    if kept is not None:
        if (kept / FILE).exists():
            msg = (
                f"{kept}: there is a hub already; serve it by 'accredit serve --hub {kept}', or "
                "name a new folder"
            )
            raise UsageError(msg)
        if kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
            msg = f"{kept}: is not empty; name a new folder for the demonstration"
            raise UsageError(msg)
        yield kept
        return
    made = Path(tempfile.mkdtemp(prefix="accredit-demo-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def demo_people(folder: Path, clock: Clock) -> dict[DemoPerson, str]:
    """Give each placeholder an account; return their passwords, which are kept nowhere."""
    from harness.store.hub.accounts import Accounts  # noqa: PLC0415 - sqlalchemy is heavy

    passwords = {person: secrets.token_urlsafe(PASSWORD_BYTES) for person in PEOPLE}
    with open_session(folder / "out" / "registry.sqlite", clock=clock) as session:
        accounts = Accounts(session.registry, clock.now)
        for person, password in passwords.items():
            holds = _membership(session, person)
            accounts.add(
                person.email, person.name, holds, password=password, actor="the demonstration"
            )
    return passwords


def _membership(session: RegistrySession, person: DemoPerson) -> Membership:
    from harness.store.hub.people import membership  # noqa: PLC0415 - sqlalchemy is heavy

    streams = [session.place_named(person.supplier).stream] if person.supplier else []
    return membership(person.role, streams, [person.site] if person.site else [])


def _introduce(
    listener: socket.socket, passwords: dict[DemoPerson, str], kept: Path | None
) -> None:
    """Print who can sign in with which password, and the addresses to open."""
    url = f"http://{shown_address(listener)}"
    widest = max(len(person.email) for person in passwords)
    lines = [f"sign in at {url}/sign-in with one of these, shown once:"]
    lines += [f"  {person.email:<{widest}}  {word}" for person, word in passwords.items()]
    lines += [f"without signing in: the register at {url}/, the API at {url}/openapi.json"]
    if kept is not None:
        lines.append(f"the folder of the hub is kept: {kept}")
    for line in lines:
        say_at_once(line)

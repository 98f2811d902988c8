"""``accredit hub person``: who may sign in at a hub, in which role, for whom.

A password comes from the terminal or from a file, never from the command itself, which other
programs of the machine could read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from harness.cli.drawing import terminal
from harness.cli.hub_file import read_hub
from harness.cli.printing import is_terminal, say, say_data
from harness.cli.registry_session import RegistrySession, current_user, open_session
from harness.errors import UsageError
from harness.model.event_times import in_utc
from harness.model.hub_access import Role
from harness.model.stream import supplier_name
from harness.ports.storage import Clock, WallClock
from harness.untrusted.regular_file import read_bounded

if TYPE_CHECKING:
    from harness.store.hub.accounts import Accounts
    from harness.store.hub.people import Membership, Person

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

PASSWORD_BYTES = 4096

EMAIL = Annotated[str, typer.Argument(help="The e-mail address of the person.")]
FOLDER = Annotated[Path, typer.Option("--hub", help="The folder of the hub.")]
HERE = Path("hub")
BY = Annotated[str, typer.Option(help="Who does this; default: you.")]
NAME = Annotated[str, typer.Option(help="What people call the person.")]
SUPPLIERS = Annotated[
    list[str] | None, typer.Option("--supplier", help="A supplier of the person; repeatable.")
]
SITES = Annotated[list[str] | None, typer.Option("--site", help="A site of a school; repeatable.")]
PASSWORD_FILE = Annotated[
    Path | None, typer.Option(help="A file with the password; default: ask for it.")
]


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the owner of the hub sees it; ``suppliers`` is ``None`` for all suppliers."""

    email: str
    name: str
    role: str
    suppliers: tuple[str, ...] | None
    sites: tuple[str, ...]
    signs_in_by: tuple[str, ...]
    disabled: datetime | None
    seen: datetime | None


@app.command("add")
def add_command(
    email: EMAIL,
    name: NAME,
    role: Annotated[Role, typer.Option(help="What the person may do.")],
    supplier: SUPPLIERS = None,
    site: SITES = None,
    password_file: PASSWORD_FILE = None,
    by: BY = "",
    hub: FOLDER = HERE,
    *,
    subject: Annotated[str, typer.Option(help="The person's id at the OIDC provider.")] = "",
    no_password: Annotated[
        bool, typer.Option("--no-password", help="The person signs in by OIDC alone.")
    ] = False,
) -> None:
    """Give a person an account."""
    if no_password and password_file is not None:
        msg = "give --password-file or --no-password, not both"
        raise UsageError(msg)
    with _accounts(hub) as (session, accounts):
        holds = _membership(session, role, supplier, site)
        password = "" if no_password else _password(password_file)
        added = accounts.add(
            email, name, holds, password=password, subject=subject, actor=by or current_user()
        )
    say(f"added: {added.email}, {added.role}", f"sign in at {read_hub(hub).url}/sign-in")


@app.command("change")
def change_command(
    email: EMAIL,
    name: NAME = "",
    role: Annotated[Role | None, typer.Option(help="What the person may do from now on.")] = None,
    supplier: SUPPLIERS = None,
    site: SITES = None,
    by: BY = "",
    hub: FOLDER = HERE,
    *,
    subject: Annotated[
        str | None, typer.Option(help="The person's id at the OIDC provider; '' for none.")
    ] = None,
) -> None:
    """Change a person: the name, the role with all its suppliers and sites, or the id at OIDC.

    Another role, supplier, site or id ends the sessions and tokens of the person.
    """
    if role is None and (supplier or site):
        msg = "give --role with --supplier or --site: they are set together"
        raise UsageError(msg)
    if role is None and not name and subject is None:
        msg = "nothing to change: give --name, --subject, or --role with suppliers and sites"
        raise UsageError(msg)
    with _accounts(hub) as (session, accounts):
        holds = None if role is None else _membership(session, role, supplier, site)
        changed = accounts.change(
            email, name=name, holds=holds, subject=subject, actor=by or current_user()
        )
    say(f"changed: {changed.email}, {changed.role}")


@app.command("disable")
def disable_command(
    email: EMAIL,
    reason: Annotated[str, typer.Option(help="Why.")],
    by: BY = "",
    hub: FOLDER = HERE,
) -> None:
    """Let a person sign in no more; sessions and tokens end at once."""
    with _accounts(hub) as (_, accounts):
        held = accounts.disable(email, reason, actor=by or current_user())
    say(f"disabled: {held.email}; sessions and tokens ended")


@app.command("enable")
def enable_command(email: EMAIL, by: BY = "", hub: FOLDER = HERE) -> None:
    """Let a person that was disabled sign in again."""
    with _accounts(hub) as (_, accounts):
        held = accounts.enable(email, actor=by or current_user())
    say(f"enabled: {held.email}")


@app.command("password")
def password_command(
    email: EMAIL, password_file: PASSWORD_FILE = None, by: BY = "", hub: FOLDER = HERE
) -> None:
    """Set the password of a person; sessions and tokens end at once."""
    with _accounts(hub) as (_, accounts):
        accounts.person(email)
        held = accounts.set_password(email, _password(password_file), actor=by or current_user())
    say(f"password set: {held.email}; sessions and tokens ended")


@app.command("reset-second-factor")
def reset_command(email: EMAIL, by: BY = "", hub: FOLDER = HERE) -> None:
    """Remove the second factor of a person who lost it; sessions end at once."""
    with _accounts(hub) as (_, accounts):
        held = accounts.reset_second_factor(email, actor=by or current_user())
    say(f"second factor removed: {held.email}; sessions ended")


@app.command("list")
def list_command(
    hub: FOLDER = HERE,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the people who have an account."""
    with _accounts(hub) as (session, accounts):
        names = {head.stream: head.name for head in session.registry.heads()}
        views = [_view(each, names) for each in accounts.all()]
    if json:
        say_data(views)
        return
    table = Table(box=None)
    for column in ("person", "e-mail", "role", "for", "signs in by", "last seen"):
        table.add_column(column)
    for view in views:
        who_for = (*(view.suppliers or ()), *view.sites)
        table.add_row(
            view.name, view.email, view.role + (" (disabled)" if view.disabled else ""),
            "; ".join(who_for) or "all", ", ".join(view.signs_in_by),
            in_utc(view.seen) if view.seen else "never",
        )  # fmt: skip
    terminal().print(table)
    if not views:
        say("no people; 'accredit hub person add' gives one an account")


@contextmanager
def _accounts(hub: Path) -> Iterator[tuple[RegistrySession, Accounts]]:
    """The accounts of a hub. Raises UsageError if there is no hub."""
    from harness.store.hub.accounts import Accounts  # noqa: PLC0415 - sqlalchemy is heavy

    with open_session(read_hub(hub).registry, create=True, clock=clock) as session:
        yield session, Accounts(session.registry, clock.now)


def _membership(
    session: RegistrySession, role: Role, suppliers: list[str] | None, sites: list[str] | None
) -> Membership:
    """What an account is for. A supplier may be named before the registry holds anything of it."""
    from harness.store.hub.people import membership  # noqa: PLC0415 - sqlalchemy is heavy

    streams = [session.place_named(name).stream for name in suppliers or ()]
    return membership(role, streams, sites or ())


def _password(path: Path | None) -> str:
    """The password in the first line of a file, or as it is typed twice. Raises UsageError."""
    if path is None:
        if not is_terminal():
            msg = "give the password in a file (--password-file), or --no-password"
            raise UsageError(msg)
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    try:
        lines = read_bounded(path, PASSWORD_BYTES).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no text"
        msg = f"{path}: the password cannot be read: {reason}"
        raise UsageError(msg) from None
    if not lines or not lines[0]:
        msg = f"{path}: the first line must hold the password"
        raise UsageError(msg)
    return lines[0]


def _view(person: Person, names: dict[str, str]) -> PersonView:
    ways = {
        "password": bool(person.password), "code": bool(person.second_factor),
        "oidc": bool(person.subject) or not person.password,
    }  # fmt: skip
    streams = person.streams
    return PersonView(
        email=person.email,
        name=person.name,
        role=person.role.value,
        suppliers=None
        if streams is None
        else tuple(supplier_name(s, names) for s in sorted(streams)),
        sites=tuple(sorted(person.sites)),
        signs_in_by=tuple(name for name, is_used in ways.items() if is_used),
        disabled=person.disabled,
        seen=person.seen,
    )

"""``accredit hub token`` and ``session``: API tokens, and the sessions of people who signed in."""

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
from harness.cli.hub_people import BY, EMAIL, FOLDER, HERE
from harness.cli.printing import say, say_data
from harness.cli.registry_session import current_user, open_session
from harness.errors import UsageError
from harness.model.event_times import in_utc
from harness.model.hub_access import Permission
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.store.hub.accounts import Accounts
    from harness.store.hub.own_account import OwnAccount

token_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
session_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

SHOWN_DIGITS = 12
"""How much of a session's digest is shown; it names one session, and opens none."""

MOST_DAYS = 365
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
WHOSE = Annotated[str, typer.Option("--person", help="Only those of this e-mail address.")]


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A valid token."""

    token: str
    person: str
    label: str
    scopes: tuple[str, ...]
    until: datetime
    used: datetime | None


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A session; without ``is_complete`` the second factor was not given yet."""

    session: str
    person: str
    address: str
    browser: str
    begun: datetime
    seen: datetime
    is_complete: bool


@token_app.command("create")
def create_command(
    email: EMAIL,
    scope: Annotated[list[Permission], typer.Option(help="What the token may do; repeatable.")],
    label: Annotated[str, typer.Option(help="What the token is for.")],
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How long it is valid.")] = 90,
    by: BY = "",
    hub: FOLDER = HERE,
) -> None:
    """Make an API token of a person, and print it, once. It may no more than the person may."""
    with _opened(hub) as (accounts, own):
        person = accounts.person(email)
        made = own.make_token(person.id, label, scope, days, actor=by or current_user())
    say(
        f"token {made.token.id}: {person.email}, {', '.join(sorted(made.token.scopes))}, "
        f"until {in_utc(made.token.until)}",
        f"token, shown once: {made.text}",
    )


@token_app.command("revoke")
def revoke_token_command(
    token: Annotated[str, typer.Argument(help="The id of the token.")],
    by: BY = "",
    hub: FOLDER = HERE,
) -> None:
    """End a token at once."""
    with _opened(hub) as (_, own):
        held = own.revoke_token(token, actor=by or current_user())
    say(f"revoked: token {held.id} of {held.person.email}, {held.label}")


@token_app.command("list")
def list_tokens_command(person: WHOSE = "", hub: FOLDER = HERE, *, json: JSON = False) -> None:
    """List the valid tokens, those first that end first."""
    with _opened(hub) as (accounts, own):
        views = [
            TokenView(
                token=each.id, person=each.person.email, label=each.label,
                scopes=tuple(sorted(each.scopes)), until=each.until, used=each.used,
            )
            for each in own.tokens(accounts.person(person).id if person else "")
        ]  # fmt: skip
    if json:
        say_data(views)
        return
    table = Table("token", "person", "label", "scopes", "until", "last used", box=None)
    for view in views:
        used = in_utc(view.used) if view.used else "never"
        scopes = ", ".join(view.scopes)
        table.add_row(view.token, view.person, view.label, scopes, in_utc(view.until), used)
    terminal().print(table if views else "no tokens")


@session_app.command("list")
def list_sessions_command(person: WHOSE = "", hub: FOLDER = HERE, *, json: JSON = False) -> None:
    """List the sessions that have not ended, last used first."""
    with _opened(hub) as (accounts, own):
        views = [
            SessionView(
                session=each.digest[:SHOWN_DIGITS], person=each.person.email,
                address=each.address, browser=each.browser, begun=each.made, seen=each.seen,
                is_complete=each.is_complete,
            )
            for each in own.sessions(accounts.person(person).id if person else "")
        ]  # fmt: skip
    if json:
        say_data(views)
        return
    table = Table("session", "person", "address", "browser", "begun", "last used", box=None)
    for view in views:
        table.add_row(
            view.session, view.person, view.address, view.browser, in_utc(view.begun),
            in_utc(view.seen) + ("" if view.is_complete else " (second factor missing)"),
        )  # fmt: skip
    terminal().print(table if views else "no sessions")


@session_app.command("revoke")
def revoke_session_command(
    email: EMAIL,
    session: Annotated[
        str, typer.Option(help="The session as it is listed; default: all of the person.")
    ] = "",
    by: BY = "",
    hub: FOLDER = HERE,
) -> None:
    """End sessions of a person at once."""
    with _opened(hub) as (accounts, own):
        person = accounts.person(email)
        only = ""
        if session:
            held = [each.digest for each in own.sessions(person.id)]
            found = [digest for digest in held if digest[:SHOWN_DIGITS] == session]
            if len(found) != 1:
                msg = f"{person.email} has no session {session!r}"
                raise UsageError(msg)
            only = found[0]
        number = own.revoke_sessions(person.id, only=only, actor=by or current_user())
    say(f"revoked: {number} sessions of {person.email}")


@contextmanager
def _opened(hub: Path) -> Iterator[tuple[Accounts, OwnAccount]]:
    from harness.store.hub.accounts import Accounts  # noqa: PLC0415 - sqlalchemy is heavy
    from harness.store.hub.own_account import OwnAccount  # noqa: PLC0415 - the same

    with open_session(read_hub(hub).registry, create=True, clock=clock) as session:
        registry = session.registry
        yield Accounts(registry, clock.now), OwnAccount(registry, clock.now)

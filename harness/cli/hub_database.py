"""``accredit hub migrate``: bring the database of a hub up to date, and make its second wall."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.hub_file import read_hub
from harness.cli.printing import say
from harness.cli.registry_care import migrate
from harness.cli.registry_session import current_user
from harness.errors import UsageError
from harness.ports.storage import Clock, WallClock

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""


def migrate_command(
    hub: Annotated[Path, typer.Option("--hub", help="The folder of the hub.")] = Path("hub"),
    role: Annotated[
        str, typer.Option(help="PostgreSQL: the role as which 'accredit serve' signs in.")
    ] = "",
) -> None:
    """Bring the tables of a hub up to date; on PostgreSQL make row-level security as well.

    On PostgreSQL give this command the URL of the owner of the tables, who may make roles, and the
    hub that of another role. It can be given again at any time.
    """
    from harness.store.hub.row_security import secure  # noqa: PLC0415 - sqlalchemy is heavy
    from harness.store.registry.opening import open_registry  # noqa: PLC0415 - the same

    where = read_hub(hub).registry
    with open_registry(where, create=True, is_old_allowed=True) as registry:
        is_postgresql = registry.is_postgresql
        if role and not is_postgresql:
            msg = f"{registry.where}: --role is for PostgreSQL; a file has no roles"
            raise UsageError(msg)
        if is_postgresql and not role:
            msg = f"{registry.where}: give the role of the hub: --role NAME"
            raise UsageError(msg)
    shown, _, _ = migrate(where, current_user(), clock)
    if is_postgresql:
        with (
            open_registry(where) as registry,
            registry.transaction(is_writing=True) as connection,
        ):
            secure(connection, role)
        say(f"{shown}: up to date; the role {role} is bound by row-level security")
        return
    say(f"{shown}: up to date")

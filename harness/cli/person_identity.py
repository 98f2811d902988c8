"""The option ``--identity`` of commands by which a person acts, and who acts by it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.registry_session import RegistrySession, current_user, open_session
from harness.errors import UsageError
from harness.follow.identities import HOW_TO_SIGN, NO_IDENTITIES, Identities

IDENTITY = Annotated[
    Path | None,
    typer.Option(
        "--identity", help="Sign with your own private key: a PEM file of 'accredit identity make'."
    ),
]


def acting(session: RegistrySession, by: str, identity: Path | None) -> str:
    """Who acts: the name that is given, else the registered name of the key, else the user.

    Raises UsageError if the key is not registered.
    """
    if by or identity is None:
        return by or current_user()
    from harness.signing import public_key_of  # noqa: PLC0415 - cryptography is heavy

    found = session.identities().get(public_key_of(identity))
    if found is None:
        msg = f"{identity}: this key is not registered; {HOW_TO_SIGN}"
        raise UsageError(msg)
    return found.name


def identities_at(where: Path | str) -> Identities:
    """The identities of the registry at a path or database URL; none without a registry."""
    from harness.store.registry.opening import NoRegistry  # noqa: PLC0415 - sqlalchemy is heavy

    try:
        with open_session(where) as session:
            return session.identities()
    except NoRegistry:
        return NO_IDENTITIES

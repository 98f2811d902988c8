"""How a command reaches a hub: its address, an API token in a file, and trusted certificates."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.hub_file import hub_url
from harness.errors import UsageError
from harness.untrusted.regular_file import read_bounded

HUB = Annotated[str, typer.Option("--hub", help="The address of the hub, with https://.")]
TOKEN_FILE = Annotated[Path, typer.Option(help="A file with your API token.")]
TOKEN_BYTES = 4096


def hub_address(text: str) -> str:
    """Return the address of a hub as it is given by ``--hub``. Raises UsageError."""
    try:
        return hub_url(text)
    except ValueError:
        msg = (
            f"--hub {text!r}: write https:// and the name of the hub; http:// only on this machine"
        )
        raise UsageError(msg) from None


def read_token(path: Path) -> str:
    """Return the API token in a file. Raises UsageError."""
    try:
        token = read_bounded(path, TOKEN_BYTES).decode("ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no token"
        msg = f"{path}: the token cannot be read: {reason}"
        raise UsageError(msg) from None
    if not token or not token.isprintable() or " " in token:
        msg = f"{path}: holds no token; a page of the hub makes one, and shows it once"
        raise UsageError(msg)
    return token


def trusting(authority: Path | None) -> ssl.SSLContext | bool:
    """Return what TLS trusts: the certificates in a file, or the system's. Raises UsageError."""
    if authority is None:
        return True
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        msg = f"{authority}: no certificates can be read: {error.strerror or error}"
        raise UsageError(msg) from None

"""The options by which a command is told whom to ask what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

WITNESS = Annotated[
    str,
    typer.Option(
        "--witness", help="Ask a witness: the address of a hub, or the file that a witness keeps."
    ),
]
KEYS = Annotated[
    list[Path] | None,
    typer.Option("--witness-key", help="A public key of a witness that you trust, in PEM."),
]
TOKEN = Annotated[
    Path | None, typer.Option("--token-file", help="A file with your API token of that hub.")
]
AUTHORITY = Annotated[
    Path | None, typer.Option(help="Certificates in PEM to trust, in place of the system's.")
]


class Asked(NamedTuple):
    """Which witness is asked beside the receipts that are kept, and which keys are trusted."""

    witness: str = ""
    keys: Sequence[Path] | None = None
    token_file: Path | None = None
    authority: Path | None = None

"""``accredit journal verify``: whether a journal is as it was written, up to a printed head."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.conclude import JOURNAL
from harness.cli.paths import journal_folder
from harness.cli.printing import say
from harness.errors import InstrumentError, UsageError

app = typer.Typer(no_args_is_help=True)

HEAD = Annotated[
    str,
    typer.Option(
        help="A head that was printed before, in a report or bundle: its first 16 digits or more."
    ),
]
DIGITS = 16
"""So many digits of a hash are enough to name it."""


@app.callback()
def about() -> None:
    """Check journals."""


@app.command("verify")
def verify_command(journal: JOURNAL, head: HEAD = "") -> None:
    """Check every byte of a journal; with --head also that it continues from a printed head."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy
    from harness.store.journal.reader import past_heads  # noqa: PLC0415 - the same

    folder = journal_folder(journal)
    opened = open_journal(folder)
    opened.verify()
    told = [f"{folder}: whole: {opened.rows:,} observations; head {opened.head.hash}"]
    if head:
        held = {one.hash: f"{one.rows:,} observations" for one in past_heads(opened)}
        told.append(goes_on_from(head, held, str(folder)))
    say(*told)


def goes_on_from(head: str, held: dict[str, str], where: str) -> str:
    """A sentence on where a printed head stands among those ``held``, each with what it covers.

    Raises UsageError if it is no head, InstrumentError if it is not among them.
    """
    wanted = head.strip().lower()
    if len(wanted) < DIGITS or not set(wanted) <= set("0123456789abcdef"):
        msg = f"--head {head!r}: not a head; give at least {DIGITS} of its hexadecimal digits"
        raise UsageError(msg)
    for one, covers in held.items():
        if one.startswith(wanted):
            return f"it continues from the printed head: {covers} are unchanged since then"
    msg = (
        f"{where}: never had the head {wanted}: it was rewritten or cut since that head was "
        "printed, or the head belongs to another one"
    )
    raise InstrumentError(msg)

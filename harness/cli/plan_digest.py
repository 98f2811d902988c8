"""``accredit plan digest``: what is due, who must act, and what to do; printed or sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import clock
from harness.cli.printing import say, say_data
from harness.cli.registry_session import RegistrySession, open_session
from harness.cli.stream_states import StreamStates
from harness.cli.vouched_time import known_now
from harness.errors import UsageError
from harness.follow.digest_words import counted, digest_lines
from harness.follow.due_dates import within
from harness.model.obligation import Obligation
from harness.untrusted.passwords import is_database

ONLY = Annotated[str, typer.Option(help="Only what is due for this supplier.")]

MESSAGE_DAYS = 14
"""How many days ahead a message looks, unless told otherwise."""

MOST_DAYS = 3660
"""How many days ahead a digest can look."""


def digest_command(
    supplier: ONLY = "",
    days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_DAYS,
            help="Only what is overdue or due within so many days. Default: everything; for a "
            f"message, {MESSAGE_DAYS}.",
        ),
    ] = None,
    *,
    notify: Annotated[
        Path | None,
        typer.Option(
            help="Send it to the addresses in this file: one Apprise URL a line, or YAML."
        ),
    ] = None,
    even_empty: Annotated[
        bool, typer.Option("--even-empty", help="Send a message also if nothing is due.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    registry: REGISTRY_OPTION = "",
) -> None:
    """Print what is due, worst first: who must act next, on what, by when, and what to do.

    With --notify it is sent. Run it daily, after 'accredit plan escalate'.
    """
    if json and notify is not None:
        msg = "give --json or --notify, not both: a message is text"
        raise UsageError(msg)
    if even_empty and notify is None:
        msg = "--even-empty belongs to --notify"
        raise UsageError(msg)
    ahead = MESSAGE_DAYS if days is None and notify is not None else days
    now = known_now(chosen_registry(registry), OUT, clock)
    found = all_due(registry, supplier, now)
    shown = found if ahead is None else within(found, ahead, now)
    if json:
        say_data(shown)
    elif notify is not None:
        _send(shown, notify, supplier, now, even_empty=even_empty)
    else:
        say(*digest_lines(shown, now))


def all_due(registry: str, supplier: str, now: datetime) -> tuple[Obligation, ...]:
    """What is due in a registry at a time, for all suppliers or one, worst first.

    Nothing is due where no registry was made yet, unless somebody names a file.
    """
    from harness.store.registry.opening import NoRegistry  # noqa: PLC0415 - sqlalchemy is heavy

    try:
        with open_session(chosen_registry(registry), clock=clock) as session:
            return due_in(session, supplier, now)
    except NoRegistry:
        if supplier or (registry and not is_database(registry)):
            raise
        return ()


def due_in(session: RegistrySession, supplier: str, now: datetime) -> tuple[Obligation, ...]:
    """What is due at a time, for all suppliers or one, worst first; made from the events.

    Of another supplier's stream nothing is read.
    """
    only = session.stream_named(supplier) if supplier else ""
    heads = [head for head in session.registry.heads() if only in {"", head.stream}]
    return StreamStates(session.registry).due(heads, now)


def for_supplier(found: Sequence[Obligation], supplier: str) -> str:
    """The end of a title: " for Acme", as the registry spells it; nothing for all suppliers."""
    return f" for {found[0].supplier if found else supplier}" if supplier else ""


def _send(
    found: Sequence[Obligation], file: Path, supplier: str, now: datetime, *, even_empty: bool
) -> None:
    from harness.cli.messages import read_targets, send_to  # noqa: PLC0415 - apprise is heavy

    targets = read_targets(file)
    if not found and not even_empty:
        say("nothing is due: no message was sent")
        return
    title = f"Accredit: {counted(found) or 'nothing is due'}{for_supplier(found, supplier)}"
    send_to(targets, title, digest_lines(found, now), file)
    number = len(targets)
    say(f"{counted(found) or 'nothing is due'}: sent to {number} address{'es'[: 2 * (number > 1)]}")

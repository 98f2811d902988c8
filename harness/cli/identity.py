"""``accredit identity``: keys with which people sign, and whose they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from harness.cli.drawing import terminal
from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import BY, clock
from harness.cli.printing import say, say_data
from harness.cli.registry_session import OWNERS, current_user, open_session
from harness.errors import InstrumentError, UsageError, known
from harness.follow.identities import Identities
from harness.model.event import RecordAdded, RecordClosed
from harness.model.event_times import in_utc
from harness.model.person_names import identity_of, is_same_name
from harness.model.registry_record import Identity, record_key

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

NAME = Annotated[str, typer.Option(help="The person's name, as in statements and decisions.")]
OUT_FOLDER = Annotated[Path, typer.Option("--out", help="Where the registry is.")]


@app.callback()
def about_identities() -> None:
    """Make keys with which people sign, and register whose they are."""


@app.command("make")
def make_command(
    name: NAME,
    out: Annotated[Path, typer.Option(help="The new file for the private key: NAME.pem.")],
) -> None:
    """Make a signing key (Ed25519) for one person, who keeps it; the public one is beside it.

    The file of the private key is for its owner alone (mode 0600). No file is overwritten.
    """
    _require_name(name)
    key, public = make_key(out), public_path(out)
    say(
        f"key of {name}: {key}",
        f"{out}: the private key; keep it, give it to nobody",
        f"{public}: the public key; the body registers it: accredit identity register "
        f'--name "{name}" --key {public}',
    )


def public_path(private: Path) -> Path:
    """Where the public key of a private one is."""
    return private.with_suffix(".pub.pem")


def make_key(out: Path) -> str:
    """Write a new private key, and the public one beside it; return the latter in hexadecimal.

    Raises UsageError where there is a file already, InstrumentError if they cannot be written.
    """
    from harness.signing import new_key, public_key_of  # noqa: PLC0415 - cryptography is heavy
    from harness.store.atomic_write import write_new  # noqa: PLC0415 - the same

    public = public_path(out)
    for path in (out, public):
        if path.exists() or path.is_symlink():
            msg = f"{path}: is there already, and a key is never overwritten; give a new path"
            raise UsageError(msg)
    for path, text in zip((out, public), new_key(), strict=True):
        try:
            write_new(path, text)
        except OSError as error:
            msg = f"{path}: cannot be written: {error.strerror or error}"
            raise InstrumentError(msg) from None
    return public_key_of(out)


@app.command("register")
def register_command(
    name: NAME,
    key: Annotated[Path, typer.Option(help="The person's public Ed25519 key: a PEM file.")],
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: OUT_FOLDER = OUT,
) -> None:
    """Put the name and the public key of a person on record, for the body that accredits.

    Check who gives you the key. The registry is made if there is none.
    """
    from harness.signing import public_key_in  # noqa: PLC0415 - cryptography is heavy

    _require_name(name)
    record = Identity(id=" ".join(name.split()), public_key=public_key_in(key))
    added = RecordAdded(at=clock.now(), actor=by or current_user(), record=record)
    with open_session(chosen_registry(registry, out), create=True, clock=clock) as session:
        session.record(OWNERS, added)
    say(f"registered: {record.id}, key {record.public_key}")


@app.command("close")
def close_command(
    name: Annotated[str, typer.Argument(help="The registered name.")],
    reason: Annotated[str, typer.Option(help="Why, such as: the key was lost.")],
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: OUT_FOLDER = OUT,
) -> None:
    """Close an identity: its key signs nothing any more, and its statements count no more.

    What was decided and approved with it before stays.
    """
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        names = [one.name for one in session.identities().values() if one.closed is None]
        found = next((one for one in names if is_same_name(one, name)), None)
        if found is None:
            msg = f"no open identity {name!r}; {known(names)}"
            raise UsageError(msg)
        closed = RecordClosed(
            at=clock.now(),
            actor=by or current_user(),
            record=record_key("identity", found),
            reason=reason,
        )
        session.record(OWNERS, closed)
    say(f"closed: identity {found}")


@app.command("list")
def list_command(
    *,
    every: Annotated[bool, typer.Option("--all", help="Include those that were closed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    registry: REGISTRY_OPTION = "",
    out: OUT_FOLDER = OUT,
) -> None:
    """List the people whose keys are registered."""
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        found = session.identities()
    shown = [one for one in found.values() if every or one.closed is None]
    if json:
        say_data([one._asdict() for one in shown])
        return
    terminal().print(_table({one.key: one for one in shown}) if shown else "no identities")


def _table(identities: Identities) -> Table:
    table = Table("name", "key", "registered", "closed", box=None)
    for one in identities.values():
        ended = f"{in_utc(one.closed)}: {one.reason}" if one.closed else ""
        table.add_row(one.name, one.key, in_utc(one.since), ended)
    return table


def _require_name(name: str) -> None:
    if not identity_of(name) or {"<", ">"} & set(name):
        msg = f"--name {name!r}: give a name with letters, and without < and >"
        raise UsageError(msg)

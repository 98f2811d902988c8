"""``accredit witness``: have somebody else sign how far journals and registries had come.

The witness is a hub, or another person with a key, by files. Both sign the same statement, refuse
what does not continue an earlier one, and keep what they signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from harness.cli.hub_connection import HUB, TOKEN_FILE
from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.present_heads import Present, all_present
from harness.cli.printing import say
from harness.cli.registry_session import current_user
from harness.cli.witness_check import key_shown, require_same_witness
from harness.cli.witness_hub import WitnessHub
from harness.cli.witness_options import AUTHORITY, KEYS
from harness.errors import InstrumentError, UsageError
from harness.fleet.witness import (
    MOST_BYTES,
    MOST_NAME,
    Answer,
    Answers,
    CheckedReceipt,
    Request,
    Signer,
    about,
    checked,
    faults,
    read_answers,
    read_request,
)
from harness.ports.storage import Clock, WallClock
from harness.signing import private_key_in, public_key_in
from harness.store.atomic_write import write_new
from harness.store.receipt_file import add_receipts, receipts_in
from harness.untrusted.regular_file import read_bounded

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

clock: Clock = WallClock()
"""The clock of a witness; tests replace it."""

BOOK = ".signed.jsonl"
"""What follows the name of a witness's key in the name of the file of what it signed."""

RESULTS = Annotated[Path, typer.Option("--out", help="Where results are.")]


@app.callback()
def about_witnesses() -> None:
    """Have a witness sign the heads of journals and registries."""


@app.command("send")
def send(
    hub: HUB,
    token_file: TOKEN_FILE,
    authority: AUTHORITY = None,
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
    witness_key: KEYS = None,
) -> None:
    """Have a hub sign the heads of the registry and of every journal in the results folder.

    Only numbers and hashes are sent. Exit 4 if the hub refuses one, because it does not continue
    what the hub signed before.
    """
    present = all_present(chosen_registry(registry, out), out)
    asked = WitnessHub(hub, token_file, authority)
    answers = asked.sign(each.heads for each in present)
    refused = []
    for each, answer in zip(present, answers.answers, strict=True):
        if answer.receipt is None:
            refused.append(f"{each.shown}: {asked.address} does not sign it: {answer.refused}")
            continue
        _keep(each, checked(answer.receipt, asked.address), witness_key or (), is_hub=True)
    if refused:
        raise InstrumentError(*refused)


@app.command("ask")
def ask(
    to: Annotated[Path, typer.Option("--to", help="The request to write: a new path.")],
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
) -> None:
    """Write a request to a witness who is reached by files alone."""
    present = all_present(chosen_registry(registry, out), out)
    request = Request(heads=tuple(each.heads for each in present))
    _write(to, msgspec.json.encode(request))
    say(f"{to}: the heads of {len(present)} journals and registries; the witness signs them by")
    say(f"accredit witness sign {to.name} --key KEY.pem --to answer.json")


@app.command("sign")
def sign(
    request: Annotated[Path, typer.Argument(help="The request of the other person.")],
    key: Annotated[Path, typer.Option("--key", help="Your private Ed25519 key, in PEM.")],
    to: Annotated[Path, typer.Option("--to", help="The answer to write: a new path.")],
    name: Annotated[str, typer.Option(help="Your name as a witness; default: you.")] = "",
) -> None:
    """Sign a request as a witness, on a machine of your own.

    What you sign is kept in a file beside your key, KEY.signed.jsonl: by it a rollback is found
    later. Exit 4, after the answer is written, if you signed more entries of something before.
    """
    signer = Signer((name or current_user())[:MOST_NAME], private_key_in(key))
    book, wanted = key.with_name(f"{key.stem}{BOOK}"), read_request(_read(request), request)
    held = receipts_in(book)
    answers = [
        signer.answer(heads, about(held, heads.states), clock.now()) for heads in wanted.heads
    ]
    signed = [each.receipt for each in answers if each.receipt is not None]
    add_receipts(book, signed)
    _write(to, msgspec.json.encode(Answers(answers=tuple(answers))))
    say(f"{to}: {len(signed)} of {len(answers)} signed; kept in {book}")
    if refused := [each.refused for each in answers if each.refused]:
        raise InstrumentError(*(f"{request}: not signed: {why}" for why in refused))


@app.command("add")
def add(
    answer: Annotated[Path, typer.Argument(help="The answer of the witness.")],
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
    witness_key: KEYS = None,
) -> None:
    """Keep the answer of a witness beside the journals and the registry that it is about.

    The first time give the witness's public key with --witness-key.
    """
    present = all_present(chosen_registry(registry, out), out)
    for each in read_answers(_read(answer), answer).answers:
        _add(each, present, answer, witness_key or ())


def _add(answer: Answer, present: Sequence[Present], where: Path, keys: Sequence[Path]) -> None:
    if answer.receipt is None:
        raise InstrumentError(f"{where}: the witness does not sign: {answer.refused}")
    new = checked(answer.receipt, where)
    for each in present:
        if new.statement.ids & each.states.keys():
            _keep(each, new, keys)
            return
    msg = f"{where}: is about a {new.statement.kind} that is not here; check --out and --registry"
    raise UsageError(msg)


def _keep(
    present: Present, new: CheckedReceipt, keys: Sequence[Path], *, is_hub: bool = False
) -> None:
    """Keep a receipt. Raises UsageError for a key that is not known, InstrumentError for a fault.

    The key of a hub is known by its first receipt, which TLS vouches for.
    """
    held, path = receipts_in(present.receipts), present.receipts
    if keys:
        if new.key not in {public_key_in(each) for each in keys}:
            msg = f"{path}: the answer is signed by {key_shown(new.key)}, no key that was given"
            raise UsageError(msg)
    else:
        require_same_witness(held, new, path)
        if not is_hub and new.key not in {each.key for each in held}:
            msg = f"{path}: the key of this witness is not known; give it with --witness-key"
            raise UsageError(msg)
    for fault in faults(present.states, new.statement):
        raise InstrumentError(f"{present.shown}: does not continue what was signed: {fault}")
    add_receipts(path, [new.receipt])
    said = new.statement
    say(
        f"{present.shown}: {said.entries:,} entries signed by {said.witness} "
        f"(key {key_shown(new.key)}) on {said.at:%Y-%m-%d %H:%M} UTC"
    )


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, MOST_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None


def _write(path: Path, content: bytes) -> None:
    try:
        write_new(path, content + b"\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from None

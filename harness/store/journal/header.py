"""The header of a journal: the declaration it was opened with, written once and whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.store.atomic_write import write_whole
from harness.store.journal.seed import keep_seed, seed_of, without_seed
from harness.store.private_folder import make_private
from harness.untrusted.regular_file import read_bounded

HEADER = "header.json"
MOST_BYTES = 64 * 1024**2
FORMAT, PRESENT = "journal_format", 2
"""The key of a header that says which files a journal has, and what it says now: with a head."""


def write_header(directory: Path, header: dict[str, Any]) -> None:
    """Make the folder and its header, marked with the present format; the seed goes apart.

    Raises InstrumentError.
    """
    shown = without_seed(header)
    text = msgspec.json.format(msgspec.json.encode({FORMAT: PRESENT} | shown), indent=2) + b"\n"
    try:
        make_private(directory)
        if shown != header:
            keep_seed(directory, seed_of(header))
        write_whole(directory / HEADER, text, mode=0o600)
    except OSError as error:
        msg = f"{directory}: no journal can be started here: {error.strerror or error}"
        raise InstrumentError(msg) from error


def read_header(directory: Path) -> bytes:
    """The bytes of the header, known to be a JSON object. Raises UsageError."""
    path = directory / HEADER
    try:
        text = read_bounded(path, MOST_BYTES)
        msgspec.json.decode(text, type=dict[str, Any])
    except FileNotFoundError:
        msg = f"{directory}: no journal here ({HEADER} is missing); 'accredit measure' makes one"
        raise UsageError(msg) from None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{path}: not the header of a journal: {error}"
        raise UsageError(msg) from None
    return text


def require_same(directory: Path, held: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raises UsageError, naming the keys that differ, if a journal is of another declaration."""
    changed = list(_differences("", held, msgspec.json.decode(msgspec.json.encode(wanted))))
    if changed:
        msg = (
            f"{directory}: holds the journal of another declaration (changed: "
            f"{', '.join(changed)}); undo the change, or choose another campaign name or folder"
        )
        raise UsageError(msg)


def _differences(at: str, one: Any, other: Any) -> Iterator[str]:
    """Dotted names of what differs; a JSON text inside is looked into as well."""
    if one == other:
        return
    one, other = _opened(one), _opened(other)
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            below = f"{at}.{name}" if at else name
            yield from _differences(below, one.get(name), other.get(name))
    else:
        yield at


def _opened(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("{"):
        try:
            return msgspec.json.decode(value)
        except msgspec.MsgspecError:
            return value
    return value

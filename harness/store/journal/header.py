"""The header of a journal: write, read and compare it; its seed is kept in a separate file.

The header is the declaration that a journal was opened with. It is written once, and holds only the
SHA-256 of the seed (``seed_commitment``); the file ``seed`` beside it holds the seed itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.store.atomic_write import write_whole
from harness.store.private_folder import make_private
from harness.untrusted.regular_file import read_bounded

SEED = "seed"
"""The name of the seed's file in the journal's folder, and of its key in a campaign."""

CAMPAIGN, COMMITMENT = "campaign", "seed_commitment"
SEED_BYTES = 65536


def without_seed(header: dict[str, Any]) -> dict[str, Any]:
    """The header without its seed, if it holds a commitment to one."""
    campaign = _campaign_of(header)
    if COMMITMENT not in header or not campaign.get(SEED):
        return header
    return header | {CAMPAIGN: msgspec.json.encode(campaign | {SEED: ""}).decode()}


def seed_of(header: dict[str, Any]) -> str:
    """The seed in a header's campaign; empty if there is none."""
    return str(_campaign_of(header).get(SEED) or "")


def keep_seed(directory: Path, seed: str) -> None:
    """Write the seed to its file. Raises OSError."""
    write_whole(directory / SEED, seed.encode() + b"\n", mode=0o600)


def with_seed(header: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The header with the seed from its file, if the file exists and the header lacks the seed.

    Raises InstrumentError if the seed does not match the header's commitment.
    """
    path = directory / SEED
    campaign = _campaign_of(header)
    if COMMITMENT not in header or campaign.get(SEED) or not path.exists():
        return header
    try:
        seed = read_bounded(path, SEED_BYTES).decode().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: the seed of this journal cannot be read: {error}"
        raise InstrumentError(msg) from None
    if hashlib.sha256(seed.encode()).hexdigest() != header[COMMITMENT]:
        msg = f"{path}: the seed does not match {COMMITMENT} in the journal's header"
        raise InstrumentError(msg)
    return header | {CAMPAIGN: msgspec.json.encode(campaign | {SEED: seed}).decode()}


def _campaign_of(header: dict[str, Any]) -> dict[str, Any]:
    """The campaign's document in a header; empty if there is none."""
    text = header.get(CAMPAIGN)
    if not isinstance(text, str) or not text.startswith("{"):
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


HEADER = "header.json"
LATER_KEYS = frozenset({"probes", "measured_with"})
"""Keys that headers of earlier versions lack; their journals are resumed without them."""
LATER_NOTES = frozenset({"agreement"})
"""Keys that the notes on packs in headers of earlier versions lack."""
MOST_BYTES = 64 * 1024**2
FORMAT, PRESENT = "journal_format", 2
"""The key of the format in a header, and the present format: a journal with a head."""


def write_header(directory: Path, header: dict[str, Any]) -> None:
    """Make the folder and write its header in the present format, and the seed to its file.

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
    """The bytes of the header, checked to be a JSON object. Raises UsageError."""
    path = directory / HEADER
    try:
        text = read_bounded(path, MOST_BYTES)
        msgspec.json.decode(text, type=dict[str, Any])
    except FileNotFoundError:
        msg = f"{directory}: no journal here ({HEADER} is missing); 'accredit measure' makes one"
        raise UsageError(msg) from None
    except NotADirectoryError:
        msg = f"{directory}: no journal here: this is a file; give the folder of a journal"
        raise UsageError(msg) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{path}: not the header of a journal: {error}"
        raise UsageError(msg) from None
    return text


def header_document(directory: Path) -> dict[str, Any]:
    """The JSON object of a journal's header; empty without a journal. Raises UsageError."""
    if not (directory / HEADER).exists():
        return {}
    return msgspec.json.decode(read_header(directory), type=dict[str, Any])


def require_same(directory: Path, held: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise UsageError, naming the keys that differ, if a journal has another declaration."""
    stated = {key: value for key, value in wanted.items() if key in held or key not in LATER_KEYS}
    plain = msgspec.json.decode(msgspec.json.encode(stated))
    _leave_out_later_notes(held, plain)
    changed = list(_differences("", held, plain))
    if changed:
        msg = (
            f"{directory}: the journal was begun with another declaration (changed: "
            f"{', '.join(changed)}); undo the change, or choose another campaign name or folder"
        )
        raise UsageError(msg)


def _leave_out_later_notes(held: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Remove from the notes on packs what the journal's version did not record."""
    notes = held.get("packs", {})
    for mark, note in wanted.get("packs", {}).items():
        for name in LATER_NOTES - notes.get(mark, note).keys():
            note.pop(name, None)


def _differences(at: str, one: Any, other: Any) -> Iterator[str]:
    """The dotted names of the keys that differ, also within JSON texts."""
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

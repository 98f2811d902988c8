"""Keeps the seed of a campaign apart from its journal's header, in a file that only the user reads.

Anyone who knows the seed knows which items of a list are drawn, and in which order they are tried.
The header holds a commitment to it (``seed_commitment``, its SHA-256); bundles and exports leave
the file out until the seed is revealed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InstrumentError
from harness.store.atomic_write import write_whole
from harness.untrusted.regular_file import read_bounded

SEED = "seed"
"""The name of the file, in the journal's folder."""

CAMPAIGN, COMMITMENT = "campaign", "seed_commitment"
MOST_BYTES = 65536


def without_seed(header: dict[str, Any]) -> dict[str, Any]:
    """The header as it may be shown: its campaign with an empty seed, if it commits to one."""
    campaign = _campaign_of(header)
    if COMMITMENT not in header or not campaign.get(SEED):
        return header
    return header | {CAMPAIGN: msgspec.json.encode(campaign | {SEED: ""}).decode()}


def seed_of(header: dict[str, Any]) -> str:
    """The seed that stands in a header's campaign; empty if there is none."""
    return str(_campaign_of(header).get(SEED) or "")


def keep_seed(directory: Path, seed: str) -> None:
    """Write the seed into its file. Raises OSError."""
    write_whole(directory / SEED, seed.encode() + b"\n", mode=0o600)


def with_seed(header: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The header with the seed of the file beside it, if that is there and the header lacks it.

    Raises InstrumentError if the seed is not the one that the header commits to.
    """
    path = directory / SEED
    campaign = _campaign_of(header)
    if COMMITMENT not in header or campaign.get(SEED) or not path.exists():
        return header
    try:
        seed = read_bounded(path, MOST_BYTES).decode().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: the seed of this journal cannot be read: {error}"
        raise InstrumentError(msg) from None
    if hashlib.sha256(seed.encode()).hexdigest() != header[COMMITMENT]:
        msg = f"{path}: is not the seed that {COMMITMENT} in the journal's header stands for"
        raise InstrumentError(msg)
    return header | {CAMPAIGN: msgspec.json.encode(campaign | {SEED: seed}).decode()}


def _campaign_of(header: dict[str, Any]) -> dict[str, Any]:
    """The campaign's document in a header; empty if it is none."""
    text = header.get(CAMPAIGN)
    if not isinstance(text, str) or not text.startswith("{"):
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}

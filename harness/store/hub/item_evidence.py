"""What is kept of one trial of an item, as compressed JSON: observations, verdict, kept bodies.

What may be kept depends on the item's sensitivity: see ``harness.cli.hub_items``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.untrusted.zstandard_frames import zstd

Side = Literal["service", "control"]

MOST_BYTES = 512 * 1024
"""The largest evidence of one trial in bytes, before it is compressed."""

LEVEL = 3
"""How hard it is compressed: the default of Zstandard."""


class KeptBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A body that is kept with the campaign: its SHA-256 in hexadecimal, and its size in bytes."""

    sha256: str
    size: int
    media_type: str = ""
    side: Side = "service"


class ItemEvidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the verdict of a trial rests on.

    ``service`` and ``control`` are the two observations, as far as they may be kept; ``withheld``
    says in a sentence what may not. ``bodies`` are those in the campaign's folder of evidence;
    ``missing`` is how many the observations name that are not there. ``flaws`` are those of a block
    (``harness.model.block_flaw``). ``value`` is what was tried, empty where it is withheld.
    """

    rules: str
    witnesses: tuple[str, ...] = ()
    value: str = ""
    claimed_category: str = ""
    origin_refusal: bool = False
    intercepted: bool = False
    flaws: int | None = None
    service: Observation | None = None
    control: Observation | None = None
    bodies: tuple[KeptBody, ...] = ()
    missing: int = 0
    withheld: str = ""

    def body(self, sha256: str) -> KeptBody | None:
        """The kept body with that SHA-256, if it belongs to this trial."""
        return next((each for each in self.bodies if each.sha256 == sha256), None)


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ItemEvidence)
_DAMAGED = zstd.ZstdError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError

TOO_LARGE = "The observations are too large to be shown; the journal holds them."


def encode_evidence(evidence: ItemEvidence) -> bytes:
    """Compress evidence; of what would be too large, the observations are left out."""
    text = _ENCODER.encode(evidence)
    if len(text) > MOST_BYTES:
        smaller = msgspec.structs.replace(
            evidence,
            service=None,
            control=None,
            witnesses=tuple(each[:1000] for each in evidence.witnesses[:20]),
            value=evidence.value[:4000],
            withheld=TOO_LARGE,
        )
        text = _ENCODER.encode(smaller)
    return zstd.compress(text, LEVEL)


def decode_evidence(stored: bytes) -> ItemEvidence:
    """Read stored evidence. Raises InstrumentError if it is damaged."""
    try:
        size = zstd.get_frame_info(stored).decompressed_size or 0
        if size > 2 * MOST_BYTES:
            msg = f"stored evidence of an item cannot be read: it would have {size:,} bytes"
            raise InstrumentError(msg)
        frame = zstd.ZstdDecompressor()
        text = frame.decompress(stored, 2 * MOST_BYTES)
        if not frame.eof:
            raise InstrumentError("stored evidence of an item cannot be read: its end is missing")
        return _DECODER.decode(text)
    except _DAMAGED as error:
        msg = f"stored evidence of an item cannot be read: {error}"
        raise InstrumentError(msg) from None

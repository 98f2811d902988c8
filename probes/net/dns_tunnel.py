"""Bytes in names and records of DNS, as tunnels carry them.

A question stands in the labels of a name below ``t.`` of a zone, in Base32 (RFC 4648 section 6);
the answer in a TXT, NULL or CNAME record of that name (RFC 1035 sections 3.3.1, 3.3.10, 3.3.14).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal, get_args

LABEL = "t"
"""The label below a zone that holds the names of tunnels."""

LABEL_BYTES, NAME_BYTES = 60, 253
TEXT_BYTES = 255
"""Bytes of a character-string (RFC 1035 section 3.3)."""

RecordKind = Literal["TXT", "NULL", "CNAME"]
RECORD_KINDS: tuple[RecordKind, ...] = get_args(RecordKind)

ANSWER_BYTES: dict[RecordKind, int] = {"TXT": 600, "NULL": 800}
"""Bytes of an answer, so that its message is not fragmented on its way; TXT holds Base64."""

_QUOTED = re.compile(r'"([A-Za-z0-9+/=]*)"')
_HOST = re.compile(rb"[a-z0-9.-]{1,253}")
_UNKNOWN = re.compile(r"\\# \d+ ([0-9A-Fa-f ]+)")


def answer_bytes(kind: RecordKind, zone: str) -> int:
    """Return the bytes of an answer that a record of some kind holds."""
    room = NAME_BYTES - len(_suffix(zone))
    letters = room - room // (LABEL_BYTES + 1) - 1
    return ANSWER_BYTES.get(kind, letters * 5 // 8)


def write_name(data: bytes, zone: str) -> str:
    """Return the name that holds some bytes, below a zone. Raises ValueError if it is too long."""
    name = _labels(data) + _suffix(zone)
    if not data or len(name) > NAME_BYTES:
        raise ValueError("the host's name is too long for a question in the labels of a name")
    return name


def read_name(name: str, zone: str) -> bytes | None:
    """Return the bytes in a name below a zone, in any letter case; None if it holds none."""
    lower, suffix = name.rstrip(".").lower(), _suffix(zone)
    if not lower.endswith(suffix):
        return None
    return _bytes_in(lower.removesuffix(suffix))


def hidden_name(host: str) -> str:
    """Return labels that stand for a host's name without showing it."""
    return _labels(host.encode())


def shown_name(labels: str) -> str:
    """Return the host's name that some labels stand for; empty if they stand for none."""
    host = _bytes_in(labels.lower())
    return host.decode("ascii") if host and _HOST.fullmatch(host) else ""


def _labels(data: bytes) -> str:
    letters = base64.b32encode(data).decode().rstrip("=").lower()
    starts = range(0, len(letters), LABEL_BYTES)
    return ".".join(letters[start : start + LABEL_BYTES] for start in starts)


def _bytes_in(labels: str) -> bytes | None:
    letters = labels.replace(".", "").upper()
    try:
        return base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        return None


def write_record(kind: RecordKind, data: bytes, zone: str) -> str:
    """Return the record that holds an answer, in presentation form. Raises ValueError."""
    if kind == "NULL":
        return f"\\# {len(data)} {data.hex()}"
    if kind == "CNAME":
        return write_name(data, zone) + "."
    text = base64.b64encode(data).decode()
    starts = range(0, len(text), TEXT_BYTES)
    return " ".join(f'"{text[start : start + TEXT_BYTES]}"' for start in starts)


def read_record(kind: RecordKind, text: str, zone: str) -> bytes | None:
    """Return the bytes in a record; None if it holds none."""
    if kind == "CNAME":
        return read_name(text, zone)
    try:
        if kind == "TXT":
            return base64.b64decode("".join(_QUOTED.findall(text)), validate=True)
        found = _UNKNOWN.fullmatch(text)
        return bytes.fromhex(found[1]) if found else None
    except (binascii.Error, ValueError):
        return None


def _suffix(zone: str) -> str:
    return f".{LABEL}.{zone}"

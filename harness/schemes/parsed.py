"""Shipped schemes, requirements and policies as they were parsed, so that commands start sooner.

Parsing YAML takes a tenth of a second for a scheme. ``parsed.json`` holds each shipped document
with the SHA-256 of its file; one that was changed since is parsed as any other. The file is made
by ``python -m test_suites.documentation.parsed_schemes``.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from harness.yaml_reader import Document, read_document, read_text

FOLDER = Path(__file__).parent
PARSED = FOLDER / "parsed.json"


class ParsedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a YAML file, and the SHA-256 of its text."""

    sha256: str
    data: Any


def shipped_files() -> tuple[Path, ...]:
    """All shipped YAML files: schemes, policies and the tables of requirements."""
    return tuple(sorted(FOLDER.rglob("*.yaml")))


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_quickly(path: Path) -> Document:
    """Read a YAML file; a shipped one that is unchanged is not parsed again.

    Raises UsageError if it cannot be read, FaultyDocument if it is wrong.
    """
    kept = _parsed().get(_name(path))
    if kept is None or kept.sha256 != digest_of(read_text(path)):
        return read_document(path)
    return Document.of_data(str(path), kept.data)


def _name(path: Path) -> str:
    """The path below the folder of schemes; empty for any other file."""
    return path.relative_to(FOLDER).as_posix() if path.is_relative_to(FOLDER) else ""


@cache
def _parsed() -> dict[str, ParsedFile]:
    """The parsed files by their paths; none if the file of them is missing or unreadable."""
    try:
        return msgspec.json.decode(PARSED.read_bytes(), type=dict[str, ParsedFile])
    except (OSError, msgspec.MsgspecError):
        return {}

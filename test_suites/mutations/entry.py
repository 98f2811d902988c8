"""The entries of ``mutations.toml``: which change must turn which tests red."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from harness.errors import UsageError

FILE = Path(__file__).with_name("mutations.toml")

Section = Literal[
    "unguarded", "A", "B", "C", "D", "process", "journal",
    "registry", "bundle",
    "origin", "campaign", "check", "suppliers", "guides", "sealed lists", "site", "logs", "alerts",
    "mail", "availability", "devices", "scope", "people", "gates", "speed", "resolvers", "ipv6", "techniques",
    "surveillance", "field", "agents", "hub", "stops", "judging", "tries", "standing",
]  # fmt: skip
Text = Annotated[str, Meta(min_length=1)]


T = TypeVar("T")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One change: ``before`` occurs once in ``file``, and ``after`` turns each ``test`` red.

    ``file`` and ``test`` are relative to the root of the checkout; ``why`` is the promise that
    the change breaks, in one sentence.
    """

    section: Section
    file: Text
    before: Text
    after: str
    test: Annotated[tuple[Text, ...], Meta(min_length=1)]
    why: Text

    def broken(self, text: str) -> str:
        """The file's text with the change. Raises UsageError if the entry no longer fits it."""
        found = text.count(self.before)
        if found != 1:
            line = self.before.strip().splitlines()[0]
            msg = f"{self.file}: {line!r} occurs {found} times, not once; rewrite the entry"
            raise UsageError(msg)
        changed = text.replace(self.before, self.after)
        if changed == text:
            raise UsageError(f"{self.file}: before and after are the same; rewrite the entry")
        if self.file.endswith(".py"):
            try:
                compile(changed, self.file, "exec")
            except SyntaxError as error:
                msg = f"{self.file}: line {error.lineno}: with the change this is no Python"
                raise UsageError(msg) from error
        return changed


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mutation: Annotated[tuple[Entry, ...], Meta(min_length=1)]


def read_toml(path: Path, form: type[T]) -> T:
    """A file read as ``form``. Raises UsageError if it cannot be understood."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=form)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error


def read_entries(path: Path = FILE) -> tuple[Entry, ...]:
    """All entries in the order of the file. Raises UsageError if it cannot be understood."""
    return read_toml(path, _File).mutation

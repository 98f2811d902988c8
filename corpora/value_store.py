"""What the rows of a list say of each value, gathered until the list is read to its end.

A list of millions says one thing of every value (block it), and says it once, for an import
drops what was said before. Such values are kept in a file, not in memory; only from the first
row on that says something else are they held, for then a value may come again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, NamedTuple, Self

Labels = tuple[str, ...]


class Saying(NamedTuple):
    """How a row says what it says of its value; ``once`` if no other says so of the same."""

    match: str
    label: str
    once: bool


class Values:
    """The values of one kind, each with its labels, in the order in which they came.

    Used as a context manager; the file goes with it.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._file: IO[str] | None = None
        self._said: Saying | None = None
        self._filed = 0
        self._held: dict[str, Labels] | None = None
        self._shared: dict[Labels, Labels] = {}
        self._withdrawn: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        if self._held is None:
            return self._filed
        return len(self._held) - len(self._held.keys() & self._withdrawn)

    def __iter__(self) -> Iterator[tuple[str, Labels]]:
        """The values that stay, each with its labels. Nothing may be added any more."""
        if self._held is None:
            yield from self._read()
            return
        for value, labels in self._held.items():
            if value not in self._withdrawn:
                yield value, labels

    def add(self, value: str, saying: Saying) -> None:
        """Take in what a row says of a value."""
        if self._held is None and saying.once and self._said in {None, saying}:
            self._said = saying
            self._write(value)
        else:
            self._label(self._hold(), value, saying.label)

    def withdraw(self, value: str) -> None:
        """Take in that a value is none of the list's, whatever other rows say."""
        self._hold()
        self._withdrawn.add(value)

    def _hold(self) -> dict[str, Labels]:
        """From now on in memory, with what was filed before."""
        if self._held is None:
            self._held = dict(self._read())
            self._stack.close()
        return self._held

    def _label(self, held: dict[str, Labels], value: str, label: str) -> None:
        labels = held.get(value, ())
        if label not in labels:
            labels = (*labels, label)
            held[value] = self._shared.setdefault(labels, labels)  # few, shared by many

    def _write(self, value: str) -> None:
        if self._file is None:
            self._file = self._stack.enter_context(_scratch())
        self._file.write(f"{value}\n")
        self._filed += 1

    def _read(self) -> Iterator[tuple[str, Labels]]:
        if self._file is not None and self._said is not None:
            labels = (self._said.label,)
            self._file.seek(0)
            yield from ((line[:-1], labels) for line in self._file)


def _scratch() -> IO[str]:
    """A file without a name, gone when it is closed."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="\n")

"""The entries of ``equivalent.toml``: mutants that no test can kill, each with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from test_suites.mutations.entry import Text, read_toml
from test_suites.mutations.mutants import Mutant

EQUIVALENTS = Path(__file__).with_name("equivalent.toml")


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One or several mutants of a function that do the same as the code.

    ``before`` are the lines that are changed and ``after`` what stands there instead, each line
    without the spaces around it. ``reason`` says why no test can see the difference.
    """

    file: Text
    function: Text
    before: Text
    after: Annotated[tuple[str, ...], Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=10)]

    def __str__(self) -> str:
        return f"{self.file} {self.function}: {self.before!r}"

    def fits(self, mutant: Mutant) -> bool:
        """Whether the mutant is one of these."""
        return (
            (self.file, self.function, self.before.strip())
            == (mutant.file, mutant.function, mutant.before)
        ) and mutant.after in {one.strip() for one in self.after}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    equivalent: tuple[Equivalent, ...] = ()


def read_equivalents(path: Path = EQUIVALENTS) -> tuple[Equivalent, ...]:
    """All entries in the order of the file. Raises UsageError if it cannot be understood."""
    return read_toml(path, _File).equivalent


def unusable(equivalents: Sequence[Equivalent], mutants: Sequence[Mutant]) -> list[str]:
    """Each change of an entry that no mutant makes any more: the code was rewritten."""
    made = {(one.file, one.function, one.before, one.after) for one in mutants}
    return [
        f"{entry} to {after!r}"
        for entry in equivalents
        for after in entry.after
        if (entry.file, entry.function, entry.before.strip(), after.strip()) not in made
    ]

"""The mutants that mutmut makes: what each changes, and whether a test failed.

mutmut leaves three things beside each module that it changed, in the folder ``mutants``: the module
with all variants of each function, ``.spans`` (the lines of each variant) and ``.meta`` (the exit
status of pytest for each variant). Their form belongs to the version pinned in pyproject.toml.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import json
import re
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from test_suites.mutations.exposed import lines_of_functions

FOLDER = "mutants"
"""The folder in which mutmut works, inside the checkout that it changes."""

SKIPPED_STATUS = 34
"""The exit status by which mutmut is told to leave a mutant alone."""

_VARIANT = re.compile(r"(def \w*?)x(?:ǁ\w+ǁ|_)(\w+?)__mutmut_\w+")


class Result(StrEnum):
    """What the tests said of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    UNTESTED = "no test"
    UNCLEAR = "unclear"
    SKIPPED = "skipped"
    NOT_TRIED = "not tried"


KILLED = frozenset({Result.KILLED, Result.TIMED_OUT})
"""Results that count as killed: a test failed, or did not end."""

_RESULTS: dict[int | None, Result] = {
    None: Result.NOT_TRIED,
    0: Result.SURVIVED,
    1: Result.KILLED,
    3: Result.KILLED,  # pytest ended with an internal error
    5: Result.UNTESTED,
    33: Result.UNTESTED,
    SKIPPED_STATUS: Result.SKIPPED,
    # The signals by which a process is ended that took too much time. Not 255, although mutmut calls
    # it a timeout: pytest could not run the tests, so nothing is known.
    -24: Result.TIMED_OUT,
    -9: Result.TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one function; ``before`` and ``after`` are the lines that differ."""

    name: str
    file: str
    line: int
    function: str
    before: str
    after: str
    result: Result
    is_sentence: bool
    """Whether only a text for people was changed: a literal with a space in it."""

    def __str__(self) -> str:
        where = f"{self.result:<9} {self.file}:{self.line} {self.function}  [{self.name}]"
        removed = [f"    - {line}" for line in self.before.splitlines()]
        return "\n".join([where, *removed, *(f"    + {line}" for line in self.after.splitlines())])

    def is_in_share(self, share: int) -> bool:
        """Whether the mutant belongs to the sample of one in ``share``; the same in every run."""
        key = f"{self.file} {self.function} {self.before} {self.after}"
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % share == 0


def read_mutants(checkout: Path, original: Path) -> list[Mutant]:
    """All mutants of a checkout in which mutmut worked, by their places in the original."""
    found: list[Mutant] = []
    for meta in sorted((checkout / FOLDER).rglob("*.py.meta")):
        path = meta.with_suffix("")
        file = path.relative_to(checkout / FOLDER)
        found += _mutants_of(path, file.as_posix(), (original / file).read_text())
    return sorted(found, key=lambda one: (one.file, one.line, one.name))


def skip(checkout: Path, names: set[str]) -> None:
    """Tell mutmut not to try the mutants of these names."""
    for path in (checkout / FOLDER).rglob("*.py.meta"):
        meta = json.loads(path.read_text())
        statuses = meta["exit_code_by_key"]
        statuses.update(dict.fromkeys(names & set(statuses), SKIPPED_STATUS))
        path.write_text(json.dumps(meta))


def result_of(status: int | None) -> Result:
    """Say what an exit status that mutmut noted means."""
    return _RESULTS.get(status, Result.UNCLEAR)


def only_a_sentence_differs(before: str, after: str) -> bool:
    """Whether one literal with a space in it is all that differs between two functions.

    Such literals are messages and reasons, which are written for people; ids, codes and keys, which
    decide something, have no space.
    """
    old, new = _tokens(before), _tokens(after)
    changed = [pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]]
    if len(old) != len(new) or len(changed) != 1:
        return False
    was, now = changed[0]
    if not was.endswith(("'", '"')) or " " not in was:
        return False
    variants = {was.lower(), was.upper(), f"{was[0]}XX{was[1:-1]}XX{was[-1]}"}
    return now.lower() in {one.lower() for one in variants}


def _mutants_of(path: Path, file: str, source: str) -> Iterator[Mutant]:
    spans = json.loads(Path(f"{path}.spans").read_text())["spans"]
    variants = path.read_text().splitlines()
    starts = lines_of_functions(source)

    def text_of(variant: str) -> str:
        first, last = spans[variant]
        return textwrap.dedent("\n".join(variants[first - 1 : last]))

    for name, status in json.loads(Path(f"{path}.meta").read_text())["exit_code_by_key"].items():
        variant = name.rpartition(".")[2]
        mangled = variant.rpartition("__mutmut_")[0]
        function = mangled.removeprefix("xǁ").replace("ǁ", ".") if "ǁ" in mangled else mangled[2:]
        old, new = (
            _VARIANT.sub(r"\1\2", text_of(one)) for one in (f"{mangled}__mutmut_orig", variant)
        )
        at, before, after = _difference(old.splitlines(), new.splitlines())
        yield Mutant(
            name=name,
            file=file,
            line=starts[function] + at,
            function=function,
            before=before,
            after=after,
            result=result_of(status),
            is_sentence=only_a_sentence_differs(old, new),
        )


def _difference(old: list[str], new: list[str]) -> tuple[int, str, str]:
    """Where two texts differ first, counted from the line of ``def``, and the lines that differ."""
    changes = [
        change
        for change in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if change[0] != "equal"
    ]
    begin = next(at for at, line in enumerate(old) if re.match(r"(async )?def ", line))
    before = [line.strip() for _, first, last, _, _ in changes for line in old[first:last]]
    after = [line.strip() for _, _, _, first, last in changes for line in new[first:last]]
    return changes[0][1] - begin, "\n".join(before), "\n".join(after)


def _tokens(text: str) -> list[str]:
    kept = {tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING}
    read = tokenize.generate_tokens(io.StringIO(text).readline)
    return [
        token.string
        for token in read
        if token.type in kept or "STRING" in tokenize.tok_name[token.type]
    ]

"""Judge and count a journal, or load its verdicts from a cache beside it.

Judging takes far longer than counting, and verdicts do not depend on the scheme.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import cache
from importlib.resources import files
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import msgspec

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.model.outcome import VerdictBasis
from harness.model.outcome_group import Counts
from harness.model.verdict import Verdict
from harness.ports.judging import MakeJudge
from harness.ports.storage import Journal
from harness.store.atomic_write import swap_in
from harness.store.journal.parquet_segment import digest_of_file, duckdb
from harness.store.private_files import make_private
from harness.verdicts.count_outcomes import count_verdicts
from harness.verdicts.outcome_counts import ParquetVerdicts

KEPT = "kept.json"
SUFFIXES = (".py", ".toml")
SOURCES = (
    "harness.model",
    "harness.judge",
    "harness.judge.rules",
    "harness.model.facts",
    "harness.verdicts",
)
"""Packages whose code and data the verdicts depend on."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    made_of: str
    sha256: str
    basis: VerdictBasis
    counts: Counts


class _Sealed(msgspec.Struct, frozen=True, kw_only=True):
    sha256: str
    kept: msgspec.Raw


class VerdictCache:
    """Stores the counted verdicts of one journal in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, made_of: str) -> ParquetVerdicts | None:
        """Load the verdicts of the same journal, rules and appeals; None if absent or damaged."""
        path = self._path(made_of)
        try:
            sealed = msgspec.json.decode((self._folder / KEPT).read_bytes(), type=_Sealed)
            if sealed.sha256 != _digest(sealed.kept):
                return None
            kept = msgspec.json.decode(sealed.kept, type=_Kept)
            if kept.made_of != made_of or kept.sha256 != _digest_of(path):
                return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return ParquetVerdicts(path, kept.counts, kept.basis)

    def keep(
        self, made_of: str, verdicts: Iterable[Verdict], basis: Callable[[], VerdictBasis]
    ) -> ParquetVerdicts:
        """Count verdicts as they come, and store them; ``basis`` is called after the last one.

        What was stored before is deleted. Raises InstrumentError with the reason of the disk.
        """
        path = self._path(made_of)
        try:
            make_private(self._folder)
            rmtree(path, ignore_errors=True)
            counts = count_verdicts(verdicts, path)
            kept = _Kept(
                made_of=made_of,
                sha256=_digest_of(path),
                basis=basis(),
                counts=counts,
            )
            text = msgspec.json.encode(kept)
            sealed = _Sealed(sha256=_digest(text), kept=msgspec.Raw(text))
            swap_in(self._folder / KEPT, msgspec.json.encode(sealed))
            for other in self._folder.iterdir():
                if len(other.name) == len(path.name) and other != path:
                    rmtree(other, ignore_errors=True)
        except (duckdb().Error, OSError) as error:
            msg = f"{self._folder}: verdicts cannot be kept: {error}"
            raise InstrumentError(msg) from error
        return ParquetVerdicts(path, counts, kept.basis)

    def _path(self, made_of: str) -> Path:
        return self._folder / made_of[:32]


@contextmanager
def temporary_verdict_cache() -> Iterator[VerdictCache]:
    """A cache in a temporary folder, for verdicts that are needed only once."""
    with TemporaryDirectory(prefix="accredit-verdicts-") as name:
        yield VerdictCache(Path(name))


def digest_of_makers(*others: str) -> str:
    """Return a digest of the code and data that judge, and of ``others``."""
    return _digest(msgspec.json.encode([_sources(), *others]))


@cache
def _sources() -> str:
    digest = hashlib.sha256()
    for package in SOURCES:
        inside = [one for one in files(package).iterdir() if one.name.endswith(SUFFIXES)]
        for source in sorted(inside, key=lambda one: one.name):
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _digest(text: bytes | msgspec.Raw) -> str:
    return hashlib.sha256(text).hexdigest()


def _digest_of(folder: Path) -> str:
    """The digest of the digests of all files in a folder, in the order of their names."""
    names = sorted(path for path in folder.iterdir())
    return _digest(msgspec.json.encode([digest_of_file(path) for path in names]))


@contextmanager
def counted_verdicts(
    journal: Journal,
    make_judge: MakeJudge,
    only: Collection[str] | None = None,
    folder: VerdictCache | None = None,
) -> Iterator[ParquetVerdicts]:
    """The counted verdicts of all items (or of ``only`` some), one batch in memory at a time.

    ``folder`` caches them; without one they are deleted when the context ends.
    """
    chosen = "all" if only is None else "\n".join(sorted(only))
    made_of = digest_of_makers(journal.fingerprint(), chosen)
    with (
        nullcontext(folder) if folder else temporary_verdict_cache() as kept,
        closing(kept.load(made_of) or _judge(journal, make_judge, only, kept, made_of)) as counted,
    ):
        yield counted


def _judge(
    journal: Journal,
    make_judge: MakeJudge,
    only: Collection[str] | None,
    folder: VerdictCache,
    made_of: str,
) -> ParquetVerdicts:
    judge, read = make_judge(), 0

    def observations() -> Iterator[Observation]:
        nonlocal read
        for one in journal.observations():
            if only is None or one.role != "item" or one.item.id in only:
                read += 1
                yield one

    def basis() -> VerdictBasis:
        return VerdictBasis(
            observations=read,
            rules_version=judge.rules_version,
            preconditions=judge.preconditions,
            twins=judge.twins,
        )

    return folder.keep(made_of, judge.verdicts(observations()), basis)

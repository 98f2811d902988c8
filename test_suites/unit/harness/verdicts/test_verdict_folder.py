"""What was kept is used only if it is of the same things, to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.model.corpus import Item
from harness.model.observation import AttemptKey
from harness.model.outcome import Precondition
from harness.model.verdict import State, Verdict
from harness.model.verdict_basis import VerdictBasis
from harness.store.private_folder import LENGTH
from harness.verdicts.cache_seal import KEPT
from harness.verdicts.cached_verdicts import (
    VerdictCache,
    digest_of_makers,
    temporary_verdict_cache,
)

SEVEN = VerdictBasis(
    observations=7,
    rules_version="1",
    preconditions=(Precondition(name="n", line="l", profile="p", held=True, detail="d"),),
)
VERDICT = Verdict(
    key=AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2"),
    item=Item(id="i", value="i.test", labels=("DRUG",)),
    state=State.ALLOWED,
    rule="reached",
    rules_version="1",
)
SECRET = b"s" * LENGTH
KEY, OTHER = digest_of_makers("this"), digest_of_makers("that")


def test_what_was_kept_comes_back_equal(tmp_path: Path) -> None:
    folder = VerdictCache(tmp_path / "verdicts", SECRET)
    assert folder.load(KEY) is None

    kept = folder.keep(KEY, [VERDICT], lambda: SEVEN)
    again = folder.load(KEY)

    assert again is not None
    assert (kept.counts, SEVEN) == (again.counts, again.basis)


def test_what_was_made_of_other_things_is_not_used_and_goes(tmp_path: Path) -> None:
    folder = VerdictCache(tmp_path, SECRET)
    folder.keep(KEY, [VERDICT], lambda: SEVEN)

    assert folder.load(OTHER) is None
    folder.keep(OTHER, [VERDICT], lambda: SEVEN)
    assert folder.load(KEY) is None
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", [f"{KEY[:32]}.sqlite", KEPT])
def test_a_changed_byte_is_noticed(tmp_path: Path, name: str) -> None:
    folder = VerdictCache(tmp_path, SECRET)
    folder.keep(KEY, [VERDICT], lambda: SEVEN)
    whole = (tmp_path / name).read_bytes()

    for place in (0, len(whole) // 2, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 1
        (tmp_path / name).write_bytes(changed)
        assert folder.load(KEY) is None
    (tmp_path / name).unlink()
    assert folder.load(KEY) is None


def test_an_empty_journal_is_kept_as_well(tmp_path: Path) -> None:
    folder = VerdictCache(tmp_path, SECRET)
    folder.keep(KEY, [], lambda: SEVEN)

    again = folder.load(KEY)

    assert again is not None
    assert again.counts.groups == ()


def test_verdicts_that_fail_half_way_leave_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Verdict]:
        yield VERDICT
        msg = "a damaged segment"
        raise InstrumentError(msg)

    folder = VerdictCache(tmp_path, SECRET)
    with pytest.raises(InstrumentError, match="damaged"):
        folder.keep(KEY, broken(), lambda: SEVEN)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InstrumentError, match="file/verdicts: verdicts cannot be kept"):
        VerdictCache(tmp_path / "file/verdicts", SECRET).keep(KEY, [], lambda: SEVEN)


def test_a_passing_folder_goes() -> None:
    with temporary_verdict_cache() as folder:
        path = folder.keep(KEY, [VERDICT], lambda: SEVEN).path
        assert path.exists()
    assert not path.exists()


def test_other_makers_have_another_digest() -> None:
    assert digest_of_makers("a", "b") == digest_of_makers("a", "b") != digest_of_makers("b", "a")


def test_what_another_key_sealed_is_not_used(tmp_path: Path) -> None:
    VerdictCache(tmp_path, b"o" * LENGTH).keep(KEY, [VERDICT], lambda: SEVEN)

    assert VerdictCache(tmp_path, SECRET).load(KEY) is None


def test_a_description_is_gone_before_its_rows_are(tmp_path: Path) -> None:
    """A process that is killed between the two leaves rows that nothing describes."""
    folder = VerdictCache(tmp_path, SECRET)
    folder.keep(KEY, [VERDICT], lambda: SEVEN)

    def killed() -> Iterator[Verdict]:
        assert not (tmp_path / KEPT).exists()
        yield VERDICT

    folder.keep(KEY, killed(), lambda: SEVEN)

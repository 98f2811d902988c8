"""A bundle verifies as it was signed, and tells whatever was changed in it."""

from __future__ import annotations

import copy
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.model.observation import Observation
from harness.signing import canonical, sign
from harness.store.assessments import encode_assessment
from harness.store.bundle import (
    PAYLOAD_TYPE,
    STATEMENT,
    write_bundle,
)
from harness.store.bundle_reading import opened_bundle
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.example import example_assessment
from test_suites.kit.clocks.sizes import IS_FULL
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.store.bundled import (
    ASSESSMENT,
    MANIFEST,
    files_of,
    make_bundle,
    make_journal,
    rewritten,
)
from test_suites.unit.harness.store.journal.test_stops import ONE as STOP

"""Whether every byte of an archive's framing is tried, and 500 others."""


@pytest.fixture
def journal(tmp_path: Path, observe_batch: Callable[[int, int], list[Observation]]) -> Path:
    """A sealed journal of two segments and seven observations."""
    return make_journal(tmp_path, observe_batch)


@pytest.fixture
def bundle(journal: Path, tmp_path: Path) -> Path:
    """A bundle that holds."""
    return make_bundle(journal, tmp_path)


def verify(bundle: Path, *keys: Path) -> None:
    """Open a bundle, and close it."""
    with opened_bundle(bundle, keys):
        pass


def test_a_bundle_verifies_and_says_what_it_is(bundle: Path, tmp_path: Path) -> None:
    with opened_bundle(bundle, [tmp_path / "ours.pub.pem"]) as held:
        assert held.assessment == ASSESSMENT
        assert (held.journal.rows, held.files) == (7, 10)
        assert held.registry == {"events": 3, "last_hash": "cafe"}
        assert held.appeals == ()
        assert len(held.signed_by) == 64
    assert {".half", ".tmp"}.isdisjoint(path.suffix for path in tmp_path.iterdir())


def test_only_a_key_that_was_given_counts(bundle: Path, tmp_path: Path) -> None:
    _, stranger = write_keys(tmp_path, "theirs", 2)

    with pytest.raises(UsageError, match=r"spring\.zip: no signature by a key that was given"):
        verify(bundle, stranger)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.update({"scheme.json": b"{}"}), r"scheme\.json \(at byte [0-9,]+"),
        (lambda c: c.pop("assessment.json"), "assessment.json was signed but is missing"),
        (lambda c: c.update({"notes.txt": b""}), "'notes.txt' was added after signing"),
        (lambda c: c.update({"../../evil": b""}), "evil' was added after signing"),
        (lambda c: c.pop(STATEMENT), "not a bundle: statement"),
        (lambda c: c.update({STATEMENT: b"{}"}), f"{STATEMENT}: not a DSSE envelope"),
        (
            lambda c: c.update({"journal/segment-000001.gz": c["journal/segment-000002.gz"]}),
            "segment-000001.gz .* was changed after signing",
        ),
    ],
)
def test_what_was_changed_is_told(
    bundle: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], object], told: str
) -> None:
    rewritten(bundle, change)

    with pytest.raises(UsageError, match=told) as caught:
        verify(bundle, tmp_path / "ours.pub.pem")
    assert str(caught.value).startswith(f"{bundle}: ")


def test_each_thing_that_does_not_hold_is_a_line(bundle: Path, tmp_path: Path) -> None:
    def change(content: dict[str, bytes]) -> None:
        content |= {"registry.json": b"", "scheme.json": b"", "b": b""}

    with pytest.raises(UsageError) as caught:
        verify(rewritten(bundle, change), tmp_path / "ours.pub.pem")
    assert 3 == len(str(caught.value).splitlines())


def framing_of(bundle: Path) -> list[int]:
    """The places of an archive that are in no file's content."""
    places = {*range(bundle.stat().st_size)}
    with zipfile.ZipFile(bundle) as archive:
        for info in archive.infolist():
            with archive.open(info) as member:
                start: int = member._orig_compress_start  # type: ignore[attr-defined]
            places -= {*range(start, start + info.file_size)}
    return sorted(places)


def test_a_byte_anywhere_cannot_be_changed_unnoticed(bundle: Path, tmp_path: Path) -> None:
    """Of the archive's own framing too: local headers, directory and end."""
    whole, public = bundle.read_bytes(), tmp_path / "ours.pub.pem"
    chance = random.Random(2008)
    places = framing_of(bundle)[:: 1 if IS_FULL else 29]
    places += chance.sample(range(len(whole)), 500 if IS_FULL else 40)
    for place in places:
        flipped = whole[place] ^ (1 << chance.randrange(8))
        bundle.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        with pytest.raises(UsageError):
            verify(bundle, public)
    bundle.write_bytes(whole)
    verify(bundle, public)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda whole: b"MZ" + whole, r"was changed"),
        (lambda whole: whole + b"more", r"was changed|not a bundle, or truncated"),
        (
            lambda whole: whole.replace(b"\0\0!\0", b"\0\0\x22\0", 1),
            r"byte 12 of the bundle, in the header of appeals.json, was changed",
        ),
    ],
)
def test_where_the_framing_was_changed_is_named(
    bundle: Path, tmp_path: Path, change: Callable[[bytes], bytes], told: str
) -> None:
    bundle.write_bytes(change(bundle.read_bytes()))

    with pytest.raises(UsageError, match=told):
        verify(bundle, tmp_path / "ours.pub.pem")


def test_what_is_compressed_is_not_unpacked(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in content.items():
            archive.writestr(name, raw + bytes(1_000_000))

    with pytest.raises(UsageError, match="is compressed; a bundle's files are stored as is"):
        verify(bundle, tmp_path / "ours.pub.pem")


def test_files_that_overlap_are_not_unpacked(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("a", bytes(100_000))
        first = archive.infolist()[0]
        for number in range(50):
            other = copy.copy(first)
            other.filename = f"b{number}"
            archive.filelist.append(other)
        archive._didModify = True  # type: ignore[attr-defined]

    with pytest.raises(UsageError, match="its files overlap"):
        verify(bundle, tmp_path / "ours.pub.pem")


def test_too_many_files_are_not_unpacked(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle, "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")

    with pytest.raises(UsageError, match="holds 10001 files; a bundle has at most 10000"):
        verify(bundle, tmp_path / "ours.pub.pem")


def test_messages_are_few_and_short(bundle: Path, tmp_path: Path) -> None:
    def change(content: dict[str, bytes]) -> None:
        content |= {f"{number}" * 1000: b"" for number in range(50)}

    with pytest.raises(UsageError) as caught:
        verify(rewritten(bundle, change), tmp_path / "ours.pub.pem")

    lines = str(caught.value).splitlines()
    assert 21 == len(lines)
    assert lines[-1].endswith("and 30 more faults")
    assert all(len(line) < 300 + len(str(bundle)) for line in lines)


def test_a_bundle_of_another_campaign_is_refused(bundle: Path, tmp_path: Path) -> None:
    public = tmp_path / "ours.pub.pem"

    with opened_bundle(bundle, [public], "spring") as held:
        assert "spring" == held.assessment.campaign
    with (
        pytest.raises(UsageError, match="campaign 'spring'; expected was 'autumn'"),
        opened_bundle(bundle, [public], "autumn"),
    ):
        pass


@pytest.mark.parametrize("size", [0, 10, 2000])
def test_a_bundle_that_was_cut_short_is_told(bundle: Path, tmp_path: Path, size: int) -> None:
    bundle.write_bytes(bundle.read_bytes()[:size])

    with pytest.raises(UsageError, match="not a bundle, or truncated"):
        verify(bundle, tmp_path / "ours.pub.pem")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"assessment.json": encode_assessment(example_assessment())},
            "belong to different campaigns",
        ),
        (
            {"assessment.json": encode_assessment(example_assessment(campaign="spring"))},
            "made from 4820 observations, but the journal holds 7",
        ),
        ({"scheme.json": b'{"id": "strict", "version": "1"}'}, "not made with the scheme"),
        ({"scheme.json": b"[]"}, "a file in the bundle cannot be read"),
        ({"journal/manifest.jsonl": b""}, r"segment-000001.gz: not in manifest"),
        ({"journal/header.json": b'{"campaign": "{}"}'}, "hash chain is broken"),
        (
            {"corpora/canary/datapackage.json": json.dumps({**MANIFEST, "version": "2"}).encode()},
            "corpora/canary is not a corpus that the journal was measured with",
        ),
        (
            {
                "assessment.json": encode_assessment(
                    example_assessment(campaign="spring", observations=7, outcomes=())
                )
            },
            "the signed test result does not match the assessment",
        ),
    ],
)
def test_what_was_signed_but_does_not_agree_is_told(
    journal: Path, tmp_path: Path, more: dict[str, bytes], told: str
) -> None:
    private, public = write_keys(tmp_path)
    write_bundle(tmp_path / "b.zip", files_of(journal, more), ASSESSMENT, private)

    with pytest.raises(UsageError, match=told) as caught:
        verify(tmp_path / "b.zip", public)
    assert "/tmp" not in str(caught.value).replace(str(tmp_path), "")


@pytest.mark.parametrize("name", ["../evil", "/evil"])
def test_nothing_is_written_outside_even_if_it_was_signed(
    journal: Path, tmp_path: Path, name: str
) -> None:
    private, public = write_keys(tmp_path)
    write_bundle(tmp_path / "b.zip", files_of(journal, {name: b"x"}), ASSESSMENT, private)

    with pytest.raises(UsageError, match="would be unpacked outside the bundle"):
        verify(tmp_path / "b.zip", public)


@pytest.mark.parametrize("found", [{}, {"_type": "x"}, [], {"subject": [{}]}])
def test_another_signed_document_is_no_bundle(bundle: Path, tmp_path: Path, found: Any) -> None:
    private, public = write_keys(tmp_path)
    envelope = sign(PAYLOAD_TYPE, canonical(found, ""), private)
    rewritten(bundle, lambda content: content.update({STATEMENT: envelope.encoded()}))

    with pytest.raises(UsageError, match="the signed statement is not a test result"):
        verify(bundle, public)


def test_what_a_campaign_stopped_goes_with_its_journal(journal: Path, tmp_path: Path) -> None:
    """Without it, a census would not know that some entries were left out."""
    opened = SegmentJournal(journal)
    opened.stop(STOP)
    opened.close()
    private, public = write_keys(tmp_path)
    path = tmp_path / "stopped.zip"
    write_bundle(path, files_of(journal), ASSESSMENT, private)

    verify(path, public)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("journal/stops.jsonl") == (journal / "stops.jsonl").read_bytes()
    rewritten(path, lambda content: content.pop("journal/stops.jsonl"))
    with pytest.raises(UsageError, match=r"stops\.jsonl was signed but is missing"):
        verify(path, public)

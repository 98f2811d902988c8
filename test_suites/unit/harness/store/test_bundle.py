"""A bundle verifies as it was signed, and tells whatever was changed in it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InstrumentError, UsageError
from harness.model.observation import Observation
from harness.model.outcome import Conformity
from harness.signing import canonical, read_envelope, sign
from harness.store.assessments import encode_assessment
from harness.store.bundle import (
    PAYLOAD_TYPE,
    STATEMENT,
    journal_files,
    statement,
    verify_bundle,
    write_bundle,
)
from harness.store.journal import SegmentJournal
from test_suites.example import example_assessment, example_outcome
from test_suites.keys import write_keys
from test_suites.unit.harness.store.test_stops import ONE as STOP

STEP = 53
"""Of the bytes that are changed, the distance from one to the next; a prime."""
Files = dict[str, bytes | Path]
MANIFEST = {"name": "canary", "version": "1.0.0", "resources": [{"hash": "sha256:beef"}]}
ASSESSMENT = example_assessment(campaign="spring", observations=7)


@pytest.fixture
def journal(tmp_path: Path, observe_batch: Callable[[int, int], list[Observation]]) -> Path:
    """A sealed journal of two segments and seven observations."""
    header = {"campaign": '{"campaign":"spring"}', "corpora": ["canary 1.0.0 beef"]}
    journal = SegmentJournal.create(tmp_path / "journal", header)
    for batch, size in ((1, 3), (2, 4)):
        journal.append(batch, observe_batch(batch, size))
        journal.seal()
    journal.close()
    return tmp_path / "journal"


def files_of(journal: Path, more: dict[str, bytes] | None = None) -> Files:
    """What a bundle holds."""
    scheme = {"id": ASSESSMENT.scheme, "version": ASSESSMENT.scheme_version}
    return {
        **journal_files(journal),
        "assessment.json": encode_assessment(ASSESSMENT),
        "scheme.json": json.dumps(scheme).encode(),
        "registry.json": b'{"events": 3, "last_hash": "cafe"}',
        "corpora/canary/datapackage.json": json.dumps(MANIFEST).encode(),
        **(more or {}),
    }


@pytest.fixture
def bundle(journal: Path, tmp_path: Path) -> Path:
    private, _ = write_keys(tmp_path)
    write_bundle(tmp_path / "spring.zip", files_of(journal), ASSESSMENT, private)
    return tmp_path / "spring.zip"


def rewritten(bundle: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The same archive with other content, well-formed throughout."""
    with zipfile.ZipFile(bundle) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, raw in content.items():
            archive.writestr(name, raw)
    return bundle


def test_a_bundle_verifies_and_says_what_it_is(bundle: Path, tmp_path: Path) -> None:
    held = verify_bundle(bundle, [tmp_path / "ours.pub.pem"])

    assert held.assessment == ASSESSMENT
    assert (held.observations, held.files) == (7, 9)
    assert held.registry == {"events": 3, "last_hash": "cafe"}
    assert len(held.signed_by) == 64
    assert {".half", ".tmp"}.isdisjoint(path.suffix for path in tmp_path.iterdir())


def test_only_a_key_that_was_given_counts(bundle: Path, tmp_path: Path) -> None:
    _, stranger = write_keys(tmp_path, "theirs", 2)

    with pytest.raises(UsageError, match=r"spring\.zip: no signature by a key that was given"):
        verify_bundle(bundle, [stranger])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.update({"scheme.json": b"{}"}), r"scheme\.json \(at byte \d+"),
        (lambda c: c.pop("assessment.json"), "assessment.json was signed, but is missing"),
        (lambda c: c.update({"notes.txt": b""}), "'notes.txt' was added after it was signed"),
        (lambda c: c.update({"../../evil": b""}), "evil' was added after it was signed"),
        (lambda c: c.pop(STATEMENT), "not a bundle: it holds no statement"),
        (lambda c: c.update({STATEMENT: b"{}"}), f"{STATEMENT}: not a DSSE envelope"),
        (
            lambda c: c.update(
                {"journal/segment-000001.parquet": c["journal/segment-000002.parquet"]}
            ),
            "segment-000001.parquet .* is not as it was signed",
        ),
    ],
)
def test_what_was_changed_is_told(
    bundle: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], object], told: str
) -> None:
    rewritten(bundle, change)

    with pytest.raises(UsageError, match=told) as caught:
        verify_bundle(bundle, [tmp_path / "ours.pub.pem"])
    assert str(caught.value).startswith(f"{bundle}: ")


def test_each_thing_that_does_not_hold_is_a_line(bundle: Path, tmp_path: Path) -> None:
    def change(content: dict[str, bytes]) -> None:
        content |= {"registry.json": b"", "scheme.json": b"", "b": b""}

    with pytest.raises(UsageError) as caught:
        verify_bundle(rewritten(bundle, change), [tmp_path / "ours.pub.pem"])
    assert 3 == len(str(caught.value).splitlines())


def test_a_byte_anywhere_cannot_be_changed_unnoticed(bundle: Path, tmp_path: Path) -> None:
    """Of the archive's own framing too, unless what it frames is still read as it was."""
    whole, public = bundle.read_bytes(), tmp_path / "ours.pub.pem"
    before = verify_bundle(bundle, [public])
    noticed = 0
    for place in range(0, len(whole), STEP):
        bundle.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        try:
            assert before == verify_bundle(bundle, [public])
        except UsageError:
            noticed += 1
    assert noticed > len(range(0, len(whole), STEP)) // 2


@pytest.mark.parametrize("size", [0, 10, 2000])
def test_a_bundle_that_was_cut_short_is_told(bundle: Path, tmp_path: Path, size: int) -> None:
    bundle.write_bytes(bundle.read_bytes()[:size])

    with pytest.raises(UsageError, match="not a bundle, or cut short"):
        verify_bundle(bundle, [tmp_path / "ours.pub.pem"])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"assessment.json": encode_assessment(example_assessment())}, "of another campaign"),
        (
            {"assessment.json": encode_assessment(example_assessment(campaign="spring"))},
            "rests on 4820 observations, and the journal holds 7",
        ),
        ({"scheme.json": b'{"id": "strict", "version": "1"}'}, "not made by the scheme"),
        ({"scheme.json": b"[]"}, "a file in it is not what a bundle holds"),
        ({"journal/manifest.jsonl": b""}, r"segment-000001.parquet: is in no line of manifest"),
        ({"journal/header.json": b'{"campaign": "{}"}'}, "hash chain does not hold"),
        (
            {"corpora/canary/datapackage.json": json.dumps({**MANIFEST, "version": "2"}).encode()},
            "corpora/canary is not what the journal was measured with",
        ),
        (
            {
                "assessment.json": encode_assessment(
                    example_assessment(campaign="spring", observations=7, outcomes=())
                )
            },
            "the signed test result is not that of the assessment",
        ),
    ],
)
def test_what_was_signed_but_does_not_agree_is_told(
    journal: Path, tmp_path: Path, more: dict[str, bytes], told: str
) -> None:
    private, public = write_keys(tmp_path)
    write_bundle(tmp_path / "b.zip", files_of(journal, more), ASSESSMENT, private)

    with pytest.raises(UsageError, match=told) as caught:
        verify_bundle(tmp_path / "b.zip", [public])
    assert "/tmp" not in str(caught.value).replace(str(tmp_path), "")


@pytest.mark.parametrize("name", ["../evil", "/evil"])
def test_nothing_is_written_outside_even_if_it_was_signed(
    journal: Path, tmp_path: Path, name: str
) -> None:
    private, public = write_keys(tmp_path)
    write_bundle(tmp_path / "b.zip", files_of(journal, {name: b"x"}), ASSESSMENT, private)

    with pytest.raises(UsageError, match="would stand outside the bundle"):
        verify_bundle(tmp_path / "b.zip", [public])


@pytest.mark.parametrize("found", [{}, {"_type": "x"}, [], {"subject": [{}]}])
def test_another_signed_document_is_no_bundle(bundle: Path, tmp_path: Path, found: Any) -> None:
    private, public = write_keys(tmp_path)
    envelope = sign(PAYLOAD_TYPE, canonical(found, ""), private)
    rewritten(bundle, lambda content: content.update({STATEMENT: envelope.encoded()}))

    with pytest.raises(UsageError, match="what is signed here is not a test result"):
        verify_bundle(bundle, [public])


def test_the_statement_is_in_toto_s_over_every_file(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        stated = json.loads(read_envelope(archive.read(STATEMENT), "").payload)

    assert "https://in-toto.io/Statement/v1" == stated["_type"]
    assert "https://in-toto.io/attestation/test-result/v0.1" == stated["predicateType"]
    assert names - {STATEMENT} == {each["name"] for each in stated["subject"]}
    assert ["scheme.json"] == [each["name"] for each in stated["predicate"]["configuration"]]


@pytest.mark.parametrize("conformity", list(Conformity))
def test_what_is_insufficient_passes_nowhere(conformity: Conformity) -> None:
    one = example_outcome(conformity=conformity)
    told = statement({}, example_assessment(outcomes=(one,)))["predicate"]

    passes = conformity is Conformity.CONFORMS
    assert ("PASSED" if passes else "FAILED") == told["result"]
    assert ([one.id] if passes else []) == told["passedTests"]
    assert ([] if passes else [one.id]) == told["failedTests"]
    assert [] == told["warnedTests"]


def test_a_campaign_that_was_stopped_is_not_handed_over(journal: Path, observe: Any) -> None:
    opened = SegmentJournal(journal)
    opened.append(3, [observe(900, 3)])
    opened.close()

    with pytest.raises(UsageError, match="'accredit measure' goes on with it"):
        journal_files(journal)


def test_what_is_there_stays_and_a_disk_that_refuses_is_our_trouble(
    bundle: Path, journal: Path, tmp_path: Path
) -> None:
    private, _ = write_keys(tmp_path)
    before = bundle.read_bytes()

    with pytest.raises(UsageError, match="choose another --out"):
        write_bundle(bundle, files_of(journal), ASSESSMENT, private)
    with pytest.raises(InstrumentError, match="cannot be written"):
        write_bundle(bundle / "deep.zip", files_of(journal), ASSESSMENT, private)
    with pytest.raises(UsageError, match="no private Ed25519 key"):
        write_bundle(tmp_path / "x.zip", files_of(journal), ASSESSMENT, tmp_path / "none")

    assert before == bundle.read_bytes()
    assert not list(tmp_path.glob("*x.zip*"))


def test_what_a_campaign_stopped_goes_with_its_journal(journal: Path, tmp_path: Path) -> None:
    """Without it, a census would not know that some entries were left out."""
    opened = SegmentJournal(journal)
    opened.stop(STOP)
    opened.close()
    private, public = write_keys(tmp_path)
    path = tmp_path / "stopped.zip"
    write_bundle(path, files_of(journal), ASSESSMENT, private)

    verify_bundle(path, [public])
    with zipfile.ZipFile(path) as archive:
        assert archive.read("journal/stops.jsonl") == (journal / "stops.jsonl").read_bytes()
    rewritten(path, lambda content: content.pop("journal/stops.jsonl"))
    with pytest.raises(UsageError, match=r"stops\.jsonl was signed, but is missing"):
        verify_bundle(path, [public])

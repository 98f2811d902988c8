"""The header of a journal is read once, whatever version wrote it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from harness.model.batch import count_batches
from harness.model.journal_header import JournalHeader, LabelAudit, PackNote
from test_suites.kit.campaigns.journal_headers import CAMPAIGN, header

TEXT = CAMPAIGN.model_dump_json()
WHOLE = header(
    corpora=("canary 1.0.0 ab", "own 2.0.0 cd"),
    packs={
        "canary ab": PackNote(name="canary", audience="public", design="census", kind="agreed"),
        "own cd": PackNote(
            name="own",
            audience="sealed",
            design="stratified",
            kind="real",
            audit=LabelAudit(items=299, wrong=2),
        ),
    },
    items=40,
    frames={"DRUG": 120, "GAMB": 7},
    retrials=True,
    seed_commitment="0f" * 32,
    instrument="isp-accredit 1.0",
    run="12ab",
)


def test_what_is_written_is_read_again() -> None:
    assert WHOLE == JournalHeader.from_document(WHOLE.as_document())
    some = msgspec.structs.replace(WHOLE, not_chosen={"quic:h3": 3})
    assert some == JournalHeader.from_document(some.as_document())


def test_the_keys_of_the_file_are_those_of_every_journal_so_far() -> None:
    """In this order, without an audit that was not made: a journal must be resumed as it is."""
    document = WHOLE.as_document()

    assert list(document) == [
        "campaign", "corpora", "packs", "items", "frames", "retrials", "seed_commitment",
        "instrument", "run", "probes",
    ]  # fmt: skip
    assert document["campaign"] == TEXT
    assert list(document["packs"].values()) == [
        {"name": "canary", "audience": "public", "design": "census", "kind": "agreed"},
        {
            "name": "own",
            "audience": "sealed",
            "design": "stratified",
            "kind": "real",
            "audit": {"items": 299, "wrong": 2},
        },
    ]


def test_what_is_empty_is_written_but_a_run_that_has_no_id() -> None:
    document = header(items=0, seed_commitment="0f", instrument="i").as_document()

    assert (document["packs"], document["frames"], document["items"]) == ({}, {}, 0)
    assert "run" not in document


def test_an_older_header_says_less() -> None:
    old = JournalHeader.from_document({"campaign": TEXT, "corpora": ["canary 1"], "items": 21})

    assert old == header(corpora=("canary 1",), items=21)
    assert (old.packs, old.frames, old.retrials, old.run, old.foreign) == ({}, {}, False, "", "")
    kindless = {"canary 1": {"name": "canary", "audience": "sealed", "design": "census"}}
    read = JournalHeader.from_document({"campaign": TEXT, "packs": kindless}).packs["canary 1"]
    assert (read.audience, read.kind, read.audit) == ("sealed", "agreed", None)


def test_what_a_later_version_says_is_passed_over() -> None:
    told = {"campaign": TEXT, "weather": "fair", "packs": {"p": {"kind": "new", "colour": "red"}}}

    assert JournalHeader.from_document(told).packs == {"p": PackNote(kind="new")}


def test_null_is_as_good_as_missing() -> None:
    nothing = dict.fromkeys(("packs", "frames", "items", "run", "foreign"))

    assert header() == JournalHeader.from_document({"campaign": TEXT, **nothing})


def test_headers_share_no_default() -> None:
    one, other = header(), header()
    one.frames["DRUG"] = 1
    one.packs["canary"] = PackNote()

    assert (other.frames, other.packs) == ({}, {})


def test_of_other_peoples_measurements_nothing_was_planned() -> None:
    assert header(items=21).batches_planned == count_batches(CAMPAIGN, 21) > 0
    assert header().batches_planned == header(items=21, foreign="ooni").batches_planned == 0
    document = header(corpora=("a ooni",), foreign="ooni").as_document()
    assert document == {"campaign": TEXT, "corpora": ["a ooni"], "foreign": "ooni"}
    assert JournalHeader.from_document(document).foreign == "ooni"


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({}, "missing required field `campaign`"),
        ({"campaign": {"campaign": "c"}}, "a campaign is a JSON text, not dict"),
        ({"campaign": "spring"}, r"Invalid JSON: .* - at `\$.campaign`"),
        ({"campaign": '{"campaign":"c"}'}, "service: Field required; lines: Field required"),
        ({"campaign": TEXT, "corpora": "canary"}, r"Expected `array`, got `str` - at `\$.corpora`"),
        ({"campaign": TEXT, "items": "21"}, r"Expected `int \| null`, got `str`"),
        ({"campaign": TEXT, "frames": [1]}, "Expected `object`, got `array`"),
    ],
)
def test_what_is_no_header_is_said_in_one_line(document: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        JournalHeader.from_document(document)

    assert "\n" not in str(raised.value)


def test_a_fault_repeats_no_value_of_the_campaign() -> None:
    text = CAMPAIGN.model_copy(update={"seed": "hush-hush"}).model_dump_json()

    with pytest.raises(ValueError, match="rounds") as raised:
        JournalHeader.from_document({"campaign": text.replace('"rounds":1', '"rounds":"x"')})

    assert "hush-hush" not in str(raised.value)


FIRST_HEADERS = """
import os, sys, threading
import msgspec
from harness.model.campaign import Campaign
from harness.model.journal_header import JournalHeader

document = {"campaign": "{}", "packs": {"a": {"name": "a"}}, "probes": {}, "frames": {"a": 1}}
together = threading.Barrier(4)
sys.setswitchinterval(1e-6)


def read():
    together.wait()
    try:
        msgspec.convert(document, JournalHeader, dec_hook=lambda kind, value: value)
    except msgspec.ValidationError:
        pass


for _ in range(60):
    process = os.fork()
    if not process:
        threads = [threading.Thread(target=read) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        os._exit(0)
    if os.WIFSIGNALED(os.waitpid(process, 0)[1]):
        sys.exit("a process ended with a signal")
"""


def test_several_threads_may_read_their_first_header_at_the_same_time() -> None:
    subprocess.run([sys.executable, "-c", FIRST_HEADERS], check=True, timeout=300)

"""Files of answers and self-certifications: read whole, or every fault named by its line."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument, UsageError
from harness.interop.people_file import digested, read_answers, read_self_certification
from harness.model.people_facts import PeopleAnswerFacts
from harness.model.people_question import UNKNOWN, Ask, fault_of
from harness.schemes.people_questions import questions

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
GOOD = """\
reviewer: Head  of IT
answered: 2026-11-28T10:00:00Z
answers:
  - requirement: ILL-08
    says:
      tested: 2026-11-01
      iwf_member: present
      ctiru: Present
    documents:
      - file: certificate.pdf
      - {name: the list of signatories, shown: true}
    note: both are of this year
    valid_until: 2027-01-31
  - requirement: MAL-06
    says: {updated: 2026-11-28T02:00:00+01:00, looked: 2026-11-28T09:00:00Z, engine: yes}
    documents: [{name: screenshot, file: certificate.pdf}]
  - requirement: TLS-04
    says:
      public_keys: [{key}, {other}, {third}]
      strong: yes
      not_exportable: adequate
    documents: [{name: three certificates, shown: true}]
    note: kept in hardware
"""
KEYS = {"key": "a" * 64, "other": "B" * 64, "third": "c" * 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "certificate.pdf").write_bytes(b"a certificate")
    return tmp_path


def write(folder: Path, text: str = GOOD) -> Path:
    path = folder / "answers.yaml"
    for name, value in KEYS.items():
        text = text.replace(f"{{{name}}}", value)
    path.write_text(text)
    return path


def read(path: Path) -> dict[str, PeopleAnswerFacts]:
    return {one.requirement: one for one in read_answers(path, questions(), NOW)}


def faults(folder: Path, old: str, new: str) -> list[str]:
    assert old in GOOD
    with pytest.raises(FaultyDocument) as caught:
        read(write(folder, GOOD.replace(old, new, 1)))
    return str(caught.value).splitlines()


def test_a_whole_file_is_read_and_digests_are_computed(folder: Path) -> None:
    answers = read(write(folder))
    first = answers["ILL-08"]

    assert {one.reviewer for one in answers.values()} == {"Head of IT"}
    assert first.said == {"tested": "2026-11-01", "iwf_member": "present", "ctiru": "present"}
    assert first.documents[0].sha256 == hashlib.sha256(b"a certificate").hexdigest()
    assert (first.documents[0].name, first.documents[0].bytes) == ("certificate.pdf", 13)
    assert (first.documents[1].name, first.documents[1].sha256) == ("the list of signatories", "")
    assert str(first.until) == "2027-01-31"
    assert answers["MAL-06"].said["updated"] == "2026-11-28T01:00:00+00:00"
    assert answers["TLS-04"].said["public_keys"] == f"{'a' * 64}, {'b' * 64}, {'c' * 64}"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("tested: 2026-11-01", "tested: last month", 6, "write a day such as 2026-11-24"),
        ("tested: 2026-11-01", "tested: 2026-11-29", 6, "2026-11-29 is later than the answer"),
        ("ctiru: Present", "ctiru: maybe", 8, "write present, missing, unknown"),
        ("ctiru: Present", "ctriu: present", 8, "ILL-08 does not ask for 'ctriu'"),
        ("      ctiru: Present\n", "", 5, "ctiru is missing"),
        ("requirement: MAL-06", "requirement: MAL-01", 14, "nobody is asked about 'MAL-01'"),
        ("file: certificate.pdf", "file: none.pdf", 10, "none.pdf: no such file"),
        ("shown: true}\n    note: both", "shown: false}\n    note: both", 11, "or was only shown"),
        ("{name: the list of signatories, shown: true}", "{shown: true}", 11, "needs a name"),
        ("note: kept in hardware", "note: ''", 17, "a judgement without a reason"),
        ("documents: [{name: three certificates, shown: true}]", "documents: []", 17,
         "no document is named"),
        ("answered: 2026-11-28T10", "answered: 2026-11-28T13", 2, "is in the future"),
        ("reviewer: Head  of IT", 'reviewer: "a\\eb"', 1, "is no name or role"),
        ("reviewer: Head  of IT", f"reviewer: {'x' * 81}", 1, "is no name or role"),
        ("    note: both", "    verdict: adequate\n    note: both", 12, "this key is not known"),
        ("requirement: MAL-06", "requirement: ILL-08", 14, "answered twice"),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_line(
    folder: Path, old: str, new: str, line: int, said: str
) -> None:
    told = faults(folder, old, new)
    assert any(f"answers.yaml:{line}: " in one and said in one for one in told), told


def test_all_faults_of_a_file_are_named_at_once(folder: Path) -> None:
    text = GOOD.replace("ctiru: Present", "ctiru: maybe").replace("strong: yes", "strong: often")
    with pytest.raises(FaultyDocument) as caught:
        read(write(folder, text))

    assert len(caught.value.faults) == 2


def test_a_document_is_a_regular_file_with_content(folder: Path) -> None:
    (folder / "empty").touch()
    os.mkfifo(folder / "pipe")
    for name, said in (("empty", "is empty"), ("pipe", "is a pipe"), (".", "is a folder")):
        with pytest.raises(UsageError, match=said):
            digested(folder / name)


CERTIFIED = """\
service: {supplier: Acme Ltd}
certification:
  scheme: becta-2008
  by: A. Person
  role: director
  signed: 2026-11-01T00:00:00Z
  answers:
    URL-01: {answer: meets}
    URL-02: {answer: partly, note: not in every language}
"""


def test_a_self_certification_is_read(folder: Path) -> None:
    facts = read_self_certification(write(folder, CERTIFIED), "ACME  ltd", NOW)

    assert facts.claims == {"URL-01": "meets", "URL-02": "partly"}
    assert facts.supplier == "Acme Ltd"
    assert len(facts.sha256) == 64


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Acme Ltd", "Other Ltd", "is not the supplier of the campaign"),
        ("2026-11-01", "2026-12-01", "is in the future"),
        ("answer: meets", "answer: green", "URL-01"),
        ("certification:", "certificate:", "is missing"),
        ("service: {supplier: Acme Ltd}", "service: {}", "service.supplier"),
        ("service: {supplier: Acme Ltd}", "service: 7", "service.supplier"),
    ],
)
def test_a_wrong_self_certification_is_refused(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(FaultyDocument, match=said):
        read_self_certification(write(folder, CERTIFIED.replace(old, new)), "Acme Ltd", NOW)


START = datetime(2000, 1, 1)  # noqa: DTZ001 - what the strategy takes
ASKS = [ask for question in questions().values() for ask in question.asks]


@given(st.sampled_from(ASKS), st.text(max_size=200))
def test_any_text_is_an_answer_that_reads_back_or_is_refused(ask: Ask, text: str) -> None:
    try:
        value = ask.read(text)
    except ValueError:
        return
    assert ask.read(value) == value
    assert isinstance(fault_of(ask, value, NOW), str)


@given(
    st.lists(
        st.datetimes(min_value=START, max_value=START.replace(year=2027)),
        min_size=3,
        max_size=9,
    )
)
def test_times_read_back_and_later_ones_are_refused(times: list[datetime]) -> None:
    ask = next(one for one in ASKS if one.kind == "times")
    aware = [one.replace(tzinfo=UTC) for one in times]
    value = ask.read(", ".join(one.isoformat() for one in aware))

    assert ask.read(value) == value
    assert bool(fault_of(ask, value, NOW)) == (max(aware) > NOW)


def test_a_time_needs_its_offset_and_keys_may_be_written_with_colons() -> None:
    time = next(one for one in ASKS if one.kind == "time")
    keys = next(one for one in ASKS if one.kind == "keys")
    with pytest.raises(ValueError, match="a time such as"):
        time.read("2026-11-24T12:00:00")
    with pytest.raises(ValueError, match="at least 3"):
        keys.read("a" * 64)
    colons = ":".join(["AB"] * 32)

    assert keys.read(f"{colons}, {'1' * 64}, {'2' * 64}").startswith("ab" * 32)


def test_every_kind_of_answer_can_be_unknown() -> None:
    for ask in ASKS:
        assert ask.read(" Unknown ") == UNKNOWN
        assert fault_of(ask, UNKNOWN, NOW - timedelta(days=9999)) == ""

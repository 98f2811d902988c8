"""Raw mails are read from an mbox, a Maildir and a folder, whatever is in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.mail import corpus_files
from probes.mail import mbox as mbox_file
from probes.mail.corpus_files import raw_mails

FIRST, SECOND = b"Subject: one\n\nHello.\n", b"Subject: two\n\n>From here.\n\nFrom there\n"


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def mbox(*mails: bytes) -> bytes:
    """The mails as a program writes them that quotes each line with From (mboxrd)."""
    parts = []
    for mail in mails:
        lines = [
            b">" + line if line.lstrip(b">").startswith(b"From ") else line
            for line in mail.splitlines(keepends=True)
        ]
        parts.append(b"From a@example.org Thu Jan  1 00:00:00 2026\n" + b"".join(lines) + b"\n")
    return b"".join(parts)


def test_an_mbox_holds_its_mails_in_their_order(tmp_path: Path) -> None:
    path = written(tmp_path / "box", mbox(FIRST, SECOND))

    assert [FIRST, SECOND] == list(raw_mails(path))


def test_a_line_with_from_within_a_paragraph_begins_no_mail(tmp_path: Path) -> None:
    text = b"From a@b Thu Jan  1 00:00:00 2026\nSubject: x\n\nThey came\nFrom afar\n\n"

    assert [b"Subject: x\n\nThey came\nFrom afar\n"] == list(
        raw_mails(written(tmp_path / "b", text))
    )


def test_a_folder_of_files_and_a_maildir_are_read_by_name(tmp_path: Path) -> None:
    for name, content in (("b.eml", SECOND), ("a.EML", FIRST), ("readme.txt", b"x")):
        written(tmp_path / "files" / name, content)
    for name, content in (
        ("new/1", FIRST),
        ("cur/2:2,S", SECOND),
        ("tmp/3", b"x"),
        ("cur/.x", b""),
    ):
        written(tmp_path / "maildir" / name, content)

    assert [FIRST, SECOND] == list(raw_mails(tmp_path / "files"))
    assert [SECOND, FIRST] == list(raw_mails(tmp_path / "maildir"))


def test_one_file_is_one_mail_and_an_empty_one_none(tmp_path: Path) -> None:
    assert [FIRST] == list(raw_mails(written(tmp_path / "a.eml", FIRST)))
    assert [] == list(raw_mails(written(tmp_path / "b.eml", b"")))


def test_a_mail_that_is_too_large_is_cut_and_the_next_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_files, "MOST_BYTES", 100)
    monkeypatch.setattr(mbox_file, "MOST_BYTES", 100)
    monkeypatch.setattr(mbox_file, "LINE_BYTES", 64)
    large = b"Subject: x\n\n" + b"a" * 500 + b"\n"

    read = list(raw_mails(written(tmp_path / "box", mbox(large, FIRST))))

    assert 2 == len(read)
    assert large.startswith(read[0])
    assert 100 < len(read[0]) <= 200
    assert FIRST == read[1]
    assert [large[:101]] == list(raw_mails(written(tmp_path / "a.eml", large)))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", Path("/dev/null")):
        with pytest.raises(OSError):
            list(raw_mails(path))


LINES = st.lists(
    st.sampled_from([b"From x", b">From y", b">>From z", b"", b"Fro", b"a" * 40, b"\xff\0"]),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(mails=st.lists(LINES, max_size=5), piece=st.integers(64, 120))
def test_what_was_written_is_read_whatever_it_is(
    mails: list[list[bytes]], piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox_file, "LINE_BYTES", piece)
    texts = [b"\n".join(lines) + b"\n" for lines in mails]

    assert texts == list(raw_mails(written(tmp_path / "box", mbox(*texts))))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200))
def test_no_bytes_make_it_fail(content: bytes, tmp_path: Path) -> None:
    assert len(list(raw_mails(written(tmp_path / "box", b"From " + content)))) >= 1

"""Lines and secrets are found the same wherever the borders of blocks are."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.interop.logs import raw_lines
from harness.interop.logs.line_reader import UnreadableLog
from harness.interop.logs.raw_lines import (
    BLOCK_BYTES,
    LINE_BYTES,
    FileBytes,
    SecretSearch,
    lines_of,
)

SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def blocks(content: bytes, sizes: list[int]) -> list[bytes]:
    """The content in blocks of these sizes, again and again."""
    found: list[bytes] = []
    at = 0
    while at < len(content):
        size = sizes[len(found) % len(sizes)]
        found.append(content[at : at + size])
        at += size
    return found


@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"bb"]), max_size=30), SIZES)
def test_lines_do_not_depend_on_the_blocks(parts: list[bytes], sizes: list[int]) -> None:
    content = b"".join(parts)
    expected = content.split(b"\n")
    last = expected.pop()

    found = list(lines_of(iter(blocks(content, sizes))))

    assert [*expected, *([last] if last else [])] == [line.content for line in found]
    assert list(range(1, len(found) + 1)) == [line.number for line in found]
    assert [True] * len(expected) + [False] * bool(last) == [line.is_complete for line in found]


def test_a_line_that_is_too_long_is_cut() -> None:
    long = (*[b"x" * 5000] * 200, b"\n", b"a\n", *[b"x" * 5000] * 200)

    assert [LINE_BYTES + 1, 1, LINE_BYTES + 1] == [
        len(line.content) for line in lines_of(iter(long))
    ]


def test_a_line_that_never_ends_is_refused_soon() -> None:
    blocks = iter([b"a\n", *[b"\0" * BLOCK_BYTES] * 1000])

    with pytest.raises(UnreadableLog, match="line 2 does not end within 1 MiB"):
        list(lines_of(blocks))

    assert len(list(blocks)) > 990


@given(
    st.lists(st.sampled_from([b"\n", b"a", b"b", b"ab", b"aba"]), max_size=40),
    st.sets(st.sampled_from([b"a", b"ab", b"aba", b"bab", b"a\nb", b"bbbb"])),
    SIZES,
)
def test_secrets_do_not_depend_on_the_blocks(
    parts: list[bytes], secrets: set[bytes], sizes: list[int]
) -> None:
    content = b"".join(parts)
    whole, pieces = SecretSearch(secrets), SecretSearch(secrets)
    whole.search(content)
    for block in blocks(content, sizes):
        pieces.search(block)

    found = {each.secret: each.lines for each in pieces.found}
    assert {secret for secret in secrets if secret in content} == set(found)
    for secret, lines in found.items():
        at = content.find(secret)
        assert 1 + content.count(b"\n", 0, at) == lines[0]
        assert set(lines) <= places(content, secret)
    assert {each.secret for each in whole.found} == set(found)
    for each in pieces.found:
        if each.secret in (b"a", b"ab", b"a\nb"):  # the others overlap themselves
            assert content.count(each.secret) == each.count


def places(content: bytes, secret: bytes) -> set[int]:
    """The lines in which a secret begins, also where it overlaps itself."""
    return {
        1 + content.count(b"\n", 0, at)
        for at in range(len(content))
        if content.startswith(secret, at)
    }


def test_a_secret_is_found_in_each_line_that_has_it() -> None:
    search = SecretSearch([b"hunter2", b"absent"])
    search.search(b"x\nhunter2 hunter2\nhun")
    search.search(b"ter2\n")

    (found,) = search.found
    assert (b"hunter2", 3, [2, 2, 3]) == (found.secret, found.count, found.lines)
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("secret", [b"", b"x" * (LINE_BYTES + 1)])
def test_an_empty_or_endless_secret_is_refused(secret: bytes) -> None:
    with pytest.raises(ValueError, match="a secret has 1 to 65536 bytes"):
        SecretSearch([secret])


def unpacked(content: bytes) -> tuple[bytes, int]:
    """What a file holds, and the size of its largest block."""
    found = list(FileBytes(stream=io.BytesIO(content), search=SecretSearch([])))
    return b"".join(found), max(map(len, found), default=0)


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_members_of_gzip_are_joined(first: bytes, second: bytes) -> None:
    packed = gzip.compress(first) + gzip.compress(second)

    assert first + second == unpacked(packed)[0]


@given(st.binary(max_size=60))
def test_a_file_that_only_begins_like_gzip_is_refused(rest: bytes) -> None:
    with pytest.raises(UnreadableLog, match="the compressed file "):
        unpacked(b"\x1f\x8b" + rest)


def test_what_unpacks_to_much_comes_in_blocks() -> None:
    content, largest = unpacked(gzip.compress(b"\n" * 20_000_000))

    assert (20_000_000, BLOCK_BYTES) == (len(content), largest)


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_lines, "TOTAL_BYTES", 1024**3 // 32)
    packed = gzip.compress(b"\n" * (1024**3 // 32 + 1))

    with pytest.raises(UnreadableLog, match=r"the file is larger than 0.03125 GiB"):
        unpacked(packed)

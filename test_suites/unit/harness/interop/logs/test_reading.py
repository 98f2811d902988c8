"""A log is read whole, in flat memory, or refused with the lines that cannot be read."""

from __future__ import annotations

import gzip
import hashlib
import io
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import FaultyDocument, UsageError
from harness.interop.logs import reading as log_reading
from harness.interop.logs.line_reader import LogOptions
from harness.interop.logs.raw_lines import LINE_BYTES
from harness.interop.logs.reading import read_log
from test_suites.kit.campaigns.log_texts import NOW, mapping, read, reading

LINE = "1795892139.022      3 10.0.0.7 TCP_MISS/200 42 GET http://a.example/{} - HIER_NONE/- -"
E2GUARDIAN = '"2026.11.28 18:49:32","","10.0.0.7","http://a.example/","","GET","1","0","","1","200","","","","","","-","-",""'


def lines(count: int) -> str:
    return "".join(f"{LINE.format(number)}\n" for number in range(count))


def refused(form: str, text: str | bytes, **options: object) -> list[str]:
    """The lines of the message by which a log is refused."""
    with pytest.raises(FaultyDocument) as caught:
        read(form, text, **options)
    return str(caught.value).splitlines()


def test_it_counts_what_it_read() -> None:
    text = lines(2) + "\n" + LINE.format("x").replace("1795892139", "1795892100") + "\n"
    log = reading("squid-log", text)

    entries = list(log)

    assert [1, 2, 4] == [entry.line for entry in entries]
    assert (4, 3) == (log.counts.lines, log.counts.entries)
    assert datetime(2026, 11, 28, 18, 55, 0, 22000, UTC) == log.counts.first
    assert datetime(2026, 11, 28, 18, 55, 39, 22000, UTC) == log.counts.last
    assert (len(text), len(text)) == (log.counts.size, log.counts.unpacked)
    assert hashlib.sha256(text.encode()).hexdigest() == log.counts.sha256


def test_gzip_is_found_by_its_content_also_in_several_members() -> None:
    packed = gzip.compress(lines(2).encode()) + gzip.compress(lines(1).encode()) + b"\0" * 512
    log = reading("squid-log", packed)

    assert 3 == len(list(log))
    assert (len(packed), len(lines(3))) == (log.counts.size, log.counts.unpacked)
    assert hashlib.sha256(packed).hexdigest() == log.counts.sha256


def test_a_packed_file_that_is_cut_or_damaged_is_refused() -> None:
    packed = gzip.compress(lines(100).encode())
    damaged = bytearray(packed)
    damaged[-6] ^= 1

    (cut,) = refused("squid-log", packed[:-9])
    (changed,) = refused("squid-log", bytes(damaged))

    assert "log: the compressed file ends too early; copy it again" == cut
    assert changed.startswith("log: the compressed file is damaged")


def test_line_ends_of_both_kinds_and_a_byte_order_mark_are_read() -> None:
    text = "\ufeff" + LINE.format(1) + "\r\n" + LINE.format(2)

    assert ["http://a.example/1", "http://a.example/2"] == [
        entry.url for entry in read("squid-log", text)
    ]


def test_bytes_that_are_not_utf_8_are_shown_by_their_numbers() -> None:
    raw = LINE.format("\u00e9").encode("latin-1") + b"\n" + LINE.format("\u00e9").encode()

    assert ["http://a.example/\\xe9", "http://a.example/\u00e9"] == [
        entry.url for entry in read("squid-log", raw)
    ]


def test_only_a_line_feed_ends_a_line() -> None:
    (entry,) = read("squid-log", LINE.format("\u2028\x85\x0b\x1c") + "\n")

    assert "http://a.example/\u2028\x85\x0b\x1c" == entry.url


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "log: the file is empty; ask for the log again"),
        (b"\n\r\n", "log: this is not a log in the format squid-log: none of its 2 lines records a request"),
        ("a\n".encode("utf-16"), "log:1: this is not a log in the format squid-log: the file is in UTF-16; save it as UTF-8"),
        (b"a\0b\n", "log:1: this is not a log in the format squid-log: a NUL byte is in the line; save the file as UTF-8 text"),
    ],
)  # fmt: skip
def test_what_is_no_log_is_refused(content: bytes, message: str) -> None:
    assert [message] == refused("squid-log", content)


def test_unreadable_lines_are_named_and_the_file_is_refused_at_its_end() -> None:
    text = lines(3) + "what\n" + lines(1) + "\0\n" + "x" * (LINE_BYTES + 1) + "\n" + lines(1)
    log = reading("squid-log", text)
    numbers: list[int] = []

    with pytest.raises(FaultyDocument) as caught:
        numbers.extend(entry.line for entry in log)

    assert [1, 2, 3, 5, 8] == numbers
    assert [
        "log:4: 'what' is not a line of squid-log",
        "log:6: a NUL byte is in the line; save the file as UTF-8 text",
        "log:7: the line has more than 64 KiB",
    ] == str(caught.value).splitlines()
    assert "" == log.counts.sha256


def test_a_line_of_the_greatest_length_is_read() -> None:
    longest = LINE.format("x" * (LINE_BYTES - len(LINE.format(""))))

    assert 2 == len(read("squid-log", f"{longest}\n{LINE}"))
    assert ["log:2: the line has more than 64 KiB"] == refused(
        "squid-log", f"{LINE}\n{longest}x\n{LINE}\n"
    )


def test_at_most_fifty_lines_are_named() -> None:
    message = refused("squid-log", lines(1) + "what\n" * 52)

    assert 51 == len(message)
    assert "log: and 2 more lines that cannot be read" == message[-1]


def test_a_file_with_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "MOST_LINES", 2)

    assert ["log: the file has more than 2 lines; split it"] == refused("squid-log", "\n\n\n")


def test_reading_stops_after_a_thousand_unreadable_lines() -> None:
    message = refused("squid-log", lines(1) + "what\n" * 1002 + lines(1))

    assert message[-1].startswith("log:1002: more than 1,000 lines cannot be read")


@pytest.mark.parametrize(("count", "said"), [(3, 1), (5000, 1)])
def test_a_file_in_another_format_is_refused_soon_with_the_format_that_it_has(
    count: int, said: int
) -> None:
    log = reading("squid-log", (E2GUARDIAN + "\n") * count)

    with pytest.raises(FaultyDocument) as caught:
        list(log)

    (message,) = str(caught.value).splitlines()
    assert message.startswith(f"log:{said}: this is not a log in the format squid-log: ")
    assert message.endswith("; it reads as e2guardian-log")
    assert min(count, 20) == log.counts.lines


def test_a_log_in_which_nothing_is_recorded_is_refused_with_the_format_that_it_has() -> None:
    text = "".join(
        f"Nov 28 18:55:22 dnsmasq[7]: query[A] {name}.example from 10.0.0.7\n" for name in "abc"
    )

    (message,) = refused("unbound-log", text, zone=UTC)

    assert message.endswith("none of its 3 lines records a request; it reads as dnsmasq-log")


def test_a_last_line_that_is_cut_off_is_refused() -> None:
    assert ["log:3: the file ends in the middle of line 3; copy it again"] == refused(
        "squid-log", lines(2) + LINE[:40]
    )
    assert 3 == len(read("squid-log", lines(2) + LINE))


def test_lines_that_cannot_be_read_before_the_first_that_can_are_named() -> None:
    assert ["log:1: 'what' is not a line of squid-log", "log:2: 'more' is not a line of squid-log"] == (
        refused("squid-log", "what\nmore\n" + lines(30))
    )  # fmt: skip


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    options = LogOptions(now=NOW)

    for path, said in ((tmp_path, "a folder, not a regular file"), (tmp_path / "no", "no such file")):  # fmt: skip
        with pytest.raises(UsageError, match=said) as caught:
            list(read_log(path, "squid-log", options))
        assert str(caught.value).startswith(f"{path}: ")


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("what\n")

    with pytest.raises(FaultyDocument, match=f"^{path}:1: "):
        list(read_log(path, "squid-log", LogOptions(now=NOW)))


def test_a_format_is_found_by_its_name_alone() -> None:
    with pytest.raises(UsageError, match="no importer 'squid' for logs"):
        reading("squid", "")


def test_a_mapping_is_refused_where_the_columns_are_fixed() -> None:
    for form in ("squid-log", "e2guardian-log"):
        with pytest.raises(UsageError, match=f"the format {form} has fixed columns"):
            reading(form, "", mapping=mapping(blocked=["x"]))


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(count: int) -> int:
        packed = io.BytesIO(gzip.compress(lines(count).encode()))
        tracemalloc.start()
        for _ in read_log(packed, "squid-log", LogOptions(now=NOW), secrets=[b"none", b"x" * 99]):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)

    assert peak(20_000) < 1.2 * peak(8_000)

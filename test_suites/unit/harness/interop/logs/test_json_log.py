"""A log as JSON lines or one array, with the keys that a mapping names."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument
from harness.interop.logs.json_log import json_records
from harness.interop.logs.line_reader import UnreadableLog
from harness.interop.logs.raw_lines import LINE_BYTES
from harness.model.log_entry import LogEntry
from test_suites.kit.campaigns.log_texts import mapping, read

NAMED = mapping(
    fields={"time": "at", "url": "request.url", "user": "user.name", "category": "categories",
            "received": "bytes", "verdict": "is_blocked"},
    time_format="epoch_milliseconds", blocked=["true"], allowed=["false"],
)  # fmt: skip
OBJECT = {
    "at": 1795891769000, "request": {"url": "http://a.example/", "method": "GET"}, "user.name": "bob",
    "categories": ["Games", "Chat"], "bytes": 12, "is_blocked": True, "more": {"x": [{}]},
}  # fmt: skip
ENTRY = LogEntry(
    line=1, at=datetime(2026, 11, 28, 18, 49, 29, tzinfo=UTC), user="bob", url="http://a.example/",
    verdict="blocked", category="Games, Chat", received=12,
)  # fmt: skip


def test_lines_and_arrays_are_read_the_same() -> None:
    line = json.dumps(OBJECT)
    for text in (line, f"{line}\n", f"[{line}]", f"\ufeff [ {line}\r\n, ]\n"):
        assert [ENTRY] == read("json-log", text, mapping=NAMED)


def test_an_object_has_the_number_of_its_first_line() -> None:
    text = json.dumps([OBJECT, OBJECT, OBJECT], indent=1)

    lines = [entry.line for entry in read("json-log", text, mapping=NAMED)]

    assert 3 == len(lines)
    assert lines == [number for number, line in enumerate(text.splitlines(), 1) if line == " {"]


def test_an_object_without_a_url_is_passed_over_and_null_is_nothing() -> None:
    other = {"at": 1, "message": "started"}
    nulls = OBJECT | {"user.name": None, "is_blocked": None, "bytes": None}
    text = "".join(f"{json.dumps(each)}\n" for each in (other, OBJECT, nulls))

    found = read("json-log", text, mapping=NAMED)

    assert [("bob", "blocked", 12), ("", "", None)] == [
        (each.user, each.verdict, each.received) for each in found
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(OBJECT) + '\n{"at": 1,\n', "log:2: '{\"at\": 1,' is not JSON: Input data was truncated"),
        (json.dumps(OBJECT) + "\n[1]\n", "log:2: '[1]' is not an object of JSON; expected {...}"),
        (json.dumps(OBJECT | {"bytes": {}}), "the value of 'bytes' is not a text or a number"),
        (json.dumps(OBJECT) + '\n{"request": {"url": "x"}}\n', "log:2: the line states no time; correct 'time' of the mapping"),
        (json.dumps({"time": 1, "request": {"url": "x"}, "at": 1}), "log: the mapping reads user from 'user.name', which the file does not have; it has: time, request, at"),
        (json.dumps({"at": 1, "page": "x"}), "log: the mapping reads url from 'request.url', which the file does not have; it has: at, page"),
        ("[" + json.dumps(OBJECT) + ", 1]", "log: the array holds something other than objects, at line 1; expected [{...}, {...}]"),
        ("[" + json.dumps(OBJECT) + ", [{}]]", "log: the array holds something other than objects, at line 1; expected [{...}, {...}]"),
        ("[" + json.dumps(OBJECT) + ',\n"x"]', "log: the array holds something other than objects, at line 2; expected [{...}, {...}]"),
        ("[" + json.dumps(OBJECT) + "] {}", "log: the array holds something other than objects, at line 1; expected [{...}, {...}]"),
        ("[" + json.dumps(OBJECT) + "]\nx", "log: the array holds something other than objects, at line 2; expected [{...}, {...}]"),
        ("[\n" + json.dumps(OBJECT) + ",\n", "log: the file ends in the middle of the array, at line 3; copy it again"),
        ("[\n" + json.dumps(OBJECT) + ',\n{"at', "log: the file ends in the middle of the array, at line 3; copy it again"),
        ("[" + json.dumps(OBJECT | {"more": "x" * LINE_BYTES}) + "]", "the line has more than 64 KiB"),
        ("[{" + '"a":"' + "x" * 10 * LINE_BYTES, "log: the object that begins in line 1 has more than 64 KiB"),
        ("[" + "{" * 10 * LINE_BYTES, "log: the object that begins in line 1 has more than 64 KiB"),
        (" " * 10 * LINE_BYTES, "log: the file begins with too many blanks"),
        ("[]", "log: the file is empty; ask for the log again"),
        ("{" * 50_000 + "\n", "is not JSON"),
        ('{"at":' * 10_000 + "\n", "is not JSON"),
        ('{"at": "\\ud800"}', "is not JSON"),
        ('{"at": NaN}', "is not JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(FaultyDocument) as caught:
        read("json-log", text, mapping=NAMED)

    assert message in str(caught.value).splitlines()[0]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(['"', "\\", "]}", '{"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(
    st.lists(st.dictionaries(st.text(max_size=4), ANY, max_size=3), max_size=5),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_the_objects_of_an_array_are_found_wherever_blocks_end(
    objects: list[dict[str, object]], indent: int | None, ascii_only: bool, sizes: list[int]
) -> None:
    content = json.dumps(objects, indent=indent, ensure_ascii=ascii_only).encode()
    blocks: list[bytes] = []
    at = 0
    while at < len(content):
        size = sizes[len(blocks) % len(sizes)]
        blocks.append(content[at : at + size])
        at += size

    found = list(json_records(iter(blocks)))

    assert objects == [json.loads(each.content) for each in found]
    for each in found:
        assert content.splitlines()[each.number - 1].lstrip()[:1] in (b"{", b"[")


@given(st.text('[]{},:"\\ab1 \n', max_size=40), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_any_array_is_split_or_refused(text: str, sizes: list[int]) -> None:
    content = f"[{text}".encode()
    size = sizes[0]
    blocks = (content[at : at + size] for at in range(0, len(content), size))
    try:
        found = b"".join(each.content for each in json_records(blocks))
    except UnreadableLog:
        return
    assert found.count(b"{") <= content.count(b"{")

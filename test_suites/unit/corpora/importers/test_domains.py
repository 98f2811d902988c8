"""Plain lists of domains beyond the golden one."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora import hostnames
from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a.example", [("a.example", "suffix", "block", "", "ok", "")]),
        ("# header\na.example", [("a.example", "suffix", "block", "", "ok", "per list setting")]),
        ("a.example/x", [("a.example/x", "url_prefix", "block", "", "ok", "URL in a domain list")]),
        ("two words", [("two words", "", "", "", "error", "more than one word")]),
        (
            "ftp://a.example/",
            [("ftp://a.example/", "", "", "", "error", "scheme is not http or https")],
        ),
        ("192.0.2.1/24", [("192.0.2.0/24", "cidr", "block", "", "ok", "host bits removed")]),
        ("com", [("com", "", "", "", "error", "public suffix")]),
        ("*.com", [("com", "", "", "", "error", "public suffix")]),
        (
            "*.a.example # x",
            [("a.example", "suffix", "block", "", "ok", "wildcard; inline comment")],
        ),
        ("999.1.1.1", [("999.1.1.1", "", "", "", "error", "address instead of a name")]),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("domains", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]


WORDS = st.lists(
    st.sampled_from(
        [
            "a",
            "b-1",
            "www",
            "x_y",
            "-z",
            "xn--bcher-kva",
            "xn--99999999",
            "BÜCHER",
            "co",
            "uk",
            "com",
        ]
    )
    | st.sampled_from(["jp", "kobe", "city", "example", "7", "10", "*", "", "l" * 64, "A"]),
    min_size=1,
    max_size=5,
).map(".".join)
LINES = st.lists(
    st.tuples(WORDS, st.sampled_from(["", ".", "/x", " # why", " b", "\t", ":80"])).map("".join)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, header=st.booleans())
def test_the_short_way_says_what_the_full_road_says(
    read: Read, lines: list[str], *, header: bool
) -> None:
    text = "\n".join(["# header"] * header + lines)
    short = read("domains", text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hostnames, "is_plain", lambda _: False)
        assert read("domains", text) == short

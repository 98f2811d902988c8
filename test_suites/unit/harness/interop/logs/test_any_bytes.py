"""Whatever a file holds, it is read or refused with a message, in every format."""

from __future__ import annotations

import gzip
from datetime import UTC

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.reading import LogReading
from test_suites.kit.campaigns.hostile_texts import LISTS, MEASUREMENTS, NAME, SECRET
from test_suites.kit.campaigns.log_texts import mapping, reading
from test_suites.kit.processes.hostile_command import check_printed

FORMATS = list(LOG_IMPORTERS.load())
FIXED = ("squid-log", "e2guardian-log", "w3c-log", "dnsmasq-log", "unbound-log")
NAMED = mapping(
    fields={"time": "at", "url": "url", "verdict": "v", "status": "s"},
    blocked=["b"], allowed=["a"], time_format="epoch",
)  # fmt: skip

PIECES = st.sampled_from(
    [
        b"1795892139.022 3 10.0.0.7 TCP_MISS/200 42 GET http://a.example/ - HIER_NONE/- -",
        b"2026.11.28 18:49:29", b"\t", b" ", b"\n", b"\r\n", b'"', b",", b"\0", b"\xff", b"\xe2\x80\xa8",
        b"GET 1 1", b"1 403", b"http://a/", b"*DENIED* x", b"[1795892100] unbound[1:0] info: ",
        b"127.0.0.1 a.example. A IN", b"a. deny 127.0.0.1@1 a. A IN", b"Nov 28 18:55:22 dnsmasq[7]: ",
        b"query[A] a.example from 10.0.0.7", b"config a is 0.0.0.0", b"<34>1 2026-11-28T18:49:29Z h p - - ",
        b'[x a="b"]', b"at=1 url=x", b'url="', b"#Fields: date time cs-uri\n", b"2026-11-28 18:49:29 /",
        b"#Date: 9999-99-99", b"at,url,v,s\n", b"1,x,b,200", b'{"at": 1, "url": "x"}', b"[", b"]", b"{",
        b"\x1f\x8b\x08", b"\xef\xbb\xbf", b"9" * 30, b"9999-12-31T23:59:59-23:59", b"Feb 29 00:00:00 ",
    ]
)  # fmt: skip
CONTENT = st.lists(PIECES | st.binary(max_size=8), max_size=14).map(b"".join)


def log_of(form: str, content: bytes) -> LogReading:
    named = None if form in FIXED else NAMED
    return reading(form, content, zone=UTC, mapping=named, secrets=[b"x", b"\n"])


@pytest.mark.parametrize("form", FORMATS)
@given(content=CONTENT | CONTENT.map(gzip.compress))
@example(content=b"")
@example(content=b"\x1f\x8b")
def test_any_bytes_are_entries_or_a_message(form: str, content: bytes) -> None:
    try:
        log = log_of(form, content)
        entries = list(log)
    except UsageError as error:
        check_printed(str(error))
        return
    for entry in entries:
        assert entry == msgspec.json.decode(msgspec.json.encode(entry), type=type(entry))
        assert entry.at is not None
        assert entry.at.tzinfo is UTC
    assert len(entries) == log.counts.entries > 0


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_texts_are_refused_in_printable_messages(form: str) -> None:
    texts = {**LISTS, **MEASUREMENTS, "a name": NAME, "names": f"{NAME}\n" * 30}
    for kind, text in texts.items():
        with pytest.raises(UsageError) as caught:
            list(
                log_of(
                    form,
                    text.encode("utf-8", "surrogateescape" if "UTF-8" in kind else "surrogatepass"),
                )
            )
        check_printed(str(caught.value))


@pytest.mark.parametrize("form", FORMATS)
def test_a_secret_of_a_url_is_not_shown_in_a_message(form: str) -> None:
    with pytest.raises(UsageError) as caught:
        list(log_of(form, f"http://me:{SECRET}@a.example/\n".encode()))
    check_printed(str(caught.value))

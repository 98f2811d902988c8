"""Bytes in names and records of DNS."""

from __future__ import annotations

import dns.name
import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.dns_tunnel import (
    RECORD_KINDS,
    RecordKind,
    answer_bytes,
    hidden_name,
    read_name,
    read_record,
    shown_name,
    write_name,
    write_record,
)

ZONE = "accredit.test"


@given(st.binary(min_size=1, max_size=140))
def test_a_name_holds_bytes_in_any_letter_case(data: bytes) -> None:
    name = write_name(data, ZONE)
    wire = dns.name.from_text(name).to_wire()

    assert read_name(name, ZONE) == data
    assert read_name(name.upper() + ".", ZONE) == data
    assert wire is not None
    assert len(wire) <= 255
    assert read_name(name, "other.test") is None


@given(st.sampled_from(RECORD_KINDS), st.data())
def test_a_record_holds_bytes_up_to_what_fits(kind: RecordKind, data: st.DataObject) -> None:
    most = answer_bytes(kind, ZONE)
    value = data.draw(st.binary(min_size=1, max_size=most))
    for held in (value, bytes(most)):
        record = dns.rdata.from_text("IN", kind, write_record(kind, held, ZONE))

        assert read_record(kind, record.to_text(), ZONE) == held


@given(st.sampled_from(RECORD_KINDS), st.text(max_size=60))
def test_any_text_is_read_or_left(kind: RecordKind, text: str) -> None:
    assert isinstance(read_record(kind, text, ZONE), bytes | None)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        write_name(bytes(answer_bytes("CNAME", ZONE) + 2), ZONE)
    with pytest.raises(ValueError, match="too long"):
        write_name(b"", ZONE)


@pytest.mark.parametrize("name", ["a.accredit.test", "1.t.accredit.test", "é.t.accredit.test"])
def test_a_name_that_holds_no_bytes_is_left(name: str) -> None:
    assert read_name(name, ZONE) is None


@given(st.from_regex(r"[a-z0-9]{1,40}(\.[a-z0-9-]{1,20}){1,4}", fullmatch=True))
def test_a_hidden_name_is_shown_again(host: str) -> None:
    labels = hidden_name(host)

    assert host not in labels
    assert max(map(len, labels.split("."))) <= 60
    assert shown_name(labels.upper()) == host


def test_labels_that_stand_for_no_host_show_none() -> None:
    assert shown_name("www") == ""
    assert shown_name(hidden_name("a b")) == ""
    assert shown_name("") == ""

"""The form of a measurement: everything may be absent, and what is more is left out."""

from __future__ import annotations

import msgspec
import pytest

from harness.interop.ooni_form import Keys, Measurement


def test_an_empty_measurement_can_be_read() -> None:
    assert msgspec.json.decode("{}", type=Measurement).test_keys is None


def test_what_we_do_not_read_is_left_out() -> None:
    keys = msgspec.json.decode('{"x_dns_flags": 4, "blocking": "dns", "requests": []}', type=Keys)

    assert keys.requests == []
    assert not hasattr(keys, "blocking")


def test_a_wrong_form_is_told_by_its_place() -> None:
    with pytest.raises(msgspec.ValidationError, match="tcp_connect"):
        msgspec.json.decode('{"tcp_connect": [{"port": "eighty"}]}', type=Keys)

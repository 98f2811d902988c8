"""Messages of STUN and TURN, also against the examples of RFC 5769."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from probes.net.stun_messages import (
    DATA,
    ERROR,
    ERROR_CODE,
    INDICATION,
    REQUEST,
    SEND,
    SUCCESS,
    XOR_MAPPED_ADDRESS,
    XOR_PEER_ADDRESS,
    Message,
    error_value,
    has_integrity,
    long_term_key,
    read_message,
    size_of,
    write_message,
    xor_address,
)

TRANSACTIONS = st.binary(min_size=12, max_size=12)
RFC_5769_KEYED = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382af"
    "e382b900000015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341"
    "0014000b6578616d706c652e6f726700000800 14f67024656dd64a3e02b8e0712e85c9a28ca89666".replace(
        " ", ""
    )
)
"""The request with long-term credentials (RFC 5769 section 2.4)."""


@given(
    st.integers(0, 0xFFF),
    st.sampled_from([REQUEST, INDICATION, SUCCESS, ERROR]),
    TRANSACTIONS,
    st.dictionaries(
        st.integers(0, 0xFFFF).filter(lambda kind: kind != 8), st.binary(max_size=40), max_size=4
    ),
    st.binary(max_size=20),
)
def test_a_message_is_read_again(
    method: int, kind: int, transaction: bytes, attributes: dict[int, bytes], key: bytes
) -> None:
    message = Message(method=method, kind=kind, transaction=transaction, attributes=attributes)
    data = write_message(message, key)
    read = read_message(data)

    assert read is not None
    assert (read.method, read.kind, read.transaction) == (method, kind, transaction)
    assert {name: read.attributes[name] for name in attributes} == attributes
    assert size_of(data) == len(data)
    assert has_integrity(data, key) == bool(key)
    assert not has_integrity(data, key + b"other")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_left(data: bytes) -> None:
    assert isinstance(read_message(data), Message | None)


@given(st.ip_addresses().map(str), st.integers(0, 65535), TRANSACTIONS)
def test_an_address_is_read_again(address: str, port: int, transaction: bytes) -> None:
    message = Message(
        method=SEND,
        kind=INDICATION,
        transaction=transaction,
        attributes={XOR_PEER_ADDRESS: xor_address(address, port, transaction)},
    )

    assert message.address(XOR_PEER_ADDRESS) == (address, port)
    assert message.address(DATA) is None


def test_the_integrity_of_the_standard_s_example_is_found() -> None:
    key = long_term_key("マトリックス", "example.org", "TheMatrIX")

    assert has_integrity(RFC_5769_KEYED, key)
    assert not has_integrity(RFC_5769_KEYED[:-1] + b"\0", key)


def test_the_address_of_the_standard_s_example_is_read() -> None:
    transaction = bytes.fromhex("b7e7a701bc34d686fa87dfae")
    attributes = {XOR_MAPPED_ADDRESS: bytes.fromhex("0001a147e112a643")}
    message = Message(method=1, kind=SUCCESS, transaction=transaction, attributes=attributes)

    assert message.address(XOR_MAPPED_ADDRESS) == ("192.0.2.1", 32853)


def test_an_error_has_its_code() -> None:
    coded = {ERROR_CODE: error_value(401, "Unauthorized")}
    message = Message(method=3, kind=ERROR, transaction=bytes(12), attributes=coded)

    assert message.error == 401
    assert Message(method=3, kind=ERROR, transaction=bytes(12)).error == 0


def test_half_a_message_has_no_size_and_another_cookie_none_ever() -> None:
    data = write_message(Message(method=SEND, kind=INDICATION, transaction=bytes(12)))

    assert size_of(data[:19]) == 0
    assert read_message(data + b"more") is None
    assert size_of(data[:4] + bytes(4) + data[8:]) == 0

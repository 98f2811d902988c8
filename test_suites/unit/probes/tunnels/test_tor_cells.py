"""Cells of Tor: read as they are written, and the layer of a circuit."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from probes.tunnels.tor_cells import (
    BEGIN,
    CERTS,
    DATA,
    DATA_BYTES,
    PAYLOAD_BYTES,
    RELAY,
    VERSIONS,
    Cell,
    CellReader,
    Layer,
    RelayCell,
    circuit_keys,
    is_certified,
    versions,
    write_cell,
    write_certificate,
)

fixed = st.builds(
    Cell, st.integers(0, 2**32 - 1), st.sampled_from([3, 5, 6, 8]),
    st.binary(min_size=PAYLOAD_BYTES, max_size=PAYLOAD_BYTES),
)  # fmt: skip
variable = st.builds(Cell, st.integers(0, 2**32 - 1), st.integers(128, 255), st.binary(max_size=99))


@given(st.lists(fixed | variable, max_size=4), st.integers(1, 600))
def test_cells_are_read_as_they_were_written(sent: list[Cell], size: int) -> None:
    stream, reader = b"".join(map(write_cell, [versions(), *sent])), CellReader()
    pieces = (stream[start : start + size] for start in range(0, len(stream), size))
    assert [cell for piece in pieces for cell in reader.feed(piece)] == [versions(), *sent]


def test_the_first_cell_is_that_of_the_specification() -> None:
    assert write_cell(versions()) == bytes.fromhex("0000 07 0002 0004".replace(" ", ""))
    assert len(write_cell(Cell(1, RELAY, b"x"))) == 514


def test_a_link_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 4"):
        list(CellReader().feed(write_cell(Cell(0, VERSIONS, b"\0\3\0\5"))))
    with pytest.raises(ValueError, match="no cell"):
        list(CellReader().feed(b"HTTP/1.1 400"))


@given(st.binary())
def test_readers_raise_nothing_else_than_value_errors(data: bytes) -> None:
    reader = CellReader()
    try:
        list(reader.feed(data))
        list(reader.feed(write_cell(versions()) + data))
    except ValueError:
        return
    identity = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    assert not is_certified(data, identity)


@given(st.lists(st.builds(
    RelayCell, st.sampled_from([BEGIN, DATA]), st.integers(0, 65535),
    st.binary(max_size=DATA_BYTES),
), max_size=4))  # fmt: skip
def test_relay_cells_are_read_in_their_order(sent: list[RelayCell]) -> None:
    ours, theirs = Layer(b"k" * 16, b"seed"), Layer(b"k" * 16, b"seed")
    payloads = [ours.write(cell) for cell in sent]
    assert [theirs.read(payload) for payload in payloads] == sent
    assert all(len(payload) == PAYLOAD_BYTES for payload in payloads)


def test_a_relay_cell_that_was_changed_or_came_twice_is_refused() -> None:
    ours = Layer(b"k" * 16, b"seed")
    first = ours.write(RelayCell(DATA, 1, b"page"))
    changed = bytes((first[0] ^ 1,)) + first[1:]
    with pytest.raises(ValueError, match="wrong digest"):
        Layer(b"k" * 16, b"seed").read(changed)
    theirs = Layer(b"k" * 16, b"seed")
    theirs.read(first)
    with pytest.raises(ValueError, match="wrong digest"):
        theirs.read(first)


def test_the_keys_are_those_of_the_derivation_of_tor() -> None:
    keys = circuit_keys(b"x" * 20, b"y" * 20)
    assert keys.proof == hashlib.sha1(b"x" * 20 + b"y" * 20 + b"\0").digest()
    forward = hashlib.sha1(b"x" * 20 + b"y" * 20 + b"\1").digest()
    more = hashlib.sha1(b"x" * 20 + b"y" * 20 + b"\3").digest()
    cell = RelayCell(BEGIN, 1, b"127.0.0.1:80\0")
    assert keys.forward.write(cell) == Layer(more[:16], forward).write(cell)
    assert keys.backward.write(cell) != Layer(more[:16], forward).write(cell)


def test_a_certificate_counts_only_if_the_identity_signed_it() -> None:
    identity, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    payload = write_certificate(identity, other.public_key())
    assert is_certified(payload, identity.public_key())
    assert not is_certified(payload, other.public_key())
    assert not is_certified(payload[:-1] + bytes((payload[-1] ^ 1,)), identity.public_key())
    assert not is_certified(b"\0", identity.public_key())
    assert write_cell(Cell(0, CERTS, payload))[4] == CERTS

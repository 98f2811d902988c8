"""Encrypted ClientHello: configurations, sealing and opening, and placeholders."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net import ech
from probes.net.client_hello import (
    ECH,
    ECH_OUTER,
    ClientHello,
    Extension,
    FieldReader,
    alpn_extension,
    name_extension,
    read_hello,
)

KEY = ech.EchKey.of_origin(bytes(range(32)))
CONFIG = KEY.config("open.ways.accredit.test")
MARKED = Extension(ECH, ech.INNER)
HOST = b"cv-001.ways.accredit.test"


def pair(
    name: bytes = HOST, more: tuple[Extension, ...] = (), session: bytes = b"s" * 32
) -> tuple[ClientHello, ClientHello]:
    """An inner and an outer ClientHello."""
    inner = ClientHello(
        random=b"i" * 32,
        session_id=session,
        ciphers=(0x1301,),
        extensions=(name_extension([name]), *more, MARKED),
    )
    public = name_extension([b"open.ways.accredit.test"])
    outer = replace(inner, random=b"o" * 32, extensions=(public, *more, MARKED))
    return inner, outer


def opened(outer: ClientHello, key: ech.EchKey = KEY) -> ClientHello | None:
    return ech.open_inner(key, [KEY.config("other.test"), CONFIG], outer)


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=32), st.binary(max_size=300))
def test_what_is_sealed_is_opened(name: bytes, session: bytes, data: bytes) -> None:
    inner, outer = pair(name, (Extension(7, data),), session)
    sealed = ech.seal(CONFIG, inner, outer)

    assert inner == opened(read_hello(sealed.body()))
    assert (b"open.ways.accredit.test",) == sealed.server_names


def test_the_name_is_not_in_what_is_sent() -> None:
    assert HOST not in ech.seal(CONFIG, *pair()).message()


@given(st.integers(1, 64), st.integers(1, 64))
def test_the_size_does_not_tell_the_name(one: int, other: int) -> None:
    sizes = {len(ech.seal(CONFIG, *pair(b"a" * size)).body()) for size in (one, other)}
    assert 1 == len(sizes)


@pytest.mark.parametrize("other", [ech.EchKey.of_origin(b"other"), replace(KEY, number=7)])
def test_another_key_opens_nothing(other: ech.EchKey) -> None:
    assert opened(ech.seal(CONFIG, *pair()), other) is None


def test_nothing_is_opened_from_a_changed_hello() -> None:
    sealed = ech.seal(CONFIG, *pair())
    data = sealed.extension(ECH) or b""

    assert opened(replace(sealed, random=bytes(32))) is None
    assert opened(sealed.with_extension(ECH, data[:-1] + bytes((data[-1] ^ 1,)))) is None
    for short in (b"", ech.INNER, data[:4], data[:20]):
        assert opened(sealed.with_extension(ECH, short)) is None


def test_extensions_are_taken_over_from_the_outer_hello() -> None:
    shared = (alpn_extension(["http/1.1"]), Extension(7, b"shared"))
    inner, outer = pair(more=shared)
    named = Extension(ECH_OUTER, b"\4\0\x10\0\7")
    sent = replace(inner, extensions=(inner.extensions[0], named, MARKED))

    assert inner == opened(ech.seal(CONFIG, sent, outer))


@pytest.mark.parametrize("listed", [b"\2\0\x63", b"\4\0\7\0\x10", b"\2\xfe\x0d", b"\4\0\7\0\7"])
def test_what_the_outer_hello_has_not_cannot_be_taken_over(listed: bytes) -> None:
    inner, outer = pair(more=(alpn_extension(["http/1.1"]), Extension(7, b"shared")))
    sent = replace(inner, extensions=(Extension(ECH_OUTER, listed), MARKED))
    with pytest.raises(ValueError, match="takes over"):
        opened(ech.seal(CONFIG, sent, outer))


def test_an_inner_hello_must_say_so() -> None:
    inner, outer = pair()
    with pytest.raises(ValueError, match="does not say so"):
        opened(ech.seal(CONFIG, replace(inner, extensions=inner.extensions[:1]), outer))


def test_configurations_are_read_as_they_were_written() -> None:
    other = KEY.config("x.test")
    assert (CONFIG, other) == ech.read_configs(ech.config_list([CONFIG, other]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xfe\x0d", b"\xfe\x0a"),  # another version
        (b"\0\x20\0\x20", b"\0\x10\0\x20"),  # another KEM
        (b"\0\1\0\1", b"\0\2\0\1"),  # another KDF
        (b"\0\1\0\1", b"\0\1\0\x09"),  # another AEAD
    ],
)
def test_configurations_that_cannot_be_used_are_left_out(before: bytes, after: bytes) -> None:
    listed = ech.config_list([CONFIG]).replace(before, after, 1)
    assert () == ech.read_configs(listed)


def test_a_mandatory_extension_is_not_understood() -> None:
    for kind, usable in ((0x0001, True), (0x8001, False)):
        content = CONFIG.encoded[4:-2] + b"\0\4" + kind.to_bytes(2) + b"\0\0"
        encoded = CONFIG.encoded[:2] + len(content).to_bytes(2) + content
        found = ech.read_configs(len(encoded).to_bytes(2) + encoded)
        assert usable is bool(found)


@given(st.binary(max_size=120))
def test_other_lists_are_refused(listed: bytes) -> None:
    try:
        found = ech.read_configs(listed)
    except ValueError:
        return
    assert all(config.public_key for config in found)


def test_a_key_follows_from_the_key_of_markers_alone() -> None:
    again = ech.EchKey.of_origin(bytes(range(32)))
    assert CONFIG == again.config("open.ways.accredit.test")
    assert CONFIG != ech.EchKey.of_origin(bytes(32)).config("open.ways.accredit.test")


def test_a_placeholder_looks_like_the_extension() -> None:
    inner, outer = pair()
    real = ech.seal(CONFIG, inner, outer).extension(ECH) or b""
    placeholder = ech.grease(len(real) - 42 - 16)

    assert ECH == placeholder.kind
    for data in (real, placeholder.data):
        reader = FieldReader(data)
        assert (b"\0", 1, 1) == (reader.take(1), reader.number(2), reader.number(2))
        reader.number(1)
        assert 32 == len(reader.vector(2))
        assert 16 == len(reader.vector(2)) % 32
        reader.end()
    assert len(real) == len(placeholder.data)
    assert opened(outer.with_extension(*placeholder)) is None

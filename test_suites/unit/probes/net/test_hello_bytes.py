"""ClientHello messages byte for byte: written, read, and where their server name is."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.client_hello import (
    ALPN,
    ClientHello,
    Extension,
    FieldReader,
    alpn_extension,
    hello_body,
    name_extension,
    read_hello,
    server_name_place,
    vector,
)
from probes.net.first_flight import in_records

HOST = "cv-001.ways.accredit.test"

hellos = st.builds(
    ClientHello,
    random=st.binary(min_size=32, max_size=32),
    session_id=st.binary(max_size=32),
    ciphers=st.lists(st.integers(0, 0xFFFF), max_size=8).map(tuple),
    extensions=st.lists(
        st.builds(Extension, st.integers(1, 0xFFFF), st.binary(max_size=40)), max_size=6
    ).map(tuple),
    version=st.integers(0, 0xFFFF),
    compressions=st.binary(max_size=3),
)
names = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=3).map(tuple)


def openssl_hello() -> bytes:
    """The record that OpenSSL sends first."""
    context, outgoing = ssl.create_default_context(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=HOST).do_handshake()
    return outgoing.read()


@given(hellos)
def test_what_is_written_is_read_again(hello: ClientHello) -> None:
    assert hello == read_hello(hello.body())
    assert hello.body() == hello_body(in_records(hello.message(), ()))


def test_the_hello_of_openssl_is_written_as_it_came() -> None:
    body = hello_body(openssl_hello())
    hello = read_hello(body)

    assert body == hello.body()
    assert (HOST.encode(),) == hello.server_names


@given(hellos, names)
def test_any_bytes_may_be_server_names(hello: ClientHello, named: tuple[bytes, ...]) -> None:
    extensions = (*hello.extensions, name_extension(named))
    message = ClientHello(random=hello.random, extensions=extensions).message()
    place = server_name_place(message)

    assert place is not None
    assert named[0] == message[slice(*place)]
    assert named == read_hello(message[4:]).server_names


@given(hellos)
def test_a_hello_without_a_name_has_no_place_of_it(hello: ClientHello) -> None:
    assert server_name_place(hello.message()) is None
    assert () == hello.server_names


@given(hellos, st.data())
def test_a_hello_that_is_cut_short_is_refused(hello: ClientHello, data: st.DataObject) -> None:
    records = in_records(hello.message(), ())
    end = data.draw(st.integers(0, len(records) - 1))
    with pytest.raises(ValueError, match="cut short"):
        hello_body(records[:end])


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"\3\3" + bytes(32) + b"\0\0\0\0\0\0\0", "behind its end"), (b"\3\3", "cut short")],
)
def test_other_bytes_are_no_hello(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_hello(body)


def test_another_message_is_no_hello() -> None:
    with pytest.raises(ValueError, match="not a ClientHello"):
        hello_body(in_records(b"\2\0\0\0", ()))


def test_the_data_of_an_extension_can_be_replaced() -> None:
    hello = ClientHello(random=bytes(32), extensions=(alpn_extension(["h2"]), Extension(7, b"a")))
    changed = hello.with_extension(ALPN, b"other")

    assert (Extension(ALPN, b"other"), Extension(7, b"a")) == changed.extensions
    assert changed.extension(9) is None


def test_a_field_that_is_too_long_is_refused() -> None:
    assert (1, 2) == FieldReader(b"\4\0\1\0\2").numbers(1)
    with pytest.raises(ValueError, match="256 bytes do not fit"):
        vector(bytes(256), 1)

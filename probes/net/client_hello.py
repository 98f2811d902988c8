"""The ClientHello of TLS byte for byte: its fields, how it is read, and how it is written.

RFC 8446 section 4.1.2; extensions are kept as bytes in their order, so that any can be written.
``FieldReader`` and ``vector`` read and write the fields of TLS messages (RFC 8446 section 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

HANDSHAKE, CLIENT_HELLO = 22, 1
"""The type of a record with a handshake message, and that of the message ClientHello."""

RECORD_HEADER, MESSAGE_HEADER = 5, 4
"""Bytes before the payload of a record, and before the body of a handshake message."""

SERVER_NAME, SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, ALPN, PADDING = 0, 10, 13, 16, 21
SUPPORTED_VERSIONS, PSK_MODES, KEY_SHARE = 43, 45, 51
ECH, ECH_OUTER = 0xFE0D, 0xFD00
"""Types of extensions (RFC 8446 section 4.2, RFC 6066, 7301, 7685 and 9849)."""


class FieldReader:
    """Reads fields from bytes in order. Raises ValueError if they end early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    @property
    def remaining(self) -> bytes:
        """What was not read yet."""
        return self._data[self.place :]

    def take(self, size: int) -> bytes:
        """Read so many bytes."""
        end = self.place + size
        if end > len(self._data):
            msg = "a TLS message that is cut short"
            raise ValueError(msg)
        field, self.place = self._data[self.place : end], end
        return field

    def number(self, size: int) -> int:
        """Read a number of ``size`` bytes."""
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> bytes:
        """Read a field preceded by its length in ``size`` bytes."""
        return self.take(self.number(size))

    def numbers(self, size: int, each: int = 2) -> tuple[int, ...]:
        """Read a vector of numbers of ``each`` bytes."""
        inside, found = FieldReader(self.vector(size)), []
        while inside.remaining:
            found.append(inside.number(each))
        return tuple(found)

    def end(self) -> None:
        """Raise ValueError if there is more to read."""
        if self.remaining:
            msg = "a TLS message with bytes behind its end"
            raise ValueError(msg)


def vector(data: bytes, size: int) -> bytes:
    """Return a field preceded by its length in ``size`` bytes. Raises ValueError if too long."""
    try:
        return len(data).to_bytes(size) + data
    except OverflowError:
        msg = f"{len(data)} bytes do not fit in this field of a TLS message"
        raise ValueError(msg) from None


def numbers(values: Iterable[int], size: int) -> bytes:
    """Return a vector of numbers of two bytes."""
    return vector(b"".join(value.to_bytes(2) for value in values), size)


class Extension(NamedTuple):
    """One extension: its type and its data."""

    kind: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """A ClientHello. ``version`` is the legacy version, ``compressions`` the legacy methods."""

    random: bytes
    session_id: bytes = b""
    ciphers: tuple[int, ...] = ()
    extensions: tuple[Extension, ...] = ()
    version: int = 0x0303
    compressions: bytes = b"\0"

    def body(self) -> bytes:
        """Return the structure without the header of a handshake message."""
        written = b"".join(
            extension.kind.to_bytes(2) + vector(extension.data, 2) for extension in self.extensions
        )
        return (
            self.version.to_bytes(2)
            + self.random
            + vector(self.session_id, 1)
            + numbers(self.ciphers, 2)
            + vector(self.compressions, 1)
            + vector(written, 2)
        )

    def message(self) -> bytes:
        """Return the handshake message."""
        return bytes((CLIENT_HELLO,)) + vector(self.body(), 3)

    def extension(self, kind: int) -> bytes | None:
        """Return the data of the first extension of a type; None without one."""
        return next((each.data for each in self.extensions if each.kind == kind), None)

    def with_extension(self, kind: int, data: bytes) -> ClientHello:
        """Return the message with other data in the extensions of a type."""
        changed = (Extension(kind, data) if each.kind == kind else each for each in self.extensions)
        return replace(self, extensions=tuple(changed))

    def listed(self, kind: int, length: int = 2) -> tuple[int, ...]:
        """Return the numbers in an extension that is a list; ``length``: bytes of its length.

        Raises ValueError for a malformed one.
        """
        data = self.extension(kind)
        return FieldReader(data).numbers(length) if data else ()

    @property
    def protocols(self) -> tuple[bytes, ...]:
        """The protocols of ALPN, in order (RFC 7301). Raises ValueError."""
        data = self.extension(ALPN)
        listed, found = FieldReader(FieldReader(data).vector(2) if data else b""), []
        while listed.remaining:
            found.append(listed.vector(1))
        return tuple(found)

    @property
    def server_names(self) -> tuple[bytes, ...]:
        """The names in the extension server_name, in order (RFC 6066). Raises ValueError."""
        data = self.extension(SERVER_NAME)
        if not data:
            return ()
        listed, names = FieldReader(FieldReader(data).vector(2)), []
        while listed.remaining:
            listed.number(1)
            names.append(listed.vector(2))
        return tuple(names)


def read_hello(body: bytes) -> ClientHello:
    """Read a ClientHello without the header of a message. Raises ValueError."""
    reader = FieldReader(body)
    hello = read_hello_at(reader)
    reader.end()
    return hello


def read_hello_at(reader: FieldReader) -> ClientHello:
    """Read a ClientHello behind which more may follow. Raises ValueError."""
    version, random = reader.number(2), reader.take(32)
    session_id, ciphers, compressions = reader.vector(1), reader.numbers(2), reader.vector(1)
    return ClientHello(
        version=version,
        random=random,
        session_id=session_id,
        ciphers=ciphers,
        compressions=compressions,
        extensions=read_extensions(reader.vector(2) if reader.remaining else b""),
    )


def read_extensions(block: bytes) -> tuple[Extension, ...]:
    """Read extensions without the length before them. Raises ValueError."""
    reader, found = FieldReader(block), []
    while reader.remaining:
        found.append(Extension(reader.number(2), reader.vector(2)))
    return tuple(found)


def hello_body(records: bytes) -> bytes:
    """Return the ClientHello in TLS records, without headers. Raises ValueError.

    The message of a ClientHello that is not complete says that it is *cut short*.
    """
    body = FieldReader(payload_of(records))
    if body.number(1) != CLIENT_HELLO:
        msg = "not a ClientHello"
        raise ValueError(msg)
    return body.vector(3)


def payload_of(records: bytes) -> bytes:
    """Return what records of handshake messages hold. Raises ValueError."""
    reader, content = FieldReader(records), b""
    while reader.remaining:
        if reader.number(1) != HANDSHAKE:
            msg = "not a TLS handshake"
            raise ValueError(msg)
        reader.take(2)  # version of the record
        content += reader.vector(2)
    return content


def server_name_place(message: bytes) -> tuple[int, int] | None:
    """Return where the first server name begins and ends in a handshake message; None without one.

    Raises ValueError if it is no ClientHello.
    """
    reader = FieldReader(message)
    reader.take(MESSAGE_HEADER + 2 + 32)
    reader.vector(1)
    reader.vector(2)
    reader.vector(1)
    if not reader.remaining:
        return None
    reader.number(2)
    while reader.remaining:
        kind, size = reader.number(2), reader.number(2)
        if kind == SERVER_NAME and size:
            reader.take(3)  # length of the list, type of the name
            length = reader.number(2)
            return reader.place, reader.place + length
        reader.take(size)
    return None


def name_extension(names: Iterable[bytes]) -> Extension:
    """Return the extension with server names of the type host_name."""
    listed = b"".join(b"\0" + vector(name, 2) for name in names)
    return Extension(SERVER_NAME, vector(listed, 2))


def alpn_extension(protocols: Iterable[str]) -> Extension:
    """Return the extension that offers protocols above TLS."""
    listed = b"".join(vector(protocol.encode(), 1) for protocol in protocols)
    return Extension(ALPN, vector(listed, 2))

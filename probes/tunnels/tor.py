"""Tor: its link protocol over TLS at port 9001, spoken by this program at both ends.

A network of real relays needs directory authorities that vote, which takes longer than an attempt
may. So the client makes a circuit of one hop (CREATE_FAST) at a relay of the origin, and opens a
stream in it: the cells that it sends are Tor's own, and only its pages are behind that relay.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import IPv4Address

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.ports.streams import ByteStream
from probes.net.private_network import LOOPBACK
from probes.net.route import unverified_tls_context
from probes.tunnels.ends import PAGE_PORT, ClientEnd, End, FarEnd, Tunnel, nothing_to_start
from probes.tunnels.tor_cells import (
    AUTH_CHALLENGE,
    BEGIN,
    CERTS,
    CONNECTED,
    CREATE_FAST,
    CREATED_FAST,
    DATA,
    DATA_BYTES,
    DIGEST_BYTES,
    END,
    NETINFO,
    RELAY,
    Cell,
    CellReader,
    CircuitKeys,
    RelayCell,
    circuit_keys,
    is_certified,
    versions,
    write_cell,
    write_certificate,
)

PORT = 9001
CIRCUIT, STREAM = 0x80000001, 1
"""The client's numbers of the circuit and of the stream in it."""

REASON_DONE = b"\x06"
ADDRESS = f"{LOOPBACK}:{PAGE_PORT}".encode()
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class _Link:
    """A connection that carries cells."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._cells = self._read()

    async def send(self, *cells: Cell) -> None:
        await self._stream.write(b"".join(map(write_cell, cells)))

    async def next(self, *commands: int) -> Cell:
        """Return the next cell with one of some commands; what comes between is padding."""
        async for cell in self._cells:
            if cell.command in commands:
                return cell
        raise EOFError("the other end of Tor closed the connection")

    async def _read(self) -> AsyncIterator[Cell]:
        reader = CellReader()
        while data := await self._stream.read():
            for cell in reader.feed(data):
                yield cell

    def close(self) -> None:
        self._stream.close()


def _identity(end: End) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(end.secret("tor identity"))


def _network_information() -> Cell:
    """Return the cell with the time (none) and the addresses of both ends."""
    address = b"\x04\x04" + IPv4Address(LOOPBACK).packed
    return Cell(0, NETINFO, bytes(4) + address + b"\x01" + address)


async def _open(end: ClientEnd) -> ByteStream:
    stream = await end.network.connect(LOOPBACK, PORT)
    try:
        word = "".join(LETTERS[end.number >> 3 * place & 31] for place in range(10))
        await stream.start_tls(unverified_tls_context(()), f"www.{word}.com")
        link = _Link(stream)
        keys = await _circuit(link, _identity(end))
        carried = _CarriedStream(link, keys)
        await carried.begin()
    except BaseException:
        stream.close()
        raise
    return carried


async def _circuit(link: _Link, identity: Ed25519PrivateKey) -> CircuitKeys:
    """Make a circuit of one hop. Raises ValueError if the relay is another one."""
    await link.send(versions())
    certificates = await link.next(CERTS)
    if not is_certified(certificates.payload, identity.public_key()):
        raise ValueError("the relay of Tor is not the origin's")
    await link.next(NETINFO)
    material = os.urandom(DIGEST_BYTES)
    await link.send(_network_information(), Cell(CIRCUIT, CREATE_FAST, material))
    created = await link.next(CREATED_FAST)
    keys = circuit_keys(material, created.payload[:DIGEST_BYTES])
    proof = created.payload[DIGEST_BYTES : 2 * DIGEST_BYTES]
    if not hmac.compare_digest(proof, keys.proof):
        raise ValueError("the relay of Tor has other keys for the circuit")
    return keys


class _CarriedStream:
    """A stream of a circuit, as the client has it.

    Its pages fit into the window of a stream (500 cells), so no cells SENDME are needed.
    """

    def __init__(self, link: _Link, keys: CircuitKeys) -> None:
        self._link, self._keys = link, keys
        self._has_ended = False

    async def begin(self) -> None:
        """Ask for a connection to the origin's pages. Raises ValueError if it is refused."""
        await self._send(RelayCell(BEGIN, STREAM, ADDRESS + b"\0" + bytes(4)))
        if (await self._receive()).command != CONNECTED:
            raise ValueError("the relay of Tor opened no stream")

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), DATA_BYTES):
            await self._send(RelayCell(DATA, STREAM, data[start : start + DATA_BYTES]))

    async def read(self) -> bytes:
        while not self._has_ended:
            cell = await self._receive()
            if cell.command == DATA and cell.data:
                return cell.data
            self._has_ended = cell.command == END
        return b""

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._link.close()

    async def _send(self, cell: RelayCell) -> None:
        await self._link.send(Cell(CIRCUIT, RELAY, self._keys.forward.write(cell)))

    async def _receive(self) -> RelayCell:
        return self._keys.backward.read((await self._link.next(RELAY)).payload)


async def _serve(end: FarEnd, stream: ByteStream) -> None:
    """Serve a client's link: one circuit, and one stream in it."""
    link = _Link(stream)
    await link.next(versions().command)
    signing = Ed25519PrivateKey.generate().public_key()
    challenge = os.urandom(32) + struct.pack("!HH", 1, 3)
    await link.send(
        versions(),
        Cell(0, CERTS, write_certificate(_identity(end), signing)),
        Cell(0, AUTH_CHALLENGE, challenge),
        _network_information(),
    )
    asked = await link.next(CREATE_FAST)
    material = os.urandom(DIGEST_BYTES)
    keys = circuit_keys(asked.payload[:DIGEST_BYTES], material)
    await link.send(Cell(asked.circuit, CREATED_FAST, material + keys.proof))
    begun = keys.forward.read((await link.next(RELAY)).payload)
    if begun.command != BEGIN or begun.data.partition(b"\0")[0] != ADDRESS:
        raise ValueError("a client of Tor asked for something else than the origin's pages")
    inner = await end.network.connect(LOOPBACK, PAGE_PORT)

    async def send(command: int, data: bytes) -> None:
        payload = keys.backward.write(RelayCell(command, begun.stream, data))
        await link.send(Cell(asked.circuit, RELAY, payload))

    async def answer() -> None:
        with suppress(OSError):
            while data := await inner.read():
                for start in range(0, len(data), DATA_BYTES):
                    await send(DATA, data[start : start + DATA_BYTES])
        await send(END, REASON_DONE)

    await send(CONNECTED, IPv4Address(LOOPBACK).packed + bytes(4))
    answering = asyncio.ensure_future(answer())
    try:
        while (cell := keys.forward.read((await link.next(RELAY)).payload)).command == DATA:
            await inner.write(cell.data)
        await answering
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        inner.close()


TOR = Tunnel(
    name="tor",
    over="tcp",
    ports=(PORT,),
    open=_open,
    start=nothing_to_start,
    serve=_serve,
    in_tls=True,
)

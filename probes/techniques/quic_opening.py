"""How steps open a QUIC connection: their options, and ``QuicOpening``, which carries them out.

``sni=`` is the host that the ClientHello names (nothing after the sign: none). ``version=`` is 1, 2
(RFC 9369), or *negotiated*: a version that no server has, so that the server names its own.
``split=yes`` parts the ClientHello inside the host's name, ``large=yes`` makes it need two
datagrams; ``port=`` is the UDP port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from aioquic.tls import SessionTicket

from harness.errors import known
from probes.net.quic_client import RESERVED_VERSION, VERSION_1, VERSION_2, QuicClient, QuicHello
from probes.techniques.placeholders import Piece, pieces_of
from probes.techniques.run import TechniqueRun
from probes.techniques.to_step import HIGHEST_PORT

HTTPS_PORT = 443

QUIC_OPTIONS = {"sni": "{host}", "version": "1", "split": "no", "large": "no", "port": ""}
"""The options, with their values if they are not given."""

VERSIONS = {"1": (VERSION_1,), "2": (VERSION_2,), "negotiated": (RESERVED_VERSION, VERSION_1)}
ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicOpening:
    """How a step opens its QUIC connection; ``port`` 0 is that of the run, or 443."""

    sni: tuple[Piece, ...]
    versions: tuple[int, ...]
    is_split: bool
    is_large: bool
    port: int

    async def start(
        self,
        run: TechniqueRun,
        *,
        carries_datagrams: bool = False,
        ticket: SessionTicket | None = None,
    ) -> QuicClient:
        """Send a ClientHello to the run's host; the connection is closed at the attempt's end.

        Raises NotDialledError, NotCarriedError, and what a QuicClient raises.
        """
        name = run.text(self.sni)
        hello = QuicHello(
            server_name=name,
            versions=self.versions,
            is_split=self.is_split,
            is_large=self.is_large,
            carries_datagrams=carries_datagrams,
            ticket=ticket,
        )
        run.port = self.port or run.port
        run.recorder.stage = "connect"
        socket = await run.datagrams(HTTPS_PORT)
        client = QuicClient(socket, hello, run.origin.authority)
        run.closers.push_async_callback(client.close)
        run.note("quic", run.where, f"ClientHello for {name or 'no name'}")
        return await client.start()


def read_opening(options: dict[str, str]) -> QuicOpening:
    """Read the options of ``QUIC_OPTIONS`` among those of a step. Raises ValueError."""
    port = options["port"]
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) <= HIGHEST_PORT):
        msg = f"{port!r} is not a port"
        raise ValueError(msg)
    return QuicOpening(
        sni=pieces_of(options["sni"]),
        versions=chosen(options, "version", VERSIONS),
        is_split=chosen(options, "split", ANSWERS),
        is_large=chosen(options, "large", ANSWERS),
        port=int(port or 0),
    )


_Value = TypeVar("_Value")


def chosen(options: dict[str, str], name: str, values: dict[str, _Value]) -> _Value:
    """Return what an option chooses. Raises ValueError for a value that there is not."""
    if options[name] not in values:
        msg = f"{name}={options[name]} is unknown; {known(values)}"
        raise ValueError(msg)
    return values[options[name]]

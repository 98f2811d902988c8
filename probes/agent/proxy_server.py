"""A proxy that HTTP is spoken with, and the name and password that it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A name and a password for Basic authentication (RFC 7617); never printed."""

    name: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyServer:
    """A proxy; ``scheme`` is ``http``, or ``https`` for a proxy that is reached by TLS."""

    scheme: str
    host: str
    port: int
    credentials: Credentials | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Host and port, without credentials."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL, without credentials."""
        return f"{self.scheme}://{self.place}"

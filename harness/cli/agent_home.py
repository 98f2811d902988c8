"""The folder of an agent: its keys, which hub it belongs to, its orders, and what it has sent."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from harness.errors import InstrumentError, UsageError
from harness.fleet.identity import KEY_FILE_BYTES, Identity, PublicIdentity
from harness.fleet.messages import Invitation
from harness.store.atomic_write import write_document, write_whole
from harness.untrusted.regular_file import read_bounded

MOST_BYTES = 10_000

Kept = TypeVar("Kept")


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """Which hub an agent belongs to, and for which site of which service."""

    hub_url: str
    hub: PublicIdentity
    service: str
    site: str
    token: str = ""
    """The SHA-256 of the token's secret, by which the same token is not used again."""

    def is_by(self, invitation: Invitation) -> bool:
        """Whether the agent was enrolled by this invitation."""
        return (self.hub, self.token) == (invitation.hub, invitation.digest)


class _Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The position of the last run that was handed to the spool, by stream of the registry."""

    positions: dict[str, int]


_MEMBERSHIPS = msgspec.json.Decoder(Membership)
_SENT = msgspec.json.Decoder(_Sent)


class AgentHome:
    """The files of an agent, in the folder ``agent`` among its results."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "agent"

    @property
    def clock(self) -> Path:
        """The hub's time, as last read."""
        return self.folder / "clock.json"

    @property
    def orders(self) -> Path:
        """The folder of orders."""
        return self.folder / "orders"

    @property
    def updates(self) -> Path:
        """The folder of versions that the hub offered."""
        return self.folder / "updates"

    @property
    def bundle_key(self) -> Path:
        """The signing key as PEM, with which bundles are signed."""
        return self.folder / "bundle-key.pem"

    def membership(self) -> Membership | None:
        """Which hub the agent belongs to; ``None`` if it is not enrolled. Raises UsageError."""
        advice = "enrol this agent again with a new token"
        return self._read(self.folder / "hub.json", _MEMBERSHIPS, advice)

    def enrolled(self, membership: Membership) -> None:
        """Note that the agent is enrolled."""
        write_document(self.folder / "hub.json", msgspec.json.encode(membership) + b"\n")

    def identity(self) -> Identity:
        """The agent's keys; new ones are made on this device if there are none.

        Raises UsageError if the file holds none, InstrumentError if it cannot be written.
        """
        path = self.folder / "agent.keys"
        try:
            content = read_bounded(path, KEY_FILE_BYTES + 1)
        except FileNotFoundError:
            identity = Identity.new()
            self._write_private(path, identity.to_bytes())
        except OSError as error:
            msg = f"{path}: the agent's keys cannot be read: {error.strerror or error}"
            raise UsageError(msg) from None
        else:
            identity = Identity.from_bytes(content, path)
        if not self.bundle_key.exists():  # the process may have ended between both files
            pem = identity.signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            self._write_private(self.bundle_key, pem)
        return identity

    def handed_over(self) -> dict[str, int]:
        """The position of the last run in the spool, by stream. Raises UsageError."""
        path = self.folder / "handed-over.json"
        held = self._read(path, _SENT, "remove it, and all runs are sent again")
        return held.positions if held is not None else {}

    def hand_over(self, stream: str, position: int) -> None:
        """Note that the runs of a stream up to a position are in the spool."""
        sent = _Sent(positions={**self.handed_over(), stream: position})
        write_document(self.folder / "handed-over.json", msgspec.json.encode(sent) + b"\n")

    def _write_private(self, path: Path, content: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, content, mode=0o600)
        except OSError as error:
            msg = f"{path}: the agent's keys cannot be written: {error.strerror or error}"
            raise InstrumentError(msg) from None

    def _read(self, path: Path, decoder: msgspec.json.Decoder[Kept], advice: str) -> Kept | None:
        try:
            return decoder.decode(read_bounded(path, MOST_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            msg = f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}; {advice}"
            raise UsageError(msg) from None

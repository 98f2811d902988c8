"""What the web application needs of uploads: begin one, take its parts, and say what became of it.

A viewer is only ever answered about its own uploads.
"""

from __future__ import annotations

from typing import BinaryIO, Literal, NamedTuple, Protocol

from harness.model.hub_access import Viewer
from harness.store.hub.upload_store import StoredUpload

MOST_SIZE = 1024**3
"""The largest bundle, in bytes."""

MOST_PART = 4 * 1024**2
"""The largest part, in bytes."""

MOST_NAME = 200
"""The most characters of a file's name."""

Reason = Literal["too-large", "busy", "no-room", "faulty"]


class UploadRefused(Exception):
    """An upload or a part that is not taken: a reason, and a sentence about what to do."""

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(words)
        self.reason, self.words = reason, words


class FileAnnounced(NamedTuple):
    """A file that is to be sent: its name, its size in bytes, and its SHA-256."""

    name: str
    size: int
    sha256: str


class PartAnswer(NamedTuple):
    """An upload after a part came; not ``is_taken`` where the part began at another offset."""

    upload: StoredUpload
    is_taken: bool


class TakesUploads(Protocol):
    """The uploads of a hub. Its methods block, and may be called from several threads.

    All but ``find`` and ``page`` raise UploadRefused.
    """

    def require_room(self, size: int) -> None:
        """Do nothing if so many bytes can be taken."""

    def begin(self, viewer: Viewer, file: FileAnnounced) -> tuple[StoredUpload, bool]:
        """Begin an upload, or return that of the same file; and whether it is new."""

    def find(self, viewer: Viewer, upload_id: str) -> StoredUpload | None:
        """An upload of the viewer; ``None`` if it has none with that id."""

    def page(
        self, viewer: Viewer, before: StoredUpload | None, limit: int
    ) -> tuple[StoredUpload, ...]:
        """The viewer's uploads, newest first, from the one after ``before``."""

    def receive(
        self, viewer: Viewer, upload_id: str, offset: int, data: bytes
    ) -> PartAnswer | None:
        """Take a part at an offset; ``None`` if the viewer has no such upload."""

    def take_file(self, viewer: Viewer, name: str, file: BinaryIO) -> StoredUpload:
        """Take a whole file."""

"""Uploads of an assessor in every state, for tests and pictures of their pages."""

from __future__ import annotations

from typing import Any, BinaryIO

from harness.model.hub_access import Role, Viewer
from harness.store.hub.upload_store import StoredUpload, UploadState, new_upload
from reports.dashboard.upload_port import FileAnnounced, PartAnswer
from test_suites.kit.hubs.site_example import NOW

SIZE = 1_073_741_824
SENDER = Viewer(role=Role.ASSESSOR, person="id", name="Ama Owusu", streams=None)
REASON = (
    "byte 18,204 of the bundle, in the header of journal/segment-000001.gz, was changed; "
    "nothing was stored"
)
KNOWN: dict[str, Any] = {
    "campaign": "autumn-2026", "service": "SchoolShield Gateway", "scheme": "uksic-2024 1.0",
    "signer": "Example Laboratory", "received": SIZE, "done": 4, "total": 4,
}  # fmt: skip


def invented() -> tuple[StoredUpload, ...]:
    """An upload in each state; those that ended come first."""
    name = "schoolshield-gateway-autumn-2026-all-lines-and-profiles.accredit.zip"
    changes: dict[UploadState, dict[str, Any]] = {
        UploadState.RECORDED: {**KNOWN, "result": "does-not-conform"},
        UploadState.SELF_TEST: {**KNOWN, "result": "insufficient", "signer": "Northgate"},
        UploadState.REFUSED: {"reason": REASON, "received": SIZE},
        UploadState.RECEIVING: {"received": SIZE // 3},
        UploadState.WAITING: {"received": SIZE},
        UploadState.VERIFYING: {**KNOWN, "done": 0},
        UploadState.JUDGING: {**KNOWN, "done": 2},
        UploadState.RECORDING: {**KNOWN, "done": 3},
    }
    return tuple(
        new_upload(f"{number:032x}", SENDER, name, (f"{number:064x}", SIZE), NOW)._replace(
            state=state.value, **more
        )
        for number, (state, more) in enumerate(changes.items())
    )


def path_of(state: UploadState) -> str:
    """The path of the page of the upload in a state."""
    return next(f"/uploads/{each.id}" for each in invented() if each.state == state)


class InventedUploads:
    """The same uploads for every assessor; a supplier has none, and nothing is taken."""

    def require_room(self, size: int) -> None:
        """There is room."""

    def begin(self, viewer: Viewer, file: FileAnnounced) -> tuple[StoredUpload, bool]:
        """The first one."""
        del viewer, file
        return invented()[0], False

    def find(self, viewer: Viewer, upload_id: str) -> StoredUpload | None:
        """The one with that id."""
        return next((each for each in self.page(viewer, None, 9) if each.id == upload_id), None)

    def page(
        self, viewer: Viewer, before: StoredUpload | None, limit: int
    ) -> tuple[StoredUpload, ...]:
        """All of them."""
        del before
        return invented()[:limit] if viewer.role is Role.ASSESSOR else ()

    def receive(
        self, viewer: Viewer, upload_id: str, offset: int, data: bytes
    ) -> PartAnswer | None:
        """Nothing."""
        del viewer, upload_id, offset, data
        return None

    def take_file(self, viewer: Viewer, name: str, file: BinaryIO) -> StoredUpload:
        """The first one."""
        del viewer, name, file
        return invented()[0]

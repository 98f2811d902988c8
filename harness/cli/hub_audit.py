"""Record in the owner's stream what people did and read by a hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

from harness.model.access_event import AccessEvent, ActCarriedOut, BundleUploaded, EvidenceRead
from harness.model.decision import Proposal
from harness.model.hub_access import Viewer
from harness.ports.storage import Clock
from harness.store.hub.audit_log import audited
from harness.store.hub.upload_store import StoredUpload
from harness.store.registry.streams import Registry

if TYPE_CHECKING:
    from reports.dashboard.acts import Acts
    from reports.dashboard.upload_port import FileAnnounced, TakesUploads


class RegistryAudit:
    """The audit log in a registry: an ``EvidenceAudit`` of the pages.

    Each method raises HarnessError if it cannot record. ``stream`` is that of the supplier.
    """

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    def evidence_read(self, viewer: Viewer, stream: str, campaign: str, item: str = "") -> None:
        """Record that the evidence of an item, or (without ``item``) of a campaign, was read."""
        self._record(
            EvidenceRead(
                at=self._clock.now(), actor=viewer.name, person=viewer.person, stream=stream,
                campaign=campaign, item=item,
            )
        )  # fmt: skip

    def bundle_uploaded(self, viewer: Viewer, name: str, sha256: str, size: int) -> None:
        """Record that a bundle came, before it is verified."""
        self._record(
            BundleUploaded(
                at=self._clock.now(), actor=viewer.name, person=viewer.person, name=name,
                sha256=sha256, size=size,
            )
        )  # fmt: skip

    def act_carried_out(self, viewer: Viewer, act: str, stream: str, subject: str) -> None:
        """Record that an act, such as ``plan-agreed``, was carried out about ``subject``."""
        self._record(
            ActCarriedOut(
                at=self._clock.now(), actor=viewer.name, person=viewer.person, act=act,
                stream=stream, subject=subject,
            )
        )  # fmt: skip

    def _record(self, event: AccessEvent) -> None:
        with audited(self._registry, self._clock.now()) as transaction:
            transaction.record(event)


class AuditedActs:
    """Acts that are noted in the audit log once they were recorded: an ``Acts`` of the pages."""

    def __init__(self, acts: Acts, audit: RegistryAudit) -> None:
        self._acts, self._audit = acts, audit

    def act_on_plan(
        self,
        viewer: Viewer,
        stream: str,
        plan: str,
        act: str,
        values: Mapping[str, str],
        revision: int,
    ) -> None:
        """Carry out an act on a plan."""
        self._acts.act_on_plan(viewer, stream, plan, act, values, revision)
        self._audit.act_carried_out(viewer, f"plan-{act}", stream, plan)

    def recommend(
        self, viewer: Viewer, stream: str, name: str, values: Mapping[str, str], revision: int
    ) -> None:
        """Review an evaluation, and record that."""
        self._acts.recommend(viewer, stream, name, values, revision)
        self._audit.act_carried_out(viewer, "recommend", stream, name)

    def decide(
        self, viewer: Viewer, stream: str, name: str, values: Mapping[str, str], revision: int
    ) -> str:
        """Decide about a campaign."""
        decision = self._acts.decide(viewer, stream, name, values, revision)
        self._audit.act_carried_out(viewer, "decide", stream, decision)
        return decision

    def acknowledge(self, viewer: Viewer, stream: str, alarm: str, note: str) -> None:
        """Acknowledge an alarm."""
        self._acts.acknowledge(viewer, stream, alarm, note)
        self._audit.act_carried_out(viewer, "acknowledge", stream, alarm)

    def proposal(self, viewer: Viewer, stream: str, name: str) -> Proposal:
        """What the rules propose; nothing is noted."""
        return self._acts.proposal(viewer, stream, name)


class AuditedUploads:
    """Uploads whose beginning is noted in the audit log: a ``TakesUploads`` of the pages."""

    def __init__(self, uploads: TakesUploads, audit: RegistryAudit) -> None:
        self._uploads, self._audit = uploads, audit
        self.find, self.page, self.receive = uploads.find, uploads.page, uploads.receive
        self.require_room = uploads.require_room

    def begin(self, viewer: Viewer, file: FileAnnounced) -> tuple[StoredUpload, bool]:
        """Begin an upload."""
        upload, is_new = self._uploads.begin(viewer, file)
        if is_new:
            self._audit.bundle_uploaded(viewer, upload.name, upload.sha256, upload.size)
        return upload, is_new

    def take_file(self, viewer: Viewer, name: str, file: BinaryIO) -> StoredUpload:
        """Take a whole file."""
        upload = self._uploads.take_file(viewer, name, file)
        self._audit.bundle_uploaded(viewer, upload.name, upload.sha256, upload.size)
        return upload

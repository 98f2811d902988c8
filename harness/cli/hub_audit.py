"""Record in the owner's stream what people did and read by a hub."""

from __future__ import annotations

from harness.model.access_event import AccessEvent, ActCarriedOut, BundleUploaded, EvidenceRead
from harness.model.hub_access import Viewer
from harness.ports.storage import Clock
from harness.store.hub.audit_log import audited
from harness.store.registry.streams import Registry


class RegistryAudit:
    """The audit log in a registry: an ``Audit`` of the web application."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    def evidence_read(self, viewer: Viewer, stream: str, campaign: str, item: str = "") -> None:
        """Record that evidence was read."""
        self._record(
            EvidenceRead(
                at=self._clock.now(), actor=viewer.name, person=viewer.person, stream=stream,
                campaign=campaign, item=item,
            )
        )  # fmt: skip

    def bundle_uploaded(self, viewer: Viewer, name: str, sha256: str, size: int) -> None:
        """Record that a bundle came."""
        self._record(
            BundleUploaded(
                at=self._clock.now(), actor=viewer.name, person=viewer.person, name=name,
                sha256=sha256, size=size,
            )
        )  # fmt: skip

    def act_carried_out(self, viewer: Viewer, act: str, stream: str, subject: str) -> None:
        """Record that an act was carried out."""
        self._record(
            ActCarriedOut(
                at=self._clock.now(), actor=viewer.name, person=viewer.person, act=act,
                stream=stream, subject=subject,
            )
        )  # fmt: skip

    def _record(self, event: AccessEvent) -> None:
        with audited(self._registry, self._clock.now()) as transaction:
            transaction.record(event)

"""A hub that takes uploads, for tests: its keys, its people, and its web application."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from harness.cli.hub_agents import AgentHub
from harness.cli.hub_uploads import HubUploads, look_at
from harness.cli.hub_web import web_parts
from harness.cli.upload_ingest import UploadIngest
from harness.model.event import Event, RecordAdded, RecordClosed
from harness.model.hub_access import Role, Viewer
from harness.model.registry_record import CampaignRecord
from harness.store.hub.upload_store import StoredUpload
from reports.dashboard.access import COOKIE, SignedIn
from reports.dashboard.app import hub_app
from reports.dashboard.upload_port import FileAnnounced
from test_suites.kit.campaigns.sent_bundles import LABORATORY, SUPPLIER, SentBundles
from test_suites.kit.hubs.hub_example import HubExample, work_of

ACME = "supplier:acme"
CSRF = "csrf-of-the-test"
ASSESSOR = Viewer(role=Role.ASSESSOR, person="a" * 32, name="Ama Owusu", streams=None)
OTHER = Viewer(role=Role.ASSESSOR, person="b" * 32, name="Tom Reid", streams=None)
ACMES = Viewer(role=Role.SUPPLIER, person="c" * 32, name="Ravi", streams=frozenset({ACME}))
BETAS = Viewer(
    role=Role.SUPPLIER, person="d" * 32, name="Elin", streams=frozenset({"supplier:beta"})
)
DECIDES = Viewer(role=Role.DECISION_MAKER, person="e" * 32, name="Grace", streams=None)
VIEWERS = {"ama": ASSESSOR, "tom": OTHER, "ravi": ACMES, "elin": BETAS, "grace": DECIDES}
TRUSTED = [
    {"key": "laboratory.pub.pem", "holder": "Example Laboratory", "kind": "laboratory"},
    {"key": "acme.pub.pem", "holder": "Acme", "kind": "supplier", "supplier": "Acme"},
]


class NamedAccess:
    """Sessions and tokens of the viewers: a secret is the viewer's name."""

    def by_session(self, secret: str) -> SignedIn | None:
        """The viewer of that name, with the form token of the tests."""
        viewer = VIEWERS.get(secret)
        return SignedIn(viewer, CSRF, secret) if viewer else None

    def by_token(self, token: str) -> Viewer | None:
        """The viewer of that name."""
        return VIEWERS.get(token)


class UploadDesk:
    """A hub in ``example`` with uploads; ``told`` is what its owner was told."""

    def __init__(self, example: HubExample, hub: AgentHub) -> None:
        self.example, self.hub = example, hub
        self.told = example.told
        self.uploads = HubUploads(hub.hub, hub.registry, example.clock)
        self.ingest = UploadIngest(example.hub, example.clock)
        self.renew: Callable[[], object] = lambda: None
        """What makes the rows of pages."""

    @property
    def results(self) -> Path:
        return self.example.folder / "out"

    def trust(self, bundles: SentBundles, *declared: dict[str, str]) -> None:
        """Put the public keys into the hub's file."""
        for name in (LABORATORY, SUPPLIER):
            (self.example.hub / f"{name}.pub.pem").write_bytes(bundles.key(name).read_bytes())
        self.change(lambda document: document.update(trusted=list(declared or TRUSTED)))

    def change(self, change: Callable[[dict[str, object]], None]) -> None:
        self.example.change(self.example.hub / "hub.yaml", change)

    def send(self, viewer: Viewer, content: bytes, name: str = "autumn.zip") -> StoredUpload:
        """Send a whole file, as the form does."""
        return self.uploads.take_file(viewer, name, io.BytesIO(content))

    def begin(self, viewer: Viewer, content: bytes) -> StoredUpload:
        digest = hashlib.sha256(content).hexdigest()
        return self.uploads.begin(viewer, FileAnnounced("a.zip", len(content), digest))[0]

    def look(self) -> None:
        """Look at everything that waits, once."""
        seen: set[str] = set()
        while (upload := self.uploads.next_open(frozenset(seen))) is not None:
            seen.add(upload.id)
            look_at(self.uploads, self.ingest, upload, self.told.append, self.renew)

    def judged(self, viewer: Viewer, bundle: Path | bytes) -> StoredUpload:
        """Send a bundle and look at it; what became of it."""
        content = bundle if isinstance(bundle, bytes) else bundle.read_bytes()
        sent = self.send(viewer, content)
        self.look()
        found = self.uploads.find(viewer, sent.id)
        assert found is not None
        return found

    def events(self) -> tuple[Event, ...]:
        return self.example.events(ACME)

    def records(self) -> list[CampaignRecord]:
        """The records of campaigns that are open."""
        held: dict[str, CampaignRecord] = {}
        for event in self.events():
            if isinstance(event, RecordAdded) and isinstance(event.record, CampaignRecord):
                held[event.record.key] = event.record
            elif isinstance(event, RecordClosed):
                held.pop(event.record, None)
        return list(held.values())

    def app(self) -> ASGIApp:
        """The web application, where secrets are the viewers' names."""
        clock = self.example.clock
        work = work_of(self.hub, clock)._replace(uploads=self.uploads)
        parts = web_parts(self.hub, work, clock, lambda _: None, is_secure=False)
        return hub_app(replace(parts, access=NamedAccess()))

    def client(self, viewer: str = "", *, session: str = "") -> AppClient:
        """A client of the application, with a viewer's token or session."""
        headers = {"Authorization": f"Bearer {viewer}"} if viewer else {}
        if session:
            headers["Cookie"] = f"{COOKIE}={session}"
        return AppClient(self.app(), headers)


class AppClient:
    """Makes requests to an application in this process."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self.app, self.headers = app, headers

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer, read to its end."""
        return asyncio.run(self._ask(method, path, **more))

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://hub.test", headers=self.headers
        ) as client:
            return await client.request(method, path, **more)

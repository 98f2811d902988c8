"""A hub: answer the messages of the agents of sites.

A message is opened with the keys of its sender, and its id is accepted once. What it says is kept
on the disk before it is answered. An agent is only ever answered about its own site.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.cli.hub_file import HubFile, read_hub, read_keys
from harness.cli.hub_offers import Offers
from harness.cli.hub_orders import OrderPlace, order_content
from harness.cli.hub_registry import FleetRegistry, TokenRefused
from harness.cli.hub_reports import MOST_OPEN, FaultyReport, Reports, StoredReport, read_report
from harness.cli.registry_session import RegistrySession, open_session
from harness.errors import HarnessError, UsageError
from harness.fleet.envelope import MOST_BYTES, EnvelopeError, open_envelope, read_envelope, seal
from harness.fleet.identity import PublicIdentity
from harness.fleet.messages import (
    PART_BYTES,
    Enrol,
    Enrolled,
    FetchPart,
    FromHub,
    Introduction,
    NotAnswered,
    Order,
    PartReceived,
    Poll,
    Polled,
    Refused,
    RunReceived,
    RunReport,
    UploadPart,
    encode,
    read_from_agent,
    read_token,
)
from harness.fleet.signed_time import TimeAnswer, TimeQuestion
from harness.monitor.agent_standing import AgentStanding
from harness.ports.storage import Clock
from harness.store.registry import agent_store
from harness.store.uploads import Uploads

MOST_STATUS = 64 * 1024
"""The most bytes of what an agent says of itself."""

MOST_BODY = MOST_BYTES + 4096
"""The largest body of a request."""

LOCKS = 64
"""How many locks the agents share."""

_INTRODUCTIONS = msgspec.json.Decoder(Introduction)

OnReport = Callable[[StoredReport], None]


class _Sender(NamedTuple):
    """Who sent a message; without ``standing`` a device that is not enrolled."""

    identity: PublicIdentity
    standing: AgentStanding | None


class AgentHub:
    """Answers agents; made by ``open_hub``. Its methods may be called from several threads.

    ``on_report`` is called with each new report once it is on the disk, and ``tell`` with a
    sentence about what the owner has to mend.
    """

    most_body = MOST_BODY

    def __init__(
        self,
        hub: HubFile,
        session: RegistrySession,
        clock: Clock,
        on_report: OnReport,
        tell: Callable[[str], None],
    ) -> None:
        self.hub = hub
        self.fleet = FleetRegistry(session, clock)
        self.reports = Reports(hub.folder / "reports")
        self.on_report = on_report
        self.session = session
        self.registry = session.registry
        self._keys = read_keys(hub.folder)
        self._offers = Offers(hub.folder / "offers")
        self._certificates = hub.certificate_digests()
        self._clock = clock
        self._tell = tell
        self._told: dict[str, str] = {}
        self._locks = tuple(threading.Lock() for _ in range(LOCKS))

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The private key by which the hub signs."""
        return self._keys.signer

    def answer_time(self, question: TimeQuestion) -> TimeAnswer:
        """The time, signed."""
        return TimeAnswer.to(question, self._keys, self._clock.now())

    def answer(self, body: bytes) -> bytes:
        """Answer a message in an envelope by one. Raises NotAnswered, InstrumentError."""
        if len(body) > MOST_BODY:
            raise NotAnswered("too-large", f"a body has at most {MOST_BODY:,} bytes")
        try:
            introduction = _INTRODUCTIONS.decode(body)
            envelope = read_envelope(bytes(introduction.envelope))
            sender = self._sender(envelope.header.sender, introduction.identity)
            content = open_envelope(envelope, self._keys, sender.identity, self._clock.now())
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise NotAnswered("faulty", "the body cannot be read") from None
        except EnvelopeError as error:
            raise NotAnswered("faulty", str(error)) from None
        self._sealed(
            sender, b""
        )  # keys that cannot be answered are refused before anything is kept
        with self._locks[int(sender.identity.id, 16) % LOCKS]:  # one message of an agent at a time
            reply = self._reply(sender, envelope.header.id, content)
        sealed = self._sealed(sender, encode(reply), envelope.header.id)
        return msgspec.json.encode(Introduction(envelope=msgspec.Raw(sealed)))

    def is_ready(self) -> bool:
        """Whether messages can be answered and kept."""
        try:
            with self.registry.transaction() as connection:
                agent_store.count_reports(connection, "", agent_store.WAITING)
        except HarnessError:
            return False
        return os.access(self.hub.folder, os.W_OK)

    def uploads(self, agent: str) -> Uploads:
        """The files of an agent."""
        return Uploads(self.hub.folder / "uploads", self.hub.folder / "bundles", agent)

    def bundle_of(self, agent: str, sha256: str) -> Path:
        """Where a bundle of an agent is."""
        return self.uploads(agent).path(sha256)

    def identity_of(self, agent: str) -> PublicIdentity:
        """The public keys of an agent. Raises UsageError if it is not enrolled."""
        held = self.fleet.agent(agent)
        if held is None:
            msg = f"no agent {agent!r} is enrolled"
            raise UsageError(msg)
        return held.identity

    def waiting(self) -> tuple[StoredReport, ...]:
        """The reports that were kept and not looked at, oldest first. Raises InstrumentError."""
        with self.registry.transaction() as connection:
            rows = agent_store.reports(connection, state=agent_store.WAITING)
        found = []
        for row in rows:
            try:
                found.append(self.reports.read(row.agent, row.run))
            except HarnessError as error:
                self._tell(str(error))
        return tuple(found)

    def end_report(self, report: StoredReport, state: str, reason: str = "") -> None:
        """Keep what became of a report."""
        with self.registry.transaction(is_writing=True) as connection:
            agent_store.end_report(connection, report.agent, report.digest, state, reason)

    def _sender(self, name: str, identity: PublicIdentity | None) -> _Sender:
        """Who sent a message. Raises NotAnswered."""
        standing = self.fleet.agent(name)
        if standing is not None:
            return _Sender(standing.identity, standing)
        if identity is None or identity.id != name:
            raise NotAnswered("unknown", "this agent is not enrolled here")
        return _Sender(identity, None)

    def _sealed(self, sender: _Sender, message: bytes, answers: str = "") -> bytes:
        try:
            now = self._clock.now()
            return seal(message, self._keys, sender.identity, now, answers=answers).encoded()
        except ValueError:  # a point of low order, by which anybody could read the answer
            raise NotAnswered("faulty", "nothing can be encrypted to the sender's key") from None

    def _reply(self, sender: _Sender, message_id: str, content: bytes) -> FromHub:
        try:
            message = read_from_agent(content)
        except UsageError:
            return Refused(reason="faulty", words="the message cannot be read")
        standing = sender.standing
        if standing is None and not isinstance(message, Enrol):
            return Refused(reason="unknown", words="this agent is not enrolled here")
        if standing is not None and standing.revoked is not None:
            return Refused(reason="revoked", words="this agent was revoked")
        if isinstance(message, Enrol):
            return self._enrol(sender.identity, message_id, message)
        assert standing is not None  # as was asked before
        self._accept(standing.agent, message_id)
        return self._reply_to_agent(standing, message)

    def _reply_to_agent(
        self, standing: AgentStanding, message: Poll | UploadPart | RunReport | FetchPart
    ) -> FromHub:
        match message:
            case Poll():
                return self._poll(standing, message)
            case UploadPart():
                return self._take_part(standing.agent, message)
            case RunReport():
                return self._take_report(standing, message)
            case FetchPart():
                part = self._offers.part(message)
                return part or Refused(reason="unknown", words="no such file is offered")

    def _accept(self, agent: str, message_id: str) -> None:
        """Accept a message id once. Raises NotAnswered for one that was seen."""
        now = self._clock.now()
        with self.registry.transaction(is_writing=True) as connection:
            if not agent_store.accept_message(connection, agent, message_id, now, now):
                raise NotAnswered("faulty", "this envelope came before; seal the message again")

    def _enrol(self, identity: PublicIdentity, message_id: str, message: Enrol) -> FromHub:
        try:
            invitation = read_token(message.token)
            if invitation.hub != self._keys.public:
                return Refused(reason="token", words="the token is of another hub")
            self.fleet.require_token(invitation.digest, identity.id)
            self._accept(identity.id, message_id)
            held = self.fleet.enrol(invitation.digest, identity, message.version, message.platform)
        except NotAnswered:
            raise
        except TokenRefused as error:
            return Refused(reason="token", words=str(error))
        except UsageError:  # of what is no token; it is not quoted
            return Refused(reason="token", words="the token cannot be read")
        return Enrolled(service=held.invited.service, site=held.invited.site)

    def _poll(self, standing: AgentStanding, message: Poll) -> FromHub:
        status = msgspec.json.encode(message.status)
        if len(status) > MOST_STATUS:
            words = f"a status has at most {MOST_STATUS:,} bytes"
            return Refused(reason="too-large", words=words)
        with self.registry.transaction(is_writing=True) as connection:
            now = self._clock.now()
            agent_store.keep_status(connection, standing.agent, status.decode(), now)
        return Polled(
            order=self._order(standing, message.serial),
            update=self._offers.offered(),
            certificates=self._certificates,
        )

    def _order(self, standing: AgentStanding, serial: int) -> Order | None:
        """The order of an agent, if it is newer than the one that it has.

        Where the monitoring file is faulty the owner is told, and the agent goes on as before.
        """
        agent = standing.agent
        try:
            content = order_content(self.hub.monitoring_path, OrderPlace.of(standing.invited))
        except UsageError as error:
            if self._told.get(agent) != str(error):
                self._tell(f"no order for agent {agent} ({standing.invited.label}): {error}")
            self._told[agent] = str(error)
            return None
        self._told.pop(agent, None)
        with self.registry.transaction(is_writing=True) as connection:
            now = self._clock.now()
            held = agent_store.number_order(connection, agent, content.digest, now, above=serial)
        return content.order(held.serial, held.at) if held.serial > serial else None

    def _take_part(self, agent: str, message: UploadPart) -> FromHub:
        if len(message.data) > PART_BYTES:
            return Refused(reason="too-large", words=f"a part has at most {PART_BYTES:,} bytes")
        with self.registry.transaction() as connection:
            reported = {row.bundle for row in agent_store.reports(connection, agent=agent)}
        taken = self.uploads(agent).receive(
            message.sha256, message.size, message.offset, message.data, reported
        )
        if taken.refusal:
            return Refused(reason=taken.refusal, words=taken.words)
        return PartReceived(sha256=message.sha256, held=taken.held)

    def _take_report(self, standing: AgentStanding, message: RunReport) -> FromHub:
        agent, now = standing.agent, self._clock.now()
        try:
            report = read_report(message, standing, now)
        except FaultyReport as error:
            return Refused(reason="faulty", words=str(error))
        with self.registry.transaction() as connection:
            known = agent_store.reports(connection, agent=agent, run=report.digest)
            states = (agent_store.WAITING, agent_store.ASIDE)
            still_open = sum(agent_store.count_reports(connection, agent, each) for each in states)
        if known:
            return RunReceived(run=report.run.about, is_new=False)
        if report.bundle and not self.bundle_of(agent, report.bundle).is_file():
            return Refused(reason="incomplete", words="the bundle is not here; send it first")
        if still_open >= MOST_OPEN:
            return Refused(reason="busy", words="too many reports are not recorded yet")
        self.reports.keep(report)
        with self.registry.transaction(is_writing=True) as connection:
            is_new = agent_store.keep_report(connection, agent, report.digest, report.bundle, now)
        if is_new:
            self._hand_on(report)
        return RunReceived(run=report.run.about, is_new=is_new)

    def _hand_on(self, report: StoredReport) -> None:
        """Hand a report on; it is kept, so that a failure here loses nothing."""
        try:
            self.on_report(report)
        except HarnessError as error:
            self._tell(f"the report of {report.run.about} waits: {error}")


@contextmanager
def open_hub(
    folder: Path,
    clock: Clock,
    tell: Callable[[str], None],
    on_report: OnReport | None = None,
) -> Iterator[AgentHub]:
    """Open the hub in a folder. Raises UsageError, InstrumentError.

    Without ``on_report`` each report is recorded at once (``harness.cli.hub_ingest``).
    """
    hub = read_hub(folder)
    with open_session(hub.registry, create=True, clock=clock) as session:
        opened = AgentHub(hub, session, clock, on_report or (lambda _: None), tell)
        if on_report is None:
            opened.on_report = recording(opened, clock, tell)
        yield opened


def recording(hub: AgentHub, clock: Clock, tell: Callable[[str], None]) -> OnReport:
    """A function that records a report in the supplier's stream, and tells of new alarms."""
    from harness.cli.hub_ingest import Ingest  # noqa: PLC0415 - only recording needs it

    ingest = Ingest(hub.hub, clock, hub.identity_of, hub.bundle_of)

    def record(report: StoredReport) -> None:
        done = ingest.ingest(report)
        hub.end_report(report, done.state, done.reason)
        for alarm in done.alarms:
            tell(f"alarm {alarm} was raised; see: accredit monitor alarms")
        if done.state == agent_store.ASIDE:
            tell(f"put aside: {report.run.about}: {done.reason}")

    return record

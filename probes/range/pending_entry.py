"""A request that the reference filter is handling, until its line is in the filter's record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.range.access_entry import (
    AGREED,
    AccessEntry,
    ResultCode,
    has_mark,
    secrets_in,
    size_of,
    url_of,
)
from probes.range.answer_progress import AnswerProgress
from probes.range.zone import normalise

if TYPE_CHECKING:
    from probes.range.access_log import AccessLog
    from probes.range.connection import Request
    from probes.range.filter import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks: the address of the computer, the user's name, and which service was asked."""

    client: str
    user: str
    profile: str
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for, as the record shows it; see ``AccessEntry``."""

    method: str
    url: str
    host: str
    received: int = 0
    is_marked: bool = False
    secrets: tuple[str, ...] = ()

    @classmethod
    def of_request(cls, request: Request, *, is_secure: bool = False) -> Asked:
        """Return what a complete request asks for, over TLS or not."""
        texts = (request.target, *(line.decode("latin-1") for line in request.lines))
        return cls(
            method=request.method,
            url=url_of(request, is_secure=is_secure),
            host=request.host,
            received=size_of(request),
            is_marked=has_mark(request.host, *texts),
            secrets=secrets_in(request),
        )

    @classmethod
    def of_server_name(cls, name: str, received: int) -> Asked:
        """Return what a ClientHello of so many bytes asks for: a tunnel to the server's name."""
        host = normalise(name)
        return cls(
            method="CONNECT",
            url=f"{name}:443",
            host=host,
            received=received,
            is_marked=has_mark(host),
        )


class PendingEntry:
    """An entry that grows while a request is handled; ``end`` writes it, once.

    ``answer`` follows what is sent to the client. ``peer`` is the address of the origin, once
    connected.
    """

    def __init__(self, log: AccessLog, asker: Asker, asked: Asked) -> None:
        self._log = log
        self._asker = asker
        self._asked = asked
        self._started = log.clock()
        self._category = ""
        self._code: ResultCode | None = None
        self._more_received = 0
        self._has_ended = False
        self.answer = AnswerProgress(asked.method)
        self.peer = ""

    def decide(self, decision: Decision) -> None:
        """Note what the filter decided."""
        self._category = decision.category or (AGREED if decision.is_blocked else "")
        self._code = ResultCode.DENIED if decision.is_blocked else None

    def reject(self, code: ResultCode) -> None:
        """Note that the request is not accepted at all."""
        self._code = code

    def receive(self, data: bytes) -> None:
        """Count bytes that came after the request."""
        self._more_received += len(data)

    def send(self, data: bytes) -> None:
        """Follow bytes just before they are sent; write the line if they complete the answer."""
        if self._has_ended:
            return
        self.answer.add(data)
        if self.answer.is_complete:
            self.end()

    def end(self, *, is_lost: bool = False) -> None:
        """Write the line: the answer is complete, or with ``is_lost`` the client has gone."""
        if self._has_ended:
            return
        self._has_ended = True
        now = self._log.clock()
        is_broken = is_lost and not self.answer.is_tunnel
        code = ResultCode.ABORTED if is_broken else ResultCode.PASSED
        self._log.record(
            AccessEntry(
                at=now,
                elapsed=max(0, round((now - self._started) * 1000)),
                client=self._asker.client,
                code=self._code or code,
                status=self.answer.status,
                sent=self.answer.sent,
                method=self._asked.method,
                url=self._asked.url,
                user=self._asker.user,
                peer=self.peer,
                content_type=self.answer.content_type,
                received=self._asked.received + self._more_received,
                category=self._category,
                host=self._asked.host,
                profile=self._asker.profile,
                service=self._asker.service,
                is_marked=self._asked.is_marked,
                secrets=self._asked.secrets,
            )
        )

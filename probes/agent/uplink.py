"""An agent's way to its hub: ask for the time, then ask and be answered in sealed messages.

What answers is believed for its keys, never for its certificate; the certificate says whether
something on the way opens TLS.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from harness.errors import UsageError
from harness.fleet.envelope import (
    MOST_BYTES,
    Envelope,
    EnvelopeError,
    open_envelope,
    read_envelope,
    seal,
)
from harness.fleet.identity import Identity, PublicIdentity
from harness.fleet.messages import (
    FromAgent,
    FromHub,
    Introduction,
    Polled,
    UplinkReport,
    encode,
    read_from_hub,
)
from harness.fleet.signed_time import ANSWERS, ClockReading, TimeQuestion, reading_of
from probes.agent.hub_connection import SECONDS, HubConnection
from probes.agent.proxy_choice import ProxyChoice
from probes.agent.uplink_error import UplinkError

TIME_PATH = "/agent/v1/time"
MESSAGES_PATH = "/agent/v1/messages"

TRIES = 5
"""How often the clock is asked for; the answer with the smallest error counts."""

GOOD_BOUND = 0.02
"""Seconds of error after which no further answer is asked for."""

REREAD_SECONDS = 6 * 3600.0
STEP_SECONDS = 5.0
"""So far the two clocks may differ: more means that the system's was set, or the machine slept."""

MOST_ISSUER = 1000

_ANSWERED = msgspec.json.Decoder(Introduction)


class _Anchor(NamedTuple):
    """The hub's time at a moment of the monotonic clock."""

    at: datetime
    reading: ClockReading


class HubUplink:
    """Asks one hub. Methods raise UplinkError and nothing else; they may be called from threads."""

    def __init__(
        self,
        hub_url: str,
        hub: PublicIdentity,
        identity: Identity,
        proxy: ProxyChoice,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        monotonic: Callable[[], float] = time.monotonic,
        seconds: float = SECONDS,
    ) -> None:
        """``clock`` is the system's, right or wrong. Raises UsageError for a faulty URL.

        ``seconds`` is how long one request may take.
        """
        self._connection = HubConnection(hub_url, proxy, seconds=seconds, monotonic=monotonic)
        self._hub, self._identity = hub, identity
        self._clock, self._monotonic = clock, monotonic
        self._anchor: _Anchor | None = None
        self._certificates: frozenset[str] = frozenset()
        self._seen = b""
        self._by = ""
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; asking opens new ones."""
        self._connection.close()

    @property
    def reading(self) -> ClockReading | None:
        """The clock as last read."""
        return self._anchor.reading if self._anchor is not None else None

    @property
    def report(self) -> UplinkReport | None:
        """Whether TLS was opened on the way of the last answer; ``None`` while it is not known.

        It is not known before the hub has told its certificates, and without TLS.
        """
        if not self._certificates or not self._seen:
            return None
        seen = hashlib.sha256(self._seen).hexdigest()
        return UplinkReport(
            is_intercepted=seen not in self._certificates,
            seen=seen,
            issuer=_issuer_of(self._seen),
            proxy=self._by,
        )

    def now(self) -> datetime:
        """The hub's time, as far as it is known; before the first reading the system's."""
        if self._anchor is None:
            return self._clock()
        passed = self._monotonic() - self._anchor.reading.read
        return self._anchor.at + timedelta(seconds=passed)

    def read_clock(self) -> ClockReading:
        """Ask the hub for the time, several times; return the reading with the smallest error."""
        with self._lock:
            best: _Anchor | None = None
            trouble: UplinkError | None = None
            for _ in range(TRIES):
                try:
                    read = self._read_once()
                except UplinkError as error:
                    trouble = error
                    if error.kind not in ("untrusted", "lost"):
                        break  # it is not reached; the other tries would take as long
                    continue
                if best is None or read.reading.bound < best.reading.bound:
                    best = read
                if best.reading.bound <= GOOD_BOUND:
                    break
            if best is None:
                assert trouble is not None
                raise trouble
            self._anchor = best
            return best.reading

    def ask(self, message: FromAgent, *, introduce: bool = False) -> FromHub:
        """Seal a message to the hub, and open its answer; reads the clock first where necessary.

        ``introduce`` sends the agent's public keys along, as enrolment needs it.
        """
        with self._lock:
            self._require_clock()
            try:
                answer = self._answer_to(encode(message), introduce=introduce)
            except UplinkError as error:
                if error.kind in ("untrusted", "not-a-hub", "refused"):
                    self._anchor = None  # the time may be what is wrong
                if error.kind != "lost":
                    raise
                # The far end may have closed a connection that was kept. All messages may come
                # twice, but not the same envelope.
                answer = self._answer_to(encode(message), introduce=introduce)
            if isinstance(answer, Polled):
                self._certificates = frozenset(answer.certificates)
            return answer

    def _answer_to(self, message: bytes, *, introduce: bool) -> FromHub:
        asked = seal(message, self._identity, self._hub, self.now())
        identity = self._identity.public if introduce else None
        encoded = asked.encoded()
        if len(encoded) > MOST_BYTES:
            msg = f"a message of {len(encoded):,} bytes is too large; the hub reads {MOST_BYTES:,}"
            raise UplinkError(msg, "too-large")
        body = Introduction(envelope=msgspec.Raw(encoded), identity=identity)
        carried = self._post(MESSAGES_PATH, msgspec.json.encode(body))
        try:
            answer = read_envelope(bytes(_ANSWERED.decode(carried).envelope))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, EnvelopeError):
            raise self._no_hub() from None
        try:
            opened = open_envelope(answer, self._identity, self._hub, self.now())
            self._require_fresh(answer, asked)
            return read_from_hub(opened)
        except UsageError as error:
            msg = f"the answer of {self._connection.hub} cannot be trusted: {error}"
            raise UplinkError(msg, "untrusted") from None

    def _require_fresh(self, answer: Envelope, asked: Envelope) -> None:
        """Require an answer to this question, not one that was held back. Raises EnvelopeError."""
        if answer.header.answers != asked.header.id:
            msg = "it answers another question"
            raise EnvelopeError(msg)

    def _require_clock(self) -> None:
        """Read the clock if it was not, long ago, or if the system's clock was set since."""
        if self._anchor is not None:
            reading = self._anchor.reading
            system = self._clock() + timedelta(seconds=reading.offset)
            apart = abs((system - self.now()).total_seconds())
            age = self._monotonic() - reading.read
            if apart <= STEP_SECONDS and age <= REREAD_SECONDS:
                return
        self.read_clock()

    def _read_once(self) -> _Anchor:
        question = TimeQuestion.new()
        asked = self._monotonic()
        body = self._post(TIME_PATH, msgspec.json.encode(question))
        answered, system = self._monotonic(), self._clock()
        try:
            answer = ANSWERS.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise self._no_hub() from None
        try:
            reading = reading_of(
                answer, question, self._hub, system=system, asked=asked, answered=answered
            )
            return _Anchor(system + timedelta(seconds=reading.offset), reading)
        except (EnvelopeError, OverflowError) as error:
            msg = f"the time that {self._connection.hub} tells cannot be trusted: {error}"
            raise UplinkError(msg, "untrusted") from None

    def _post(self, path: str, body: bytes) -> bytes:
        carried = self._connection.post(path, body)
        self._seen, self._by = carried.certificate, carried.proxy
        return carried.body

    def _no_hub(self) -> UplinkError:
        msg = f"{self._connection.hub} is not a hub: its answer is not one of Accredit"
        return UplinkError(msg, "not-a-hub")


def _issuer_of(certificate: bytes) -> str:
    """Who issued a certificate, as RFC 4514 writes it; empty if it cannot be read."""
    try:
        issuer = x509.load_der_x509_certificate(certificate).issuer.rfc4514_string()
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
        return ""
    return issuer[:MOST_ISSUER]

"""A hub as a witness: it signs heads with its own key and clock, and keeps what it signed.

What it signed is in the owner's stream, beside the audit log, so that the registry's own hash chain
guards it. Heads that were signed before are signed again with the present time, and not kept again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.cli.signed_heads import signed_after
from harness.fleet.witness import (
    Answer,
    Answers,
    CheckedReceipt,
    Heads,
    Question,
    Request,
    Signer,
)
from harness.model.access_event import HeadsWitnessed
from harness.model.hub_access import Viewer
from harness.ports.storage import Clock
from harness.store.hub.audit_log import audited
from harness.store.registry.streams import Registry


class HubWitness:
    """Signs heads. Its methods may be called from several threads; they raise InstrumentError."""

    def __init__(
        self, registry: Registry, name: str, private: Ed25519PrivateKey, clock: Clock
    ) -> None:
        self._registry, self._clock = registry, clock
        self._signer = Signer(name, private)
        self._lock = threading.Lock()
        self._read_to = 0
        self._held: dict[str, list[CheckedReceipt]] = {}

    def sign(self, viewer: Viewer, request: Request) -> Answers:
        """Sign heads for somebody; those that do not continue what was signed are refused."""
        with self._lock:
            self._read()
            return Answers(answers=tuple(self._sign(viewer, each) for each in request.heads))

    def find(self, question: Question) -> Answers:
        """All receipts about any of the chains, oldest first."""
        with self._lock:
            self._read()
            found = self._about(question.chains)
        return Answers(answers=tuple(Answer(receipt=each.receipt) for each in found))

    def _sign(self, viewer: Viewer, heads: Heads) -> Answer:
        held = self._about(each.chain for each in heads.chains)
        answer = self._signer.answer(heads, held, self._clock.now())
        is_new = not any(each.statement.holds(heads) for each in held)
        if answer.receipt is not None and is_new:
            at = self._clock.now()
            with audited(self._registry, at) as transaction:
                transaction.record(
                    HeadsWitnessed(
                        at=at, actor=viewer.name, person=viewer.person,
                        receipt=answer.receipt.encoded().decode(),
                    )
                )  # fmt: skip
            self._read()
        return answer

    def _about(self, chains: Iterable[str]) -> list[CheckedReceipt]:
        found = {id(each): each for chain in chains for each in self._held.get(chain, ())}
        return sorted(found.values(), key=lambda each: each.statement.at)

    def _read(self) -> None:
        """Read what was signed since the last reading. Raises InstrumentError if it was changed."""
        self._read_to, found = signed_after(self._registry, self._read_to)
        for each in found:
            for chain in each.statement.ids:
                self._held.setdefault(chain, []).append(each)

"""What a witness of heads signs, and how a later state is compared with it.

A journal and a registry are hash chains, and whoever can write their files can put an older good
state back. A witness, who is somebody else, signs at a time of its own how many entries each chain
had, and the last hash. A later state must hold every chain that was signed, with at least as many
entries, and the same hash at that entry. ``docs/reference/witness.md`` describes the formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.errors import InstrumentError, UsageError
from harness.fleet.identity import Hex32
from harness.signing import Envelope, canonical, require_signature, sign_with, trusted_key

STATEMENT = "application/vnd.accredit.witness+json"
"""The payload type of a signed statement."""

MOST_CHAINS, MOST_HEADS, MOST_NAME = 5_000, 1_000, 500
MOST_BYTES = 16 * 1024**2
"""The most bytes of a request or of answers."""

Kind = Literal["journal", "registry"]
States = Mapping[str, Mapping[int, str]]
"""Chains by their id: the hash of each entry that is known, by its number from 1."""


class ChainHead(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a chain: the id of the chain, the number of its entries, and the last hash."""

    chain: Hex32
    entries: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    head: Hex32


Chains = Annotated[tuple[ChainHead, ...], msgspec.Meta(min_length=1, max_length=MOST_CHAINS)]


class Heads(msgspec.Struct, frozen=True, kw_only=True):
    """The ends of all chains of one journal or one registry."""

    kind: Kind
    chains: Chains

    @property
    def states(self) -> dict[str, dict[int, str]]:
        """What is known of the chains."""
        return {each.chain: {each.entries: each.head} for each in self.chains}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a witness is asked to sign."""

    heads: Annotated[tuple[Heads, ...], msgspec.Meta(min_length=1, max_length=MOST_HEADS)]
    format: Literal["accredit-witness-request/1"] = "accredit-witness-request/1"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which statements are asked for: those about any of these chains."""

    chains: Annotated[tuple[Hex32, ...], msgspec.Meta(min_length=1, max_length=MOST_CHAINS)]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """That ``witness`` saw these ends of chains at a time of its own clock."""

    witness: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_NAME)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    kind: Kind
    chains: Chains

    @property
    def entries(self) -> int:
        """The entries of all chains together."""
        return sum(each.entries for each in self.chains)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the chains."""
        return frozenset(each.chain for each in self.chains)

    def holds(self, heads: Heads) -> bool:
        """Whether the statement is of exactly these ends of chains."""
        return self.kind == heads.kind and set(self.chains) == set(heads.chains)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A signed statement, and the public key of the witness."""

    key: Hex32
    envelope: Envelope

    def encoded(self) -> bytes:
        """The receipt as one line of JSON, without the line's end."""
        return msgspec.json.encode(self)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a witness answers for one of the heads: a receipt, or why it does not sign."""

    receipt: Receipt | None = None
    refused: str = ""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a witness answers to a request, in its order; to a question, all that it found."""

    answers: tuple[Answer, ...]
    format: Literal["accredit-witness-answers/1"] = "accredit-witness-answers/1"


class CheckedReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt whose signature is valid, with its statement and the key in hexadecimal."""

    key: str
    statement: Statement
    receipt: Receipt


_REQUESTS = msgspec.json.Decoder(Request)
_QUESTIONS = msgspec.json.Decoder(Question)
_ANSWERS = msgspec.json.Decoder(Answers)
_RECEIPTS = msgspec.json.Decoder(Receipt)
_STATEMENTS = msgspec.json.Decoder(Statement)
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def read_request(raw: bytes, where: object) -> Request:
    """Parse a request. Raises UsageError."""
    try:
        request = _REQUESTS.decode(raw)
    except _BROKEN as error:
        raise UsageError(f"{where}: not a request to a witness: {error}") from None
    for heads in request.heads:
        if len(heads.states) != len(heads.chains):
            raise UsageError(f"{where}: not a request to a witness: it names a chain twice")
    return request


def read_question(raw: bytes, where: object) -> Question:
    """Parse a question. Raises UsageError."""
    try:
        return _QUESTIONS.decode(raw)
    except _BROKEN as error:
        raise UsageError(f"{where}: not a question to a witness: {error}") from None


def read_answers(raw: bytes, where: object) -> Answers:
    """Parse the answers of a witness. Raises UsageError; no signature is verified yet."""
    try:
        return _ANSWERS.decode(raw)
    except _BROKEN as error:
        raise UsageError(f"{where}: not the answers of a witness: {error}") from None


def signed_receipt(statement: Statement, private: Ed25519PrivateKey) -> Receipt:
    """Sign a statement."""
    payload = canonical(msgspec.to_builtins(statement), "statement")
    public = private.public_key().public_bytes_raw().hex()
    return Receipt(key=public, envelope=sign_with(STATEMENT, payload, private))


def checked(receipt: Receipt, where: object) -> CheckedReceipt:
    """Verify a receipt by the key that it names. Raises InstrumentError if anything was changed.

    Whether that key is the witness's is for the caller to know.
    """
    try:
        if receipt.envelope.payload_type != STATEMENT:
            raise InstrumentError(f"{where}: the receipt of a witness was changed: another type")
        require_signature(receipt.envelope, trusted_key(receipt.key), where)
        statement = _STATEMENTS.decode(receipt.envelope.payload)
    except (UsageError, ValueError, *_BROKEN):
        msg = f"{where}: the receipt of a witness was changed: its signature is not valid"
        raise InstrumentError(msg) from None
    return CheckedReceipt(key=receipt.key, statement=statement, receipt=receipt)


def read_receipts(raw: bytes, where: object) -> tuple[CheckedReceipt, ...]:
    """Parse and verify receipts, one a line. Raises InstrumentError, naming the line."""
    found = []
    for number, line in enumerate(raw.splitlines(), 1):
        place = f"{where}: line {number}"
        try:
            receipt = _RECEIPTS.decode(line)
        except _BROKEN:
            raise InstrumentError(f"{place}: not the receipt of a witness") from None
        found.append(checked(receipt, place))
    return tuple(found)


def faults(states: States, signed: Statement) -> Iterator[str]:
    """How chains do not continue what was signed, a sentence for each chain; none if they do."""
    of = "stream" if signed.kind == "registry" else "part"
    for each in signed.chains:
        known = states.get(each.chain)
        if known is None:
            yield f"a {of} of {each.entries:,} entries that was signed is not here: it was removed"
        elif max(known, default=0) < each.entries:
            yield (
                f"was rolled back: {max(known, default=0):,} entries here, "
                f"{each.entries:,} were signed"
            )
        elif known.get(each.entries, each.head) != each.head:
            yield f"was rewritten: entry {each.entries:,} is not the one that was signed"


def about(receipts: Iterable[CheckedReceipt], chains: Iterable[str]) -> tuple[CheckedReceipt, ...]:
    """The receipts about any of the chains."""
    wanted = frozenset(chains)
    return tuple(each for each in receipts if each.statement.ids & wanted)


def why_not(heads: Heads, held: Iterable[CheckedReceipt]) -> str:
    """Why a witness does not sign heads, by what it signed before; empty if it may."""
    for each in held:
        for fault in faults(heads.states, each.statement):
            return f"{fault} on {each.statement.at:%Y-%m-%d %H:%M} UTC"
    return ""


class Signer:
    """A witness: its name, and its private key."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._name, self._private = name, private

    def answer(self, heads: Heads, held: Iterable[CheckedReceipt], now: datetime) -> Answer:
        """Sign heads, unless they do not continue what the witness signed before (``held``)."""
        if why := why_not(heads, held):
            return Answer(refused=why)
        said = Statement(witness=self._name, at=now, kind=heads.kind, chains=heads.chains)
        return Answer(receipt=signed_receipt(said, self._private))

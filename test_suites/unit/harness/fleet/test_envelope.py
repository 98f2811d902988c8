"""A message reaches only its receiver, as its sender sent it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.fleet.envelope import (
    FORMAT,
    MOST_BYTES,
    PADDING,
    SUITE,
    Envelope,
    EnvelopeError,
    _padded,
    open_envelope,
    read_envelope,
    seal,
)
from harness.fleet.identity import KEY_FILE_BYTES, Identity, PublicIdentity

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class _Keys:
    agent: Identity
    hub: Identity
    other: Identity


KEYS = _Keys(Identity.new(), Identity.new(), Identity.new())


def sealed(message: bytes = b"three items were missed", answers: str = "") -> Envelope:
    return seal(message, KEYS.agent, KEYS.hub.public, NOW, answers=answers)


def opened(envelope: Envelope, now: datetime | None = NOW) -> bytes:
    return open_envelope(envelope, KEYS.hub, KEYS.agent.public, now)


@given(st.binary(max_size=4000))
def test_what_is_sealed_is_opened_unchanged(message: bytes) -> None:
    envelope = read_envelope(sealed(message).encoded())

    assert opened(envelope) == message


@given(st.binary(min_size=8, max_size=300))
def test_no_part_of_a_message_can_be_read_on_the_way(message: bytes) -> None:
    encoded = sealed(message)

    assert message not in encoded.sealed
    assert message not in encoded.encoded()


@given(st.integers(0, PADDING - 4))
def test_short_messages_are_of_one_length(length: int) -> None:
    assert len(sealed(bytes(length)).sealed) == len(sealed(b"").sealed)


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    encoded = bytearray(sealed().encoded())
    place = data.draw(st.integers(0, len(encoded) - 1))
    flip = data.draw(st.integers(1, 255))
    encoded[place] ^= flip
    try:
        envelope = read_envelope(bytes(encoded))
    except EnvelopeError:
        return
    if envelope == sealed() or msgspec.json.encode(envelope) == sealed().encoded():
        return  # the same value in another spelling
    try:
        assert opened(envelope) == b"three items were missed"
    except EnvelopeError:
        return
    assert envelope.header.at == NOW  # only a spelling of the same header and bytes opens


@pytest.mark.parametrize("field", ["sender", "receiver", "id", "at", "answers"])
def test_each_part_of_the_header_is_bound(field: str) -> None:
    values = {
        "sender": KEYS.other.public.id,
        "receiver": KEYS.other.public.id,
        "id": "0" * 32,
        "at": NOW + timedelta(seconds=1),
        "answers": "1" * 32,
    }
    envelope = sealed()
    header = msgspec.structs.replace(envelope.header, **{field: values[field]})

    with pytest.raises(EnvelopeError):
        opened(msgspec.structs.replace(envelope, header=header))


def test_only_the_receiver_opens_and_only_the_sender_is_believed() -> None:
    envelope = sealed()

    with pytest.raises(EnvelopeError, match="somebody else"):
        open_envelope(envelope, KEYS.other, KEYS.agent.public, NOW)
    with pytest.raises(EnvelopeError, match="somebody else"):
        open_envelope(envelope, KEYS.hub, KEYS.other.public, NOW)


def test_who_knows_the_receivers_key_cannot_write_in_anothers_name() -> None:
    """Anybody can encrypt to the hub, and name whom he likes as the sender."""
    header = msgspec.structs.replace(sealed().header, id="2" * 32)
    bound = header.encoded()
    text = SUITE.encrypt(_padded(b"forged"), KEYS.hub.public.recipient, info=bound)
    signature = KEYS.other.signer.sign(bound + text)
    forged = Envelope(format=FORMAT, header=header, sealed=text, signature=signature)

    with pytest.raises(EnvelopeError, match="was changed, or is not from its sender"):
        opened(forged)


def test_a_message_cannot_be_given_to_another_receiver() -> None:
    header = msgspec.structs.replace(sealed().header, receiver=KEYS.other.public.id)

    with pytest.raises(EnvelopeError, match="was changed, or is not from its sender"):
        open_envelope(
            msgspec.structs.replace(sealed(), header=header), KEYS.other, KEYS.agent.public, NOW
        )


@pytest.mark.parametrize(("minutes", "is_read"), [(9, True), (-9, True), (11, False), (-11, False)])
def test_an_old_message_is_refused_unless_the_clock_is_not_known(
    minutes: int, is_read: bool
) -> None:
    later = NOW + timedelta(minutes=minutes)

    assert opened(sealed(), None) == b"three items were missed"
    if is_read:
        assert opened(sealed(), later)
    else:
        with pytest.raises(EnvelopeError, match="is dated 2026-03-02 09:00 UTC"):
            opened(sealed(), later)


@given(st.binary(max_size=500))
def test_what_is_no_envelope_is_refused(content: bytes) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(content)


def test_another_format_and_a_large_text_are_refused() -> None:
    other = msgspec.structs.replace(sealed(), format="accredit-envelope/2")

    with pytest.raises(EnvelopeError, match="must have the format accredit-envelope/1"):
        read_envelope(other.encoded())
    with pytest.raises(EnvelopeError, match="too large"):
        read_envelope(b" " * (MOST_BYTES + 1))


def test_keys_come_back_from_their_file_and_are_never_shown() -> None:
    content = KEYS.agent.to_bytes()

    assert len(content) == KEY_FILE_BYTES
    assert Identity.from_bytes(content, "here").public == KEYS.agent.public
    assert content.hex()[:16] not in repr(KEYS.agent)
    with pytest.raises(UsageError, match="here: not a file of keys"):
        Identity.from_bytes(content[:-1], "here")


def test_the_id_of_keys_depends_on_both() -> None:
    one, two = KEYS.agent.public, KEYS.hub.public
    mixed = PublicIdentity(signing=one.signing, sealing=two.sealing)

    assert len({one.id, two.id, mixed.id}) == 3

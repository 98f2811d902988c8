"""Which schemes and packs a decision may rest on: shipped ones, and those that the body signed.

The keys of the body are those of the contacts of the scheme's owner in the registry with the role
assessor or decision-maker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.campaign.own_hosts import OwnHosts
from harness.cli.registry_facts import session_if_any
from harness.errors import UsageError
from harness.follow.replay import replay
from harness.model.content_identity import (
    PACK,
    POLICY,
    SCHEME,
    UNKNOWN,
    Parts,
    scheme_document,
    scheme_parts,
)
from harness.model.registry_record import Contact
from harness.model.stream import OWNER
from harness.ports.corpora import Corpus

if TYPE_CHECKING:
    from harness.cli.decision_bars import JudgedCampaign
    from harness.cli.registry_session import RegistrySession
    from harness.signing import Envelope

SIGN_FOR_BODY = frozenset({"assessor", "decision-maker"})
"""The roles of the owner's contacts whose keys are those of the body."""

SIGNED_KINDS = (SCHEME, POLICY, PACK)
"""The parts that a decision rests on only if they are shipped, or signed by the body."""


def unsigned_parts(judged: JudgedCampaign) -> Iterator[str]:
    """Why a campaign was not measured and judged with what the body knows, in sentences."""
    assessment = judged.assessment
    if not assessment.measured_with:
        yield f"{UNKNOWN.format(f'campaign {assessment.campaign}')}: measure again"
        return
    trusted = TrustedContent(judged.paths.journal, judged.session)
    for part, identity in assessment.measured_with:
        if part.startswith(SIGNED_KINDS) and not trusted.holds(part, identity):
            verb = "corpus" if part.startswith(PACK) else "scheme"
            yield (
                f"{part} ({identity.rpartition(' ')[2][:12]}) is neither shipped nor signed with a "
                f"key of the body on record: accredit {verb} sign"
            )


class TrustedContent:
    """The parts that are shipped, or signed by the body.

    The folder ``journal`` holds signatures; ``signatures`` are others, as bytes. The keys of the
    body are in the ``registry``, which may be open.
    """

    def __init__(
        self,
        journal: Path,
        registry: Path | str | RegistrySession,
        signatures: Iterable[bytes] = (),
    ) -> None:
        self._journal, self._registry = journal, registry
        self._signatures = tuple(signatures)
        self._signed: frozenset[tuple[str, str]] | None = None

    def holds(self, part: str, identity: str) -> bool:
        """Whether the content of a part is shipped or signed; of several packs, that of each."""
        return all(
            is_shipped(part, each) or (part, each) in self._signed_parts()
            for each in identity.split(" + ")
        )

    def _signed_parts(self) -> frozenset[tuple[str, str]]:
        if self._signed is None:
            from harness.signing import read_envelope  # noqa: PLC0415 - cryptography is heavy
            from harness.store.journal.signature_files import kept_signatures  # noqa: PLC0415 - the same

            given = (read_envelope(each, self._journal) for each in self._signatures)
            envelopes = (*kept_signatures(self._journal), *given)
            self._signed = frozenset(signed_parts(envelopes, body_keys(self._registry)))
        return self._signed


def is_shipped(part: str, identity: str) -> bool:
    """Whether a part is a scheme, a policy or a pack of this installation, unchanged."""
    if part.startswith(PACK):
        return identity == _shipped_pack(part.removeprefix(PACK))
    return (part, identity) in _shipped_schemes()


def body_keys(registry: Path | str | RegistrySession) -> tuple[str, ...]:
    """The public keys of the body, in hexadecimal: those of open contacts of the owner."""
    if isinstance(registry, Path | str):
        with session_if_any(registry) as session:
            return body_keys(session) if session is not None else ()
    with registry.registry.reading(OWNER) as access:
        records = replay(access.events()).open_records().values() if access.head else ()
    contacts = (each for each in records if isinstance(each, Contact))
    return tuple(
        each.public_key for each in contacts if each.role in SIGN_FOR_BODY and each.public_key
    )


def signed_parts(envelopes: Iterable[Envelope], keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The parts that signatures show, as far as one of the keys signed."""
    from harness.signing import keys_of, require_signature  # noqa: PLC0415 - cryptography is heavy

    trusted = keys_of(keys)
    for envelope in envelopes:
        try:
            require_signature(envelope, trusted, "signature")
        except UsageError:
            continue
        yield from _parts_in(envelope).items()


def _parts_in(envelope: Envelope) -> dict[str, str]:
    """The parts that a verified envelope signs; none for an envelope of something else."""
    from corpora.signing import PAYLOAD_TYPE as OF_PACK  # noqa: PLC0415 - keep the start light
    from harness.cli.scheme_signing import PAYLOAD_TYPE as OF_SCHEME  # noqa: PLC0415 - the same

    try:
        document = msgspec.json.decode(envelope.payload, type=dict[str, Any])
        if envelope.payload_type == OF_SCHEME:
            return scheme_parts(document)
        if envelope.payload_type == OF_PACK:
            (items,) = [each for each in document["resources"] if each["name"] == "items"]
            digest = str(items["hash"]).removeprefix("sha256:")
            return {f"{PACK}{document['name']}": f"{document['version']} {digest}"}
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return {}
    return {}


@cache
def _shipped_pack(name: str) -> str:
    """The identity of the shipped pack of that name; empty if there is none."""
    from corpora.pack_reader import open_pack, shipped_packs  # noqa: PLC0415 - keep the start light

    if name not in shipped_packs():
        return ""
    reference = open_pack(name, rows=False).reference
    return f"{reference.version} {reference.sha256}"


@cache
def _shipped_schemes() -> frozenset[tuple[str, str]]:
    """The parts of all shipped schemes, with their policies."""
    from harness.schemes.load import load_scheme, shipped  # noqa: PLC0415 - keep the start light

    found: Parts = ()
    for name in shipped():
        found += tuple(scheme_parts(scheme_document(load_scheme(name))).items())
    return frozenset(found)


def signatures_beside(scheme: str, packs: Iterable[Corpus]) -> Iterator[bytes]:
    """The signatures beside the file of a scheme and in the folders of packs, where there are."""
    from corpora.pack_reader import Pack  # noqa: PLC0415 - keep the start light
    from corpora.signing import ENVELOPE  # noqa: PLC0415 - keep the start light
    from harness.cli.scheme_signing import read_signature, signature_of  # noqa: PLC0415 - the same

    places = [signature_of(Path(scheme))] if Path(scheme).is_file() else []
    opened = [each.corpus if isinstance(each, OwnHosts) else each for each in packs]
    places += [each.directory / ENVELOPE for each in opened if isinstance(each, Pack)]
    for path in places:
        if text := read_signature(path):
            yield text

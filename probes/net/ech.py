"""Encrypted ClientHello (ECH, RFC 9849): its keys, how a hello is sealed and opened, and GREASE.

One key of HPKE with X25519, HKDF-SHA256 and AES-128-GCM. ``EchKey.of_origin`` is that of an origin:
it follows from the key of its markers, so that a client of the campaign knows it without a lookup.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from probes.net import hkdf, hpke
from probes.net.client_hello import (
    ECH,
    ECH_OUTER,
    ClientHello,
    Extension,
    FieldReader,
    read_hello_at,
    vector,
)

VERSION = ECH
"""The version in a configuration is the number of the extension."""

OUTER, INNER = b"\0", b"\1"
"""Types of the extension in the outer and the inner ClientHello (section 5)."""

AES_128_GCM = 1
LONGEST_NAME = 64
"""Bytes of the longest name below the public name, to which shorter ones are padded."""

PADDED_TO = 32
"""Encoded inner hellos are padded to a multiple of so many bytes (section 6.1.3)."""

CONFIRMATION_BYTES = 8
NAME_OVERHEAD = 9
"""Bytes of the extension server_name beside the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EchConfig:
    """One configuration (section 4): ``encoded`` is all of it; ``aeads`` those for HKDF-SHA256."""

    encoded: bytes
    number: int
    public_key: bytes
    aeads: tuple[int, ...]
    longest_name: int
    public_name: str

    @property
    def info(self) -> bytes:
        """What keys are derived from beside the exchanged secret (section 6.1)."""
        return b"tls ech\0" + self.encoded


def read_configs(listed: bytes) -> tuple[EchConfig, ...]:
    """Return the configurations of a list that can be used. Raises ValueError."""
    outer = FieldReader(listed)
    reader, found = FieldReader(outer.vector(2)), []
    outer.end()
    while reader.remaining:
        start = reader.place
        version, content = reader.number(2), reader.vector(2)
        encoded = listed[2 + start : 2 + reader.place]
        config = _read_config(encoded, content) if version == VERSION else None
        found += [config] if config is not None else []
    return tuple(found)


def _read_config(encoded: bytes, content: bytes) -> EchConfig | None:
    """Return a configuration; None for another KEM or KDF, or with a mandatory extension."""
    reader = FieldReader(content)
    number, kem, key = reader.number(1), reader.number(2), reader.vector(2)
    suites = FieldReader(reader.vector(2))
    longest, public_name, extensions = reader.number(1), reader.vector(1), reader.vector(2)
    reader.end()
    aeads = []
    while suites.remaining:
        kdf, aead = suites.number(2), suites.number(2)
        if kdf == hpke.HKDF_SHA256 and aead in hpke.AEADS:
            aeads.append(aead)
    if kem != hpke.X25519_SHA256 or not aeads or _has_mandatory(extensions):
        return None
    return EchConfig(
        encoded=encoded,
        number=number,
        public_key=key,
        aeads=tuple(aeads),
        longest_name=longest,
        public_name=public_name.decode("ascii"),
    )


def _has_mandatory(block: bytes) -> bool:
    """Whether there is an extension that must be understood: its highest bit is set."""
    reader = FieldReader(block)
    while reader.remaining:
        kind, _ = reader.number(2), reader.vector(2)
        if kind & 0x8000:
            return True
    return False


@dataclass(frozen=True, slots=True)
class EchKey:
    """A server's key of ECH, with its number."""

    key: X25519PrivateKey
    number: int

    @classmethod
    def of_origin(cls, marker_key: bytes) -> Self:
        """Return the key of the origin that has the key of markers."""
        derived = hkdf.expand("sha256", marker_key, b"accredit ech", hpke.KEY_BYTES + 1)
        return cls(X25519PrivateKey.from_private_bytes(derived[1:]), derived[0])

    def config(self, public_name: str) -> EchConfig:
        """Return the configuration with a public name."""
        public_key = self.key.public_key().public_bytes_raw()
        suites = b"".join(each.to_bytes(2) for each in (hpke.HKDF_SHA256, AES_128_GCM))
        content = (
            bytes((self.number,))
            + hpke.X25519_SHA256.to_bytes(2)
            + vector(public_key, 2)
            + vector(suites, 2)
            + bytes((LONGEST_NAME,))
            + vector(public_name.encode("ascii"), 1)
            + vector(b"", 2)
        )
        return EchConfig(
            encoded=VERSION.to_bytes(2) + vector(content, 2),
            number=self.number,
            public_key=public_key,
            aeads=(AES_128_GCM,),
            longest_name=LONGEST_NAME,
            public_name=public_name,
        )


def config_list(configs: Iterable[EchConfig]) -> bytes:
    """Return the list that an HTTPS record carries (section 4)."""
    return vector(b"".join(config.encoded for config in configs), 2)


def grease(plain_bytes: int) -> Extension:
    """Return a placeholder that looks like the extension of an inner hello of that size (6.2)."""
    key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    padded = -(-plain_bytes // PADDED_TO) * PADDED_TO
    payload = secrets.token_bytes(padded + hpke.TAG_BYTES)
    return _outer_extension(AES_128_GCM, secrets.randbelow(256), key, payload)


def seal(config: EchConfig, inner: ClientHello, outer: ClientHello) -> ClientHello:
    """Return the outer ClientHello with the inner one sealed in it (section 6.1).

    The outer one has an extension ECH, in whose place the sealed one comes. Both need the same
    session id. Raises ValueError for an invalid key.
    """
    encoded = _encoded(inner, config.longest_name)
    aead = config.aeads[0]
    sender = X25519PrivateKey.generate()
    encapsulated = sender.public_key().public_bytes_raw()
    zeros = bytes(len(encoded) + hpke.TAG_BYTES)
    empty = _outer_extension(aead, config.number, encapsulated, zeros)
    unsealed = outer.with_extension(*empty).body()
    _, payload = hpke.seal(config.public_key, config.info, encoded, unsealed, aead, sender)
    return outer.with_extension(*_outer_extension(aead, config.number, encapsulated, payload))


def _encoded(inner: ClientHello, longest_name: int) -> bytes:
    """Return the EncodedClientHelloInner with its padding (section 6.1.3)."""
    encoded = replace(inner, session_id=b"").body()
    names = inner.server_names
    padding = max(0, longest_name - len(names[0])) if names else longest_name + NAME_OVERHEAD
    padding += PADDED_TO - 1 - ((len(encoded) + padding - 1) % PADDED_TO)
    return encoded + bytes(padding)


def _outer_extension(aead: int, number: int, key: bytes, payload: bytes) -> Extension:
    suite = hpke.HKDF_SHA256.to_bytes(2) + aead.to_bytes(2)
    return Extension(ECH, OUTER + suite + bytes((number,)) + vector(key, 2) + vector(payload, 2))


def open_inner(key: EchKey, configs: Iterable[EchConfig], outer: ClientHello) -> ClientHello | None:
    """Return the inner ClientHello of an outer one; None if it has none for this key.

    Raises ValueError for one that was sealed for the key but breaks the rules (section 7.1).
    """
    data = outer.extension(ECH)
    if data is None or data[:1] != OUTER:
        return None
    try:
        reader = FieldReader(data[1:])
        kdf, aead, number = reader.number(2), reader.number(2), reader.number(1)
        encapsulated, payload = reader.vector(2), reader.vector(2)
        reader.end()
    except ValueError:
        return None
    if kdf != hpke.HKDF_SHA256 or number != key.number:
        return None
    unsealed = outer.with_extension(ECH, data[: -len(payload)] + bytes(len(payload))).body()
    for config in configs:
        encoded = hpke.open_sealed(key.key, encapsulated, config.info, payload, unsealed, aead)
        if encoded is not None:
            return _decoded(encoded, outer)
    return None


def _decoded(encoded: bytes, outer: ClientHello) -> ClientHello:
    """Return the inner ClientHello, with what it takes over from the outer one (section 5.1)."""
    reader = FieldReader(encoded)
    inner = read_hello_at(reader)
    if reader.remaining.strip(b"\0") or inner.session_id:
        raise ValueError("an encoded inner ClientHello with other bytes behind its end")
    extensions: list[Extension] = []
    for extension in inner.extensions:
        if extension.kind == ECH_OUTER:
            extensions += _taken_over(extension.data, outer)
        else:
            extensions.append(extension)
    if Extension(ECH, INNER) not in extensions:
        raise ValueError("an inner ClientHello that does not say so")
    return replace(inner, session_id=outer.session_id, extensions=tuple(extensions))


def _taken_over(data: bytes, outer: ClientHello) -> Iterable[Extension]:
    """Return the named extensions of the outer hello, which has them in that order."""
    following = iter(outer.extensions)
    for kind in FieldReader(data).numbers(1):
        found = next((each for each in following if each.kind == kind), None)
        if found is None or kind == ECH:
            raise ValueError("an inner ClientHello that takes over what the outer one has not")
        yield found


def confirmation(digest: str, inner: ClientHello, server_hello: bytes) -> bytes:
    """Return the last bytes of the random number of a ServerHello that accepts ECH (section 7.2).

    ``server_hello`` is the message; what it has in their place does not matter.
    """
    end = 4 + 2 + 32
    blank = server_hello[: end - CONFIRMATION_BYTES] + bytes(CONFIRMATION_BYTES)
    transcript = hashlib.new(digest, inner.message() + blank + server_hello[end:]).digest()
    secret = hkdf.extract(digest, b"", inner.random)
    return hkdf.expand_label(
        digest, secret, "ech accept confirmation", transcript, CONFIRMATION_BYTES
    )

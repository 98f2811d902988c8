"""The certificate by which a client shows who it is to an origin that asks for one.

Client and origin derive the same authority from the origin's key, so no certificate is handed over.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Staff Sign-in CA")])
CLIENT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "reading-room")])
LIFETIME = timedelta(days=7)


def _key(origin_key: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the authority's key; a number of 240 bits is always below the order of P-256."""
    digest = hashlib.blake2b(b"client certificates", key=origin_key[:64], digest_size=30).digest()
    return ec.derive_private_key(int.from_bytes(digest) or 1, ec.SECP256R1())


def _issue(
    origin_key: bytes, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool
) -> bytes:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(NAME)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(_key(origin_key), hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def client_authority(origin_key: bytes) -> bytes:
    """Return the authority's certificate in PEM form, for the origin to trust."""
    return _issue(origin_key, NAME, _key(origin_key).public_key(), ca=True)


def client_certificate(origin_key: bytes) -> bytes:
    """Return a new key and certificate of the client in PEM form."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + _issue(origin_key, CLIENT, key.public_key(), ca=False)

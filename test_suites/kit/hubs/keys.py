"""Ed25519 keys for tests, as the PEM files that a person would have."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PEM = serialization.Encoding.PEM


def write_keys(folder: Path, name: str = "ours", seed: int = 1) -> tuple[Path, Path]:
    """Write the private and the public key of a seed (0 to 255); gives both paths."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(PEM, form, serialization.NoEncryption()))
    subject = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(PEM, subject))
    return private, public

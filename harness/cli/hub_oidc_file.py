"""The part of ``hub.yaml`` about an OIDC provider, by which people sign in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from harness.errors import UsageError
from harness.model.declared import Declared
from harness.untrusted.regular_file import read_bounded

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECRET_BYTES = 4096

ShortText = Annotated[str, Field(min_length=1, max_length=200)]


def is_provider_address(text: str) -> bool:
    """Whether an address is one of HTTPS, or of HTTP on this machine, without a password."""
    try:
        parts, port = urlsplit(text), urlsplit(text).port
    except ValueError:
        return False
    is_plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    is_address = (parts.scheme == "https" or is_plain) and bool(parts.hostname)
    return is_address and port != 0 and not (parts.username or parts.fragment)


def _is_issuer(text: str) -> str:
    """Return an issuer as it is. Raises ValueError."""
    if not is_provider_address(text) or "?" in text:
        msg = "write the issuer as the provider does, such as https://id.example.org"
        raise ValueError(msg)
    return text


class OidcProvider(Declared):
    """An OIDC provider: ``name`` is what its button says, ``secret`` a file in the hub's folder.

    ``match`` says how a person's account is found: by the id at the provider alone (``subject``),
    or at the first sign-in by an e-mail address that the provider verified (``email``).
    """

    name: ShortText
    issuer: Annotated[str, Field(max_length=500), AfterValidator(_is_issuer)]
    client: ShortText
    secret: Annotated[str, Field(min_length=1, max_length=1000)]
    match: Literal["email", "subject"] = "email"

    def read_secret(self, folder: Path) -> str:
        """The client's secret in the first line of its file. Raises UsageError."""
        path = folder / self.secret
        try:
            lines = read_bounded(path, SECRET_BYTES).decode().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "no text"
            msg = f"{path}: the secret of the OIDC client cannot be read: {reason}"
            raise UsageError(msg) from None
        if not lines or not lines[0].strip():
            msg = f"{path}: the first line must hold the secret of the OIDC client"
            raise UsageError(msg)
        return lines[0].strip()

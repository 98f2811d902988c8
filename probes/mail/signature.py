"""Sign mails by DKIM (RFC 6376, rsa-sha256, relaxed/relaxed), with the key of the origin."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes, policy
from typing import Any

import dkim

from harness.errors import UsageError

_CANONICAL = (b"relaxed", b"relaxed")


def sign(message: bytes, domain: str, selector: str, key_pem: str) -> bytes:
    """Return a mail with a signature in the name of a domain (adkim=s: that of its sender).

    The time of the signature is the mail's Date. ``key_pem`` is a private RSA key as in PKCS #1.
    Raises UsageError if it is none.
    """
    signer = dkim.DKIM(message)
    make_field, time = signer.gen_header, _time_of(message)

    def with_time(fields: list[tuple[bytes, bytes]], *further: Any) -> bytes:
        timed = [(tag, time if tag == b"t" else value) for tag, value in fields]
        field: bytes = make_field(timed, *further)
        return field

    signer.gen_header = with_time
    try:
        field: bytes = signer.sign(
            selector.encode("ascii"), domain.encode("ascii"), key_pem.encode("ascii"),
            canonicalize=_CANONICAL,
        )  # fmt: skip
    except (dkim.DKIMException, UnicodeEncodeError) as error:
        msg = f"the mail cannot be signed: {error}; the key must be an RSA key in PEM (PKCS #1)"
        raise UsageError(msg) from None
    return field + message


def _time_of(message: bytes) -> bytes:
    head = message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    date: Any = message_from_bytes(head, policy=policy.SMTP)["Date"]
    return str(int(date.datetime.timestamp())).encode("ascii")


def signing_key(services: Mapping[str, Any], path: str) -> str:
    """Return the private key that an origin file holds under ``services``, for ``sign``.

    ``path`` is that of the file. Raises UsageError, with what to do, if it holds none.
    """
    mail = services.get("mail")
    key = mail.get("dkim") if isinstance(mail, Mapping) else None
    if not isinstance(key, str) or not key:
        msg = (
            f"{path}: the origin has no key to sign mails with; make another origin by 'accredit "
            "origin init', copy 'services' from its origin.json and 'mail_key' from its "
            "origin.yaml, and restart the origin"
        )
        raise UsageError(msg)
    return key

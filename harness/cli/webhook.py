"""Send a notification to a webhook, signed as the specification Standard Webhooks 1.0 says.

The signature is an HMAC-SHA256 of the id, the time and the body. The receiver recomputes it with
the key that both have, refuses old times, and ignores an id that it has.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.untrusted.regular_file import read_bounded

if TYPE_CHECKING:
    import httpx

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a key, as the specification limits them."""
LIMIT_SECONDS = 15.0


def read_secret(path: Path) -> bytes:
    """Read the key of a webhook: ``whsec_`` and base64. Raises UsageError."""
    try:
        text = read_bounded(path, 4096).decode("ascii").strip()
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None
    except (UnicodeDecodeError, binascii.Error):
        key = b""
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        msg = f"{path}: no key of a webhook: write whsec_ and the base64 of 24 to 64 random bytes"
        raise UsageError(msg)
    return key


def signed_headers(key: bytes, message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a signed message."""
    seconds = str(int(at.timestamp()))
    covered = b".".join((message.encode(), seconds.encode(), body))
    digest = hmac.new(key, covered, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def post(client: httpx.Client, url: str, headers: dict[str, str], body: bytes) -> str:
    """Send a message; return why it was not taken, empty if it was. The address is not quoted."""
    import httpx  # noqa: PLC0415 - only sending needs it

    try:
        answer = client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"cannot be reached: {type(error).__name__}"
    return "" if answer.is_success else f"answered with status {answer.status_code}"

"""Second factors: codes of six digits that change every 30 seconds (TOTP, RFC 6238)."""

from __future__ import annotations

import hmac
import re
from datetime import datetime

STEP = 30
"""Seconds for which a code is valid."""

AROUND = (0, -1, 1)
"""Time steps that are accepted beside the present one, for clocks that are a little off."""

ISSUER = "Accredit"
_CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """Return a new secret: 160 random bits in Base32."""
    import pyotp  # noqa: PLC0415 - an extra

    return pyotp.random_base32()


def enrolment_uri(secret: str, email: str) -> str:
    """Return the ``otpauth:`` address that an authenticator reads."""
    import pyotp  # noqa: PLC0415 - an extra

    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def accepted_step(secret: str, code: str, now: datetime, last: int) -> int | None:
    """Return the time step of a code; ``None`` if it is wrong, or its step is not after ``last``.

    Spaces in the code do not count.
    """
    import pyotp  # noqa: PLC0415 - an extra

    typed = "".join(code.split())
    if _CODE.fullmatch(typed) is None or not secret:
        return None
    generator, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    steps = [present + around for around in AROUND]
    matching = [step for step in steps if hmac.compare_digest(generator.generate_otp(step), typed)]
    return next((step for step in matching if step > last), None)

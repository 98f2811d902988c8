"""A whole instrument record for tests, and variations of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from harness.model.instrument_record import ClientHello, ClockState, InstrumentRecord

WHOLE = InstrumentRecord(
    at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    python="CPython 3.13.5",
    tls_library="OpenSSL 3.5.9",
    libraries={"isp-accredit": "0.1.0"},
    kernel="Linux 6.18 x86_64",
    resolvers=("192.0.2.53",),
    control_resolver="192.0.2.54:53",
    mtu=1500,
    hellos=(
        ClientHello(client="portable", size=517, groups=("x25519", "secp256r1")),
        ClientHello(client="browser", size=1800, groups=("GREASE", "x25519")),
    ),
    clock=ClockState(offset=0.001, bound=0.02),
)
"""Nothing of it is missing."""

UNSYNCHRONISED = ClockState(problem="the clock is not synchronised")


def record(**differing: Any) -> InstrumentRecord:
    """The whole record with some facts changed."""
    return msgspec.structs.replace(WHOLE, **differing)

"""The event loop that carries a campaign: uvloop's where it is installed, else asyncio's own.

uvloop (libuv) costs less for each event, above all for TLS and for the portable lane. It is an
extra, ``isp-accredit[fast]``: nothing but speed depends on it.
"""

from __future__ import annotations

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop of the fastest kind at hand; whoever takes it closes it."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()

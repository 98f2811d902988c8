"""Serve an origin until a signal ends it, and tell its operator what happens."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from harness.cli.printing import say
from probes.net.route import Address
from probes.range.public_origin import PublicOrigin

MOST_REPORTED = 20
"""How many different unexpected errors are reported."""


async def serve(origin: PublicOrigin) -> None:
    """Serve until a signal ends it. Standard output is for the log alone."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    unexpected = _UnexpectedErrors()
    loop.set_exception_handler(unexpected.in_loop)
    sys.unraisablehook = unexpected.in_callback
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, origin.reload)
    async with origin:
        ports = origin.settings.ports
        for address in origin.settings.listening:
            http, https, dns = (
                str(Address(host=address, port=port)) for port in ports.model_dump().values()
            )
            report(f"listening on http://{http}, https://{https} and dns://{dns}")
        settings = origin.settings
        for name, port in (*settings.protocols.items(), *settings.controls.items()):
            report(f"listening for {name} on port {port}")
        zones = ", ".join(origin.settings.names.apexes)
        report(f"serving {zones}; stop with SIGTERM or Ctrl-C")
        await stop.wait()
    report("stopped")


class _UnexpectedErrors:
    """Reports unexpected errors in the handling of a connection, each kind once."""

    def __init__(self) -> None:
        self._reported: set[str] = set()

    def in_loop(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report an error that the event loop caught."""
        del loop
        self._report_once(str(context.get("message", "")), context.get("exception"))

    def in_callback(self, error: sys.UnraisableHookArgs) -> None:
        """Report an error in a callback of a library, but no server name that is not ASCII."""
        if not isinstance(error.exc_value, UnicodeDecodeError):
            self._report_once(error.err_msg or "", error.exc_value)

    def _report_once(self, message: str, error: BaseException | None) -> None:
        kind = f"{message}: {type(error).__name__}: {error}"[:300]
        if kind not in self._reported and len(self._reported) < MOST_REPORTED:
            self._reported.add(kind)
            report(f"unexpected error, the service continues: {kind}")


def report(sentence: str) -> None:
    """Print what the operator must know; standard output is for the log alone."""
    say(f"accredit origin: {sentence}", to_stderr=True)

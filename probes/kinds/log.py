"""The probe ``log``: make requests that a service's log has to show.

What is requested follows from the case in the item's stratum (``harness.model.log_case``): pages,
searches, downloads, uploads, and forms with invented secrets. Every answer is the origin's page of
that host, so that it is known whether the request passed.
"""

from __future__ import annotations

from time import perf_counter
from typing import ClassVar

from harness.model.corpus import Item
from harness.model.log_case import LogCase, log_case, secret_of
from harness.model.probe import ProbeDeclaration
from harness.plugins import PROBES
from harness.ports.network import Attempt, Line, ProbeResult
from probes.kinds.web import PAGE, OwnSchemeProbe, Visit
from probes.net.browser_profiles import Headers
from probes.net.delivery import ExpectedMarks
from probes.net.page_result import page_result, timings_of

BOUNDARY = "----formboundary5c1d90e2b74"
FILE = b"The summer fair needs helpers for the tombola and for the cake table.\n" * 40
"""The file that is uploaded: 2,840 bytes of harmless text."""


@PROBES.register("log")
class Log(OwnSchemeProbe):
    """Makes requests that a service's log has to show: pages, files, forms."""

    declares: ClassVar[ProbeDeclaration] = PAGE

    def fits(self, item: Item) -> bool:
        """Whether the item is a request for a log; sentinels are fetched as by ``web``."""
        found = log_case(item.stratum)
        return found is not None and found.case.way != "ask"

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Make the request of the item's case over the line, once."""
        found = log_case(attempt.item.stratum)
        if found is None:
            return await super().try_item(attempt, line)
        started = perf_counter()
        home = attempt.item.host
        visit = Visit(
            attempt,
            line,
            ExpectedMarks(attempt, line, home),
            self._pages,
            started + attempt.timeout,
        )
        method, body, headers = _sent(found.case, attempt.item)
        chain = await visit.follow(self.address(attempt.item), home, method, body, headers)
        facts = visit.facts(chain)
        timings = timings_of(chain.exchanges, perf_counter() - started)
        return page_result(attempt, chain, facts, timings, keeps=not found.case.secrets)


def _sent(case: LogCase, item: Item) -> tuple[str, bytes, Headers]:
    """The method, body and further headers of a request."""
    match case.way:
        case "multipart":
            name = item.value.rpartition("/")[2]
            head = (
                f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '
                f'filename="{name}.txt"\r\nContent-Type: text/plain\r\n\r\n'
            )
            body = head.encode() + FILE + f"\r\n--{BOUNDARY}--\r\n".encode()
            kind = f"multipart/form-data; boundary={BOUNDARY}"
            return "POST", body, (("Content-Type", kind),)
        case "form":
            body = (
                f"username=pupil&password={secret_of(item.id, 'password')}"
                f"&message={secret_of(item.id, 'message')}"
            ).encode()
            return (
                "POST",
                body,
                (
                    ("Content-Type", "application/x-www-form-urlencoded"),
                    ("Authorization", f"Bearer {secret_of(item.id, 'token')}"),
                    ("X-Session", secret_of(item.id, "session")),
                ),
            )
        case _:
            return "GET", b"", ()

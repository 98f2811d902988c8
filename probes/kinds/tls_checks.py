"""The probe ``tls_checks``: how TLS to a host for checks of TLS looks to a client, and to the host.

Each item is a host of the origin (``harness.model.tls_check``). A strict client connects first, as
a current browser would. Where its handshake fails, a lenient one looks at what stands behind it.
Nothing is judged here: on the control line the facts show what the origin really is like.
"""

from __future__ import annotations

from time import perf_counter
from typing import ClassVar

from harness.model.corpus import Item
from harness.model.facts import TlsFacts, WebFacts
from harness.model.observation import Failure, Timings
from harness.model.probe import ProbeDeclaration
from harness.model.tls_check import CASES, tls_case
from harness.model.tls_view import ClientKind, TlsView
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Line, ProbeResult
from probes.kinds.web import Visit, WebHttps
from probes.net.delivery import ExpectedMarks
from probes.net.page_result import page_result
from probes.net.redirects import RedirectChain
from probes.net.tls_look import TlsLook

PART_OF_STRICT = 0.6
"""Part of the remaining time that the strict client may use."""


@PROBES.register("tls_checks")
class TlsChecks(WebHttps):
    """Connects to hosts for checks of TLS; sentinels are fetched as by ``web_https``."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(needs="dial", facts="tls_check")

    def fits(self, item: Item) -> bool:
        """Whether the item is a host for checks of TLS."""
        return bool(tls_case(item.stratum))

    def address(self, item: Item) -> str:
        """Return the URL of a sentinel; none for a check, which no other client can repeat."""
        return "" if tls_case(item.stratum) else super().address(item)

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Connect to the host over the line as each client; fetch its page where that succeeds."""
        case = tls_case(attempt.item.stratum)
        if not case:
            fetched = await super().try_item(attempt, line)
            assert isinstance(fetched.facts, WebFacts)
            return ProbeResult(
                timings=fetched.timings,
                facts=_with_views(fetched.facts, []),
                failure=fetched.failure,
                evidence=fetched.evidence,
            )
        if attempt.marker is None or line.origin is None:
            detail = "a check of TLS needs a host of the campaign's own origin"
            failure = Failure(name="instrument_error", stage="instrument", detail=detail)
            return ProbeResult(timings=Timings(), failure=failure)
        return await self._look(attempt, line, case)

    async def _look(self, attempt: Attempt, line: Line, case: str) -> ProbeResult:
        deadline = perf_counter() + attempt.timeout
        expected = ExpectedMarks(attempt, line, attempt.item.host)
        look = TlsLook(attempt, line, case, expected)
        views: list[TlsView] = []

        async def connect(client: ClientKind, part: float = 1.0) -> tuple[TlsView, Exchange]:
            patience = max((deadline - perf_counter()) * part, 0.001)
            view, exchange = await look.connect(client, patience)
            views.append(view)
            return view, exchange

        view, exchange = await connect("strict", PART_OF_STRICT)
        if view.failure and not view.is_open:
            _, exchange = await connect("lenient")
        elif CASES[case].group == "good" and view.has_token:
            await connect("protocols")
        chain = RedirectChain(url=attempt.item.url("https"))
        chain.add(attempt.item.host, exchange)
        visit = Visit(attempt, line, expected, self._pages, deadline)
        facts = _with_views(visit.facts(chain), views)
        return page_result(attempt, chain, facts, exchange.timings)


def _with_views(facts: WebFacts, views: list[TlsView]) -> TlsFacts:
    fields = {name: getattr(facts, name) for name in WebFacts.__struct_fields__}
    return TlsFacts(**fields, views=tuple(views))

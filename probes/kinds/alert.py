"""The probe ``alert``: play a scripted session that monitoring has to recognise.

A session is an ordinary page and then a search at the same host, with the headers of a browser on
a computer, a tablet or a phone (``harness.model.alert_case``). Recorded is what came of the search.
"""

from __future__ import annotations

from time import perf_counter
from typing import ClassVar

from harness.model.alert_case import alert_session
from harness.model.corpus import Item
from harness.model.probe import ProbeDeclaration
from harness.plugins import PROBES
from harness.ports.network import Attempt, Line, ProbeResult
from probes.kinds.web import PAGE, Visit, WebProbe
from probes.net.browser_profiles import profile_on
from probes.net.delivery import ExpectedMarks
from probes.net.page_result import page_result, timings_of


@PROBES.register("alert")
class Alert(WebProbe):
    """Plays sessions that a service's monitoring has to recognise."""

    declares: ClassVar[ProbeDeclaration] = PAGE
    scheme: ClassVar[str] = "http"

    def fits(self, item: Item) -> bool:
        """Whether the item is a session; sentinels are fetched as by ``web``."""
        return alert_session(item.stratum) is not None

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Play a session over the line: a page, then a search."""
        session = alert_session(attempt.item.stratum)
        if session is None:
            return await super().try_item(attempt, line)
        started, home = perf_counter(), attempt.item.host
        marks = ExpectedMarks(attempt, line, home)
        browser = profile_on(session.device, attempt.browser)
        visit = Visit(attempt, line, marks, self._pages, started + attempt.timeout, browser=browser)
        await visit.follow(f"http://{home}/", home)
        chain = await visit.follow(self.address(attempt.item), home)
        facts = visit.facts(chain)
        timings = timings_of(chain.exchanges, perf_counter() - started)
        return page_result(attempt, chain, facts, timings)

"""Read the documents and rows of services for pages, and the addresses of what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from harness.model.hub_access import Permission
from harness.model.obligation import Lane, Party
from harness.store.hub.documents import read_document
from harness.store.hub.repository import Reading
from harness.store.hub.service_rows import (
    AfterService,
    BeforeResult,
    bodies,
    result_rows,
    service_rows,
    urgent_rows,
)
from reports.dashboard.access import NotHere
from reports.dashboard.addresses import address, name_in
from reports.dashboard.result_facts import SERIES, SERIES_FACTS, CurrentFacts, SeriesFacts
from reports.dashboard.service_facts import (
    REQUIREMENT,
    REQUIREMENTS,
    SERVICE,
    SERVICE_PAGE,
    SERVICE_PAGES,
    SERVICES,
    URGENCY,
    WAITING,
    WAITING_FACTS,
    RequirementFacts,
    ServiceFacts,
    ServicePageFacts,
    WaitingFacts,
    page_of,
    requirement_id,
    waiting_state,
)

if TYPE_CHECKING:
    from sqlalchemy import Row

WAITING_NEEDS = {
    "plan": Permission.READ_PLANS,
    "decision": Permission.READ_DECISIONS,
    "review": Permission.READ_DECISIONS,
    "alarm": Permission.READ_ALARMS,
}
"""What a viewer has to be permitted to see of what waits."""


class FoundService(NamedTuple):
    """A service of a supplier, as the overview shows it."""

    stream: str
    facts: ServiceFacts

    @property
    def url(self) -> str:
        """The address of its page."""
        return service_address(self.stream, self.facts.service)

    def requirement_url(self, requirement: str, **values: str) -> str:
        """The address of the page of one of its requirements."""
        return service_address(
            self.stream, self.facts.service, "requirements", requirement, **values
        )

    def requirement_csv(self, requirement: str, table: str, **values: str) -> str:
        """The address of a table of the page of one of its requirements, as CSV."""
        path = self.requirement_url(requirement)
        return f"{path}/{table}.csv{address(**values)}"

    def campaign_url(self, campaign: str, scheme: str, anchor: str = "") -> str:
        """The address of a campaign's page, at an outcome."""
        url = address("campaigns", self.stream, campaign, scheme=scheme)
        return f"{url}#{quote(anchor)}" if anchor else url

    def decision_url(self, decision: str) -> str:
        """The address of a decision's page."""
        return address("decisions", self.stream, decision)

    def result_url(self, current: CurrentFacts) -> str:
        """The address of the outcome that a newest result is."""
        figure = current.figure
        return self.campaign_url(figure.campaign, current.about.scheme, figure.anchor)


class FoundPage(NamedTuple):
    """A service, and what its page tells."""

    service: FoundService
    page: ServicePageFacts


class Waiting(NamedTuple):
    """Something that waits for somebody; ``is_own``: for people of the viewer's role."""

    stream: str
    facts: WaitingFacts
    is_own: bool

    @property
    def url(self) -> str:
        """Where it can be done."""
        facts = self.facts
        if facts.kind == "review":
            return service_address(self.stream, facts.service)
        return address(f"{facts.kind}s", self.stream, facts.about)


def service_address(stream: str, service: str, *more: str, **values: str) -> str:
    """The address of a service's page, or of one below it."""
    return address("services", stream, service, *more, **values)


def services(reading: Reading, after: AfterService | None, limit: int) -> list[FoundService]:
    """The services, worst first, from a place on."""
    rows = service_rows(reading, SERVICE, after, limit)
    return [FoundService(row.stream, SERVICES.decode(row.body)) for row in rows]


def place_of(found: FoundService) -> AfterService:
    """The place of a service in the overview."""
    facts = found.facts
    return AfterService(URGENCY[facts.state], facts.service, found.stream, facts.page)


def waiting(reading: Reading, limit: int) -> list[Waiting]:
    """What waits for somebody: first for people of the viewer's role, the most urgent first."""
    viewer = reading.viewer
    own = [Party(viewer.role.value)] if viewer.role.value in {*Party} else []
    others = [party for party in Party if party not in own]
    found: list[Waiting] = []
    for parties in (own, others):
        left = limit - len(found)
        if parties and left > 0:
            found += _waiting(reading, parties, left, is_own=parties is own)
    return found


def _waiting(
    reading: Reading, parties: Sequence[Party], limit: int, *, is_own: bool
) -> Iterator[Waiting]:
    states = [waiting_state(lane, party) for lane in Lane for party in parties]
    rows = urgent_rows(reading, WAITING, states, limit)
    for row in rows:
        facts = WAITING_FACTS.decode(row.body)
        if reading.viewer.may(WAITING_NEEDS[facts.kind]):
            yield Waiting(row.stream, facts, is_own)


def find_service(reading: Reading, stream: str, service: str) -> FoundPage:
    """The service of parts of a path. Raises NotHere."""
    name = name_in(stream)
    page = SERVICE_PAGES.decode(_body(reading, name, SERVICE_PAGE, page_of(name, name_in(service))))
    return FoundPage(FoundService(name, page.facts), page)


def find_requirement(reading: Reading, found: FoundPage, code: str) -> RequirementFacts:
    """A requirement of a service, of a part of a path. Raises NotHere."""
    service = found.service
    name = requirement_id(service.facts.page, name_in(code))
    return REQUIREMENTS.decode(_body(reading, service.stream, REQUIREMENT, name))


class HeldSeries(NamedTuple):
    """A series as it is stored; ``digest`` tells it from what it was before."""

    id: str
    digest: bytes
    facts: SeriesFacts


def series(reading: Reading, stream: str, ids: Iterable[str]) -> list[HeldSeries]:
    """Series by their ids, in their order."""
    wanted = list(dict.fromkeys(ids))
    held = bodies(reading, stream, SERIES, wanted)
    return [
        HeldSeries(name, sha256(held[name].encode()).digest(), SERIES_FACTS.decode(held[name]))
        for name in wanted
        if name in held
    ]


def _body(reading: Reading, stream: str, kind: str, name: str) -> str:
    """The body of a document. Raises NotHere."""
    found = read_document(reading, kind, stream, name)
    if found is None:
        raise NotHere
    return found.body


def results(
    reading: Reading, found: FoundService, code: str, before: BeforeResult | None, limit: int
) -> list[Row[Any]]:
    """The results of a requirement of a service, the newest first."""
    of_requirement = found.stream, found.facts.service, code
    return result_rows(reading, of_requirement, before, limit)

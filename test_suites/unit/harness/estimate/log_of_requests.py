"""Requests for a log, and a log that shows them rightly, from which tests take things away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from msgspec import structs

from harness.estimate.item_selection import Selection
from harness.model.campaign import Campaign
from harness.model.facts import FoundSecret
from harness.model.instrument_record import ClockState, InstrumentRecord
from harness.model.log_case import Situation, log_case, log_items
from harness.model.log_entry import LogEntry
from harness.model.service_log import LoggedRequest, LogReading, RecordKeeping, ServiceLogs
from harness.model.service_records import ServiceRecords
from harness.schemes.load import find_row
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.estimate.selected_outcome import some_changed

NOON = datetime(2026, 3, 2, 12, 0, 0, 123_000, tzinfo=UTC)
HOUR = timedelta(hours=1)
BLOCKED_HOST = "copper-meadow.accredit.test"
RECORDS = RecordKeeping(users={"pupils": "pupil7"}, computers={"proxy": "192.0.2.7"}, keeps_days=30)
CLOCK = ClockState(offset=0.0, bound=0.02)


def requests(number: int = 1310, situation: Situation = "ordinary") -> list[LoggedRequest]:
    """Answered requests, half a second apart, without entries."""
    items = log_items("a draw", situation, number, BLOCKED_HOST, names=False)
    made = []
    for place, item in enumerate(items):
        found = log_case(item.stratum)
        assert found is not None
        started = NOON + timedelta(seconds=place / 2)
        made.append(
            LoggedRequest(
                item=item.id,
                url=item.value,
                case=found.case.name,
                situation=situation,
                sending=1,
                line="proxy",
                profile="pupils",
                started=started,
                ended=started + timedelta(seconds=0.2),
                state="blocked" if found.case.blocked else "allowed",
                size=2000,
            )
        )
    return made


def entry_of(request: LoggedRequest) -> LogEntry:
    """The entry of a log that shows a request rightly."""
    is_blocked = request.state == "blocked"
    host = request.url.partition("://")[2].partition("/")[0]
    return LogEntry(
        line=1,
        at=request.started + timedelta(seconds=0.1),
        user="pupil7",
        client="192.0.2.7",
        method="POST" if request.case in ("upload", "secret") else "GET",
        url=f"{host}:443" if request.url.startswith("https") else request.url,
        status=403 if is_blocked else 200,
        verdict="blocked" if is_blocked else "allowed",
        category="agreed list" if is_blocked else "",
        received=2400,
    )


def logged(
    request: LoggedRequest, entry: LogEntry | None = None, **changes: object
) -> LoggedRequest:
    """A request with its entry (by default the right one, changed)."""
    shown = structs.replace(entry or entry_of(request), **changes)
    return structs.replace(request, entries=(shown,), seen_at=request.ended + timedelta(seconds=2))


def reading(at: datetime = NOON + HOUR, **changes: object) -> LogReading:
    """A reading of the log, an hour after the first request unless another time is given."""
    one = LogReading(
        number=1,
        at=at,
        looked_before=None,
        format="squid-log",
        sha256="0" * 64,
        lines=2000,
        changes=0,
        covers=(),
        first=at - timedelta(days=40),
        last=at,
        searched=80,
        secrets=(),
    )
    return structs.replace(one, **changes)


def selection(
    requirement: str,
    made: Iterable[LoggedRequest],
    *readings: LogReading,
    records: RecordKeeping | None = RECORDS,
    clock: ClockState = CLOCK,
) -> Selection:
    """What a metric of a requirement is computed from."""
    row = find_row(requirement)
    assert row is not None
    return Selection(
        requirement=row,
        results=(),
        alpha=0.05,
        verdict_counts=MemoryFold(()),
        line="proxy",
        profile="pupils",
        records=ServiceRecords(
            logs=ServiceLogs(requests=tuple(made), readings=readings or (reading(),))
        ),
        instrument=(instrument(clock),),
        campaign=campaign(records),
    )


def unread(chosen: Selection) -> Selection:
    """The same without any reading of a log."""
    unread = structs.replace(chosen.logs, readings=())
    return replace(chosen, records=ServiceRecords(logs=unread))


def instrument(clock: ClockState) -> InstrumentRecord:
    """An instrument record with this clock."""
    return InstrumentRecord(
        at=NOON,
        python="3.13",
        tls_library="OpenSSL",
        libraries={},
        kernel="6",
        resolvers=(),
        control_resolver="",
        mtu=None,
        hellos=(),
        clock=clock,
    )


def campaign(records: RecordKeeping | None) -> Campaign:
    """A campaign whose supplier declares these records."""
    return Campaign.model_validate(
        {
            "campaign": "logs",
            "service": {"name": "Filter", "records": records},
            "origin": "origin.json",
            "lines": ({"name": "proxy", "type": "explicit_proxy"},),
            "profiles": {"pupils": {"phase": "ks2"}},
            "corpora": ({"pack": "canary"},),
            "probes": ("web",),
            "scheme": "becta-2008",
        }
    )


def changed(
    made: Iterable[LoggedRequest], how: Callable[[LoggedRequest], LoggedRequest], number: int
) -> list[LoggedRequest]:
    """The requests, so many of them changed, which lie evenly in their order."""
    return some_changed(sorted(made, key=lambda one: one.started), lambda _: True, how, number)


def secret_found(request: LoggedRequest) -> FoundSecret:
    """The password of a request, found in the log."""
    return FoundSecret(kind="password", item=request.item, line=17)

"""What is shown or exported of one supplier holds nothing of others, not even a number of theirs.

The same commands are given to two registries: to one by all suppliers, to the other by one supplier
alone. Every view of that supplier is the same, byte by byte. Times are the same too, because each
command has a time of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli import plan_step
from harness.cli import registry as registry_verbs
from harness.cli.main import app
from harness.cli.registry_session import OWNERS, RegistrySession, open_session, place_of
from harness.cli.site import write_site
from harness.errors import UsageError
from harness.follow.findings import draft_plan
from harness.model.action_plan import Finding
from harness.model.corpus import Appeal
from harness.model.deviation import DeviationKind
from harness.model.escalation import Level
from harness.model.event import (
    AppealDecided,
    DeviationRequested,
    Event,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    RecordAdded,
    RecordClosed,
    RetestStarted,
    VendorCheckedIn,
)
from harness.model.registry_record import (
    AnyRecord,
    Complaint,
    Contact,
    Service,
    ServiceVersion,
    record_key,
)
from reports.site.page_names import page_name
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.clocks.set_clock import SetClock

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPLIERS = ("Quillfeather", "Brindlemoor", "Zanterwick")
"""Names that occur in nothing else; each supplier's texts hold its own."""
EVERYBODY = "correct-clock"
"""A command of the scheme's owner about all streams, which both registries get."""


class Command(NamedTuple):
    """A command of a supplier, about one of three things."""

    kind: str
    supplier: int
    number: int


def events_of(command: Command, at: datetime) -> tuple[Event, ...]:
    """The events of a command: about records, a finding, an appeal, or a plan."""
    name, number = SUPPLIERS[command.supplier], command.number
    who: dict[str, Any] = {"at": at, "actor": f"{name}'s assessor"}
    if command.kind == "finding":
        finding = finding_of(name, number, at)
        drafted = draft_plan(finding, at=at, actor=f"{name}'s assessor")
        return FindingOpened(**who, finding=finding), drafted
    if command.kind == "close":
        key = record_key("service", f"Safe Net {number}")
        return (RecordClosed(**who, record=key, reason=name),)
    if command.kind == "appeal":
        return (AppealDecided(**who, appeal=appeal_of(name)),)
    if (record := records_of(name, number).get(command.kind)) is not None:
        return (RecordAdded(**who, record=record),)
    return (plan_event(command.kind, name, who | {"plan": f"P-{number:04d}"}),)


def records_of(name: str, number: int) -> dict[str, AnyRecord]:
    """The records that a supplier may add, by the kind of the command."""
    service, mail = f"Safe Net {number}", f"pat@{name}.example"
    return {
        "service": Service(id=service, description=name),
        "version": ServiceVersion(id=f"{name} 2", of=service),
        "contact": Contact(id=name, role="technical", email=mail),
        "complaint": Complaint(id=f"C{number}", of=service, complainant=name, description=name),
    }


def plan_event(kind: str, name: str, who: dict[str, Any]) -> PlanEvent:
    """The event of a plan that a command stands for; of an unknown one it is progress."""
    due = who["at"] + timedelta(days=100)
    events: dict[str, PlanEvent] = {
        "agree": PlanAgreed(
            **who,
            owner=name,
            corrective_action=f"by {name}",
            root_cause=f"cause at {name}",
            preventive_action="p",
            containment="c",
        ),
        "claim": FixClaimed(**who | {"actor": f"{name}'s other person"}, statement=name),
        "start": RetestStarted(**who, campaign="autumn"),
        "extend": PlanExtended(**who, due=due, reason=name, approver=f"{name}'s head"),
        "deviate": DeviationRequested(
            **who,
            kind=DeviationKind.VENDOR_DEPENDENCY,
            reason=name,
            mitigation=name,
            until=who["at"] + timedelta(days=20),
            vendor=name,
        ),
        "escalate": PlanEscalated(
            **who, level=Level.FINDING_REVIEW, reason=name, exit_criteria=name, rule="overdue"
        ),
        "check-in": VendorCheckedIn(**who, vendor=name, result=name),
    }
    return events.get(kind, PlanProgressed(**who, note=name))


def finding_of(name: str, number: int, at: datetime) -> Finding:
    """A finding about the same requirement, service and campaign, whoever the supplier is."""
    return example_finding(
        id=f"F-{number:04d}",
        requirement=f"URL-0{number}",
        title="",
        statement=f"{name}: 58 of 60",
        missed=(f"item-{name}-{number}",),
        opened=at,
        service=f"Safe Net {number}",
        supplier=name,
    )


def appeal_of(name: str) -> Appeal:
    return Appeal(
        pack="urls",
        item=f"item-{name}",
        before=("GAMB",),
        labels=("NEWS",),
        reason=name,
        appellant=name,
        upheld=True,
    )


def perform(session: RegistrySession, clock: SetClock, command: Command) -> bool:
    """Give a command; returns whether it was possible."""
    is_future, is_of_all = command.kind == "future", command.kind == EVERYBODY
    set_to = clock.at
    clock.at += timedelta(days=20) if is_future else timedelta()
    place = OWNERS if command.kind == "appeal" else place_of(SUPPLIERS[command.supplier])
    try:
        if is_of_all:
            session.correct_clock("the clock was wrong", "the owner")
        else:
            session.record(place, *events_of(command, clock.at))
    except UsageError:
        return False
    finally:
        clock.at = set_to
    return True


@contextmanager
def filled_registry(where: Path, commands: list[Command], only: int | None) -> Iterator[list[bool]]:
    """Give the commands to a registry, or those of one supplier; what of its own was possible."""
    clock = SetClock(START)
    with ExitStack() as stack:
        stack.enter_context(patch.object(plan_step.clock, "source", clock))
        stack.enter_context(patch.object(registry_verbs, "clock", clock))
        session = stack.enter_context(open_session(where, create=True, clock=clock))
        possible = []
        for number, command in enumerate(commands):
            clock.at = START + timedelta(minutes=number)
            if only in (None, command.supplier) or command.kind == EVERYBODY:
                possible.append((command, perform(session, clock, command)))
        clock.at = START + timedelta(days=120)
        yield [was_possible for command, was_possible in possible if command.kind != EVERYBODY]


def views_of(where: Path, name: str) -> dict[str, str]:
    """Everything that can be shown, exported or read of one supplier."""
    to = where.with_suffix(".ics")  # as the calendar asks for
    commands = [
        ("plan", "list", "--json"),
        ("plan", "list", "--json", "--all"),
        ("plan", "list", "--all"),
        ("plan", "escalate", "--dry-run"),
        ("registry", "list", "--json", "--all"),
        ("registry", "list", "--all"),
        *(("plan", "show", f"P-{number:04d}", "--json") for number in range(1, 5)),
        ("registry", "export", "--to", str(to)),
        ("plan", "digest", "--json"),
        ("plan", "digest"),
        ("plan", "calendar", "--out", str(to)),
        ("plan", "export", "--out", str(to)),
    ]
    views = {}
    for words in commands:
        ended = CliRunner().invoke(app, [*words, "--supplier", name, "--registry", str(where)])
        told = f"{ended.exit_code} {ended.output} {ended.exception!s}"
        if to.exists():
            told += to.read_text(encoding="utf-8").replace("\n ", "")  # a calendar's long lines
            to.unlink()
        views[" ".join(words).replace(str(to), "FILE")] = told.replace(
            str(where.parent), ""
        ).replace(where.name, "")
    with open_session(where) as session, session.registry.reading(place_of(name).stream) as access:
        views["rows"] = "\n".join(map(repr, access.rows()))
        views["head"] = repr(access.head)
    site = where.with_suffix(".site")
    write_site(site, where.parent / "results", where, plan_step.clock)
    pages = site / "suppliers" / page_name(place_of(name).stream, name)
    views |= {
        f"site {path.relative_to(pages)}": path.read_text(encoding="utf-8")
        for path in sorted(pages.rglob("*"))
        if path.is_file()
    }
    return {title: text.replace(to.name, "") for title, text in views.items()}


KINDS = (
    "service", "version", "contact", "complaint", "close", "finding", "finding", "appeal", "agree",
    "progress", "claim", "start", "extend", "deviate", "escalate", "check-in", "future", EVERYBODY,
)  # fmt: skip
COMMANDS = st.lists(
    st.builds(Command, st.sampled_from(KINDS), st.integers(0, 2), st.integers(1, 3)),
    min_size=4,
    max_size=25,
)
ORDER = (
    "service", "version", "contact", "complaint", "finding", "agree", "appeal", "progress", "claim",
    "start", "extend", "deviate", "escalate", "check-in", "future", EVERYBODY, "close",
)  # fmt: skip
LIVES = [Command(kind, supplier, 1) for kind in ORDER for supplier in range(3)]
"""Each supplier gives each command, so that every kind of row is in the registry."""


@settings(max_examples=35, deadline=None)
@given(commands=COMMANDS, viewed=st.integers(0, 2))
@example(commands=LIVES, viewed=1)
@example(commands=LIVES[::-1] + LIVES, viewed=0)
def test_the_views_of_a_supplier_are_as_if_no_other_supplier_existed(
    commands: list[Command], viewed: int
) -> None:
    name = SUPPLIERS[viewed]
    with TemporaryDirectory() as folder:
        together, alone = Path(folder) / "together.sqlite", Path(folder) / "alone.sqlite"
        with filled_registry(together, commands, None):
            shown = views_of(together, name)
        with filled_registry(alone, commands, viewed):
            expected = views_of(alone, name)

    assert shown == expected
    for other in SUPPLIERS:
        if other != name:
            assert [] == [
                view for view, text in shown.items() if other.casefold() in text.casefold()
            ]


def test_what_one_supplier_does_makes_nothing_impossible_for_another() -> None:
    with TemporaryDirectory() as folder:
        for supplier in range(3):
            where = Path(folder) / f"{supplier}.sqlite"
            with filled_registry(where, LIVES, supplier) as alone:
                assert alone.count(True) >= 13
        with filled_registry(Path(folder) / "all.sqlite", LIVES, None) as together:
            assert together == [possible for possible in alone for _ in range(3)]


def test_the_views_hold_what_the_supplier_itself_did() -> None:
    """Empty views would show nothing of others either."""
    with TemporaryDirectory() as folder:
        where = Path(folder) / "registry.sqlite"
        with filled_registry(where, LIVES, None):
            views = views_of(where, "Zanterwick")

    named = {view for view, text in views.items() if "zanterwick" in text.casefold()}
    refused = {view for view, text in views.items() if text.startswith("1 ")}
    assert named == views.keys()
    assert refused == {f"plan show P-{number:04d} --json" for number in range(2, 5)}

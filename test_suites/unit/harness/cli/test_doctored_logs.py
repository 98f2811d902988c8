"""LOG-01 and LOG-02 through the command line: honest logs conform, each doctored one does not.

One campaign is sent once, with two users over one line; its clock moves a second for each request,
so that no test depends on the speed of the machine. Each test reads other logs into a copy of it.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from harness.cli.drawing import silent
from harness.cli.log import send
from harness.cli.main import app
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.paths import CampaignPaths
from harness.judge.composite_measurements import judge_maker
from harness.model.service_log import LoggedRequest
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.clocks.right_clock import synchronised

SCHEME = """\
id: records
version: "1.0"
title: Becta's records alone
parent: becta-2008
without: [ILL-01, ILL-04, URL-01, URL-02, URL-03, URL-04, URL-05, OVB-01, MAL-01, MAL-05, DYN-06,
  CIR-01, CIR-02, PRF-02, PRF-03, EML-01, EML-02, EML-03, EML-04, AVL-01, TQ-10]
# At a level of 20 % 322 requests with a mark and 322 without one can decide LOG-01.
decision: {alpha: 0.2}
requirements: [{id: LOG-01, n_min: 322}]
"""
MAPPING = """\
fields: {time: at, user: user, client: client, device: device, method: method, url: url,
  verdict: verdict, category: category}
blocked: [blocked]
allowed: [allowed]
"""
USERS = {"pupils": "pupil7", "teachers": "zoë"}
COMPUTER = "192.0.2.7"
RECORDS = {"users": USERS, "computers": {"proxy": COMPUTER}}
REQUESTS = 660
"""For each user: as few as decide LOG-01 in this scheme, with a mark and without."""
HOURS = timedelta(hours=6)
BEFORE, AFTER = timedelta(minutes=-10), timedelta(minutes=10)


class Line(NamedTuple):
    """One line of a log, which shows a request or a part of it rightly."""

    at: datetime
    user: str
    client: str
    method: str
    url: str
    blocked: bool
    category: str = ""
    device: str = ""

    @property
    def text(self) -> str:
        """The line as JSON."""
        told = self._asdict() | {"at": self.at.isoformat()}
        told["verdict"] = "blocked" if self.blocked else "allowed"
        return json.dumps({name: value for name, value in told.items() if name != "blocked"})


class Sent(NamedTuple):
    """A campaign whose log was not read, and its requests in the order of their times."""

    out: Path
    requests: tuple[LoggedRequest, ...]


class EachSecond:
    """A clock that is a second further each time it is asked, so that requests are spread."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def monotonic(self) -> float:
        """Real seconds: a request takes no longer than it does."""
        return perf_counter()


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    folder = tmp_path_factory.mktemp("doctored")
    (folder / "records.yaml").write_text(SCHEME)
    path = write_campaign(
        folder,
        origin=simulated_origin(folder, twin_zone="orchard-view.test"),
        lines=[{
            "name": "proxy", "type": "simulated",
            "options": {"block": ["DRUG", "copper-meadow.accredit.test"]},
        }],
        categories=["DRUG"], sample=2, profiles={name: {"phase": "ks2"} for name in USERS},
        control={"type": "simulated"}, plain_twins={"number": 0, "pause": 0},
        service={"name": "Safe Net", "records": RECORDS}, scheme="records.yaml", items="agreed",
    )  # fmt: skip
    out = folder / "out"
    paths = CampaignPaths(out=out, campaign="rehearsal")
    clock = EachSecond(datetime.now(UTC) - HOURS)
    with synchronised():
        send(prepare_in(path, out), paths, "ordinary", REQUESTS, pause=_at_once, clock=clock)
        measure_prepared(prepare_in(path, out), out, silent())
    with closing(open_journal(paths.journal)) as journal:
        requests = judge_maker(journal)().records.logs.requests
    assert {one.state for one in requests} == {"allowed", "blocked"}
    assert requests[-1].ended - requests[0].started > timedelta(minutes=10)
    return Sent(out, requests)


async def _at_once() -> None:
    """No pause."""


class Campaign:
    """A copy of the campaign, into which logs are read by ``accredit log import``."""

    def __init__(self, folder: Path, sent: Sent) -> None:
        shutil.copytree(sent.out, folder / "out")
        self.folder, self.home = folder, folder / "out/rehearsal"
        self.mapping = folder / "mapping.yaml"
        self.mapping.write_text(MAPPING)

    def read(self, lines: Iterable[Line], *words: str, name: str = "service.json") -> str:
        """Read a log of these lines, with the traffic of others around; what is said."""
        log, lines = self.folder / name, sorted(lines)
        first, last = (one.at for one in (lines[0], lines[-1]))
        others = [
            Line(at, "pupil9", "192.0.2.9", "GET", "http://private.example/x", blocked=False)
            for at in (first + BEFORE, last + AFTER)
        ]
        log.write_text("".join(f"{one.text}\n" for one in [others[0], *lines, others[1]]))
        words = ("--format", "json-log", "--mapping", str(self.mapping), *words)
        return self.give("log", "import", str(self.home), str(log), *words)

    def give(self, *words: str, code: int = 0) -> str:
        ended = CliRunner().invoke(app, words)
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended.output

    def concluded(self) -> dict[str, Any]:
        """The assessment, as ``conclude`` writes it."""
        CliRunner().invoke(app, ["conclude", str(self.home)])
        found: dict[str, Any] = json.loads((self.home / "assessment-records.json").read_text())
        return found

    def outcomes(self) -> dict[str, set[str]]:
        """What each user's outcomes are, by requirement."""
        found: dict[str, set[str]] = {"LOG-01": set(), "LOG-02": set()}
        for one in self.concluded()["outcomes"]:
            found[one["requirement"]["id"]].add(one["conformity"])
        return found


@pytest.fixture
def campaign(sent: Sent, tmp_path: Path) -> Campaign:
    return Campaign(tmp_path, sent)


def line_of(one: LoggedRequest) -> Line:
    """The line that shows a request rightly."""
    blocked = one.state == "blocked"
    method = "POST" if one.case in ("upload", "secret") else "GET"
    url = f"{one.url.split('/')[2]}:443" if one.url.startswith("https") else one.url
    method = "CONNECT" if url != one.url else method
    category = "agreed list" if blocked else ""
    at = one.started + timedelta(milliseconds=1)
    return Line(at, USERS[one.profile], COMPUTER, method, url, blocked, category)


Doctor = Callable[[Sequence[LoggedRequest], list[Line]], Iterable[Line]]
"""Makes a false log from the requests and the honest lines."""


def each(change: Callable[[Line], Line | Sequence[Line]]) -> Doctor:
    """A log in which each line is changed, or replaced by several."""

    def doctor(_: Sequence[LoggedRequest], lines: list[Line]) -> Iterator[Line]:
        for one in lines:
            made = change(one)
            yield from [made] if isinstance(made, Line) else made

    return doctor


def some(number: int, change: Callable[[Line], Line | Sequence[Line]]) -> Doctor:
    """A log in which so many lines, spread over it, are changed."""

    def doctor(requests: Sequence[LoggedRequest], lines: list[Line]) -> Iterator[Line]:
        chosen = set(range(0, len(lines), len(lines) // number))
        for place, one in enumerate(lines):
            yield from each(change)(requests, [one]) if place in chosen else [one]

    return doctor


def moved(seconds: float) -> Callable[[Line], Line]:
    return lambda one: one._replace(at=one.at + timedelta(seconds=seconds))


def others(names: Iterable[str]) -> Callable[[Line], list[Line]]:
    """The line again for each of these computers."""
    return lambda one: [one, *(one._replace(client=name) for name in names)]


def at_random(requests: Sequence[LoggedRequest], lines: list[Line]) -> Iterable[Line]:
    """Each time is shifted by up to a minute."""
    chance = random.Random(7)
    return [moved(chance.uniform(-60, 60))(one) for one in lines]


def drifting(requests: Sequence[LoggedRequest], lines: list[Line]) -> Iterable[Line]:
    """A clock that gains 1 %."""
    start = lines[0].at
    return [one._replace(at=one.at + (one.at - start) / 100) for one in lines]


def in_turn(requests: Sequence[LoggedRequest], lines: list[Line]) -> Iterable[Line]:
    """The times of the log in another order: each has that of a request 30 before it."""
    times = [one.at for one in lines]
    return [one._replace(at=times[place - 30]) for place, one in enumerate(lines)]


def swapped(one: Line) -> Line:
    pupil, teacher = USERS.values()
    return one._replace(user=teacher if one.user == pupil else pupil)


def hosts(one: Line) -> Line:
    scheme, _, rest = one.url.partition("://")
    return one._replace(url=f"{scheme}://{rest.partition('/')[0]}/") if rest else one


def other_page(one: Line) -> Line:
    return one if one.method == "CONNECT" else one._replace(url=f"{one.url}-and-more")


def blocks_passed(one: Line) -> list[Line]:
    return [one, one._replace(blocked=False)] if one.blocked else [one]


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FALSE_FIELDS: dict[str, tuple[Doctor, str]] = {
    "all users are staff": (each(lambda one: one._replace(user="staff")), "who"),
    "the two users are swapped": (each(swapped), "who"),
    "everybody is the first user": (each(lambda one: one._replace(user="pupil7")), "who"),
    "three users a request": (
        each(lambda one: [one, one._replace(user="a"), one._replace(user="b")]), "who"),
    "one user is another": (some(1, lambda one: one._replace(user="pupil8")), "who"),
    "names in capitals": (each(lambda one: one._replace(user=one.user.upper())), "who"),
    "four computers a request": (
        each(others(["192.0.2.8", "192.0.2.9", "192.0.2.10"])), "which computer"),
    "a second computer now and then": (some(5, others(["192.0.2.8"])), "which computer"),
    "the service's own address": (
        each(lambda one: one._replace(client="192.0.2.1")), "which computer"),
    "other devices beside the address": (
        some(300, lambda one: one._replace(device="LAPTOP-8")), "which computer"),
    "blocked and passed at once": (each(blocks_passed), "blocked or allowed"),
    "passed and blocked at once": (
        some(3, lambda one: [one, one._replace(blocked=not one.blocked)]), "blocked or allowed"),
    "blocks are allowed": (each(lambda one: one._replace(blocked=False)), "blocked or allowed"),
    "pages are blocked": (
        each(lambda one: one._replace(blocked=True, category="x")), "blocked or allowed"),
    "blocked pages hide behind a tunnel": (
        each(lambda one: [
            one._replace(method="CONNECT", url=f"{one.url.split('/')[2]}:443", blocked=False),
            one._replace(blocked=False),
        ] if one.blocked else one), "blocked or allowed"),
    "an hour ahead": (each(moved(3600)), "when"),
    "an hour behind": (each(moved(-3600)), "when"),
    "three seconds ahead": (each(moved(3)), "when"),
    "one time for all": (each(lambda one: one._replace(at=NOON)), "when"),
    "times of the day of the import": (
        each(lambda one: one._replace(at=one.at.replace(hour=0, minute=0))), "when"),
    "shifted by random amounts": (at_random, "when"),
    "some shifted by minutes": (some(60, moved(240)), "when"),
    "a clock that gains 1 %": (drifting, "when"),
    "times in another order": (in_turn, "when"),
    "rounded to five minutes": (
        each(lambda one: one._replace(
            at=one.at.replace(minute=one.at.minute // 5 * 5, second=0, microsecond=0))), "when"),
    "a right time beside false ones": (each(lambda one: [one, moved(900)(one)]), "when"),
    "other pages of the host": (each(lambda one: [one, other_page(one)]), "what"),
    "hosts alone": (each(hosts), "what"),
    "a category for no block": (each(lambda one: one._replace(category="")), "category of a block"),
}  # fmt: skip
"""Logs that say something false of requests: all are on record, and LOG-02 does not conform."""


@pytest.mark.parametrize("name", FALSE_FIELDS)
def test_a_log_that_says_something_false_does_not_conform(
    campaign: Campaign, sent: Sent, name: str
) -> None:
    doctor, said = FALSE_FIELDS[name]
    campaign.read(doctor(sent.requests, list(map(line_of, sent.requests))))
    wrong = [
        one
        for one in campaign.concluded()["outcomes"]
        if one["requirement"]["id"] == "LOG-02" and one["conformity"] == "does-not-conform"
    ]

    saw = chain.from_iterable(each["saw"] for one in wrong for each in one["witnesses"])
    assert any(words.startswith(f"{said}: the log shows") for words in saw)


def tunnelled(one: LoggedRequest) -> list[Line]:
    """A tunnel that is allowed, and the page inside; the tunnel is recorded when it is closed."""
    line = line_of(one)
    if line.method != "CONNECT":
        return [line]
    page = line._replace(method="GET", url=one.url)
    return [page, moved(20)(line)]


def resolved(one: LoggedRequest) -> list[Line]:
    """The name is asked first, which is allowed, and the page is then allowed or blocked."""
    line = line_of(one)
    host = one.url.split("/")[2]
    asked = line._replace(method="DNS", url=host, blocked=False, category="")
    return [asked, line]


HONEST: dict[str, Callable[[LoggedRequest], Sequence[Line]]] = {
    "one line for each request": lambda one: [line_of(one)],
    "a tunnel and the page inside": tunnelled,
    "a name and the page": resolved,
    "a clock that is a second behind": lambda one: [moved(-1)(line_of(one))],
    "whole seconds": lambda one: [line_of(one)._replace(at=line_of(one).at.replace(microsecond=0))],
}
"""Logs in which everything is right."""


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_log_conforms(campaign: Campaign, sent: Sent, name: str) -> None:
    said = campaign.read(chain.from_iterable(map(HONEST[name], sent.requests)))

    assert f"{len(sent.requests)} of {len(sent.requests)} requests are in the log" in said
    assert {"LOG-01": {"conforms"}, "LOG-02": {"conforms"}} == campaign.outcomes()


def without(number: int, lines: Sequence[Line]) -> list[Line]:
    """The lines but so many from the middle."""
    middle = len(lines) // 2
    return [*lines[:middle], *lines[middle + number :]]


REPAIRED: dict[str, tuple[Callable[[list[Line]], list[Line]], str]] = {
    "one was missing": (lambda lines: without(1, lines), "1 request repaired afterwards"),
    "twenty were missing": (lambda lines: without(20, lines), "repaired afterwards"),
    "a user was put right": (
        lambda lines: [one._replace(user="x") if n == 500 else one for n, one in enumerate(lines)],
        "1 request altered or removed"),
    "a person had no name": (
        lambda lines: [one._replace(user="") if n == 500 else one for n, one in enumerate(lines)],
        "1 request altered or removed"),
    "a block was named later": (
        lambda lines: [one._replace(category="") if one.blocked else one for one in lines],
        "altered or removed"),
}  # fmt: skip
"""First imports that lack or show something else than the right log, which is read later."""


@pytest.mark.parametrize("name", REPAIRED)
def test_what_is_repaired_afterwards_does_not_conform(
    campaign: Campaign, sent: Sent, name: str
) -> None:
    before, said = REPAIRED[name]
    lines = list(map(line_of, sent.requests))
    campaign.read(before(lines), name="first.json")
    told = campaign.read(lines, name="second.json")
    assert "import it again with --part NAME" in told

    assessment = campaign.concluded()
    (wrong, *_) = [
        one
        for one in assessment["outcomes"]
        if one["requirement"]["id"] == "LOG-01" and one["conformity"] == "does-not-conform"
    ]
    reasons = " ".join(wrong["reasons"])
    assert said in reasons
    assert "import 1 (first.json, " in reasons
    assert "import 2 (second.json, " in reasons
    assert wrong["witnesses"]
    assert [one["name"] for one in assessment["imports"]] == ["first.json", "second.json"]


def test_what_is_removed_afterwards_does_not_conform(campaign: Campaign, sent: Sent) -> None:
    lines = list(map(line_of, sent.requests))
    campaign.read(lines)
    campaign.read(without(3, lines))

    assert "does-not-conform" in campaign.outcomes()["LOG-01"]


def test_every_import_is_in_each_report(campaign: Campaign, sent: Sent) -> None:
    lines = list(map(line_of, sent.requests))
    campaign.read(lines, name="first.json")
    campaign.read([*lines, *map(moved(90), lines[-1:])][:-1], name="again.json")
    campaign.read(lines, name="other.json")
    assessment = campaign.concluded()
    told = CliRunner().invoke(app, ["conclude", str(campaign.home)], env={"COLUMNS": "200"}).stdout
    campaign.give("report", str(campaign.home), "--format", "html")
    page = (campaign.home / "report-records.html").read_text()

    files = assessment["imports"]
    assert [one["number"] for one in files] == [1, 2, 3]
    for one in files:
        assert one["lines"] == len(lines) + 2
        assert one["entries"] == len(lines)
        for text in (told, page):
            assert one["name"] in text
            assert one["sha256"] in text
            assert f"{one['lines']:,}" in text
    assert campaign.outcomes() == {"LOG-01": {"conforms"}, "LOG-02": {"conforms"}}


def test_logs_that_are_read_together_are_named_as_parts(campaign: Campaign, sent: Sent) -> None:
    """Two servers of one service: each request is in the log of one of them."""
    lines = list(map(line_of, sent.requests))
    campaign.read(lines[::2], "--part", "north", name="north.json")
    assert "repaired" not in campaign.read(lines[1::2], "--part", "south", name="south.json")
    assert campaign.outcomes() == {"LOG-01": {"conforms"}, "LOG-02": {"conforms"}}


def test_a_part_that_was_not_named_is_put_right_by_the_same_file(
    campaign: Campaign, sent: Sent
) -> None:
    lines = list(map(line_of, sent.requests))
    campaign.read(lines[::2], name="north.json")
    assert "repaired afterwards" in campaign.read(lines[1::2], name="south.json")
    assert "does-not-conform" in campaign.outcomes()["LOG-01"]

    campaign.read(lines[1::2], "--part", "south", name="south.json")
    assert campaign.outcomes() == {"LOG-01": {"conforms"}, "LOG-02": {"conforms"}}
    assert 3 == len(campaign.concluded()["imports"])

"""``alerts send``, ``import`` and ``report``: what is played, what is kept, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.cli.alerts import import_alerts
from harness.cli.log_import import LogSource, import_log
from harness.cli.main import app
from harness.errors import HarnessError
from harness.interop.logs.line_reader import LogOptions
from harness.judge.composite_measurements import judge_maker
from harness.model.alert_case import number_of
from harness.model.received_alert import ReceivedAlert, note_at
from harness.model.service_alert import ServiceAlerts
from harness.model.service_log import LoggedRequest
from harness.store.journal.journal import open_journal
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.networks.alert_receiving import notes
from test_suites.unit.harness.cli.conftest import MadeOnce, simulated_in
from test_suites.unit.harness.cli.test_log import squid_line

NOW = datetime.now(UTC)
CONTACTS = "{recipients: {pupils: [lead@school.example]}, operator: [it@school.example]}"


def alert(text: str, to: str = "lead@school.example", seconds: float = 5) -> ReceivedAlert:
    return ReceivedAlert(
        at=NOW + timedelta(seconds=seconds), channel="mail", to=(to,), subject="Alert", text=text,
        priority="urgent",
    )  # fmt: skip


class Played:
    """A campaign over a simulated line, after ``alerts send`` of one session a cell."""

    def __init__(self, campaign: Path, runner: CliRunner) -> None:
        self.campaign, self.runner = campaign, runner
        self.out = campaign.parent / "out"
        self.journal = self.out / read_campaign(campaign)[0].campaign / "journal"
        self.spool = campaign.parent / "alerts.jsonl"

    def run(self, *words: str | Path) -> Any:
        return self.runner.invoke(app, ["alerts", *map(str, words)])

    def alerts(self) -> ServiceAlerts:
        with closing(open_journal(self.journal)) as journal:
            return judge_maker(journal)().records.alerts

    def write(self, alerts: Iterable[ReceivedAlert]) -> None:
        lines = [msgspec.json.encode(each) for each in alerts]
        self.spool.write_bytes(b"".join(line + b"\n" for line in lines))

    def read(self) -> Any:
        return self.run("import", self.journal, self.spool)


@pytest.fixture
def played(made: MadeOnce, tmp_path: Path, runner: CliRunner) -> Played:
    def send(folder: Path) -> None:
        path = simulated_in(folder)(sample=2)
        text = path.read_text()
        path.write_text(text.replace("service:\n", f"service:\n  alerts: {CONTACTS}\n", 1))
        whole = Played(path, runner)
        words = ("--sessions", "1", "--harmless", "6", "--out", str(whole.out))
        done = whole.run("send", whole.campaign, *words)
        assert done.exit_code == 0, done.output

    made.copied("sessions that could raise alerts", send, tmp_path)
    return Played(tmp_path / "simulated/campaign.yaml", runner)


def refusal(done: Any) -> str:
    assert isinstance(done.exception, HarnessError), done.output
    assert done.exception.exit_code == 2
    return str(done.exception)


def host_of(one: LoggedRequest) -> str:
    return one.url.partition("://")[2].partition("/")[0]


def test_each_cell_is_played_and_harmless_sessions_too(played: Played) -> None:
    made = played.alerts().sessions

    assert len(made) == 48 + 6
    assert len({host_of(one) for one in made}) == len(made)
    assert {one.state for one in made} == {"allowed"}
    marked = [one for one in made if "ACCREDIT-MARKER-" in one.url]
    assert len(marked) == 48
    assert not any(".canary." in host_of(one) for one in made), "a host that shows a test"


def test_an_alert_belongs_to_the_session_whose_host_or_number_it_names(played: Played) -> None:
    one, two, *_ = played.alerts().sessions
    number = number_of(two.item.removeprefix("session-"))
    played.write(
        [
            note_at(NOW),
            alert(f"Somebody asked for http://{host_of(one).upper()}/search?q=x."),
            alert(f"The search was: words {number} more"),
            alert("Somebody else did something at private.example"),
            note_at(NOW + timedelta(minutes=1)),
        ]
    )
    done = played.read()

    assert "read 3 alerts: 2 of 54 sessions raised one" in done.output
    found = {each.item: each.entries for each in played.alerts().sessions if each.entries}
    assert found.keys() == {one.item, two.item}
    assert [each.to for each in found[one.item]] == [("lead@school.example",)]
    kept = b"".join(path.read_bytes() for path in played.journal.rglob("*") if path.is_file())
    assert b"private.example" not in kept
    (reading,) = played.alerts().readings
    assert (reading.first, reading.last) == (NOW, NOW + timedelta(minutes=1))


def test_it_is_kept_whether_an_alert_says_what_was_searched_for(played: Played) -> None:
    """By its address as it was sent, its words, its number or its marker; the host says nothing."""
    one = next(each for each in played.alerts().sessions if "%20" not in each.url)
    words = one.url.partition("?q=")[2].split("+")
    number = next(each for each in words if len(each) == 12 and each.isdigit())
    phrase = " ".join(words[: words.index(number)])
    ways = (
        one.url, one.url.replace("+", "%20"), f"{host_of(one)}: {phrase.upper()}", number,
        f"{host_of(one)} {words[-1]}", f"https://{host_of(one)}/", f"{host_of(one)} {words[0]}",
    )  # fmt: skip
    played.write([alert(text, seconds=turn) for turn, text in enumerate(ways)])
    assert played.read().exit_code == 0

    kept = next(each for each in played.alerts().sessions if each.item == one.item).entries
    assert [bool(each.search) for each in kept] == [True] * 5 + [False] * 2
    assert {each.url for each in kept} == {host_of(one)}


def test_a_receiver_that_was_down_for_a_time_says_when(played: Played) -> None:
    one = played.alerts().sessions[0]
    later = NOW + timedelta(minutes=20)
    played.write([*notes(NOW, NOW + timedelta(minutes=2)), *notes(later, later), alert(host_of(one), seconds=1201)])  # fmt: skip
    done = played.read()

    assert f"the receiver did not work from {NOW + timedelta(minutes=2)} to {later}" in done.output
    assert "read 1 alerts: 1 of 54 sessions raised one" in done.output
    kept = played.alerts()
    assert [(each.first, each.last) for each in kept.readings] == [
        (NOW, NOW + timedelta(minutes=2)),
        (later, later + timedelta(seconds=1)),
    ]
    assert [len(each.entries) for each in kept.sessions if each.entries] == [1]


def test_an_empty_file_of_alerts_shows_no_time(played: Played) -> None:
    played.write([])
    assert "read 0 alerts: 0 of 54" in played.read().output
    (reading,) = played.alerts().readings
    assert (reading.first, reading.last) == (None, None)


def test_alerts_about_the_filter_go_to_the_operator(played: Played) -> None:
    played.write([alert("The filter is off", to="IT@school.example"), alert("Hello")])
    assert played.read().exit_code == 0

    kept = played.alerts()
    assert [one.to for one in kept.to_operator] == [("it@school.example",)]
    assert not any(one.entries for one in kept.sessions)


def test_the_same_alerts_may_be_read_again(played: Played) -> None:
    one = played.alerts().sessions[0]
    played.write([alert(host_of(one))])
    for minutes in (1, 2):
        import_alerts(played.journal, played.spool, SetClock(NOW + timedelta(minutes=minutes)))

    kept = played.alerts()
    assert len(kept.readings) == 2
    assert [len(each.entries) for each in kept.sessions if each.entries] == [1]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{}\n", ":1:"), (b'{"at": "2026', ":1:"), (b"\xff\xfe\n", ":1:"), (None, "no such file")],
    ids=["no alert", "torn", "no text", "missing"],
)
def test_a_file_that_is_no_spool_is_refused_as_a_whole(
    played: Played, content: bytes | None, said: str
) -> None:
    if content is not None:
        played.write([alert("x")])
        played.spool.write_bytes(content + played.spool.read_bytes())
    assert said in refusal(played.read())
    assert played.alerts().readings == ()


def test_a_journal_without_sessions_is_refused(
    simulated: Callable[..., Path], runner: CliRunner
) -> None:
    made = Played(simulated(sample=2, categories=["DRUG"], whole=()), runner)
    words = ["measure", str(made.campaign), "--out", str(made.out)]
    assert runner.invoke(app, words).exit_code == 0
    made.write([alert("x")])
    assert "holds no sessions that could have raised alerts" in refusal(made.read())


PERIOD = ("--begins", "2026-11-23T00:00:00Z", "--ends", "2026-11-30T00:00:00Z")


def test_the_counts_of_a_report_are_kept(played: Played) -> None:
    report = played.campaign.parent / "report.csv"
    report.write_text("category,count\nHARM,12\nEXTR,0\n")
    done = played.run("report", played.journal, report, *PERIOD)

    assert done.exit_code == 0, done.output
    assert [one.counts for one in played.alerts().reports] == [{"HARM": 12, "EXTR": 0}]


@pytest.mark.parametrize(
    ("text", "period", "said"),
    [
        ("HARM,3\nGARDEN,4\n", PERIOD, ":2: no category 'GARDEN'"),
        ("HARM,three\n", PERIOD, ":1: 'three' is not a count"),
        ("HARM,3\nHARM,3\n", PERIOD, ":2: HARM is there twice"),
        ("HARM;3\n", PERIOD, ":1: 1 cells"),
        ("category,count\n", PERIOD, "no counts"),
        ("HARM,3\nEXTR," + "9" * 140_000, PERIOD, ":2: is no row of CSV: field larger"),
        ("HARM,3\n", (*PERIOD[:3], "2026-11-20T00:00:00Z"), "--ends is not after --begins"),
        ("HARM,3\n", (*PERIOD[:3], "friday"), "write the time like"),
    ],
)
def test_a_report_with_a_fault_is_refused_by_line(
    played: Played, text: str, period: tuple[str, ...], said: str
) -> None:
    report = played.campaign.parent / "report.csv"
    report.write_text(text)
    assert said in refusal(played.run("report", played.journal, report, *period))
    assert played.alerts().reports == ()


def test_received_alerts_are_no_look_at_the_log(played: Played) -> None:
    """A log that is read an hour after alerts shows no delay of an hour."""
    words = ("log", "send", str(played.campaign), "--out", str(played.out), "--requests", "40")
    assert played.runner.invoke(app, words).exit_code == 0
    played.write([alert("Hello")])
    assert played.read().exit_code == 0
    with closing(open_journal(played.journal)) as journal:
        (one, *_) = judge_maker(journal)().records.logs.requests
    log = played.campaign.parent / "access.log"
    log.write_text(squid_line(one) + "\n")
    source = LogSource(path=log, form="squid-log", options=LogOptions(now=NOW))
    import_log(played.journal, source, SetClock(NOW + timedelta(hours=1)))

    with closing(open_journal(played.journal)) as journal:
        (seen,) = [one for one in judge_maker(journal)().records.logs.requests if one.entries]
    assert (seen.missed_at, seen.seen_at) == (None, NOW + timedelta(hours=1))

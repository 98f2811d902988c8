"""``log send`` and ``log import``: what is sent, what of a log is kept, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.cli.log_import import LogSource, import_log
from harness.cli.main import app
from harness.errors import FaultyDocument, HarnessError, UsageError
from harness.interop.logs.line_reader import LogOptions
from harness.judge.composite_measurements import judge_maker
from harness.model.facts import LogFileFacts
from harness.model.log_case import log_case, secret_of
from harness.model.observation import CONTROL, Observation
from harness.model.service_log import LoggedRequest, ServiceLogs
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.cli.conftest import MadeOnce, simulated_in

NOW = datetime.now(UTC)


def squid_line(one: LoggedRequest) -> str:
    """The line of Squid's log that shows a request rightly."""
    code = "TCP_DENIED/403" if one.state == "blocked" else "TCP_MISS/200"
    stamp = one.started.timestamp()
    return f"{stamp:.3f}     10 192.0.2.7 {code} 4000 GET {one.url} pupil7 HIER_NONE/- text/html"


def refusal(done: Any) -> str:
    """What a refused command says; as a process it ends with 2."""
    assert isinstance(done.exception, HarnessError), done.output
    assert done.exception.exit_code == 2
    return str(done.exception)


class Sent:
    """A campaign over a simulated line, after ``log send`` of 40 requests."""

    def __init__(self, campaign: Path, runner: CliRunner) -> None:
        self.campaign, self.runner = campaign, runner
        self.out = campaign.parent / "out"
        name = read_campaign(campaign)[0].campaign
        self.journal = self.out / name / "journal"
        self.log = campaign.parent / "access.log"

    def run(self, *words: str | Path) -> Any:
        return self.runner.invoke(app, ["log", *map(str, words)])

    def send(self, *words: str) -> Any:
        return self.run("send", self.campaign, "--out", self.out, *words)

    def read(self, *words: str | Path, form: str = "squid-log") -> Any:
        return self.run("import", self.journal, self.log, "--format", form, *words)

    def logs(self) -> ServiceLogs:
        with closing(open_journal(self.journal)) as journal:
            return judge_maker(journal)().records.logs

    def sentinels(self) -> list[Observation]:
        with closing(open_journal(self.journal)) as journal:
            return list(journal.sentinels())

    def write(self, lines: Iterable[str] | None = None, end: str = "\n") -> None:
        shown = map(squid_line, self.logs().requests) if lines is None else lines
        self.log.write_text("\n".join(shown) + end)


@pytest.fixture
def sent(made: MadeOnce, tmp_path: Path, runner: CliRunner) -> Sent:
    def send(folder: Path) -> None:
        done = Sent(simulated_in(folder)(sample=2), runner).send("--requests", "40")
        assert done.exit_code == 0, done.output

    made.copied("requests of which a log is read", send, tmp_path)
    return Sent(tmp_path / "simulated/campaign.yaml", runner)


def test_each_request_is_made_on_the_line_and_on_the_control(sent: Sent) -> None:
    made = [one for one in sent.sentinels() if one.role == "logged"]
    own = [one for one in made if log_case(one.item.stratum)]

    assert {one.key.line for one in own} == {"proxy", CONTROL}
    requests = sent.logs().requests
    assert len(requests) == len(own) / 2 >= 40
    assert len({one.item for one in requests}) == len(requests)
    assert {one.state for one in requests} == {"allowed", "blocked"}


def test_half_of_the_requests_bear_no_mark(sent: Sent) -> None:
    made = [one for one in sent.sentinels() if log_case(one.item.stratum)]
    plain = [one for one in made if log_case(one.item.stratum).case.is_plain]  # type: ignore[union-attr]  # chosen above

    assert 0.4 < len(plain) / len(made) < 0.6
    assert all(one.item.host.endswith(".orchard-view.test") for one in plain)
    assert not any(one.nonce for one in plain)
    assert all(one.nonce for one in made if one not in plain)


def test_a_second_sending_makes_other_requests(sent: Sent) -> None:
    first = {one.url for one in sent.logs().requests}
    assert sent.send("--requests", "40").exit_code == 0

    second = sent.logs().requests
    assert {one.sending for one in second} == {1, 2}
    shared = first & {one.url for one in second if one.sending == 2}
    assert not shared


@pytest.mark.parametrize("situation", ["restart", "offline"])
def test_requests_of_a_situation_are_made_one_by_one(sent: Sent, situation: str) -> None:
    done = sent.send("--situation", situation, "--requests", "10", "--pause", "0")
    assert done.exit_code == 0, done.output

    made = [one for one in sent.logs().requests if one.situation == situation]
    assert len(made) >= 10
    assert all(one.tries == 1 for one in made)


def test_a_campaign_without_an_origin_cannot_send(tmp_path: Path, runner: CliRunner) -> None:
    lines: list[dict[str, Any]] = [{"name": "proxy", "type": "simulated"}]
    for origin, said in (
        (None, "such requests ask for hosts of an origin; name one (origin)"),
        (simulated_origin(tmp_path), "no zone for plain twins, so no requests can be made without"),
    ):
        path = write_campaign(
            tmp_path / str(origin is None), origin=origin, lines=lines, categories=["DRUG"],
            sample=2, control={"type": "simulated"},
        )  # fmt: skip
        done = Sent(path, runner).send("--requests", "10")
        assert said in refusal(done)


def test_a_log_is_read_and_what_it_shows_is_kept(sent: Sent) -> None:
    sent.write()
    done = sent.read()

    assert done.exit_code == 0, done.output
    number = len(sent.logs().requests)
    assert f"read {number} lines of squid-log: {number} of {number} requests are in the log" in (
        done.output
    )
    logs = sent.logs()
    assert all(len(one.entries) == 1 for one in logs.requests)
    assert [(one.number, one.lines) for one in logs.readings] == [(1, number)]


def test_what_belongs_to_nobody_is_not_kept(sent: Sent) -> None:
    other = "1764355639.123 9 192.0.2.9 TCP_MISS/200 1 GET http://private.example/x pupil9 HIER_NONE/- -"
    sent.write([*map(squid_line, sent.logs().requests), other])
    assert sent.read().exit_code == 0

    kept = b"".join(path.read_bytes() for path in sent.journal.rglob("*") if path.is_file())
    assert b"private.example" not in kept
    assert b"pupil9" not in kept


def test_a_secret_in_a_log_is_told_and_not_written(sent: Sent) -> None:
    carrier = next(one for one in sent.logs().requests if one.case == "secret")
    secret = secret_of(carrier.item, "password")
    lines = [squid_line(one) for one in sent.logs().requests]
    sent.write([*lines, f"{lines[0]} {secret}"])
    done = sent.read()

    assert "1 secrets of the requests are in the log" in done.output
    (reading,) = sent.logs().readings
    assert [(one.kind, one.item, one.line) for one in reading.secrets] == [
        ("password", carrier.item, len(lines) + 1)
    ]
    kept = b"".join(path.read_bytes() for path in sent.journal.rglob("*") if path.is_file())
    assert secret.encode() not in kept


@pytest.mark.parametrize(
    ("words", "form", "said"),
    [
        (("--line", "wifi"), "squid-log", "--line wifi: the campaign has no such line"),
        ((), "squid", "squid"),
        (("--timezone", "Europe/Nowhere"), "squid-log", "--timezone Europe/Nowhere: no such time zone"),
        (("--mapping", "missing.yaml"), "csv-log", "missing.yaml: no such file"),
        ((), "csv-log", "mapping"),
        ((), "w3c-log", "this is not a log in the format w3c-log"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_refused_in_one_sentence(
    sent: Sent, words: tuple[str, ...], form: str, said: str
) -> None:
    sent.write()
    before = len(sent.sentinels())
    done = sent.read(*words, form=form)

    assert said in refusal(done)
    assert len(sent.sentinels()) == before


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: [*lines[:3], "no line of a log", *lines[3:]], ":4:"),
        (lambda lines: [*lines, lines[-1][:30]], "the file ends in the middle of line"),
        (lambda lines: ["#Version: 1.0", *lines[:0]], "squid-log"),
    ],
    ids=["a wrong line", "a torn last line", "another format"],
)
def test_a_log_with_a_line_that_cannot_be_read_is_refused_as_a_whole(
    sent: Sent, spoil: Callable[[list[str]], list[str]], said: str
) -> None:
    lines = [squid_line(one) for one in sent.logs().requests]
    sent.write(spoil(lines), end="")
    before = len(sent.sentinels())
    done = sent.read()

    assert said in refusal(done)
    assert len(sent.sentinels()) == before


def test_a_journal_without_requests_is_refused(
    simulated: Callable[..., Path], runner: CliRunner
) -> None:
    made = Sent(simulated(sample=2, categories=["DRUG"], whole=()), runner)
    words = ["measure", str(made.campaign), "--out", str(made.out)]
    assert runner.invoke(app, words).exit_code == 0
    made.log.write_text("x\n")
    done = made.read()

    assert "holds no requests that a log could show" in refusal(done)


def test_a_log_of_other_lines_does_not_count(sent: Sent) -> None:
    sent.write()
    assert sent.read("--line", "proxy").exit_code == 0
    (reading,) = sent.logs().readings
    assert reading.covers == ("proxy",)


def test_a_log_that_grows_is_read_until_every_request_is_there(sent: Sent) -> None:
    lines = [squid_line(one) for one in sent.logs().requests]
    clock = SetClock(NOW)
    steps = iter([lines[:10], [*lines[:10], lines[10][:20]], lines[:30], lines, lines])

    def looks() -> Iterable[None]:
        for shown in steps:
            clock.at += timedelta(seconds=10)
            sent.write(shown, end="" if len(shown[-1]) < 40 else "\n")
            yield

    sent.write(next(steps))
    source = LogSource(path=sent.log, form="squid-log", options=LogOptions(now=NOW))
    import_log(sent.journal, source, clock, looks())

    logs = sent.logs()
    assert [one.at - NOW for one in logs.readings] == [
        timedelta(seconds=seconds) for seconds in (0, 20, 30)
    ]
    waits = {one.url: (one.missed_at, one.seen_at) for one in logs.requests}
    shown = [line.split(" GET ")[1].split(" ")[0] for line in lines]
    assert waits[shown[0]] == (None, NOW)
    assert waits[shown[20]] == (NOW + timedelta(seconds=10), NOW + timedelta(seconds=20))
    assert waits[shown[-1]] == (NOW + timedelta(seconds=20), NOW + timedelta(seconds=30))
    assert list(steps) == [lines], "nothing is read after every request was found"


def test_a_further_entry_of_a_known_request_is_kept_while_a_log_grows(sent: Sent) -> None:
    lines = [squid_line(one) for one in sent.logs().requests]
    sent.write(lines[:10])

    answered = next(line for line in lines[:10] if "/200" in line)

    def looks() -> Iterable[None]:
        sent.write([*lines[:10], answered.replace("/200", "/503")])
        yield

    source = LogSource(path=sent.log, form="squid-log", options=LogOptions(now=NOW))
    import_log(sent.journal, source, SetClock(NOW), looks())

    assert [one.number for one in sent.logs().readings] == [1, 2]
    entries = [len(one.entries) for one in sent.logs().requests if one.entries]
    assert sorted(entries) == [1] * 9 + [2]


def test_a_log_that_becomes_unreadable_while_it_is_followed_keeps_what_was_read(sent: Sent) -> None:
    lines = [squid_line(one) for one in sent.logs().requests]
    sent.write(lines[:10])

    def looks() -> Iterable[None]:
        sent.write([*lines[:12], "not a line", *lines[12:]])
        yield

    source = LogSource(path=sent.log, form="squid-log", options=LogOptions(now=NOW))
    with pytest.raises(FaultyDocument):
        import_log(sent.journal, source, SetClock(NOW), looks())

    (reading,) = sent.logs().readings
    assert reading.lines == 10
    sent.log.unlink()
    with pytest.raises(UsageError, match="no such file"):
        import_log(sent.journal, source, SetClock(NOW))


def test_the_same_log_may_be_read_again(sent: Sent) -> None:
    sent.write()
    assert sent.read().exit_code == 0
    assert sent.read().exit_code == 0

    logs = sent.logs()
    assert [one.number for one in logs.readings] == [1, 2]
    assert all(len(one.entries) == 1 for one in logs.requests)
    facts = [one.facts for one in sent.sentinels() if isinstance(one.facts, LogFileFacts)]
    assert len({one.sha256 for one in facts}) == 1


def test_requests_beside_a_filter_that_is_off_are_undecided(
    simulated: Callable[..., Path], runner: CliRunner
) -> None:
    made = Sent(simulated(sample=2, block=[]), runner)
    assert made.send("--requests", "12").exit_code == 0

    requests = made.logs().requests
    assert {one.state for one in requests} == {"undecided"}
    assert all("copper-meadow" in one.why or one.why for one in requests)


def test_requests_without_an_answer_are_not_known_to_have_reached_the_service(
    simulated: Callable[..., Path], runner: CliRunner
) -> None:
    made = Sent(simulated(sample=2, style="silent"), runner)
    assert made.send("--situation", "offline", "--requests", "12", "--pause", "0").exit_code == 0

    blocked = [one for one in made.logs().requests if one.case == "blocked"]
    assert {one.state for one in blocked} <= {"blocked", "unanswered", "undecided"}

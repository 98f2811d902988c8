"""What an agent measured is judged again at the hub, and only that is recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from harness.campaign.assemble import read_campaign
from harness.cli.bundle import make_command
from harness.cli.hub_ingest import Expected
from harness.cli.hub_orders import OrderPlace, order_content
from harness.cli.monitor_run import carry_out, monitored
from harness.errors import InstrumentError, UsageError
from harness.fleet.messages import Refused, RunReceived, RunReport
from harness.model.event import RecordAdded
from harness.model.surveillance_event import AlarmRaised, MonitoringDeclared, SurveillanceRun
from harness.monitor.monitoring_file import read_monitoring
from harness.schemes.load import load_scheme
from harness.store.assessments import read_assessment
from harness.store.bundle_reading import opened_bundle
from harness.store.journal.journal import open_journal
from test_suites.kit.hubs.agent_double import AgentDouble
from test_suites.kit.hubs.hub_example import HILL, VALE, HubExample
from test_suites.unit.harness.cli.conftest import MadeOnce
from test_suites.unit.harness.cli.test_hub_orders import unpacked

ACME = "supplier:acme"
KEY = "run:acme/safe net/hill school/daily/20260302T0615Z"
SCHEME = load_scheme("becta-2008")


class MeasuringHub(HubExample):
    """A hub whose agents measure equal runs once for all tests."""

    made: MadeOnce


@pytest.fixture
def example(tmp_path: Path, made: MadeOnce) -> Iterator[MeasuringHub]:
    hub = MeasuringHub(tmp_path)
    hub.made, hub.service.sample = made, 8
    with hub.make().running():
        yield hub


class Device(AgentDouble):
    """An agent that measures by its order, in a folder of its own."""

    folder: Path
    example: MeasuringHub

    def measure(self, *, day: int = 0) -> tuple[SurveillanceRun, bytes]:
        """Carry out the run of a day; give its record and its bundle."""
        place = OrderPlace("acme", "Acme", "Safe Net", self.site)
        content = order_content(self.example.service.file, place)
        name = self.site.lower()
        key = f"run:acme/safe net/{name}/daily/202603{2 + day:02d}T0615Z"

        def carry_out_in(folder: Path) -> None:
            declared = read_monitoring(unpacked(content, folder / "order"))
            done = carry_out(monitored(declared, key, folder / "out"), self.example.clock)
            (folder / "run.json").write_bytes(msgspec.json.encode(done.run))

        order = hashlib.sha256(repr(content).encode()).hexdigest()
        self.example.made.copied(
            f"{key} {self.example.clock.at} {order}", carry_out_in, self.folder
        )
        run = msgspec.json.decode((self.folder / "run.json").read_bytes(), type=SurveillanceRun)
        path = self.folder / f"{run.campaign}.zip"
        make_command(self.folder / "out" / run.campaign, self.pem(), path)
        return run, path.read_bytes()

    def pem(self) -> Path:
        path = self.folder / "key.pem"
        path.write_bytes(
            self.keys.signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return path

    def report(self, run: SurveillanceRun, content: bytes = b"") -> object:
        bundle = self.upload(content) if content else ""
        return self.ask(RunReport(run=msgspec.json.encode(run).decode(), bundle=bundle))

    site = HILL


def device(example: MeasuringHub, site: str = HILL) -> Device:
    token = example.invite(site)
    made = Device(example.device(token).hub, example.send, example.clock.now)
    made.folder = example.folder / f"device-{site[:4]}"
    made.folder.mkdir(exist_ok=True)
    made.example, made.site = example, site
    made.enrol(token)
    return made


def at_due(example: MeasuringHub, day: int = 0) -> None:
    example.clock.at = example.clock.at.replace(day=2 + day, hour=6, minute=15)


def runs(example: MeasuringHub) -> list[SurveillanceRun]:
    return [each for each in example.events(ACME) if isinstance(each, SurveillanceRun)]


def test_a_measured_run_is_judged_again_and_recorded(example: MeasuringHub) -> None:
    agent = device(example)
    at_due(example)
    run, content = agent.measure()
    lie = msgspec.structs.replace(run, readings=(), attempts=1, intensity="tightened", packs=("x",))
    answer = agent.report(lie, content)

    assert answer == RunReceived(run=run.about, is_new=True)
    (recorded,) = runs(example)
    assert recorded.readings == run.readings != ()
    assert (recorded.journal, recorded.attempts) == (run.journal, run.attempts)
    assert (recorded.instrument, recorded.packs) == (run.instrument, run.packs)
    assert (recorded.actor, recorded.intensity) == (f"agent {agent.id}", "normal")
    kinds = [type(each) for each in example.events(ACME)]
    assert kinds.count(MonitoringDeclared) == 1
    assert [each.record.id for each in example.events(ACME) if isinstance(each, RecordAdded)] == [
        "Safe Net", run.campaign,
    ]  # fmt: skip
    assert example.opened is not None
    assert example.opened.waiting() == ()


def test_a_measured_run_leaves_its_journal_with_the_results(example: MeasuringHub) -> None:
    agent = device(example)
    at_due(example)
    run, content = agent.measure()
    agent.report(run, content)
    home = example.folder / "out" / run.campaign

    assert ["assessment-watched.json", "journal"] == sorted(each.name for each in home.iterdir())
    with closing(open_journal(home / "journal")) as journal:
        journal.verify()
        assert run.journal == journal.head.hash
    assert run.attempts == read_assessment(home / "assessment-watched.json").observations


def test_a_run_that_contradicts_the_results_is_a_run_that_failed(example: MeasuringHub) -> None:
    agent = device(example)
    at_due(example)
    run, content = agent.measure()
    home = example.folder / "out" / run.campaign / "journal"
    home.mkdir(parents=True)
    (home / "header.json").write_text('{"journal_format": 2}')
    agent.report(run, content)

    failed(example, "the hub has another run of the campaign")
    assert ["header.json"] == [each.name for each in home.iterdir()]


def test_a_run_that_comes_again_is_recorded_once(example: MeasuringHub) -> None:
    agent, second = device(example), device(example)
    at_due(example)
    run, content = agent.measure()
    agent.report(run, content)

    assert agent.report(run, content) == RunReceived(run=run.about, is_new=False)
    second.folder = agent.folder
    assert second.report(run, content) == RunReceived(run=run.about, is_new=True)
    assert len(runs(example)) == 1


def test_an_alarm_needs_two_sites_and_is_raised_by_the_hub(example: MeasuringHub) -> None:
    agents = [device(example, site) for site in (HILL, VALE)]
    example.service.sample = 20
    for site in (HILL, VALE):
        example.service.behave(site, missed=110)
    at_due(example)
    raised: list[AlarmRaised] = []
    for agent in agents:
        assert raised == []
        agent.report(*agent.measure())
        raised = [each for each in example.events(ACME) if isinstance(each, AlarmRaised)]

    assert [each.result for each in runs(example)] == ["measured", "measured"]
    (alarm,) = raised
    assert set(alarm.raised.sites) == {HILL, VALE}
    assert any("was raised" in each for each in example.told)


def aside(example: MeasuringHub) -> list[str]:
    return [name for name in example.files_of_hub() if name.startswith("aside/")]


@pytest.mark.parametrize("at", [100, 5000, -100])
def test_a_bundle_that_was_changed_is_a_run_that_failed(example: MeasuringHub, at: int) -> None:
    agent = device(example)
    at_due(example)
    run, content = agent.measure()
    changed = bytearray(content)
    changed[at] ^= 1
    answer = agent.report(run, bytes(changed))

    assert isinstance(answer, RunReceived)
    (recorded,) = runs(example)
    assert recorded.result == "failed"
    assert recorded.reason.startswith(f"the bundle of agent {agent.id} was refused: ")
    assert recorded.readings == ()
    digest = hashlib.sha256(bytes(changed)).hexdigest()
    assert aside(example) == [f"aside/{agent.id}/{digest}.zip"]
    assert "put aside" in example.told[-1]


def failed(example: MeasuringHub, told: str) -> None:
    (recorded,) = runs(example)
    assert recorded.result == "failed"
    assert told in recorded.reason, recorded.reason


def test_a_bundle_by_another_key_is_refused(example: MeasuringHub) -> None:
    agent, other = device(example), device(example, VALE)
    at_due(example)
    other.folder, other.site = agent.folder, HILL
    run, content = other.measure()
    agent.report(run, content)

    failed(example, "no signature by a key that was given")


def test_a_zip_that_unpacks_to_more_is_refused(example: MeasuringHub) -> None:
    import io  # noqa: PLC0415 - of this test alone
    import zipfile  # noqa: PLC0415 - the same

    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("statement.dsse.json", bytes(50_000_000))
    agent = device(example)
    at_due(example)
    run, _ = agent.measure()
    agent.report(run, bomb.getvalue())

    failed(example, "is compressed")


def test_the_bundle_of_another_day_is_refused(example: MeasuringHub) -> None:
    agent = device(example)
    at_due(example)
    run, content = agent.measure()
    agent.report(run, content)
    at_due(example, 1)
    agent.report(msgspec.structs.replace(run, due=run.due + timedelta(days=1)), content)

    assert [each.result for each in runs(example)] == ["measured", "failed"]
    assert "expected was" in runs(example)[1].reason


def test_an_easier_scheme_of_the_agent_does_not_count(example: MeasuringHub) -> None:
    agent = device(example)
    at_due(example)
    text = (example.service.folder / "watched.yaml").read_text()
    easier = text.replace("The drug sites alone", "Almost nothing")
    (example.service.folder / "watched.yaml").write_text(easier)
    run, content = agent.measure()
    (example.service.folder / "watched.yaml").write_text(text)
    agent.report(run, content)

    failed(example, "another scheme than watched 1.0")


def test_only_the_campaign_of_the_run_counts(example: MeasuringHub) -> None:
    path = example.service.folder / "hill-school.yaml"
    own = read_campaign(path)[0]
    declared = read_monitoring(example.service.file)
    what = monitored(declared, KEY, example.folder / "out")
    expected = Expected(what, own, "c", SCHEME, {}, (), example.clock.at)
    (line,) = own.lines
    service = own.service

    expected._require_campaign(own)
    for changes, told in (
        ({"lines": (line.model_copy(update={"site": VALE}),)}, "at another site"),
        ({"lines": (line.model_copy(update={"site": ""}),)}, "at another site"),
        ({"service": service.model_copy(update={"name": "Other"})}, "another service"),
        ({"service": service.model_copy(update={"supplier": "Beta"})}, "another service"),
        ({"items": "real"}, "other items"),
        ({"scope": "web"}, "another scope"),
    ):
        with pytest.raises(UsageError, match=told):
            expected._require_campaign(own.model_copy(update=changes))


def test_a_journal_counts_once_and_in_its_own_time(example: MeasuringHub) -> None:
    agent = device(example)
    at_due(example)
    run, content = agent.measure()
    path = example.folder / "one.zip"
    path.write_bytes(content)
    own = read_campaign(example.service.folder / "hill-school.yaml")[0]
    scheme = load_scheme(str(example.service.folder / "watched.yaml"))
    declared = read_monitoring(example.service.file)
    what = monitored(declared, KEY, example.folder / "out")
    expected = Expected(what, own, "c", scheme, {}, (), example.clock.at)
    (example.folder / "agent.pem").write_bytes(
        agent.keys.signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with opened_bundle(path, [example.folder / "agent.pem"]) as bundle:
        expected.require(bundle)
        with pytest.raises(UsageError, match="used already, by the run x"):
            expected._replace(journals={run.journal: "x"}).require(bundle)
        with pytest.raises(UsageError, match="between the due time"):
            expected._replace(now=example.clock.at - timedelta(hours=1)).require(bundle)
        later = what._replace(key=what.key._replace(due=run.due + timedelta(hours=1)))
        with pytest.raises(UsageError, match="between the due time"):
            expected._replace(what=later).require(bundle)
        with pytest.raises(UsageError, match="another scheme"):
            expected._replace(scheme=SCHEME).require(bundle)


def test_a_run_that_was_not_measured_is_recorded_with_its_reason(example: MeasuringHub) -> None:
    agent = device(example)
    due = example.clock.at.replace(minute=15)
    example.clock.at += timedelta(days=2)
    run = SurveillanceRun(
        at=due, actor="x", service="SAFE net", monitoring="acme", site="hill school",
        schedule="daily", due=due + timedelta(days=1), first_due=due, count=2,
        result="missed", reason="no power",
    )  # fmt: skip
    left = msgspec.structs.replace(
        run, due=due + timedelta(hours=25), count=1, first_due=None, result="left-out"
    )
    for each in (run, left):
        assert isinstance(agent.report(each), RunReceived)

    first, second = runs(example)
    assert (first.result, first.reason, first.count, first.first_due) == (
        "missed",
        "no power",
        2,
        due,
    )
    assert (first.service, first.site) == ("Safe Net", HILL)
    assert (second.result, second.reason) == (
        "missed", "left out by the agent, but surveillance is not reduced",
    )  # fmt: skip


def test_a_run_of_a_schedule_that_is_gone_is_put_aside(example: MeasuringHub) -> None:
    agent = device(example)
    at_due(example)
    run, content = agent.measure()
    example.change(
        example.service.file,
        lambda document: document["services"][0]["sites"][0]["schedules"][0].update(name="new"),
    )
    agent.report(run, content)

    assert not example.opened or not [each for each in example.told if "waits" in each]
    assert "put aside" in example.told[-1]
    assert '"aside": 1' in example.accredit("hub", "agents", "--hub", str(example.hub), "--json")


def test_where_the_hub_is_at_fault_a_run_waits(
    example: MeasuringHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = device(example)
    at_due(example)
    run, content = agent.measure()
    scheme = example.service.folder / "watched.yaml"
    text = scheme.read_text()
    scheme.write_text("id: [")
    assert isinstance(agent.report(run, content), RunReceived)
    assert example.opened is not None
    (waiting,) = example.opened.waiting()
    assert "waits" in example.told[-1]
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    scheme.write_text(text)
    with pytest.raises(InstrumentError, match="too little space"):
        example.opened.on_report(waiting)
    assert runs(example) == []
    monkeypatch.undo()
    example.opened.on_report(waiting)

    assert [each.result for each in runs(example)] == ["measured"]
    assert example.opened.waiting() == ()


def test_without_its_bundle_a_measured_run_is_not_taken(example: MeasuringHub) -> None:
    agent = device(example)
    at_due(example)
    run, _ = agent.measure()
    text = msgspec.json.encode(run).decode()

    answer = agent.ask(RunReport(run=text, bundle="a" * 64))
    assert isinstance(answer, Refused)
    assert answer.reason == "incomplete"

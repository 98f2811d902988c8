"""A hub gives an agent its own order, and takes its own files and runs, whole and once."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import hub_agents
from harness.cli.hub_reports import StoredReport
from harness.errors import InstrumentError, UsageError
from harness.fleet.messages import (
    PART_BYTES,
    AgentStatus,
    FetchPart,
    FilePart,
    PartReceived,
    Poll,
    Polled,
    RunReceived,
    RunReport,
    SentinelBracket,
    UploadPart,
)
from test_suites.kit.hubs.agent_double import AgentDouble
from test_suites.kit.hubs.hub_example import (
    HILL,
    NOW,
    POLL,
    VALE,
    HubExample,
    missed,
    refused,
)

HALF_DAY = timedelta(hours=12)


@pytest.fixture
def reports() -> list[StoredReport]:
    """The reports that were handed on."""
    return []


@pytest.fixture
def example(tmp_path: Path, reports: list[StoredReport]) -> Iterator[HubExample]:
    made = HubExample(tmp_path).make()
    with made.running(reports.append):
        yield made


@pytest.fixture
def agent(example: HubExample) -> AgentDouble:
    return example.agent()


# orders


def test_an_agent_gets_its_order_once_until_something_changes(
    example: HubExample, agent: AgentDouble
) -> None:
    first = agent.ask(POLL)
    assert isinstance(first, Polled)
    assert first.order is not None
    assert first.order.serial == 1
    held = Poll(status=POLL.status, serial=1)
    assert agent.ask(held) == Polled()

    example.service.behave(HILL, missed=3)
    changed = agent.ask(held)
    assert isinstance(changed, Polled)
    assert changed.order is not None
    assert changed.order.serial == 2
    assert changed.order.files != first.order.files


def test_an_order_holds_nothing_of_other_sites(example: HubExample, agent: AgentDouble) -> None:
    def another(document: dict[str, Any]) -> None:
        document["title"] = "Vale School and Beta"
        own = document["services"][0]
        own["alarm"] = {"sites": 2}
        document["services"].append({**own, "service": "Beta Net", "supplier": "Beta"})

    example.change(example.service.file, another)
    answer = agent.ask(POLL)

    assert isinstance(answer, Polled)
    assert answer.order is not None
    names = [file.name for file in answer.order.files]
    assert names == ["hill-school.yaml", "monitoring.yaml", "origin.json", "watched.yaml"]
    for file in answer.order.files:
        assert b"Vale" not in file.data
        assert b"vale" not in file.data
        assert b"Beta" not in file.data


def test_two_agents_get_their_own_orders(example: HubExample, agent: AgentDouble) -> None:
    other = example.agent(VALE)
    answers = [each.ask(POLL) for each in (agent, other)]

    orders = [each.order for each in answers if isinstance(each, Polled)]
    assert [order.files[0].name for order in orders if order is not None] == [
        "hill-school.yaml",
        "monitoring.yaml",
    ]


def test_a_faulty_monitoring_file_is_told_once_and_agents_go_on(
    example: HubExample, agent: AgentDouble
) -> None:
    example.service.file.write_text("monitoring: [", encoding="utf-8")

    for _ in range(2):
        assert agent.ask(POLL) == Polled()
    assert len(example.told) == 1
    assert "no order for agent" in example.told[0]


def test_after_an_old_copy_of_the_registry_numbers_go_on_above(
    example: HubExample, agent: AgentDouble
) -> None:
    answer = agent.ask(Poll(status=POLL.status, serial=41))

    assert isinstance(answer, Polled)
    assert answer.order is not None
    assert answer.order.serial == 42
    for serial in (2**40, 2**63, 2**200):
        assert isinstance(agent.ask(Poll(status=POLL.status, serial=serial)), Polled)


def test_too_long_a_status_is_refused(example: HubExample, agent: AgentDouble) -> None:
    bracket = SentinelBracket(schedule="x" * 200, at=NOW, held=True)
    status = AgentStatus(version="1", brackets=(bracket,) * 400)

    refused(agent.ask(Poll(status=status)), "too-large")


# uploads


def test_an_upload_goes_on_where_it_stopped(example: HubExample, agent: AgentDouble) -> None:
    content = bytes(range(256)) * 5000
    digest = hashlib.sha256(content).hexdigest()

    def part(offset: int, length: int = 400_000) -> object:
        data = content[offset : offset + length]
        return agent.ask(UploadPart(sha256=digest, size=len(content), offset=offset, data=data))

    assert part(0) == PartReceived(sha256=digest, held=400_000)
    assert part(0) == PartReceived(sha256=digest, held=400_000)
    assert part(800_000) == PartReceived(sha256=digest, held=400_000)
    assert agent.upload(content) == digest
    assert example.opened is not None
    assert example.opened.bundle_of(agent.id, digest).read_bytes() == content


def test_limits_of_uploads(example: HubExample, agent: AgentDouble) -> None:
    data = b"x" * (PART_BYTES + 1)
    refused(
        agent.ask(UploadPart(sha256="a" * 64, size=len(data), offset=0, data=data)), "too-large"
    )
    wrong = UploadPart(sha256="a" * 64, size=3, offset=0, data=b"abc")
    refused(agent.ask(wrong), "incomplete")
    assert not [name for name in example.files_of_hub() if name.startswith(("uploads", "bundles"))]


@pytest.mark.parametrize(
    ("name", "size"), [("../../x", 3), ("A" * 64, 3), ("a" * 64, 2**31), ("a" * 63 + "/", 3)]
)
def test_an_upload_has_a_digest_and_a_size_that_are_possible(
    example: HubExample, agent: AgentDouble, name: str, size: int
) -> None:
    before = example.files_of_hub()
    part = UploadPart(sha256=name, size=size, offset=0, data=b"abc")

    refused(agent.ask(part), "faulty")
    assert example.files_of_hub() == before


# reports


def test_a_run_is_kept_before_it_is_answered_and_once(
    example: HubExample, agent: AgentDouble, reports: list[StoredReport]
) -> None:
    example.clock.at += HALF_DAY
    first, again = agent.ask(missed(example)), agent.ask(missed(example, reason="changed"))

    assert isinstance(first, RunReceived)
    assert first.is_new
    assert again == RunReceived(run=first.run, is_new=False)
    assert [each.run.reason for each in reports] == ["no power"]
    assert example.opened is not None
    assert example.opened.waiting() == tuple(reports)
    example.opened.end_report(reports[0], "recorded")
    assert example.opened.waiting() == ()


def test_an_agent_speaks_for_its_own_site_alone(
    example: HubExample, agent: AgentDouble, reports: list[StoredReport]
) -> None:
    example.clock.at += HALF_DAY
    far = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    for changes in (
        {"site": VALE}, {"service": "Beta Net"}, {"monitoring": "other"}, {"schedule": "../x"},
        {"due": NOW - timedelta(hours=1)}, {"due": NOW + timedelta(hours=13)}, {"due": far},
        {"due": NOW.replace(tzinfo=None)}, {"due": NOW + timedelta(seconds=1)},
        {"first_due": NOW - timedelta(days=9)}, {"first_due": NOW + timedelta(hours=11), "due": NOW},
        {"count": 0}, {"count": 10**9}, {"count": 2, "result": "failed"},
        {"result": "measured"}, {"reason": "x" * 1001},
    ):  # fmt: skip
        refused(agent.ask(missed(example, **changes)), "faulty")
    for run in ("", "{}", "[" * 1000, '{"event":"stream-opened"}', '{"event":"surveillance-run"}'):
        refused(agent.ask(RunReport(run=run)), "faulty")
    refused(agent.ask(RunReport(run=missed(example).run, bundle="a" * 64)), "faulty")
    measured = missed(example, result="measured").run
    for bundle in ("../../etc/passwd", "a" * 63, "A" * 64):
        refused(agent.ask(RunReport(run=measured, bundle=bundle)), "faulty")
    assert reports == []
    assert not [name for name in example.files_of_hub() if name.startswith("reports")]


def test_a_run_waits_for_its_bundle_and_only_its_own_counts(
    example: HubExample, agent: AgentDouble, reports: list[StoredReport]
) -> None:
    other = example.agent(VALE)
    example.clock.at += HALF_DAY
    digest = other.upload(b"a bundle of another agent")
    report = RunReport(run=missed(example, result="measured").run, bundle=digest)

    refused(agent.ask(report), "incomplete")
    assert reports == []
    agent.upload(b"a bundle of another agent")
    assert isinstance(agent.ask(report), RunReceived)
    assert [each.bundle for each in reports] == [digest]


def test_a_failure_after_a_report_was_kept_loses_nothing(
    example: HubExample, agent: AgentDouble
) -> None:
    assert example.opened is not None
    example.clock.at += HALF_DAY

    def fail(_: StoredReport) -> None:
        msg = "no space"
        raise InstrumentError(msg)

    example.opened.on_report = fail
    assert isinstance(agent.ask(missed(example)), RunReceived)
    assert len(example.opened.waiting()) == 1
    assert "waits: no space" in example.told[-1]


def test_an_agent_cannot_fill_the_hub_with_reports(
    example: HubExample, agent: AgentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_agents, "MOST_OPEN", 2)
    example.clock.at += HALF_DAY
    due = [NOW + timedelta(hours=hour) for hour in range(3)]

    answers = [agent.ask(missed(example, due=each)) for each in due]
    assert [isinstance(each, RunReceived) for each in answers] == [True, True, False]
    refused(answers[2], "busy")


# the software that is offered


def wheel(folder: Path, version: str = "9.1.0", name: str = "isp-accredit") -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        text = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nwords\n"
        archive.writestr(f"isp_accredit-{version}.dist-info/METADATA", text)
        archive.writestr("big", bytes(PART_BYTES + 100))
    path = folder / f"isp_accredit-{version}-py3-none-any.whl"
    path.write_bytes(content.getvalue())
    return path


def test_an_offered_version_is_fetched_in_parts(
    example: HubExample, agent: AgentDouble, tmp_path: Path
) -> None:
    path = wheel(tmp_path)
    said = example.accredit("hub", "offer", str(path), "--required", "--hub", str(example.hub))
    answer = agent.ask(POLL)
    assert isinstance(answer, Polled)
    assert answer.update is not None
    assert (answer.update.version, answer.update.is_required) == ("9.1.0", True)
    assert answer.update.sha256 in said

    held = b""
    while len(held) < answer.update.size:
        part = agent.ask(FetchPart(sha256=answer.update.sha256, offset=len(held)))
        assert isinstance(part, FilePart)
        assert part.data
        held += part.data
    assert held == path.read_bytes()
    refused(agent.ask(FetchPart(sha256="b" * 64, offset=0)), "unknown")
    end = agent.ask(FetchPart(sha256=answer.update.sha256, offset=2**62))
    assert isinstance(end, FilePart)
    assert end.data == b""

    assert "withdrawn" in example.accredit("hub", "offer", "--withdraw", "--hub", str(example.hub))
    assert agent.ask(Poll(status=POLL.status, serial=1)) == Polled()


def test_only_a_wheel_of_accredit_is_offered(example: HubExample, tmp_path: Path) -> None:
    other = wheel(tmp_path, name="other")
    for path, told in (
        (other, "another project"), (example.service.file, "not a wheel"), (None, "give a wheel"),
        (tmp_path / "isp_accredit-1-py3-none-any.whl", "No such file"),
    ):  # fmt: skip
        words = [] if path is None else [str(path)]
        with pytest.raises(UsageError, match=told):
            example.accredit("hub", "offer", *words, "--hub", str(example.hub))

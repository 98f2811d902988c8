"""Runs wait on disk in order, are sent from where the hub says, and go only with its receipt."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.fleet.identity import Identity
from harness.fleet.messages import (
    PART_BYTES,
    FromAgent,
    FromHub,
    PartReceived,
    Polled,
    Reason,
    Refused,
    RunReceived,
    RunReport,
    UploadPart,
)
from probes.agent.delivery_pause import FIRST_SECONDS, LONGEST_SECONDS, DeliveryPause
from probes.agent.proxy_choice import NO_PROXY
from probes.agent.run_spool import STALLED, UPLOAD_TRIES, RunSpool
from probes.agent.uplink import HubUplink
from probes.agent.uplink_error import UplinkError
from test_suites.kit.hubs.fake_hub import FakeHub, HubMemory

DUE = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Recorded:
    """An uplink that answers by a function and notes what was asked."""

    def __init__(self, answer: Callable[[FromAgent], FromHub]) -> None:
        self._answer = answer
        self.asked: list[FromAgent] = []

    def ask(self, message: FromAgent) -> FromHub:
        self.asked.append(message)
        return self._answer(message)


@pytest.fixture
def spool(tmp_path: Path) -> RunSpool:
    return RunSpool(tmp_path / "agent", monotonic=Clock(), chance=lambda: 1.0)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "run.zip"
    path.write_bytes(random.Random(1).randbytes(1_200_000))
    return path


def unreached(_: FromAgent) -> FromHub:
    raise UplinkError("the hub was not reached: no route", "unreached")


def refusing(reason: Reason) -> Callable[[FromAgent], FromHub]:
    return lambda _: Refused(reason=reason, words="as it is")


def test_runs_are_sent_in_order_of_their_due_times(spool: RunSpool) -> None:
    hub = HubMemory()
    for key, hours in (("c", 2), ("a", 0), ("b", 1)):
        spool.add(key, DUE + hours * HOUR, key)

    delivered = spool.deliver(Recorded(hub.answer))

    assert (("a", "b", "c"), (), 0, "") == delivered
    assert ["a", "b", "c"] == list(hub.runs)


def test_a_run_waits_once_however_often_it_is_added(spool: RunSpool, bundle: Path) -> None:
    spool.add("a", DUE, "a", bundle)
    bundle.write_bytes(b"another")
    spool.add("a", DUE, "a", bundle)

    (record,) = spool.waiting()
    assert 1_200_000 == record.size


def test_the_bundle_may_be_removed_once_it_was_added(spool: RunSpool, bundle: Path) -> None:
    content = bundle.read_bytes()
    spool.add("a", DUE, "a", bundle)
    bundle.unlink()
    hub = HubMemory()

    assert ("a",) == spool.deliver(Recorded(hub.answer)).sent
    assert content == bytes(hub.parts[hub.runs["a"]])


def test_an_upload_goes_on_where_the_hub_says(spool: RunSpool, bundle: Path) -> None:
    spool.add("a", DUE, "a", bundle)
    (record,) = spool.waiting()
    hub = HubMemory(parts={record.sha256 or "": bytearray(bundle.read_bytes()[:1_000_000])})
    uplink = Recorded(hub.answer)
    spool.deliver(uplink)

    sent = [(part.offset, len(part.data)) for part in uplink.asked if isinstance(part, UploadPart)]
    assert [(0, 0), (1_000_000, 200_000)] == sent


def test_a_small_bundle_is_sent_at_once(spool: RunSpool, tmp_path: Path) -> None:
    path = tmp_path / "small.zip"
    path.write_bytes(b"small")
    spool.add("a", DUE, "a", path)
    uplink = Recorded(HubMemory().answer)
    spool.deliver(uplink)

    assert [UploadPart, RunReport] == [type(message) for message in uplink.asked]


def test_network_trouble_keeps_everything_and_says_so(spool: RunSpool) -> None:
    spool.add("a", DUE, "a")
    spool.add("b", DUE + HOUR, "b")
    uplink = Recorded(unreached)

    assert ((), (), 2, "the hub was not reached: no route") == spool.deliver(uplink)
    assert 1 == len(uplink.asked)


def test_after_trouble_nothing_is_sent_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    spool = RunSpool(tmp_path, monotonic=clock, chance=lambda: 1.0)
    spool.add("a", DUE, "a")
    hub = Recorded(HubMemory().answer)
    spool.deliver(Recorded(unreached))

    paused = spool.deliver(hub)
    clock.now += FIRST_SECONDS + 1
    sent = spool.deliver(hub)

    assert "the hub was not reached: no route; tried again in 30 seconds" == paused.trouble
    assert (1, 0) == (paused.waiting, len(paused.sent))
    assert (("a",), (), 0, "") == sent


def test_a_person_may_ask_for_delivery_at_once(spool: RunSpool) -> None:
    spool.add("a", DUE, "a")
    spool.deliver(Recorded(unreached))

    assert ("a",) == spool.deliver(Recorded(HubMemory().answer), now=True).sent


def test_pauses_grow_to_an_hour_and_are_drawn() -> None:
    clock, chances = Clock(), random.Random(7)
    pause = DeliveryPause(clock, chances.random)
    seconds = []
    for _ in range(20):
        pause.note("trouble")
        seconds.append(pause.remaining())

    longest = [min(LONGEST_SECONDS, FIRST_SECONDS * 2**n) for n in range(20)]
    assert all(most / 2 <= one <= most for one, most in zip(seconds, longest, strict=True))
    assert len(set(seconds)) == 20
    pause.note("")
    assert "" == pause.reason()
    pause.note("trouble")
    assert pause.remaining() <= FIRST_SECONDS


@pytest.mark.parametrize("reason", ["faulty", "too-large"])
def test_what_the_hub_never_takes_is_set_aside_with_the_reason(
    spool: RunSpool, bundle: Path, tmp_path: Path, reason: Reason
) -> None:
    spool.add("a", DUE, "a", bundle)
    delivered = spool.deliver(Recorded(refusing(reason)))

    ((name, why),) = spool.refused()
    assert ((), ("a",), 0, "") == delivered
    assert f"the hub refuses it ({reason}): as it is" == why
    assert bundle.read_bytes() == (tmp_path / "agent/refused" / name / "bundle").read_bytes()


def test_a_run_may_be_refused_twice(spool: RunSpool) -> None:
    for _ in range(2):
        spool.add("a", DUE, "a")
        spool.deliver(Recorded(refusing("faulty")))

    assert 2 == len(list(spool.refused()))


def test_what_is_too_large_for_a_message_is_set_aside(spool: RunSpool) -> None:
    def too_large(_: FromAgent) -> FromHub:
        raise UplinkError("a message is too large", "too-large")

    spool.add("a", DUE, "a")

    assert ("a",) == spool.deliver(Recorded(too_large)).refused


@pytest.mark.parametrize("reason", ["revoked", "unknown", "token"])
def test_an_agent_that_is_not_known_keeps_everything(spool: RunSpool, reason: Reason) -> None:
    spool.add("a", DUE, "a")
    spool.add("b", DUE, "b")
    uplink = Recorded(refusing(reason))
    delivered = spool.deliver(uplink)

    assert 2 == delivered.waiting
    assert f"takes nothing from this agent ({reason}): as it is" in delivered.trouble
    assert 1 == len(uplink.asked)


def test_an_incomplete_upload_is_begun_again_a_few_times(spool: RunSpool, bundle: Path) -> None:
    spool.add("a", DUE, "a", bundle)
    spool.add("b", DUE + HOUR, "b")
    hub = HubMemory()

    def answer(message: FromAgent) -> FromHub:
        if isinstance(message, RunReport) and message.bundle:
            hub.parts.clear()
        return hub.answer(message)

    uplink = Recorded(answer)
    delivered = spool.deliver(uplink)

    begun = [one for one in uplink.asked if isinstance(one, UploadPart) and not one.data]
    assert UPLOAD_TRIES == len(begun)
    assert ("b",) == delivered.sent  # the others do not wait for it
    assert (1, "the hub found the upload of run a incomplete 3 times") == delivered[2:]


def test_an_upload_that_does_not_get_on_is_given_up(spool: RunSpool, bundle: Path) -> None:
    def stuck(message: FromAgent) -> FromHub:
        assert isinstance(message, UploadPart)
        return PartReceived(sha256=message.sha256, held=7)

    spool.add("a", DUE, "a", bundle)
    uplink = Recorded(stuck)

    assert "does not get on" in spool.deliver(uplink).trouble
    assert len(uplink.asked) <= STALLED + 1


@pytest.mark.parametrize(
    "answer",
    [Polled(), RunReceived(run="a", is_new=True), PartReceived(sha256="0" * 64, held=1_200_000)],
)
def test_an_answer_to_something_else_removes_nothing(
    spool: RunSpool, bundle: Path, answer: FromHub
) -> None:
    spool.add("a", DUE, "a", bundle)

    delivered = spool.deliver(Recorded(lambda _: answer))

    assert (1, True) == (delivered.waiting, "which is no answer" in delivered.trouble)


@pytest.mark.parametrize("answer", [Polled(), PartReceived(sha256="0" * 64, held=0)])
def test_only_a_receipt_of_the_run_removes_it(spool: RunSpool, answer: FromHub) -> None:
    spool.add("a", DUE, "a")

    assert 1 == spool.deliver(Recorded(lambda _: answer)).waiting


def test_a_hub_that_holds_more_than_there_is_is_not_believed(spool: RunSpool, bundle: Path) -> None:
    spool.add("a", DUE, "a", bundle)
    (record,) = spool.waiting()
    held = PartReceived(sha256=record.sha256 or "", held=1_200_001)

    assert 1 == spool.deliver(Recorded(lambda _: held)).waiting


def test_a_damaged_entry_is_set_aside_and_stops_nothing(
    spool: RunSpool, bundle: Path, tmp_path: Path
) -> None:
    for key in ("a", "b", "c"):
        spool.add(key, DUE, key, bundle)
    spool.add("d", DUE + HOUR, "d")
    first, second, third, _ = sorted((tmp_path / "agent/spool").iterdir())
    (first / "entry.json").write_bytes(b"{")
    (second / "bundle").write_bytes(b"short")
    (third / "bundle").unlink()
    (tmp_path / "agent/spool/README").write_text("by hand", encoding="utf-8")

    again = RunSpool(tmp_path / "agent")
    delivered = again.deliver(Recorded(HubMemory().answer))

    assert ("d",) == delivered.sent
    assert (4, 0, "") == (len(delivered.refused), delivered.waiting, delivered.trouble)
    assert 4 == len(list(again.refused()))


def test_a_bundle_whose_bytes_changed_is_set_aside(
    spool: RunSpool, bundle: Path, tmp_path: Path
) -> None:
    spool.add("a", DUE, "a", bundle)
    (held,) = (tmp_path / "agent/spool").glob("*/bundle")
    held.write_bytes(bytes(1_200_000))

    spool.deliver(Recorded(HubMemory().answer))

    ((_, why),) = spool.refused()
    assert "its bundle is not as it was written" == why


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file", encoding="utf-8")

    with pytest.raises(InstrumentError, match="cannot be used: File exists"):
        RunSpool(tmp_path)


def test_5_mb_over_an_uplink_that_is_cut_at_random(tmp_path: Path) -> None:
    content, chances = random.Random(3).randbytes(5_000_000), random.Random(4)
    path, agent, sent, cuts = tmp_path / "run.zip", Identity.new(), [0], [0]
    path.write_bytes(content)
    spool = RunSpool(tmp_path / "agent")
    spool.add("a", DUE, "a", path)

    def cut(chance: float) -> None:
        if chances.random() < chance:
            cuts[0] += 1
            raise OSError("cut")

    def cut_before(message: FromAgent) -> None:
        sent[0] += len(message.data) if isinstance(message, UploadPart) else 0
        cut(0.3)

    def cut_after(body: bytes) -> bytes:
        cut(0.2)
        return body

    with FakeHub(agent=agent.public, before=cut_before, changes=cut_after).running() as hub:
        deliveries = 0
        with HubUplink(hub.url, hub.identity.public, agent, NO_PROXY) as uplink:
            while spool.waiting() and deliveries < 200:
                spool.deliver(uplink, now=True)
                deliveries += 1

    assert deliveries > 1
    assert content == bytes(hub.memory.parts[hub.memory.runs["a"]])
    assert sent[0] <= len(content) + cuts[0] * PART_BYTES  # a cut costs one part at most

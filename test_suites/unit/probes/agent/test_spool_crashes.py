"""Whatever breaks, and whenever: each run that was kept reaches the hub, once and whole."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from harness.fleet.messages import FromAgent, FromHub, RunReceived
from probes.agent.run_spool import RunSpool
from probes.agent.uplink_error import UplinkError
from test_suites.kit.hubs.fake_hub import HubMemory
from test_suites.unit.probes.agent.sudden_end import Killed, killed_at

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
KEYS = st.integers(0, 6)
FAULTS = st.lists(
    st.sampled_from(
        ["ok", "ok", "ok", "lost", "answer lost", "killed", "killed after", "forgotten"]
    ),
    max_size=12,
)
STEPS = st.one_of(st.integers(1, 4), st.integers(1, 25))


def bundle_of(key: int) -> bytes:
    """Some runs have no bundle, others one of several parts; two share theirs."""
    return b"" if key == 0 else bytes((key % 6,)) * (35 * key)


class FaultyUplink:
    """Passes messages to a hub's memory, with a fault for each as planned; then with none."""

    def __init__(self, hub: HubMemory, faults: list[str]) -> None:
        self._hub, self._faults = hub, list(faults)
        self.received: list[str] = []

    def ask(self, message: FromAgent) -> FromHub:
        fault = self._faults.pop(0) if self._faults else "ok"
        if fault == "lost":
            raise UplinkError("lost", "lost")
        if fault == "killed":
            raise Killed
        if fault == "forgotten":
            reported = set(self._hub.runs.values())
            for digest in self._hub.parts.keys() - reported:
                del self._hub.parts[digest]
        answer = self._hub.answer(message)
        if isinstance(answer, RunReceived) and answer.is_new:
            self.received.append(answer.run)
        if fault == "answer lost":
            raise UplinkError("lost", "lost")
        if fault == "killed after":
            raise Killed
        return answer


class SpoolMachine(RuleBasedStateMachine):
    """An agent that is killed at any step, over an uplink that fails at any message."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="accredit-spool-"))
        self.hub = HubMemory()
        self.promised: set[int] = set()
        self.received: list[str] = []
        self.parts = mock.patch("probes.agent.run_spool.PART_BYTES", 50)
        self.parts.start()
        self.start()

    def start(self) -> None:
        self.spool = RunSpool(self.folder / "agent", chance=lambda: 0.5)

    def add(self, key: int) -> None:
        content, path = bundle_of(key), self.folder / "run.zip"
        path.write_bytes(content)
        due = START + timedelta(hours=9 - key)
        self.spool.add(f"run-{key}", due, f"run-{key}", path if content else None)

    def deliver(self, faults: list[str]) -> None:
        uplink = FaultyUplink(self.hub, faults)
        try:
            self.spool.deliver(uplink, now=True)
        finally:
            self.received += uplink.received

    @rule(key=KEYS)
    def keep(self, key: int) -> None:
        self.add(key)
        self.promised.add(key)

    @rule(key=KEYS, step=STEPS)
    def keep_and_be_killed(self, key: int, step: int) -> None:
        with suppress(Killed), killed_at(step):
            self.add(key)
            self.promised.add(key)
        self.start()

    @rule(faults=FAULTS)
    def send(self, faults: list[str]) -> None:
        with suppress(Killed):
            self.deliver(faults)
        self.start()

    @rule(faults=FAULTS, step=STEPS)
    def send_and_be_killed(self, faults: list[str], step: int) -> None:
        with suppress(Killed), killed_at(step):
            self.deliver(faults)
        self.start()

    @rule(step=STEPS)
    def be_killed_at_start(self, step: int) -> None:
        with suppress(Killed), killed_at(step):
            self.start()
        self.start()

    @invariant()
    def nothing_is_lost(self) -> None:
        waiting = {record.key for record in self.spool.waiting()}
        for key in self.promised:
            assert f"run-{key}" in waiting or f"run-{key}" in self.hub.runs
        assert [] == list(self.spool.refused())

    @invariant()
    def they_wait_in_order_of_due_times(self) -> None:
        due = [record.due for record in self.spool.waiting()]
        assert sorted(due) == due

    @invariant()
    def the_hub_learns_of_each_run_once(self) -> None:
        assert len(set(self.received)) == len(self.received)

    def teardown(self) -> None:
        try:
            self.deliver([])
            assert () == self.spool.waiting()
            assert [] == list(self.spool.refused())
            for key in self.promised:
                digest = self.hub.runs[f"run-{key}"]
                assert bundle_of(key) == bytes(self.hub.parts[digest] if digest else b"")
            left = [path.name for path in (self.folder / "agent/spool").iterdir()]
            assert [] == left
        finally:
            self.parts.stop()
            shutil.rmtree(self.folder)


TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(max_examples=50, stateful_step_count=20)


@pytest.mark.parametrize("step", range(1, 13))
@pytest.mark.parametrize("ends_in", ["keeping", "sending"])
def test_the_process_may_end_at_each_step(step: int, ends_in: str) -> None:
    machine = SpoolMachine()
    try:
        if ends_in == "keeping":
            machine.keep_and_be_killed(3, step)
            machine.keep_and_be_killed(2, step)
        else:
            machine.keep(3)
            machine.keep(2)
            machine.send_and_be_killed([], step)
        machine.nothing_is_lost()
    finally:
        machine.teardown()

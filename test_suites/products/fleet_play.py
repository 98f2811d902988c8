"""Three agents of sites, their hub, and what may happen to them, in networks of their own.

Run as a program (``python -m``) in network, mount and process namespaces: ``FOLDER [LIBFAKETIME]``.
What became of it stays in the folder, for the test outside; what only this process knows is printed
as JSON (``Told``).

Agents, hub, and processes that measure are killed with -9 at moments that a seed draws, and started
again. The third agent is offline meanwhile until it has recorded runs of two due times, or of as
many as ``OFFLINE_RUNS`` says: its schedule is of each minute, so ten take ten minutes. (Ten
minutes of a simulated clock are in ``test_agent_results``.) With the library ``libfaketime`` its
clock is a year behind.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from probes.range.authority import Authority
from test_suites.kit.campaigns.monitored_service import SERVICE, MonitoredService
from test_suites.kit.clocks.sizes import sized
from test_suites.kit.networks.icap_recorder import read_capture
from test_suites.kit.processes.product import Process
from test_suites.kit.rooms import ROOT
from test_suites.products.fleet_network import (
    ASKS,
    HUB,
    INTERNET,
    PORT,
    bring_online,
    join,
    take_offline,
    within,
)
from test_suites.products.fleet_processes import AgentProcess, Member, runs_in
from test_suites.products.school_squids import (
    EXPLICIT,
    ICAP,
    AskingSquid,
    OpeningSquid,
    capture_in,
)

SITES = ("Hill School", "Vale School", "Moor School")
NAME, PASSWORD = "agent-7", "Otters in%40the river"
CONTROL = "a control request in clear: copper otters"
MESSAGES = "/agent/v1/messages"
TOKEN = re.compile(r"accredit-agent-\S+")

SEED = 20261129
VICTIMS = ("agent-1", "agent-2", "agent-3", "hub")
ROUNDS = sized(1, 3)
"""How often each of them is killed."""

UPLOAD_WAIT = 10.0
"""Seconds that the killing of the hub waits for an upload."""

OFFLINE_RUNS = sized(1, 10)
"""How many due times the third agent measures offline at least; one is due each minute."""

PATIENCE = 600.0 + 90.0 * OFFLINE_RUNS
"""Seconds that the disturbances may take, and what follows; far more than they need."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What only the play knows.

    ``killed`` counts kills by host, those of processes that measured under ``worker``.
    ``offline_runs`` are the runs that the third agent had measured and the hub did not know when
    its network came back. ``agents`` is what ``accredit hub agents --json`` said. ``replayed`` holds
    the status and words for each envelope that was sent again, ``forged`` for each that was
    changed. ``ended`` are the exit codes of agents and hub.
    """

    killed: dict[str, int]
    offline_runs: tuple[str, ...]
    agents: list[dict[str, Any]]
    replayed: tuple[tuple[int, str], ...]
    forged: tuple[tuple[int, str], ...]
    ended: dict[str, int]
    began: datetime
    over: datetime
    seconds: float


class Play:
    """The fleet, and what happens to it."""

    def __init__(self, place: Path, library: str) -> None:
        self.place = place
        self.chance = random.Random(SEED)
        self.registry = place / "out/registry.sqlite"
        self.hub = Member("hub", ["harness.cli.process", "serve", "--hub", str(place / "hub")],
                          place / "hub.log")  # fmt: skip
        faked = {
            "LD_PRELOAD": library, "FAKETIME": "-365d", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        asking = ("--proxy", f"http://{ASKS}:{EXPLICIT}",
                  "--proxy-credentials", str(place / "credentials"))  # fmt: skip
        self.agents = [
            self._agent("agent-1", SITES[0], asking, {}),
            self._agent("agent-2", SITES[1], (), {}),
            self._agent("agent-3", SITES[2], (), faked if library else {}),
        ]
        self.worker_kills: dict[str, int] = {}
        self.offline_runs: tuple[str, ...] = ()

    def _agent(
        self, host: str, site: str, ways: tuple[str, ...], further: dict[str, str]
    ) -> AgentProcess:
        token = ("--token-file", str(self.place / f"{host}.token"))
        return AgentProcess(self.place, host, site, (*ways, *token), further)

    def prepare(self) -> None:
        """Write the files, make the hub, and invite the agents."""
        files = MonitoredService(folder=self.place / "files", sites=SITES, cron="* * * * *")
        files.write()
        for site in SITES:  # some seconds in which a process that measures can be killed
            files.change(site, plain_twins={"pause": 0.05})
        credentials = self.place / "credentials"
        credentials.write_text(f"{NAME}:{PASSWORD}\n", encoding="utf-8")
        credentials.chmod(0o600)
        served = self.place / "hub.pem"
        served.write_bytes(Authority("Hub CA").key_and_chain(HUB))
        self.accredit(
            "hub", "init", str(self.place / "hub"), "--monitoring", str(files.file),
            "--url", f"https://{HUB}:{PORT}", "--listen", f"{HUB}:{PORT}",
            "--certificate", str(served), "--key", str(served), "--out", str(self.place / "out"),
        )  # fmt: skip
        for agent in self.agents:
            said = self.accredit(
                "hub", "agent", "invite", "--hub", str(self.place / "hub"),
                "--site", agent.site, "--service", SERVICE,
            )  # fmt: skip
            found = TOKEN.search(said)
            assert found is not None, said
            (self.place / f"{agent.host}.token").write_text(found[0], encoding="ascii")

    def accredit(self, *words: str) -> str:
        """Give a command of the hub; its standard output."""
        ended = subprocess.run(
            within("hub", sys.executable, "-m", "harness.cli.process", *words),
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def begin(self) -> None:
        """Start all, and wait until each agent has an order."""
        self.hub.start()
        self._wait(self._is_serving, "the hub does not serve")
        for agent in self.agents:
            agent.start()
        self._wait(
            lambda: all("is in force" in agent.said() for agent in self.agents),
            "an agent has no order",
        )

    def disturb(self) -> None:
        """Kill what runs, and start it again; let the third agent be offline meanwhile.

        The last round is for when it sends what it measured offline.
        """
        take_offline("agent-3")
        for rounds, is_over in (
            (ROUNDS - 1, self._has_been_offline),
            (1, self._were_workers_killed),
        ):
            deck = [*VICTIMS] * rounds
            self.chance.shuffle(deck)
            self._kill_all(deck, is_over)

    def _kill_all(self, deck: list[str], is_over: Callable[[], bool]) -> None:
        """Kill each member of a deck, with pauses, and go on until a condition holds."""
        members = {each.host: each for each in (*self.agents, self.hub)}
        following, deadline = time.monotonic() + self._pause(), time.monotonic() + PATIENCE
        while deck or not is_over():
            assert time.monotonic() < deadline, self._state()
            time.sleep(0.2)
            self._kill_worker()
            if not deck or time.monotonic() < following:
                continue
            victim = members[deck.pop()]
            if victim is self.hub:
                self._wait_for_upload()
            victim.kill()
            time.sleep(self.chance.uniform(0.1, 2.0))
            victim.start()
            following = time.monotonic() + self._pause()

    def _pause(self) -> float:
        return self.chance.uniform(5, 12)

    def _wait_for_upload(self) -> None:
        """Wait some seconds for the next bundle to come to the hub, and a moment longer."""
        folder, deadline = self.place / "hub/bundles", time.monotonic() + UPLOAD_WAIT
        before = len([*folder.glob("*/*")])
        while len([*folder.glob("*/*")]) == before and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(self.chance.uniform(0, 0.3))

    def _were_workers_killed(self) -> bool:
        return len(self.worker_kills) == len(self.agents)

    def _kill_worker(self) -> None:
        """Kill a process that measures, one of each agent, at a moment after it began to write."""
        for agent in self.agents:
            if agent.host in self.worker_kills or agent.has_ended:
                continue
            for process in agent.measuring():
                time.sleep(self.chance.uniform(0, 1.0))
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    self.worker_kills[agent.host] = process
                break

    def _has_been_offline(self) -> bool:
        """Whether the third agent has recorded enough offline; then it is online again."""
        known = {each.about for each in runs_in(self.registry)}
        runs = self.agents[2].runs().items()
        unknown = [key for key, run in runs if run.result == "measured" and key not in known]
        if len(unknown) < OFFLINE_RUNS:
            return False
        self.offline_runs = tuple(unknown)
        bring_online("agent-3")
        return True

    def settle(self) -> list[dict[str, Any]]:
        """Wait until the hub holds all that agents recorded; what it says of them."""
        self._wait(self._is_complete, "the hub does not hold all runs")
        views: list[dict[str, Any]] = []

        def is_reported() -> bool:
            views[:] = json.loads(
                self.accredit("hub", "agents", "--hub", str(self.place / "hub"), "--json")
            )
            return all(each["is_intercepted"] is not None for each in views)

        self._wait(is_reported, "an agent does not say how it reaches the hub")
        return views

    def end_agents(self) -> dict[str, int]:
        """Let the agents end in order; once more if a run was recorded and not sent meanwhile."""
        for _ in range(3):
            codes = {agent.host: agent.end() for agent in self.agents}
            if self._is_complete() or any(codes.values()):
                return codes
            for agent in self.agents:
                agent.start()
            self._wait(
                lambda: self._is_complete() and all(each.can_be_ended for each in self.agents),
                "the hub does not hold all runs",
            )
        return codes

    def _is_complete(self) -> bool:
        held = {each.about for each in runs_in(self.registry)}
        recorded = [set(agent.runs()) for agent in self.agents]
        return all(recorded) and set[str]().union(*recorded) <= held

    def replay(self) -> tuple[tuple[int, str], ...]:
        """Send each envelope that the opening Squid saw again, twice; the second answers.

        One that never reached the hub, because it was killed, may be taken the first time.
        """
        for body in self._captured():
            _post(body)
        return tuple(_post(body) for body in self._captured())

    def forge(self) -> Iterator[tuple[int, str]]:
        """Send the last envelope changed in one place each."""
        for change in (_other_text, _other_sender, _other_id, _other_time):
            body = json.loads(self._captured()[-1])
            change(body["envelope"])
            yield _post(json.dumps(body).encode())

    def _captured(self) -> list[bytes]:
        shown = read_capture(capture_in(self.place))
        return [each.body for each in shown if each.is_request and b'"envelope"' in each.body]

    def _is_serving(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return _post(b"{}")[0] == 400
        return False

    def _wait(self, is_over: Callable[[], bool], why: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_over():
            assert time.monotonic() < deadline, f"{why}\n{self._state()}"
            time.sleep(0.5)

    def _state(self) -> str:
        tails = [f"== {each.host}\n{each.said()[-3000:]}" for each in (*self.agents, self.hub)]
        return "\n".join([f"workers {self.worker_kills}, offline {self.offline_runs}", *tails])


def _other_text(envelope: dict[str, Any]) -> None:
    """Change one character of what is encrypted."""
    text = envelope["sealed"]
    envelope["sealed"] = text[:40] + ("A" if text[40] != "A" else "B") + text[41:]


def _other_sender(envelope: dict[str, Any]) -> None:
    envelope["header"]["sender"] = "0" * 32


def _other_id(envelope: dict[str, Any]) -> None:
    envelope["header"]["id"] = "0" * 32


def _other_time(envelope: dict[str, Any]) -> None:
    envelope["header"]["at"] = datetime.now(UTC).isoformat()


def _post(body: bytes) -> tuple[int, str]:
    """Send a body to the hub, past all agents; the status and the words of the answer."""
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(HUB, PORT, timeout=30, context=context)
    try:
        connection.request("POST", MESSAGES, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode(errors="replace")
    finally:
        connection.close()


def _ask_in_clear() -> None:
    """Send a request of TLS alone from the second agent's device, which its Squid can read."""
    words = (
        "import http.client, ssl\n"
        f"c = http.client.HTTPSConnection({HUB!r}, {PORT}, context=ssl._create_unverified_context())\n"
        f"c.request('POST', {MESSAGES!r}, {CONTROL!r}, {{'Content-Type': 'application/json'}})\n"
        "print(c.getresponse().status)\n"
    )
    subprocess.run(within("agent-2", sys.executable, "-c", words), check=True, capture_output=True)


@contextmanager
def schools(place: Path) -> Iterator[None]:
    """The Squids of two schools, and what records what one of them sees."""
    recorder = ("test_suites.kit.networks.icap_recorder", str(ICAP), str(capture_in(place)))
    with ExitStack() as running:
        running.enter_context(
            Process(
                within("opens", sys.executable, "-m", *recorder),
                log=place / "recorder.log", logs="ready",
            )
        )  # fmt: skip
        asking = AskingSquid(INTERNET["asks"], within("asks"), NAME, PASSWORD)
        running.enter_context(asking)
        running.enter_context(OpeningSquid(INTERNET["opens"], within("opens")))
        yield
        (place / "asking.log").write_text(asking.log(), encoding="utf-8")


def main(place: Path, library: str) -> Told:
    """All of it."""
    began, started = datetime.now(UTC), time.monotonic()
    join()
    play = Play(place, library)
    play.prepare()
    with schools(place):
        play.begin()
        _ask_in_clear()
        play.disturb()
        agents = play.settle()
        ended = play.end_agents()
        replayed, forged = play.replay(), tuple(play.forge())
    ended["hub"] = play.hub.end()
    killed = {each.host: each.kills for each in (*play.agents, play.hub)}
    return Told(
        killed={**killed, "worker": len(play.worker_kills)}, offline_runs=play.offline_runs,
        agents=agents, replayed=replayed, forged=forged, ended=ended,
        began=began, over=datetime.now(UTC), seconds=time.monotonic() - started,
    )  # fmt: skip


if __name__ == "__main__":
    told = main(Path(sys.argv[1]), *(sys.argv[2:] or [""]))
    print(msgspec.json.encode(told).decode())  # noqa: T201 - to the test outside of the namespaces

"""Three agents and their hub, behind Squid, killed at random: nothing is lost, doubled, or readable.

The first agent is behind a Squid that asks for a password, the second behind one that opens TLS;
an ICAP server of ours keeps all that this one decrypts. The third has a clock that is a year
behind, and is offline for a while. What happens to them is in ``fleet_play``; here is what has to
hold after it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

from harness.fleet.messages import read_token
from harness.model.verdict import State
from test_suites.kit.campaigns.fleet_records import Measured, at_hub, on_agent, readable, written
from test_suites.kit.campaigns.monitored_service import SERVICE, SUPPLIER
from test_suites.kit.networks.icap_recorder import Shown, read_capture
from test_suites.kit.processes.product import folder_on_disk, namespace
from test_suites.products.fleet_network import ASKS, HUB, PORT
from test_suites.products.fleet_play import (
    CONTROL,
    NAME,
    OFFLINE_RUNS,
    PASSWORD,
    PATIENCE,
    ROUNDS,
    SITES,
    Told,
)
from test_suites.products.fleet_processes import runs_in
from test_suites.products.school_authority import NAME as AUTHORITY
from test_suites.products.school_squids import EXPLICIT, PASSWORDS, capture_in
from test_suites.products.squid import CERTGEN

pytestmark = [
    pytest.mark.product(
        "squid", CERTGEN, PASSWORDS, "openssl", "nft", "ip", "unshare", "mount"
    ),
    pytest.mark.timeout(2 * PATIENCE + 100),
]  # fmt: skip

LIBRARY = "libfaketimeMT.so.1"
HOSTS = ("agent-1", "agent-2", "agent-3")
YEAR = 365 * 86400.0

PRIVATE = ("canary", "accredit.test", "orchard-view", "copper-meadow", "drug-", "simulated",
           SERVICE, SUPPLIER, "acme", *SITES)  # fmt: skip
"""Words of items, hosts, the service, and sites."""

LONG = 8
"""Encrypted text in base64 holds a word of so many letters once in 10^12 characters, if it holds
it by chance; shorter words are only looked for in what is not encrypted."""


class Fleet:
    """What is left of a play."""

    def __init__(self, place: Path, told: Told, *, has_wrong_clock: bool) -> None:
        self.place, self.told, self.has_wrong_clock = place, told, has_wrong_clock
        self.recorded = {host: runs_in(place / host / "registry.sqlite") for host in HOSTS}
        self.held = runs_in(place / "out/registry.sqlite")

    @cache  # noqa: B019 - one fleet in the process
    def measured(self) -> dict[str, list[Measured]]:
        """The journals of the complete runs of each agent."""
        return {
            host: [on_agent(self.place / host, run.campaign) for run in runs if run.journal]
            for host, runs in self.recorded.items()
        }

    @cache  # noqa: B019 - the same
    def received(self) -> list[Measured]:
        """The journals in the bundles of the hub."""
        return list(at_hub(self.place / "hub", self.place / "out/registry.sqlite"))

    @cache  # noqa: B019 - the same
    def capture(self) -> list[Shown]:
        """What the opening Squid saw."""
        return read_capture(capture_in(self.place))


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with folder_on_disk() as folder:
        yield folder


@pytest.fixture(scope="module")
def fleet(place: Path) -> Fleet:
    library = next(
        (str(each) for each in sorted(Path("/usr/lib").glob(f"*/faketime/{LIBRARY}"))), ""
    )
    flags = "--fork", "--kill-child", "--mount-proc"
    opened = namespace(["unshare", "-nmp", *flags], ["unshare", "-rnmp", "--map-auto", *flags])
    program = [sys.executable, "-m", "test_suites.products.fleet_play", str(place), library]
    inside = subprocess.run(
        [*opened, *program], capture_output=True, text=True, check=False, timeout=2 * PATIENCE
    )
    assert inside.returncode == 0, inside.stderr
    told = msgspec.json.decode(inside.stdout.splitlines()[-1], type=Told)
    return Fleet(place, told, has_wrong_clock=bool(library))


def test_all_were_killed_and_ended_in_order(fleet: Fleet) -> None:
    assert all(fleet.told.killed[each] == ROUNDS for each in (*HOSTS, "hub")), fleet.told.killed
    assert fleet.told.killed["worker"] == len(HOSTS)
    assert {0} == set(fleet.told.ended.values()), fleet.told.ended
    assert [] == [*fleet.place.glob("accredit-*"), *fleet.place.glob("hub/scratch")]


def test_each_run_is_at_the_hub_once_with_the_same_journal(fleet: Fleet) -> None:
    recorded = [run for runs in fleet.recorded.values() for run in runs]

    for host, runs in fleet.recorded.items():
        assert sum(run.result == "measured" for run in runs) >= 2, host
    assert Counter(run.about for run in recorded) == Counter(run.about for run in fleet.held)
    assert 1 == max(Counter(run.about for run in fleet.held).values())
    facts = [(run.about, run.result, run.journal, run.campaign) for run in recorded]
    assert sorted(facts) == sorted(
        (run.about, run.result, run.journal, run.campaign) for run in fleet.held
    )
    assert not list((fleet.place / "hub").glob("aside/*/*"))


def test_each_observation_is_at_the_hub_once(fleet: Fleet) -> None:
    sent = [each for some in fleet.measured().values() for each in some]
    own = [one for each in sent for one in written(each.observations)]
    received = [one for each in fleet.received() for one in written(each.observations)]

    assert len(own) > 500
    assert 1 == max(Counter(key for key, _ in own).values())
    assert Counter(own) == Counter(received)
    assert {(each.campaign, each.head) for each in sent} == {
        (each.campaign, each.head) for each in fleet.received()
    }


def test_what_was_measured_offline_came(fleet: Fleet) -> None:
    missing = {*fleet.told.offline_runs}

    assert len(missing) >= OFFLINE_RUNS
    assert missing <= {run.about for run in fleet.held if run.result == "measured"}


def test_the_hub_knows_who_is_intercepted(fleet: Fleet) -> None:
    first, second, third = sorted(fleet.told.agents, key=lambda view: SITES.index(view["site"]))

    assert second["is_intercepted"]
    assert AUTHORITY in second["issuer"]
    assert "" == second["proxy"]
    assert [False, False] == [first["is_intercepted"], third["is_intercepted"]]
    assert [f"{ASKS}:{EXPLICIT}", ""] == [first["proxy"], third["proxy"]]
    assert {"alive"} == {each["state"] for each in fleet.told.agents}
    assert PASSWORD not in json.dumps(fleet.told.agents)


def test_the_first_agent_said_its_password_to_its_squid(fleet: Fleet) -> None:
    lines = (fleet.place / "asking.log").read_text(encoding="utf-8").splitlines()

    tunnels = [line for line in lines if f"CONNECT {HUB}:{PORT} {NAME} " in line]
    assert len(tunnels) >= 3


def test_nothing_is_readable_where_tls_is_opened(fleet: Fleet) -> None:
    measured = [each for some in fleet.measured().values() for each in some]
    items = {one.item for each in measured for one in each.observations}
    tokens = [(fleet.place / f"{host}.token").read_text(encoding="ascii") for host in HOSTS]
    secrets = {read_token(token).secret for token in tokens}
    secret = {*PRIVATE, *State, *secrets, *tokens, PASSWORD, *(each.id for each in items),
              *(each.value for each in items)}  # fmt: skip
    capture = fleet.capture()
    clear = b"\n".join(readable(each) for each in capture if CONTROL.encode() not in each.body)
    whole = b"\n".join(each.heads + each.body for each in capture)

    found = [word for word in secret if word and word.lower().encode() in clear.lower()]
    found += [word for word in secret if len(word) >= LONG and word.encode() in whole]
    assert not found


def test_the_capture_is_of_what_tls_hid(fleet: Fleet) -> None:
    capture = fleet.capture()
    envelopes = [each for each in capture if b"accredit-envelope/1" in each.body]

    assert any(CONTROL.encode() in each.body for each in capture if each.is_request)
    assert any(each.is_request for each in envelopes)
    assert any(not each.is_request for each in envelopes)
    assert any(b"/agent/v1/time" in each.heads for each in capture)
    uploads = sum(len(each.body) for each in envelopes if each.is_request)
    sizes = [path.stat().st_size for path in fleet.place.glob("hub/bundles/*/*")]
    assert uploads > min(sizes) * 2


def test_an_envelope_that_comes_again_or_was_changed_is_refused(fleet: Fleet) -> None:
    assert any("came before" in words for _, words in fleet.told.replayed)
    for status, words in fleet.told.replayed:
        assert 400 == status
        assert "came before" in words or "is dated" in words, words  # the second after 10 minutes
    for status, words in fleet.told.forged:
        assert status in (400, 403), words
    assert len(fleet.told.forged) == 4


def test_an_agent_whose_clock_is_a_year_off_measures_by_the_time_of_its_hub(fleet: Fleet) -> None:
    if not fleet.has_wrong_clock:
        reason = "libfaketime is not installed (Debian's package faketime)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    (view,) = (each for each in fleet.told.agents if each["site"] == SITES[2])
    began, over = fleet.told.began, fleet.told.over

    assert abs(view["clock"]["offset"] - YEAR) < 60
    for each in fleet.measured()["agent-3"]:
        assert each.instrument
        for clock in (record.clock for record in each.instrument):
            assert clock.hub_age is not None
            assert clock.bound is not None
            assert 0 < clock.bound < 5
        assert all(began <= one.started <= over for one in each.observations)
    for run in fleet.recorded["agent-3"]:
        assert began <= run.at <= over


def test_figures(fleet: Fleet, record_property: Callable[[str, object], None]) -> None:
    """Not a check: the figures of the play, for whoever reads the results of the tests."""
    figures = {
        "runs": len(fleet.held),
        "observations": sum(len(each.observations) for each in fleet.received()),
        "kills": fleet.told.killed,
        "captured": sum(len(each.heads + each.body) for each in fleet.capture()),
        "replayed": len(fleet.told.replayed),
        "seconds": round(fleet.told.seconds),
    }
    record_property("fleet", json.dumps(figures))
    print(json.dumps(figures))  # noqa: T201 - shown with -s

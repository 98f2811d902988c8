"""Tunnels (CIR-03): stopped, established, and undecided; by real programs in private networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.estimate.technique_metrics import NOT_CARRIED
from harness.model.outcome import Conformity
from harness.model.technique import GROUPS, PROBE
from harness.model.verdict import State
from probes.range.gateway import read_server_name
from probes.range.tunnel_ends import tunnel_that_begins
from test_suites.calibration.pupils_network import Leak
from test_suites.calibration.technique_campaigns import (
    TO_ORIGIN,
    Service,
    TechniqueWorld,
    case_of,
    ids_of,
    outcome,
    technique_world,
)
from test_suites.calibration.technique_flaws import ALLOWED_HOST
from test_suites.kit.campaigns.rehearsal import Rehearsal
from test_suites.kit.networks.tunnel_programs import require_tunnels

CIR_03 = ["CIR-03"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TechniqueWorld]:
    require_tunnels()
    with technique_world(tmp_path_factory.mktemp("world")) as world:
        yield world


def established(run: Rehearsal) -> set[str]:
    """The classes of tunnels through which a blocked page arrived."""
    return {
        case_of(one.item).name
        for one in run.verdicts
        if one.key.probe == PROBE and one.state is State.ALLOWED
    }


def test_a_network_out_of_which_no_tunnel_leads_conforms(
    world: TechniqueWorld, tmp_path: Path
) -> None:
    run = world.measure(tmp_path, Service(), CIR_03, ids_of("tunnel", number=2))

    found = outcome(run, "CIR-03")
    assert found.conformity is Conformity.CONFORMS, found.reasons
    assert {part.group for part in found.metric.parts} == set(GROUPS["tunnel"].classes.values())
    assert established(run) == set()


def _begins_openvpn(first: bytes) -> bool:
    return tunnel_that_begins(first, inside_tls=False) == "openvpn-tcp"


def _names_allowed_host(first: bytes) -> bool:
    try:
        return read_server_name(first) == ALLOWED_HOST
    except ValueError:
        return False


def _leaks_443(begins: Callable[[bytes], bool]) -> Service:
    return Service(leaks={443: (Leak(begins, TO_ORIGIN),)})


FLAWS = {
    "ssh": Service(open_tcp=(22,)),
    "socks": Service(open_tcp=(1080,)),
    "tls sstp": _leaks_443(_names_allowed_host),
    "openvpn-tcp": _leaks_443(_begins_openvpn),
    "openvpn-udp": Service(open_udp=(1194,)),
    "wireguard": Service(open_udp=(51820,)),
    "ikev2": Service(open_udp=(500, 4500)),
    "tor": Service(open_tcp=(9001,)),
    "obfs": Service(open_tcp=(9443,)),
    "shadowsocks": Service(open_tcp=(8388,)),
    "iodine": Service(open_udp=(53,)),
    "masque": Service(open_udp=(443,)),
}
"""A network by which some classes of tunnels lead out."""


@pytest.mark.parametrize("opened", FLAWS)
def test_a_network_out_of_which_a_tunnel_leads_does_not_conform(
    world: TechniqueWorld, tmp_path: Path, opened: str
) -> None:
    classes = opened.split()
    items = ids_of(*(f"tunnel:{each}" for each in classes), number=2)
    run = world.measure(tmp_path, FLAWS[opened], CIR_03, items)

    assert outcome(run, "CIR-03").conformity is Conformity.DOES_NOT_CONFORM
    assert established(run) == set(classes)


def test_a_tunnel_that_was_not_tried_leaves_it_undecided(
    world: TechniqueWorld, tmp_path: Path
) -> None:
    tried = [each for each in GROUPS["tunnel"].classes if each != "wireguard"]
    items = ids_of(*(f"tunnel:{each}" for each in tried))
    run = world.measure(tmp_path, Service(), CIR_03, items)

    found = outcome(run, "CIR-03")
    assert found.conformity is Conformity.INSUFFICIENT
    assert GROUPS["tunnel"].classes["wireguard"] in " ".join(found.reasons)


def test_a_proxy_that_carries_no_udp_leaves_it_undecided(
    world: TechniqueWorld, tmp_path: Path
) -> None:
    proxy = world.world.origin.services["reference"]["proxy"]["pupils"]
    line = {"name": "service", "type": "explicit_proxy", "options": {"proxy": proxy}}
    items = ids_of("tunnel:ssh", "tunnel:wireguard")
    run = world.measure(
        tmp_path, Service(), CIR_03, items, lines=[line], probes=["web", "techniques"]
    )

    found = outcome(run, "CIR-03")
    assert found.conformity is Conformity.INSUFFICIENT
    assert NOT_CARRIED in found.metric.left_out

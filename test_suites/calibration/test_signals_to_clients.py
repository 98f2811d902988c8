"""Network signals (CIR-06): names that must have no address, and designated name servers.

The names are those by which Firefox and iCloud Private Relay ask whether to use their own DNS. All
runs in two network namespaces of the test: that of the range, and that of pupils.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.model.network_signal import DESIGNATED, SIGNALS
from harness.model.outcome import Conformity, Outcome
from probes.range.faults import Fault, FaultKind
from test_suites.calibration.technique_campaigns import (
    PATIENCE,
    Service,
    TechniqueWorld,
    ids_of,
    outcome,
    technique_world,
)

REQUIREMENT = "CIR-06"
PROBES = ["web", "dns", "dns_aaaa", "techniques"]
FIREFOX = "use-application-dns.net"
APPLE = ["mask-h2.icloud.com", "mask.icloud.com"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TechniqueWorld]:
    with technique_world(tmp_path_factory.mktemp("world")) as world:
        yield world


def fault(kind: FaultKind, *names: str) -> Fault:
    return Fault(kind=kind, hosts=frozenset(names), service="resolver")


def measured(world: TechniqueWorld, folder: Path, *faults: Fault, **declared: Any) -> Outcome:
    """What comes of a service that filters by names alone, with faults of its name server.

    Names are asked on this machine, so that silence shows after a short time.
    """
    service = Service(filters="names", web=(80,), open_tcp=(853,), faults=faults)
    limits = PATIENCE | {"timeout": 2, "confirmation_timeout": 3, "silence_timeout": 2}
    settings: dict[str, Any] = {"probes": PROBES, "limits": limits} | declared
    items = settings.pop("items", None) or ids_of("signal", number=8)
    return outcome(world.measure(folder, service, [REQUIREMENT], items, **settings), REQUIREMENT)


def test_a_network_that_gives_every_signal_conforms(world: TechniqueWorld, tmp_path: Path) -> None:
    found = measured(world, tmp_path)

    assert found.conformity is Conformity.CONFORMS, found.reasons
    assert (found.metric.k, found.metric.n) == (0, len(SIGNALS) + 1)


@pytest.mark.parametrize(
    ("kind", "names", "adverse"),
    [
        (FaultKind.MISS, [FIREFOX], 1),
        (FaultKind.MISS, [APPLE[0]], 1),
        (FaultKind.MISS, [DESIGNATED], 1),
        (FaultKind.MISS, [FIREFOX, *APPLE, DESIGNATED], 4),
        (FaultKind.SINKHOLE, [FIREFOX, *APPLE], 3),
        (FaultKind.REFUSE, [FIREFOX, *APPLE], 2),
        (FaultKind.SILENT, [FIREFOX, *APPLE], 3),
    ],
)
def test_a_network_that_lacks_a_signal_does_not_conform(
    world: TechniqueWorld, tmp_path: Path, kind: FaultKind, names: list[str], adverse: int
) -> None:
    """A refusal is a signal for Firefox alone; neither silence nor an address is one."""
    found = measured(world, tmp_path, fault(kind, *names))

    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert found.metric.k == adverse


def test_a_name_server_that_fails_shows_nothing(world: TechniqueWorld, tmp_path: Path) -> None:
    found = measured(world, tmp_path, fault(FaultKind.SERVFAIL, FIREFOX, *APPLE))

    assert found.conformity is Conformity.INSUFFICIENT


@pytest.mark.parametrize(
    ("declared", "missing"),
    [
        ({"probes": ["web", "techniques"]}, "Firefox"),
        ({"items": ids_of("signal:mozilla", "signal:apple", "signal:ddr")}, "mask-h2"),
        ({"items": ids_of("signal:mozilla", "signal:apple", "signal:apple-h2")}, "discovery"),
    ],
)
def test_a_signal_that_was_not_asked_for_leaves_it_undecided(
    world: TechniqueWorld, tmp_path: Path, declared: dict[str, Any], missing: str
) -> None:
    found = measured(world, tmp_path, **declared)

    assert found.conformity is Conformity.INSUFFICIENT
    assert missing in " ".join(found.reasons)


def test_a_proxy_s_line_leaves_it_undecided(world: TechniqueWorld, tmp_path: Path) -> None:
    """Through a proxy no name server of the network can be asked."""
    proxy = world.world.origin.services["reference"]["proxy"]["pupils"]
    line = {"name": "service", "type": "explicit_proxy", "options": {"proxy": proxy}}
    found = measured(world, tmp_path, lines=[line], probes=["web", "techniques"])

    assert found.conformity is Conformity.INSUFFICIENT

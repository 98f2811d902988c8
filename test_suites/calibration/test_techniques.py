"""Techniques and devices (CIR-01, -04, -05, -07 to -12, -14, -15, TLS-09, DEV-01): stopped, open, and undecided.

All runs in two network namespaces of the test: that of the range, and that of pupils.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.estimate.technique_metrics import NOT_BLOCKED, NOT_CARRIED, NOT_CHOSEN
from harness.model.outcome import Conformity
from harness.model.technique import CRITICAL, DEVICE, GROUPS, PROBE, TechniqueCase
from harness.model.verdict import State
from harness.schemes.load import whole_catalogue
from probes.range.faults import Fault, FaultKind
from test_suites.calibration.technique_campaigns import (
    PACK,
    REQUIREMENTS,
    Service,
    TechniqueWorld,
    case_of,
    ids_of,
    outcome,
    technique_world,
    techniques,
)
from test_suites.calibration.technique_flaws import (
    DROPS_HELLOS_IN_PIECES,
    FLAWS,
    WITHOUT_TLS,
    Flaw,
)
from test_suites.kit.campaigns.rehearsal import Rehearsal
from test_suites.kit.networks.tunnel_programs import require_tunnels
from test_suites.kit.processes.product import require

GROUP_OF = {
    "CIR-04": "resolver", "CIR-05": "encrypted-dns", "CIR-07": "ech", "CIR-08": "quic",
    "CIR-09": "spelling", "CIR-10": "name", "CIR-11": "framing", "CIR-12": "identity",
    "CIR-14": "control-protocol", "TLS-09": "hello", "DEV-01": "device",
}  # fmt: skip
"""The group of techniques of each requirement that needs all classes of one."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TechniqueWorld]:
    with technique_world(tmp_path_factory.mktemp("world")) as world:
        yield world


def opened(run: Rehearsal) -> set[str]:
    """The classes of techniques by which a harmful page arrived, each with its group."""
    cases = (
        case_of(one.item)
        for one in run.verdicts
        if one.key.probe == PROBE and one.state is State.ALLOWED and not is_twin(one.item.id)
    )
    return {f"{case.group}:{case.name}" for case in cases}


def is_twin(identity: str) -> bool:
    return identity.endswith("-twin")


def conformities(run: Rehearsal) -> dict[str, Conformity]:
    return {one.requirement.id: one.conformity for one in run.assessment.outcomes}


def test_a_filter_that_stops_every_technique_conforms(
    world: TechniqueWorld, tmp_path: Path
) -> None:
    require_tunnels()  # CIR-01 needs a technique of each class
    require("chromium")
    pytest.importorskip("playwright", reason="needs the extra: pip install 'isp-accredit[browser]'")
    run = world.measure(tmp_path, Service(), REQUIREMENTS)

    reasons = {one.requirement.id: one.reasons for one in run.assessment.outcomes if one.reasons}
    assert conformities(run) == dict.fromkeys(REQUIREMENTS, Conformity.CONFORMS), reasons
    assert opened(run) == set()
    for requirement, group in GROUP_OF.items():
        words = set(GROUPS[group].classes.values())
        assert words <= {part.group for part in outcome(run, requirement).metric.parts}
    tried = [one for one in run.verdicts if one.key.probe == PROBE]
    assert {one.state for one in tried if is_twin(one.item.id)} == {State.ALLOWED}
    assert {one.state for one in tried if not is_twin(one.item.id)} == {State.BLOCKED}
    bypassing = (one.item for one in tried if case_of(one.item).group != DEVICE)
    assert outcome(run, "CIR-01").metric.n == len([one for one in bypassing if not is_twin(one.id)])


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.name)
def test_a_way_that_is_open_breaks_its_requirement_alone(
    world: TechniqueWorld, tmp_path: Path, flaw: Flaw
) -> None:
    classes = [f"{flaw.group}:{each}" for each in flaw.tried] or [flaw.group]
    items = ids_of(*classes, number=4)
    run = world.measure(tmp_path, flaw.service, REQUIREMENTS, items, probes=list(flaw.probes))

    opens, perhaps = (
        {f"{flaw.group}:{each}" for each in classes} for classes in (flaw.opens, flaw.perhaps)
    )
    assert opens <= opened(run) <= opens | perhaps
    found = conformities(run)
    assert found.pop(flaw.breaks) is Conformity.DOES_NOT_CONFORM
    of_all = found.pop("CIR-01")
    assert of_all is Conformity.DOES_NOT_CONFORM or flaw.group not in CRITICAL
    assert Conformity.DOES_NOT_CONFORM not in found.values()


def test_a_gateway_that_ends_connections_with_large_hellos_does_not_conform(
    world: TechniqueWorld, tmp_path: Path
) -> None:
    """Nothing harmful arrives, but harmless pages fail too."""
    run = world.measure(tmp_path, DROPS_HELLOS_IN_PIECES, ["TLS-09"], ids_of("hello", number=8))

    assert outcome(run, "TLS-09").conformity is Conformity.DOES_NOT_CONFORM
    assert opened(run) == set()
    assert {is_twin(one.item) for one in outcome(run, "TLS-09").witnesses} == {True}


def left_out_of(group: str) -> str:
    """The class of a group of techniques that is not tried."""
    return "icmp" if group == "control-protocol" else next(iter(GROUPS[group].classes))


@pytest.fixture(scope="module")
def without_some(world: TechniqueWorld, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A campaign in which one class of each group is not tried."""
    tried = [
        f"{group}:{each}"
        for group in GROUP_OF.values()
        for each in GROUPS[group].classes
        if each != left_out_of(group)
    ]
    folder = tmp_path_factory.mktemp("without-some")
    return world.measure(folder, Service(), [*GROUP_OF, "CIR-01"], ids_of(*tried))


@pytest.mark.parametrize("requirement", GROUP_OF)
def test_a_class_that_was_not_tried_leaves_its_requirement_undecided(
    without_some: Rehearsal, requirement: str
) -> None:
    group = GROUP_OF[requirement]
    found = outcome(without_some, requirement)

    assert found.conformity is Conformity.INSUFFICIENT
    is_alone = len(GROUPS[group].classes) == 1
    assert GROUPS[group].classes[left_out_of(group)] in " ".join(found.reasons) or is_alone
    assert outcome(without_some, "CIR-01").conformity is Conformity.INSUFFICIENT


SOME = ("CIR-09", "CIR-10", "CIR-15", "TLS-09", "DEV-01")


@pytest.fixture(scope="module")
def chosen(world: TechniqueWorld, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A campaign that chooses one technique of each class of some groups from the pack."""
    items = ids_of(*(GROUP_OF.get(each, "relay") for each in SOME), number=1)
    folder = tmp_path_factory.mktemp("chosen")
    return world.measure(folder, Service(), SOME, corpora=[{"pack": PACK, "items": items}])


@pytest.mark.parametrize("requirement", SOME)
def test_techniques_of_a_pack_that_were_not_chosen_leave_the_requirement_undecided(
    chosen: Rehearsal, requirement: str
) -> None:
    """One technique of each class could be chosen such that it is stopped."""
    items = ids_of(GROUP_OF.get(requirement, "relay"), number=1)

    found = outcome(chosen, requirement)
    assert (found.conformity, found.metric.k) == (Conformity.INSUFFICIENT, 0)
    left = sum(
        (case.group, case.name) in {(each.group, each.name) for each in cases_of(items)}
        for item in techniques()
        if item.id not in items
        for case in (case_of(item),)
    )
    assert found.metric.left_out[NOT_CHOSEN] == left


def cases_of(items: list[str]) -> list[TechniqueCase]:
    return [case_of(item) for item in techniques() if item.id in items]


def test_few_relays_show_nothing(world: TechniqueWorld, tmp_path: Path) -> None:
    run = world.measure(tmp_path, Service(), ["CIR-15"], ids_of("relay", number=2))

    assert outcome(run, "CIR-15").conformity is Conformity.INSUFFICIENT


def test_a_line_without_udp_leaves_what_needs_it_undecided(
    world: TechniqueWorld, tmp_path: Path
) -> None:
    proxy = world.world.origin.services["reference"]["proxy"]["pupils"]
    line = {"name": "service", "type": "explicit_proxy", "options": {"proxy": proxy}}
    groups = ["resolver", "encrypted-dns", "quic", "control-protocol"]
    run = world.measure(
        tmp_path, Service(), REQUIREMENTS, ids_of(*groups), lines=[line], probes=WITHOUT_TLS
    )

    for requirement in ("CIR-04", "CIR-05", "CIR-08", "CIR-14"):
        found = outcome(run, requirement)
        assert found.conformity is Conformity.INSUFFICIENT
        assert NOT_CARRIED in found.metric.left_out


OPEN_ANYWAY = ("CIR-09", "CIR-10", "CIR-12", "CIR-15", "TLS-09")


@pytest.fixture(scope="module")
def plainly_open(world: TechniqueWorld, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A campaign with techniques whose pages are open in the plain form too."""
    items = ids_of(*(GROUP_OF.get(each, "relay") for each in OPEN_ANYWAY))
    known = {one.id: one.host for one in techniques()}
    missed = Fault(kind=FaultKind.MISS, hosts=frozenset(known[each] for each in items))
    folder = tmp_path_factory.mktemp("plainly-open")
    return world.measure(folder, Service(faults=(missed,)), OPEN_ANYWAY, items)


@pytest.mark.parametrize("requirement", OPEN_ANYWAY)
def test_pages_that_are_open_in_the_plain_form_show_nothing(
    plainly_open: Rehearsal, requirement: str
) -> None:
    found = outcome(plainly_open, requirement)

    assert found.conformity is Conformity.INSUFFICIENT
    assert (found.metric.k, found.witnesses) == (0, ())
    assert NOT_BLOCKED in found.metric.left_out


def test_a_port_that_the_line_does_not_lead_to_shows_nothing(
    world: TechniqueWorld, tmp_path: Path
) -> None:
    """Port 53 is open, but the line's map of ports leaves it out, so that nothing is sent there."""
    service = Service(filters="names", web=(80,), open_tcp=(53,), open_udp=(53,))
    line = world.line(service)
    ports = world.world.origin.ports
    line["options"]["ports"] = {port: ports[port] for port in (80, 443)}
    items = ids_of("resolver")
    run = world.measure(tmp_path, service, ["CIR-04"], items, lines=[line], probes=WITHOUT_TLS)

    found = outcome(run, "CIR-04")
    assert found.conformity is Conformity.INSUFFICIENT
    assert found.metric.left_out == {NOT_CARRIED: 2}


def test_groups_of_critical_requirements_are_critical() -> None:
    severities = {each.id: each.severity for each in whole_catalogue()}
    groups = GROUP_OF | {"CIR-03": "tunnel", "CIR-15": "relay"}
    critical = {group for name, group in groups.items() if severities[name] == "Crit"}

    assert CRITICAL == critical - {DEVICE}

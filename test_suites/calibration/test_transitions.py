"""IPv6 transition mechanisms (IP6-02): stopped, open, and not carried by any network.

All runs in a network namespace of the test, on loopback alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from corpora.url_pages import URL_PACK, url_pages
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.outcome import Conformity, Outcome
from harness.model.transition_address import MAPPED, TRANSITIONS, literal_of
from harness.model.verdict import State, Verdict
from probes.net.local_binding import run_in_namespace
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration.translated_network import LOOPBACK, Translators, network_with
from test_suites.kit.campaigns.ranges import POLICY, pack_campaign, reading_filter
from test_suites.kit.campaigns.rehearsal import QUICK, Rehearsal, rehearse
from test_suites.kit.networks.served_in_thread import served_in_thread

PAGES = url_pages("transitions", ("DRUG",), {"transition": 2})
SCHEME = """\
id: our-school
version: "1.0"
title: Transition mechanisms
policy: uk-schools-2026
requirements: [{id: IP6-02}]
"""
LITERALS = {case: literal_of(case, LOOPBACK) for case in TRANSITIONS}
CARRIED = tuple(case for case in TRANSITIONS if case != MAPPED)
OWN_PREFIX = "2001:db8:64::/96"
OWN = literal_of("transition:nat64-own", LOOPBACK, OWN_PREFIX)
PATIENCE = QUICK | {"timeout": 3, "confirmation_timeout": 6, "concurrency": 8}
Try = Callable[..., Rehearsal]


def hosts(*cases: str) -> frozenset[str]:
    """The hosts of requests by the addresses of mechanisms."""
    return frozenset(f"[{LITERALS[case]}]" for case in cases or TRANSITIONS)


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    with network_with([*(LITERALS[case] for case in CARRIED), OWN]) as network:
        yield network


@pytest.fixture(scope="module")
def world(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """A range in that network, whose filter knows the canaries, and reads pages."""
    running = reading_filter(tmp_path_factory.mktemp("world"), PAGES)
    world = run_in_namespace(network, running.__enter__)
    yield world
    running.__exit__(None, None, None)


@pytest.fixture
def tried(network: str, world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign over the filter's proxy, or over its name server."""
    reference = world.origin.services["reference"]
    lines: dict[str, dict[str, Any]] = {
        "proxy": {"type": "explicit_proxy", "options": {"proxy": reference["proxy"]["pupils"]}},
        "names": {"type": "resolver", "options": {"server": reference["resolver"]["pupils"]}},
    }

    def run(
        *faults: Fault, over: str = "proxy", carried: Collection[str] = CARRIED, **more: Any
    ) -> Rehearsal:
        for fault in faults:
            world.faults.add(fault)
        declared: dict[str, Any] = {
            "lines": [{"name": "service"} | lines[over]],
            "probes": ["web", "web_transitions"],
            "limits": PATIENCE,
        }
        campaign = pack_campaign(tmp_path, world, URL_PACK, PAGES, SCHEME, **declared | more)
        prefix = more.get("nat64_prefix")
        addresses = [
            OWN if prefix and case == "transition:nat64-own" else LITERALS[case] for case in carried
        ]
        with served_in_thread(Translators(addresses, world.origin.ports.values())):
            return rehearse(campaign)

    yield partial(run_in_namespace_with, network, run)
    world.faults.clear()


def run_in_namespace_with(
    network: str, run: Callable[..., Rehearsal], *faults: Fault, **more: Any
) -> Rehearsal:
    return run_in_namespace(network, partial(run, *faults, **more))


def outcome(run: Rehearsal) -> Outcome:
    return run.outcome("IP6-02", "service")


def open_cases(run: Rehearsal) -> set[str]:
    """The mechanisms that the witnesses name."""
    rows = {row["id"]: row for row in PAGES.rows}
    return {variant_of(rows[one.item]["stratum"]) for one in outcome(run).witnesses}


def is_harmful(verdict: Verdict) -> bool:
    return not verdict.item.stratum.startswith(TWIN)


def test_a_filter_that_reads_pages_by_every_address_conforms(tried: Try) -> None:
    run = tried()

    found = outcome(run)
    assert found.conformity is Conformity.CONFORMS, found.reasons
    assert (found.metric.k, found.metric.n) == (0, len(TRANSITIONS))
    assert {part.group for part in found.metric.parts} == set(TRANSITIONS.values())
    found_by_address = {
        (is_harmful(one), one.state) for one in run.verdicts if one.key.probe == "web_transitions"
    }
    assert found_by_address == {(True, State.BLOCKED), (False, State.ALLOWED)}


def test_a_mechanism_that_passes_is_found_and_named(tried: Try) -> None:
    run = tried(Fault(kind=FaultKind.UNREAD, hosts=hosts("transition:6to4")))

    found = outcome(run)
    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert (found.metric.value, found.metric.n) == (1.0, len(TRANSITIONS))
    assert open_cases(run) == {"transition:6to4"}
    arrived = {
        one.key.probe for one in run.verdicts if one.state is State.ALLOWED and is_harmful(one)
    }
    assert arrived == {"web_transitions"}


def test_a_service_that_carries_no_mechanism_conforms(tried: Try) -> None:
    """Nothing harmful arrives, although nothing harmless does either."""
    run = tried(Fault(kind=FaultKind.RESET, hosts=hosts()))

    found = outcome(run)
    assert found.conformity is Conformity.CONFORMS, found.reasons
    assert found.metric.n == len(TRANSITIONS)


def test_a_proxy_that_cannot_reach_an_address_stops_it(tried: Try) -> None:
    """The control line is in a network with a prefix that the proxy knows nothing of."""
    run = tried(carried=("transition:nat64-own",), nat64_prefix=OWN_PREFIX)

    found = outcome(run)
    assert found.conformity is Conformity.CONFORMS, found.reasons
    assert found.metric.n == 2
    rules = {one.rule for one in run.verdicts if "nat64-own" in one.item.stratum}
    assert "transition-not-carried" in rules


def test_to_block_the_well_known_prefix_alone_is_not_enough(tried: Try) -> None:
    known = hosts("transition:nat64")
    run = tried(
        Fault(kind=FaultKind.UNREAD, hosts=hosts() - known),
        Fault(kind=FaultKind.PAGE_403, hosts=known),
    )

    assert outcome(run).conformity is Conformity.DOES_NOT_CONFORM
    assert open_cases(run) == TRANSITIONS.keys() - {"transition:nat64"}


@pytest.mark.parametrize("kind", [FaultKind.CAPTIVE, FaultKind.PAGE_200, FaultKind.FRAME])
def test_another_page_in_answer_to_an_address_is_no_arrival(tried: Try, kind: FaultKind) -> None:
    run = tried(Fault(kind=kind, hosts=hosts()))

    found = outcome(run)
    assert found.conformity is not Conformity.DOES_NOT_CONFORM
    assert (found.metric.k, found.witnesses) == (0, ())


def test_without_a_network_that_carries_one_nothing_is_decided(tried: Try) -> None:
    run = tried(Fault(kind=FaultKind.UNREAD, hosts=hosts(*CARRIED)), carried=())

    found = outcome(run)
    assert found.conformity is Conformity.INSUFFICIENT
    assert "nat64_prefix" in " ".join(found.reasons)
    assert [part.group for part in found.metric.parts] == [TRANSITIONS[MAPPED]]


def test_what_the_control_cannot_reach_is_left_out(tried: Try) -> None:
    run = tried(carried=("transition:nat64",))

    found = outcome(run)
    assert found.conformity is Conformity.CONFORMS, found.reasons
    assert found.metric.n == 2
    assert not found.metric.left_out


def test_an_address_beside_a_filter_of_names_is_open(tried: Try) -> None:
    """The name server blocks the names; a client that connects by itself asks it for none."""
    run = tried(over="names", nat64_prefix=OWN_PREFIX)

    found = outcome(run)
    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert open_cases(run) == set(CARRIED)


def test_a_line_that_connects_by_itself_shows_nothing_by_mapped_addresses(tried: Try) -> None:
    run = tried(over="names", carried=())

    found = outcome(run)
    assert found.conformity is Conformity.INSUFFICIENT
    assert (found.metric.n, found.metric.parts) == (0, ())
    assert "nat64_prefix" in " ".join(found.reasons)


def test_a_page_that_is_open_by_its_name_shows_no_way_round(tried: Try) -> None:
    named = frozenset(row["registrable"] for row in PAGES.rows)
    run = tried(
        Fault(kind=FaultKind.MISS, hosts=named), Fault(kind=FaultKind.UNREAD, hosts=hosts())
    )

    found = outcome(run)
    assert found.conformity is Conformity.INSUFFICIENT
    assert found.metric.n == 0


def test_on_a_machine_without_such_addresses_nothing_is_sent(tmp_path: Path) -> None:
    """The range is on loopback; elsewhere packets for these addresses would leave the machine."""
    with reading_filter(tmp_path / "world", PAGES) as world:
        proxy = world.origin.services["reference"]["proxy"]["pupils"]
        line = {"name": "service", "type": "explicit_proxy", "options": {"proxy": proxy}}
        declared: dict[str, Any] = {"lines": [line], "probes": ["web", "web_transitions"]}
        declared["limits"] = PATIENCE
        run = rehearse(pack_campaign(tmp_path, world, URL_PACK, PAGES, SCHEME, **declared))

    by_address = [one for one in run.verdicts if one.key.probe == "web_transitions"]
    rules = {one.rule for one in by_address if variant_of(one.item.stratum) in CARRIED}
    assert rules == {"control-private-address"}
    assert outcome(run).conformity is Conformity.INSUFFICIENT


def test_the_pages_are_blocked_by_this_policy() -> None:
    assert POLICY.expects("DRUG", "ks2") == "block"

"""A campaign finds exactly the faults that the test range simulates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from harness.cli.compose import prepare
from harness.model.outcome import Conformity
from harness.model.verdict import State, Verdict
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import proxy_line, resolver_line
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign

DRUGS, OTHERS = 70, 12
EACH = 3
"""How many hosts have each kind of block."""


def drawn(campaign: Path, code: str) -> list[str]:
    """The hosts of a category that the campaign tries."""
    return [one.host for one in prepare(campaign).items if one.category == code]


def few(campaign: Path, lines: list[dict[str, Any]], origin: Path, number: int) -> Path:
    """A campaign over so many items of one category."""
    return write_campaign(campaign, origin=origin, lines=lines, categories=["DRUG"], sample=number)


def with_faults(
    world: RangeTestbed, campaign: Path, kinds: Iterable[FaultKind]
) -> Iterator[tuple[FaultKind, str]]:
    """Block a few hosts of the campaign in each way; gives the kinds with their hosts."""
    hosts = iter(drawn(campaign, "DRUG"))
    for kind in kinds:
        touched = frozenset(islice(hosts, EACH))
        assert len(touched) == EACH
        world.faults.add(Fault(kind=kind, hosts=touched))
        yield from ((kind, host) for host in touched)


def sent_hosts(ids: set[str], verdicts: tuple[Verdict, ...]) -> set[str]:
    """The hosts of items."""
    return {verdict.item.host for verdict in verdicts if verdict.item.id in ids}


def test_exactly_the_simulated_faults_of_proxy_and_resolver_are_found(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    campaign = write_campaign(
        tmp_path / "run",
        origin=origin_file,
        lines=[proxy_line(world), resolver_line(world)],
        corpora=[
            {"pack": "canary", "categories": [code], "sample": number}
            for code, number in (("DRUG", DRUGS), ("CRIM", OTHERS), ("DISC", OTHERS))
        ],
    )
    drugs = drawn(campaign, "DRUG")
    missed = frozenset((drugs[10], drugs[50]))  # in a row they would be one spell
    overblocked = frozenset(drawn(campaign, "ALW.DRUGED")[-2:])
    silent, dead = drawn(campaign, "CRIM")[:10], frozenset(drawn(campaign, "DISC")[:3])
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))
    world.faults.add(Fault(kind=FaultKind.OVERBLOCK, hosts=overblocked))
    world.faults.add(Fault(kind=FaultKind.SILENT, hosts=frozenset(silent)))
    world.faults.add(Fault(kind=FaultKind.DEAD, hosts=dead))
    world.faults.add(Fault(kind=FaultKind.GONE, hosts=dead))

    run = rehearse(campaign)

    for line, probe, silence in (("proxy", "web", "silent_drop"), ("names", "dns", "dns_silent")):
        seen = run.verdicts
        assert missed == sent_hosts(run.items(State.ALLOWED, "DRUG", line, probe), seen)
        assert overblocked == sent_hosts(run.items(State.BLOCKED, "ALW.DRUGED", line, probe), seen)
        assert {silence: 10} == {
            name: count
            for name, count in run.mechanisms("CRIM", line, probe).items()
            if "silent" in name
        }
        assert dead == sent_hosts(run.items(State.DOWN, "DISC", line, probe), seen)
        assert OTHERS - 3 == len(run.items(State.BLOCKED, "DISC", line, probe))
        found = run.outcome("URL-04", line)
        assert found.conformity is Conformity.CONFORMS, found.reasons
        assert (found.metric.k, found.metric.n) == (DRUGS - 2, DRUGS)
        assert {"down": 3} == run.outcome("URL-03", line).metric.left_out


def test_each_kind_of_block_has_its_own_mechanism(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    styles = {
        FaultKind.RESET: "tcp_reset",
        FaultKind.EOF: "tcp_eof",
        FaultKind.PAGE_200: "block_page",
        FaultKind.PAGE_403: "block_page",
        FaultKind.PAGE_451: "http_451",
        FaultKind.REDIRECT: "redirect",
        FaultKind.SILENT: "silent_drop",
    }
    number = EACH * len(styles) + 2
    campaign = few(tmp_path / "run", [proxy_line(world)], origin_file, number)
    played = [*with_faults(world, campaign, styles)]

    run = rehearse(campaign)

    assert number == len(run.items(State.BLOCKED, "DRUG", "proxy"))
    told = {verdict.item.host: str(verdict.mechanism) for verdict in run.verdicts}
    for kind, host in played:
        assert styles[kind] == told[host], (kind, host)


def test_each_answer_of_a_filtering_resolver_has_its_own_mechanism(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    answers = {
        FaultKind.NXDOMAIN: "dns_nxdomain",
        FaultKind.NODATA: "dns_nodata",
        FaultKind.REFUSE: "dns_refused",
        FaultKind.SINKHOLE: "dns_sinkhole",
        FaultKind.SILENT: "dns_silent",
    }
    number = EACH * len(answers)
    campaign = few(tmp_path / "run", [resolver_line(world)], origin_file, number)
    played = [*with_faults(world, campaign, answers)]

    run = rehearse(campaign)

    told = {verdict.item.host: str(verdict.mechanism) for verdict in run.verdicts}
    for kind, host in played:
        assert answers[kind] == told[host], (kind, host)


def test_https_is_measured_through_the_tunnel(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    line = proxy_line(world, probes=["web_https"])
    campaign = few(tmp_path / "run", [line], origin_file, OTHERS)
    missed = frozenset(drawn(campaign, "DRUG")[-2:])
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))

    run = rehearse(campaign)

    assert missed == sent_hosts(
        run.items(State.ALLOWED, "DRUG", "proxy", "web_https"), run.verdicts
    )
    assert {"proxy_refusal": OTHERS - 2} == run.mechanisms("DRUG", "proxy", "web_https")

"""A campaign finds exactly the faults that the test range simulates."""

from __future__ import annotations

from pathlib import Path

from harness.model.outcome import Conformity
from harness.model.verdict import State, Verdict
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration.conftest import proxy_line, resolver_line
from test_suites.rehearsal import rehearse, write_campaign


def hosts(code: str, *numbers: int, kind: str = "canary") -> frozenset[str]:
    """Canary hosts of a category by their numbers."""
    return frozenset(f"{code}-{number:03d}.{kind}.accredit.test" for number in numbers)


MISSED = hosts("drug", 3, 50, 77)
OVERBLOCKED = hosts("drug", 5, 44, kind="twin")
SILENT = hosts("crim", *range(11, 21))
DEAD = hosts("disc", 1, 2, 3)


def sent_hosts(ids: set[str], verdicts: tuple[Verdict, ...]) -> set[str]:
    """The hosts of items."""
    return {verdict.item.host for verdict in verdicts if verdict.item.id in ids}


def test_exactly_the_simulated_faults_of_proxy_and_resolver_are_found(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=MISSED))
    world.faults.add(Fault(kind=FaultKind.OVERBLOCK, hosts=OVERBLOCKED))
    world.faults.add(Fault(kind=FaultKind.SILENT, hosts=SILENT))
    world.faults.add(Fault(kind=FaultKind.DEAD, hosts=DEAD))
    world.faults.add(Fault(kind=FaultKind.GONE, hosts=DEAD))
    campaign = write_campaign(
        tmp_path / "run",
        origin=origin_file,
        lines=[proxy_line(world), resolver_line(world)],
        categories=["DRUG", "CRIM", "DISC"],
    )

    run = rehearse(campaign)

    for line, probe, silence in (("proxy", "web", "silent_drop"), ("names", "dns", "dns_silent")):
        seen = run.verdicts
        assert MISSED == sent_hosts(run.items(State.ALLOWED, "DRUG", line, probe), seen)
        assert OVERBLOCKED == sent_hosts(run.items(State.BLOCKED, "ALW.DRUGED", line, probe), seen)
        assert {silence: 10} == {
            name: count
            for name, count in run.mechanisms("CRIM", line, probe).items()
            if "silent" in name
        }
        assert DEAD == sent_hosts(run.items(State.DOWN, "DISC", line, probe), seen)
        assert 117 == len(run.items(State.BLOCKED, "DISC", line, probe))
        drugs = run.outcome("URL-04", line)
        assert (Conformity.CONFORMS, 117, 120) == (drugs.conformity, drugs.metric.k, drugs.metric.n)
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
    for place, kind in enumerate(styles):
        world.faults.add(
            Fault(kind=kind, hosts=hosts("drug", *range(10 * place + 1, 10 * place + 11)))
        )
    campaign = write_campaign(
        tmp_path / "run", origin=origin_file, lines=[proxy_line(world)], categories=["DRUG"]
    )

    run = rehearse(campaign)

    assert 120 == len(run.items(State.BLOCKED, "DRUG", "proxy"))
    told = {verdict.item.host: str(verdict.mechanism) for verdict in run.verdicts}
    for place, (kind, mechanism) in enumerate(styles.items()):
        for host in hosts("drug", *range(10 * place + 1, 10 * place + 11)):
            assert mechanism == told[host], (kind, host)


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
    for place, kind in enumerate(answers):
        world.faults.add(
            Fault(kind=kind, hosts=hosts("drug", *range(10 * place + 1, 10 * place + 11)))
        )
    campaign = write_campaign(
        tmp_path / "run", origin=origin_file, lines=[resolver_line(world)], categories=["DRUG"]
    )

    run = rehearse(campaign)

    told = {verdict.item.host: str(verdict.mechanism) for verdict in run.verdicts}
    for place, (kind, mechanism) in enumerate(answers.items()):
        for host in hosts("drug", *range(10 * place + 1, 10 * place + 11)):
            assert mechanism == told[host], (kind, host)


def test_https_is_measured_through_the_tunnel(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=MISSED))
    campaign = write_campaign(
        tmp_path / "run",
        origin=origin_file,
        lines=[proxy_line(world, probes=["web_https"])],
        categories=["DRUG"],
    )

    run = rehearse(campaign)

    assert MISSED == sent_hosts(
        run.items(State.ALLOWED, "DRUG", "proxy", "web_https"), run.verdicts
    )
    assert {"proxy_refusal": 117} == run.mechanisms("DRUG", "proxy", "web_https")

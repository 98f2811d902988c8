"""A network gives a signal if the agreed names have no address, and in no other way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.estimate.item_selection import Selection
from harness.estimate.signal_metrics import network_signals_dishonoured
from harness.model.metric import Metric
from harness.model.technique import SIGNALS_ASKED
from harness.model.verdict import Mechanism, State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
B, A, U, D = State.BLOCKED, State.ALLOWED, State.INSUFFICIENT, State.DOWN
NXDOMAIN, NODATA = Mechanism.DNS_NXDOMAIN, Mechanism.DNS_NODATA
Asked = tuple[State, Mechanism] | None


def named(verdict: Make, signal: str, first: Asked, second: Asked) -> list[Verdict]:
    """The verdicts of an agreed name by both probes."""
    stratum = f"MALW.BYPASS/way:signal:{signal}:http"
    return [
        verdict(signal, "MALW.BYPASS", asked[0], probe=probe, stratum=stratum, mechanism=asked[1])
        for probe, asked in (("dns", first), ("dns_aaaa", second))
        if asked is not None
    ]


def designated(verdict: Make, by: State = B) -> list[Verdict]:
    stratum = "MALW.BYPASS/way:signal:ddr:http"
    states = {"web": B, "techniques": by}
    return [
        verdict("ddr", "MALW.BYPASS", state, probe=probe, stratum=stratum)
        for probe, state in states.items()
    ]


def part(metric: Metric, signal: str) -> tuple[int, int, int]:
    (found,) = [one.metric for one in metric.parts if one.group == SIGNALS_ASKED[signal]]
    return found.k, found.n, found.indeterminate


NONE = Mechanism.NONE
GIVEN, MISSING, UNKNOWN = (0, 1, 0), (1, 1, 0), (0, 0, 1)


@pytest.mark.parametrize(
    ("first", "second", "mozilla", "apple"),
    [
        ((B, NXDOMAIN), (B, NXDOMAIN), GIVEN, GIVEN),
        ((B, NXDOMAIN), (D, NONE), GIVEN, GIVEN),
        ((B, NXDOMAIN), None, GIVEN, GIVEN),
        ((B, NODATA), (B, NODATA), GIVEN, GIVEN),
        ((B, NODATA), (D, NONE), GIVEN, GIVEN),
        ((B, NODATA), None, UNKNOWN, UNKNOWN),
        ((B, Mechanism.DNS_REFUSED), (D, NONE), GIVEN, MISSING),
        ((B, Mechanism.DNS_SERVFAIL), (D, NONE), GIVEN, MISSING),
        ((B, Mechanism.DNS_SINKHOLE), (D, NONE), MISSING, MISSING),
        ((B, Mechanism.DNS_SILENT), (D, NONE), MISSING, MISSING),
        ((A, NONE), (D, NONE), MISSING, MISSING),
        ((B, NXDOMAIN), (A, NONE), MISSING, MISSING),
        ((U, NONE), (A, NONE), MISSING, MISSING),
        ((U, NONE), (B, NXDOMAIN), UNKNOWN, UNKNOWN),
        ((D, NONE), (D, NONE), UNKNOWN, UNKNOWN),
        (None, (B, NXDOMAIN), UNKNOWN, UNKNOWN),
    ],
)
def test_a_signal_is_an_agreed_name_without_an_address(
    verdict: Make,
    select: Select,
    first: Asked,
    second: Asked,
    mozilla: tuple[int, ...],
    apple: tuple[int, ...],
) -> None:
    found = named(verdict, "mozilla", first, second) + named(verdict, "apple", first, second)
    metric = network_signals_dishonoured(select(found)).metric

    assert (part(metric, "mozilla"), part(metric, "apple")) == (mozilla, apple)


def test_every_signal_must_be_decided(verdict: Make, select: Select) -> None:
    names = [
        one
        for signal in ("mozilla", "apple")
        for one in named(verdict, signal, (B, NXDOMAIN), (B, NXDOMAIN))
    ]
    without = network_signals_dishonoured(select(names)).metric
    whole = network_signals_dishonoured(select(names + designated(verdict))).metric

    assert part(without, "ddr") == (0, 0, 0)
    assert (whole.k, whole.n) == (0, 3)


def test_a_designated_resolver_that_opens_a_page_is_named(verdict: Make, select: Select) -> None:
    measured = network_signals_dishonoured(select(designated(verdict, A)))

    assert part(measured.metric, "ddr") == (1, 1, 0)
    assert [one.probes for one in measured.adverse] == [("techniques",)]


def test_a_name_with_an_address_is_named(verdict: Make, select: Select) -> None:
    found = named(verdict, "mozilla", (A, NONE), (D, NONE))
    measured = network_signals_dishonoured(select(found))

    assert [(one.state, one.probes) for one in measured.adverse] == [(A, ("dns",))]

"""The reference filter decides as its policy and its faults say, the latest fault first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.range.faults import Fault, FaultKind, Faults
from probes.range.filter import DEFAULT_STYLES, STYLES, FilterPolicy, ReferenceFilter
from probes.range.zone import BLOCK_HOST

CANARY = "gamb-001.canary.accredit.test"
OTHER = "gamb-002.canary.accredit.test"
TWIN = "gamb-001.twin.accredit.test"


def style(host: str, *faults: Fault, service: str = "proxy") -> FaultKind | None:
    reference = ReferenceFilter(faults=Faults(*faults))
    return reference.decide(host, "ks2", service).style  # type: ignore[arg-type]


def at(kind: FaultKind, *hosts: str) -> Fault:
    return Fault(kind=kind, hosts=frozenset(hosts) if hosts else None)


def test_without_faults_the_policy_decides_in_the_service_s_usual_way() -> None:
    assert style(CANARY) is FaultKind.PAGE_403
    assert style(CANARY, service="resolver") is FaultKind.NXDOMAIN
    assert style(TWIN) is None


def test_a_missed_host_is_let_through_and_no_other() -> None:
    assert style(CANARY, at(FaultKind.MISS, CANARY)) is None
    assert style(OTHER, at(FaultKind.MISS, CANARY)) is FaultKind.PAGE_403


def test_an_overblocked_host_is_blocked_in_the_usual_way() -> None:
    assert style(TWIN, at(FaultKind.OVERBLOCK, TWIN)) is FaultKind.PAGE_403
    assert style(TWIN, at(FaultKind.OVERBLOCK, TWIN), service="resolver") is FaultKind.NXDOMAIN


def test_a_style_for_all_changes_how_and_not_what() -> None:
    assert style(CANARY, at(FaultKind.RESET)) is FaultKind.RESET
    assert style(TWIN, at(FaultKind.RESET)) is None


def test_a_style_for_named_hosts_blocks_them_and_goes_before_one_for_all() -> None:
    faults = (at(FaultKind.SILENT, TWIN), at(FaultKind.RESET))

    assert style(TWIN, *faults) is FaultKind.SILENT
    assert style(CANARY, *faults) is FaultKind.RESET


def test_a_style_that_a_service_cannot_do_passes_it_by() -> None:
    assert style(CANARY, at(FaultKind.SINKHOLE)) is FaultKind.PAGE_403
    assert style(TWIN, at(FaultKind.NODATA, TWIN)) is None
    assert style(CANARY, at(FaultKind.RESET), service="resolver") is FaultKind.NXDOMAIN


def test_a_miss_goes_before_a_style() -> None:
    assert style(CANARY, at(FaultKind.SILENT, CANARY), at(FaultKind.MISS, CANARY)) is None


def test_switched_off_half_way_everything_passes_from_then_on() -> None:
    reference = ReferenceFilter(faults=Faults(Fault(kind=FaultKind.OFF, after=3)))

    blocked = [reference.decide(CANARY, "ks2", "proxy").is_blocked for _ in range(5)]
    assert blocked == [True, True, True, False, False]


def test_a_captive_portal_takes_everything() -> None:
    faults = (at(FaultKind.MISS), at(FaultKind.CAPTIVE))

    assert style(TWIN, *faults) is FaultKind.CAPTIVE
    assert style("example.org", *faults) is FaultKind.CAPTIVE


def test_delays_add_up_and_block_nothing() -> None:
    slow = Fault(kind=FaultKind.SLOW, delay=0.2)
    decision = ReferenceFilter(faults=Faults(slow, slow)).decide(TWIN, "ks2", "proxy")

    assert decision.delay == pytest.approx(0.4)
    assert not decision.is_blocked


def test_the_block_page_s_own_host_is_never_blocked() -> None:
    assert style(BLOCK_HOST, at(FaultKind.OVERBLOCK)) is None


def test_a_decision_names_the_category() -> None:
    assert ReferenceFilter().decide(CANARY, "ks2", "proxy").category == "GAMB"


ANY_FAULT = st.builds(
    Fault,
    kind=st.sampled_from(FaultKind),
    words=st.just(("x",)),  # some faults of alerts need them
    categories=st.just(("X",)),
)


@given(
    st.lists(ANY_FAULT, max_size=6),
    st.sampled_from([CANARY, TWIN]),
)
def test_a_block_is_always_of_a_style_that_the_service_can_carry_out(
    faults: list[Fault], host: str
) -> None:
    for service, styles in STYLES.items():
        found = ReferenceFilter(faults=Faults(*faults)).decide(host, "ks2", service).style
        assert found is None or found in styles | {FaultKind.CAPTIVE}
        assert DEFAULT_STYLES[service] in styles


MARKED = b"<p>ACCREDIT-MARKER-GAMB-00AA</p>"
NEUTRAL = "calm-harbour.sites.accredit.test"


def read(host: str, answer: bytes, *faults: Fault) -> FaultKind | None:
    """How the proxy treats a host and then its answer."""
    reference = ReferenceFilter(faults=Faults(*faults))
    decision = reference.decide(host, "ks2", "proxy")
    if not decision.reads:
        return decision.style
    return reference.read(decision, "ks2", "proxy", answer).style


def test_a_page_is_blocked_for_what_it_says() -> None:
    assert read(NEUTRAL, MARKED) is FaultKind.PAGE_403
    assert read(NEUTRAL, b"<p>The garden centre opens at nine.</p>") is None
    assert read(NEUTRAL, MARKED, at(FaultKind.RESET)) is FaultKind.RESET


@pytest.mark.parametrize("kind", [FaultKind.UNREAD, FaultKind.MISS, FaultKind.OFF])
def test_a_page_that_is_not_analysed_passes(kind: FaultKind) -> None:
    assert read(NEUTRAL, MARKED, at(kind)) is None


def test_a_category_that_the_profile_may_see_passes() -> None:
    policy = FilterPolicy(blocks=lambda code, profile: code == "GAMB" and profile != "staff")
    reference = ReferenceFilter(policy=policy)
    decision = reference.decide(NEUTRAL, "staff", "proxy")

    assert decision.reads
    assert not reference.read(decision, "staff", "proxy", MARKED).is_blocked


def test_a_filter_without_content_analysis_reads_nothing() -> None:
    reference = ReferenceFilter(policy=FilterPolicy(reads_pages=False))

    assert not reference.decide(NEUTRAL, "ks2", "proxy").reads
    assert not ReferenceFilter().decide(BLOCK_HOST, "ks2", "proxy").reads

"""Verdicts: states and mechanisms are closed lists; a trial is named by the service's key."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.model.corpus import Item
from harness.model.observation import AttemptKey, Observation
from harness.model.verdict import Mechanism, State, Trial

KEY = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")


def test_a_trial_is_named_by_the_services_attempt() -> None:
    service = Observation(
        key=KEY,
        item=Item(id="i", value="a", labels=("X",)),
        started=datetime(2026, 1, 1, tzinfo=UTC),
        batch=1,
    )

    assert KEY == Trial(service=service, control=None).key


def test_nothing_is_folded() -> None:
    apart = {
        Mechanism.TCP_RESET,
        Mechanism.TCP_REFUSED,
        Mechanism.TCP_EOF,
        Mechanism.TLS_ALERT,
        Mechanism.SILENT_DROP,
        Mechanism.DNS_SINKHOLE,
        Mechanism.DNS_NXDOMAIN,
        Mechanism.DNS_REFUSED,
        Mechanism.DNS_SILENT,
    }

    assert 9 == len(apart)
    assert {"allowed", "blocked", "altered", "down", "insufficient"} == {
        state.value for state in State
    }

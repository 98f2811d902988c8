"""An alarm of surveillance for tests: the evidence of one site about URL-01."""

from __future__ import annotations

from datetime import timedelta

from harness.model.alarm import AlarmRule, RaisedAlarm
from test_suites.unit.harness.follow.conftest import NOW

RAISED = RaisedAlarm(
    number=1,
    service="Safe Net",
    scheme="surveillance",
    requirement="URL-01",
    profile="ks2",
    rule=AlarmRule.EVIDENCE,
    sites=("Hill School",),
    of_sites=2,
    statement="12 of 60 items failed",
    retest_by=NOW + timedelta(days=5),
    items=("gamb-001", "gamb-002"),
    packs=("gambling",),
)

"""OONI measurements get the verdicts that their facts allow."""

from __future__ import annotations

import json

import pytest

from harness.interop.ooni import read_ooni
from harness.judge.composite_measurements import judge_measurement
from test_suites.kit.campaigns.ooni_cases import CASES, OoniCase


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_measurement_is_judged_by_its_facts(case: OoniCase) -> None:
    record = read_ooni(json.dumps(case.measurement).encode())

    verdict = judge_measurement(record.trials)

    assert (case.state, case.mechanism) == (verdict.state, verdict.mechanism), verdict.witnesses

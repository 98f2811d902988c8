"""OONI measurements as records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.interop.ooni import read_ooni
from harness.interop.record import NotReadable
from test_suites.kit.campaigns.ooni_cases import CASES, measure


def _line(**changes: Any) -> str:
    return json.dumps({**measure(), **changes})


@pytest.mark.parametrize(
    ("changes", "identity"),
    [
        ({"id": "mine"}, "mine"),
        ({}, "20260701010904.171570_GB_webconnectivity_80e13493e92885aa"),
        (
            {"measurement_uid": None},
            "20260701T010904Z_webconnectivity_GB_2856_n1_x?input=https://www.town-library.org/",
        ),
    ],
)
def test_a_record_is_named_by_what_is_there_first(changes: dict[str, Any], identity: str) -> None:
    assert identity == read_ooni(_line(**changes).encode()).id


def test_a_measurement_holds_a_name_and_a_page() -> None:
    assert ["dns", "web"] == [trial.key.probe for trial in read_ooni(_line().encode()).trials]


def test_an_address_in_the_input_has_no_name() -> None:
    record = read_ooni(json.dumps(measure("http://93.184.216.34/")).encode())

    assert ["web"] == [trial.key.probe for trial in record.trials]


def test_a_failed_helper_is_no_control() -> None:
    record = read_ooni(json.dumps(measure(control_failure="generic_timeout_error")).encode())

    assert all(trial.control is None for trial in record.trials)


def test_a_measurement_that_tried_nothing_is_one_trial_that_tells_nothing() -> None:
    line = json.dumps(measure(queries=None, requests=None, tcp_connect=None, control=None))

    (only,) = read_ooni(line.encode()).trials

    assert only.service.failure is not None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "invalid character|malformed"),
        (_line(test_name="ndt"), "a measurement of 'ndt'"),
        (_line(input=None), "`input` is missing"),
        (_line(test_keys=None), "`test_keys` is missing"),
        (_line(test_keys={"queries": "no"}), r"\$\.test_keys\.queries"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line: str, reason: str) -> None:
    with pytest.raises(NotReadable, match=reason):
        read_ooni(line.encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_absent_parts_break_nothing(case: Any) -> None:
    for key in case.measurement["test_keys"]:
        less = {**case.measurement["test_keys"], key: None}
        read_ooni(json.dumps({**case.measurement, "test_keys": less}).encode())


@pytest.mark.parametrize(
    ("told", "year"), [("2026-07-01 01:09:04", 2026), ("yesterday", 1970), (None, 1970)]
)
def test_a_measurement_says_when_it_was_made_or_it_was_long_ago(told: Any, year: int) -> None:
    record = read_ooni(_line(measurement_start_time=told).encode())

    assert {year} == {trial.service.started.year for trial in record.trials}

"""An assessment comes back equal, and nobody changes an outcome by editing what is derived."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.metric import Metric, Part, Source
from harness.model.outcome import Conformity
from harness.store.assessments import (
    FORMAT,
    assessment_document,
    encode_assessment,
    read_assessment,
    write_assessment,
)
from test_suites.kit.campaigns.example import example_assessment, example_metric, example_outcome

SHARES = st.none() | st.floats(0, 1, allow_nan=False)


def test_comes_back_equal(tmp_path: Path) -> None:
    assessment = example_assessment()

    path = write_assessment(assessment, tmp_path / "assessment.json")

    assert read_assessment(path) == assessment


@given(
    metric=st.builds(
        Metric,
        name=st.text(max_size=20),
        unit=st.sampled_from(["share", "s", "items"]),
        value=SHARES,
        k=st.integers(0, 10**6),
        n=st.integers(0, 10**6),
        indeterminate=st.integers(0, 100),
        lower=SHARES,
        upper=SHARES,
        method=st.text(max_size=20),
        alpha=st.floats(0.001, 0.4),
        witnesses=st.lists(st.text(max_size=9)).map(tuple),
        left_out=st.dictionaries(st.text(max_size=9), st.integers(0, 9)),
    )
)
def test_any_metric_comes_back_equal(metric: Metric, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("any") / "assessment.json"
    assessment = example_assessment(outcomes=(example_outcome(metric=metric),))

    assert read_assessment(write_assessment(assessment, path)) == assessment


def test_what_can_be_derived_is_written_beside() -> None:
    document = assessment_document(example_assessment())

    assert document["format"] == FORMAT
    assert document["conformity"] == "does-not-conform"
    assert document["exit_code"] == 1
    assert document["outcomes"][2]["id"] == "URL-04[ks2-proxy]"
    assert document["outcomes"][2]["requirement"]["threshold"]["provenance"] == "reported"


def test_editing_the_derived_conformity_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "assessment.json"
    document = json.loads(encode_assessment(example_assessment()))
    document["conformity"], document["exit_code"] = "conforms", 0
    path.write_text(json.dumps(document))

    assert read_assessment(path).conformity is Conformity.DOES_NOT_CONFORM


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not a readable assessment"),
        ("[]", "its key 'format' must be"),
        ('{"format": "accredit-assessment/9"}', "its key 'format' must be"),
        (f'{{"format": "{FORMAT}"}}', "missing required field"),
        ("\udcff", "not a readable assessment"),
    ],
)
def test_another_file_is_said_to_be_one(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(UsageError, match=sentence) as caught:
        read_assessment(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_edited_threshold_of_110_per_cent_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "assessment.json"
    document = json.loads(encode_assessment(example_assessment()))
    document["outcomes"][1]["requirement"]["threshold"]["at_least"] = 1.1
    path.write_text(json.dumps(document))

    with pytest.raises(UsageError, match="less than or equal to 1"):
        read_assessment(path)


def test_no_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_assessment(tmp_path / "none.json")


def test_a_rate_without_items_is_null_and_not_nought() -> None:
    outcome = example_outcome(metric=example_metric(0, 0))
    document = assessment_document(example_assessment(outcomes=(outcome,)))

    assert document["outcomes"][0]["metric"]["value"] is None


def test_parts_come_back_and_a_limit_stands_in_the_first_line(tmp_path: Path) -> None:
    part = Part(group="GAMB", source=Source("real", is_hidden=True), metric=example_metric(60, 60))
    metric = replace(example_metric(), parts=(part,))
    limited = example_outcome(metric=metric, kind="agreed", qualifier="agreed list only")
    assessment = example_assessment(outcomes=(limited,), items="agreed")

    path = write_assessment(assessment, tmp_path / "assessment.json")

    assert read_assessment(path) == assessment
    assert "agreed list only" in path.read_text().splitlines()[0]

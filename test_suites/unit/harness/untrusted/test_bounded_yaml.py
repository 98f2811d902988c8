"""YAML is read within limits, and each refusal names its line."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode

from harness.errors import FaultyDocument
from harness.yaml_reader import DEPTH, DIGITS, VALUES, Document, compose, unreadable_scalar
from test_suites.kit.campaigns.hostile_texts import YAML, laughs


def refused(text: str) -> str:
    with pytest.raises(FaultyDocument) as caught:
        Document("x", text)
    return str(caught.value)


def test_an_alias_counts_as_all_that_it_stands_for() -> None:
    ten = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    rows = (VALUES - 20) // 10
    _, constructor = compose(f"{ten}b:\n" + "- *a\n" * rows)

    assert rows * 10 + 14 == constructor.loader.composer.values
    assert "more than 20000 values" in refused(f"{ten}b:\n" + "- *a\n" * (rows + 3))


def test_a_thousand_million_values_take_no_memory() -> None:
    for text in (laughs(), laughs(merge=True)):
        tracemalloc.start()
        said = refused(text)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert said.startswith("x:5: more than 20000 values")
        assert peak < 4_000_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: !!int x", "x:2: tags are not read: 'tag:yaml.org,2002:int'"),
        ("%YAML 1.1\n---\na: no", "x:2: directives (%YAML, %TAG) are not read"),
        ("a: 1\nb: &x [*x]", "x:2: the alias 'x' stands inside itself"),
        ("a: &x 1\nb: &x 2", "x:2: the anchor 'x' is used twice"),
        ("a:\n  b: 2026-13-45", "x:2: a.b: '2026-13-45': no such number or date"),
        ("a: .nan", "x:1: a: '.nan': not a finite number"),
        ("a: 1e1000000", "x:1: a: '1e1000000': not a finite number"),
        ('a:\n- "\\ud800"', "x:2: a[0]: half of a surrogate pair is no text"),
        ("? [a]\n: 1", "x:1: a key is a list or has keys itself"),
        ("a: 1\nb: \x1b", "x:2: a character that YAML does not allow: U+001B"),
    ],
)
def test_what_is_refused_names_its_line(text: str, said: str) -> None:
    assert refused(text).startswith(said)


def test_depth_and_digits_have_an_edge() -> None:
    Document("x", "[" * DEPTH + "]" * DEPTH)
    assert f"nested more than {DEPTH} deep" in refused("[" * (DEPTH + 1) + "]" * (DEPTH + 1))
    assert 10**DIGITS - 1 == Document("x", "9" * DIGITS).data
    assert f"at most {DIGITS} digits" in refused("9" * (DIGITS + 1))
    assert f"at most {DIGITS} digits" in refused("-0x" + "f" * DIGITS)


def test_anchors_and_merges_within_the_limits_are_read() -> None:
    assert {"a": {"x": 1}, "b": {"x": 1, "y": 2}} == Document(
        "x", "a: &a {x: 1}\nb: {<<: *a, y: 2}"
    ).data
    assert {"a": "\U0001f600"} == Document("x", 'a: "\\ud83d\\ude00"').data


def test_as_many_faults_are_told_as_somebody_reads() -> None:
    said = refused("".join(f"- {'9' * 30}\n" for _ in range(200))).splitlines()

    assert (51, "x: and 150 more") == (len(said), said[-1])


@given(st.sampled_from([*YAML.values()]).map(lambda text: text[:300]), st.text(max_size=20))
def test_no_text_gets_out_as_another_error(text: str, more: str) -> None:
    try:
        root, constructor = compose(text + more)
    except YAMLError:
        return  # most of these are no YAML, or too much of it
    if isinstance(root, ScalarNode):
        unreadable_scalar(root, constructor)

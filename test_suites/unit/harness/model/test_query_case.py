"""Forms of DNS queries: their names are read back, and together they hold every pair of choices."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.content_form import form_named, is_known, is_only_reported
from harness.model.query_case import (
    CHECKS_OF_QUERIES,
    CHOICES,
    FORMS_OF_QUERIES,
    QUERY,
    QUERY_CASES,
    is_query,
    query_check,
    query_form,
)


def covered_pairs(variants: tuple[str, ...]) -> frozenset[tuple[tuple[int, str], ...]]:
    """Return every pair of choices, as (part, choice), that some of the cases have together."""
    return frozenset(
        ((first, parts[first]), (second, parts[second]))
        for parts in (one.removeprefix(QUERY).split("+") for one in variants)
        for first, second in product(range(len(parts)), repeat=2)
        if first < second
    )


def test_every_pair_of_choices_is_in_some_form() -> None:
    """A name server that answers only if two choices come together is found."""
    wanted = {
        ((first, one), (second, other))
        for first, second in combinations(range(len(CHOICES)), 2)
        for one, other in product(CHOICES[first], CHOICES[second])
    }

    assert covered_pairs(tuple(FORMS_OF_QUERIES)) == wanted


def test_each_case_has_words_of_its_own() -> None:
    assert len(set(QUERY_CASES.values())) == len(QUERY_CASES)
    for name, words in QUERY_CASES.items():
        form = form_named(name)
        assert form is not None
        assert (form.family, form.words) == ("query", words)
        assert is_known(f"DRUG/{name}")
        assert is_only_reported(f"DRUG/{name}")


@given(st.tuples(*map(st.sampled_from, CHOICES)))
def test_every_combination_can_be_named(parts: tuple[str, ...]) -> None:
    form = query_form(QUERY + "+".join(parts))

    assert form is not None
    assert (form.type, form.transport, form.letters, form.edns, form.flags) == parts


@pytest.mark.parametrize(
    "name",
    ["", "dns:", "dns:a+udp+lower+none", "dns:mx+udp+lower+none+rd", "a+udp+lower+none+rd",
     "dns:a+udp+lower+none+rd+rd", "dns:A+udp+lower+none+rd", "query:a+udp+lower+none+rd"],
)  # fmt: skip
def test_other_names_are_no_forms(name: str) -> None:
    assert query_form(name) is None
    assert not is_query(name)
    assert query_check(name) is None


def test_a_form_that_is_not_known_is_refused() -> None:
    assert not is_known("DRUG/dns:mx+udp+lower+none+rd")
    assert {query_check(name) for name in CHECKS_OF_QUERIES} == {
        "signed", "authentic", "forged", "again", "fresh",
    }  # fmt: skip

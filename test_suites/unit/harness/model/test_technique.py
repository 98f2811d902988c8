"""A statement has steps, and a stratum names group, class and scheme of a technique."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.pack_reader import open_pack
from harness.model.content_form import form_of, is_known, is_only_reported
from harness.model.corpus import Item
from harness.model.technique import (
    FURTHER_CLASSES,
    GROUPS,
    PLAIN_PROBES,
    SIGNALS_ASKED,
    Step,
    TechniqueCase,
    case_of_item,
    is_technique,
    steps_of,
    technique_case,
    words_of,
)


def test_a_statement_is_parted_into_steps() -> None:
    statement = r"to port=8443 | tls sni={host}  x | http1 GET / HTTP/1.1\r\n\r\n"

    assert steps_of(statement) == (
        Step("to", "port=8443"), Step("tls", "sni={host}  x"), Step("http1", r"GET / HTTP/1.1\r\n\r\n"),
    )  # fmt: skip
    assert steps_of("h3") == (Step("h3", ""),)


@pytest.mark.parametrize("statement", ["", "h3 | ", " | h3"])
def test_an_empty_step_is_refused(statement: str) -> None:
    with pytest.raises(ValueError, match="is empty"):
        steps_of(statement)


names = st.text(st.characters(codec="ascii", categories=("Ll", "Nd")), min_size=1, max_size=9)


@given(st.sampled_from(list(GROUPS)), names, st.sampled_from(list(PLAIN_PROBES)))
def test_a_case_is_read_back_as_it_was_written(group: str, name: str, scheme: str) -> None:
    case = TechniqueCase(group, name, "https" if scheme == "https" else "http")

    assert technique_case(str(case)) == case
    assert words_of(case)
    stratum = f"MALW.BYPASS/{case}"
    assert is_technique(stratum)
    assert is_technique(f"twin:{stratum}")
    assert is_only_reported(stratum)
    assert is_known(stratum)


@pytest.mark.parametrize(
    "variant", ["", "way:", "way:quic", "way:quic:h3", "way:quic:h3:ftp", "way:magic:h3:http", "h3"]
)
def test_what_names_no_case_is_none(variant: str) -> None:
    assert technique_case(variant) is None
    assert not variant.startswith("way:") or not is_known(f"DRUG/{variant}")


def test_a_page_in_another_form_is_no_technique() -> None:
    page = Item(id="i", value="a.test", labels=("DRUG",), stratum="DRUG/address:https")

    assert case_of_item(page) is None
    assert not is_technique(page.stratum)


def test_each_class_of_the_shipped_pack_has_words() -> None:
    cases = {case for item in open_pack("circumvention").items() if (case := case_of_item(item))}
    known = {name for group in GROUPS.values() for name in group.classes}

    assert {case.name for case in cases} - known <= {*FURTHER_CLASSES, *SIGNALS_ASKED}


def test_the_words_of_a_class_are_those_of_its_group() -> None:
    form = form_of("MALW.BYPASS/way:quic:h3:https")

    assert form is not None
    assert (form.words, form.family) == ("HTTP/3", "technique")

"""Strata name the cases of listed pages; a record of overrides that is wrong is refused in words."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.listed_page import Overrides, case_of, is_for_lists, without_case

ATTEMPT: dict[str, Any] = {
    "role": "head", "action": "turn_off", "profiles": ["pupils"], "canaries": ["override-01"],
    "on": "2026-11-27",
}  # fmt: skip


@pytest.mark.parametrize(
    ("stratum", "case", "plain"),
    [
        ("ILL.CSAM/hard:long/https", ("hard:long", "https"), "ILL.CSAM"),
        ("twin:ILL.CSAM/site/http", ("site", "http"), "twin:ILL.CSAM"),
        ("ILL.TERR/override-07", ("", ""), "ILL.TERR"),
        ("PORN/top1k/en", ("", ""), "PORN/top1k/en"),
        ("DRUG/gzip", ("", ""), "DRUG/gzip"),
        ("ILL.CSAM", ("", ""), "ILL.CSAM"),
    ],
)
def test_a_stratum_names_case_and_scheme(stratum: str, case: tuple[str, str], plain: str) -> None:
    assert case_of(stratum) == case
    assert without_case(stratum) == plain


@pytest.mark.parametrize("day", ["2026-11-27", date(2026, 11, 27)])
def test_a_record_is_read_as_yaml_gives_it(day: object) -> None:
    record = Overrides.model_validate({"roles": ["head"], "attempts": [ATTEMPT | {"on": day}]})

    assert record.attempts[0].on == date(2026, 11, 27)
    assert Overrides.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"canaries": ["canary-01"]},
            "'canary-01' is no canary for overrides; their ids are like override-01",
        ),
        ({"canaries": []}, "at least 1 item"),
        ({"role": "caretaker"}, "the role 'caretaker' of an attempt is not among 'roles'"),
        ({"action": "ask"}, "'allow_list' or 'turn_off'"),
        ({"on": "yesterday"}, "a day is written like 2026-11-27"),
        ({"profiles": ["staff"]}, "overrides: the campaign has no profile 'staff'"),
    ],
)
def test_a_wrong_record_is_refused_in_words(changed: dict[str, Any], says: str) -> None:
    declared: dict[str, Any] = {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": ({"name": "proxy", "type": "simulated"},),
        "profiles": {"pupils": {"phase": "ks2"}},
        "corpora": ({"pack": "canary"},),
        "overrides": {"roles": ["head"], "attempts": [ATTEMPT | changed]},
    }

    with pytest.raises(ValidationError) as refused:
        Campaign.model_validate(declared)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("host", "stratum", "may"),
    [
        ("a.example", "ILL.CSAM/entry/http", True),
        ("a.example", "ILL.CSAM/hard:redirected/http", False),
        ("use-application-dns.net", "MALW.BYPASS/way:signal:mozilla:http", False),
    ],
)
def test_a_list_holds_no_page_that_leads_to_others_and_no_signal(
    host: str, stratum: str, may: bool
) -> None:
    item = Item(id="x", value=host, kind="host", labels=("ILL.CSAM",), stratum=stratum)

    assert may == is_for_lists(item)

"""Refusals of origins look like blocks to the careless, and each has its own words."""

from __future__ import annotations

import pytest

from probes.range.faults import FaultKind
from probes.range.filter_pages import REFUSALS, refusal_page

STATUSES = {
    FaultKind.CAPTCHA: 403,
    FaultKind.GEO_BLOCK: 403,
    FaultKind.LEGAL: 451,
    FaultKind.SERVER_ERROR: 502,
    FaultKind.PARKED: 200,
}


def test_every_refusal_has_its_status() -> None:
    assert STATUSES == {kind: refusal_page(kind, "a.test").status for kind in REFUSALS}


def test_every_refusal_names_the_host_or_its_sale() -> None:
    for kind in REFUSALS:
        assert b"a.accredit.test" in refusal_page(kind, "a.accredit.test").body


def test_another_kind_is_no_refusal() -> None:
    with pytest.raises(KeyError):
        refusal_page(FaultKind.MISS, "a.test")

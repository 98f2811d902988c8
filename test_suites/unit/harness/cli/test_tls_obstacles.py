"""What a campaign lacks for the metrics of TLS: a case that no item is about."""

from __future__ import annotations

import pytest

from corpora.pack_reader import open_pack
from harness.cli.case_supply import missing_cases
from harness.cli.item_supply import group_items
from harness.model.corpus import Item
from harness.model.tls_check import CASES_OF_METRIC, tls_case
from harness.plugins import PROBES


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(open_pack("tls-checks").items())


def lacking(metric: str, items: list[Item]) -> tuple[str, str] | None:
    return missing_cases(metric, group_items(items, {"tls_checks": PROBES.find("tls_checks")()}))


@pytest.mark.parametrize("metric", CASES_OF_METRIC)
def test_the_shipped_pack_has_every_case(metric: str, items: list[Item]) -> None:
    assert lacking(metric, items) is None


@pytest.mark.parametrize("metric", CASES_OF_METRIC)
def test_without_items_each_metric_says_what_is_missing(metric: str) -> None:
    why, remedy = lacking(metric, []) or ("", "")
    assert why.startswith("no item tries: ")
    assert remedy == "choose the whole pack tls-checks, and the probe tls_checks"


@pytest.mark.parametrize(
    ("case", "metric"),
    [("sha1", "bad_certificates_accepted"), ("null", "weak_crypto_accepted"),
     ("websocket", "tls_downgrades"), ("bank", "no_decrypt_compliance"),
     ("pinned", "interception_failures"), ("good", "interception_grade")],
)  # fmt: skip
def test_one_case_that_is_left_out_is_named(case: str, metric: str, items: list[Item]) -> None:
    assert lacking(metric, [one for one in items if tls_case(one.stratum) != case]) is not None

"""No hostile supplier conforms in a requirement that it breaks; good services conform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from harness.model.outcome import Conformity
from test_suites.calibration.hostile.comparison import faults_of, faults_of_good
from test_suites.calibration.hostile.everyone import all_suppliers
from test_suites.calibration.hostile.good import GOOD
from test_suites.calibration.hostile.runner import Run, run_all
from test_suites.calibration.hostile.short_run import FEW, WAITING, chosen, chosen_size
from test_suites.calibration.hostile.table import TABLE, table

SUPPLIERS = all_suppliers()
MEASURED = chosen(SUPPLIERS, FEW)
WIRINGS = tuple(dict.fromkeys(SUPPLIERS[each].wiring for each in MEASURED))

pytestmark = pytest.mark.timeout(6 * 3600)
"""The first test waits for all campaigns; the full size takes hours on a slow machine."""


@pytest.fixture(scope="module")
def runs() -> Mapping[str, Run]:
    """The results of all suppliers and good services, which are measured here at once."""
    good = [GOOD[wiring].id for wiring in WIRINGS]
    return run_all([*good, *MEASURED], chosen_size())


@pytest.mark.parametrize("wiring", WIRINGS)
def test_the_good_service_conforms_in_every_requirement(
    wiring: str, runs: Mapping[str, Run]
) -> None:
    run = runs[f"good-{wiring}"]

    assert () == faults_of_good(run)
    assert 0 == run.exit_code


@pytest.mark.parametrize("name", MEASURED)
def test_a_hostile_supplier_does_not_conform_in_what_it_breaks(
    name: str, runs: Mapping[str, Run]
) -> None:
    supplier = SUPPLIERS[name]

    assert () == faults_of(supplier, runs[name], runs[GOOD[supplier.wiring].id])


def test_there_are_270_suppliers_and_most_do_not_conform() -> None:
    answers = Counter(each.answer for each in SUPPLIERS.values())

    assert len(SUPPLIERS) >= 270
    assert answers[Conformity.DOES_NOT_CONFORM] >= 2 * answers[Conformity.INSUFFICIENT]


def test_six_of_each_kind_are_measured_in_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FEW | WAITING <= set(SUPPLIERS)
    assert {"proxy": 6, "names": 6, "gateway": 6} == Counter(SUPPLIERS[one].wiring for one in FEW)
    for asked, measured in (("few", FEW), ("all", set(SUPPLIERS)), ("full", set(SUPPLIERS))):
        monkeypatch.setenv("HOSTILE", asked)
        assert measured == set(chosen(SUPPLIERS, FEW))
        assert ("full" if asked == "full" else "small") == chosen_size().name


def test_each_supplier_is_described_in_sentences() -> None:
    for supplier in SUPPLIERS.values():
        for sentence in filter(None, (supplier.does, supplier.why)):
            assert sentence[0].isupper()
            assert sentence.endswith(".")
            assert "|" not in sentence
        assert supplier.breaks


def test_the_documentation_page_is_up_to_date() -> None:
    assert table() == TABLE.read_text(encoding="utf-8"), (
        "regenerate it: python -m test_suites.calibration.hostile --write"
    )

"""No hostile service of an area conforms in a requirement that it breaks; good services conform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from test_suites.calibration.hostile.areas.__main__ import main
from test_suites.calibration.hostile.areas.area import areas
from test_suites.calibration.hostile.areas.area_runner import (
    SHORT_RUN,
    all_area_suppliers,
    run_areas,
)
from test_suites.calibration.hostile.areas.area_supplier import good_of
from test_suites.calibration.hostile.comparison import faults_of, faults_of_good
from test_suites.calibration.hostile.runner import Run
from test_suites.calibration.hostile.short_run import chosen

SUPPLIERS = all_area_suppliers()
MEASURED = chosen(SUPPLIERS, SHORT_RUN)

AREAS = tuple(dict.fromkeys(SUPPLIERS[each].area for each in MEASURED))
"""By their names alone: the packs are made by the first test that needs them."""

pytestmark = pytest.mark.timeout(3600)
"""The first test waits for all campaigns."""


@pytest.fixture(scope="module")
def runs() -> Mapping[str, Run]:
    """The results of all services and good services, which are measured here at once."""
    return run_areas([*(good_of(name).id for name in AREAS), *MEASURED])


@pytest.mark.parametrize("area", AREAS)
def test_the_good_service_conforms_in_every_requirement(area: str, runs: Mapping[str, Run]) -> None:
    run = runs[good_of(area).id]

    assert () == faults_of_good(run)
    assert 0 == run.exit_code
    assert {each["id"] for each in areas()[area].requirements} == run.requirements.keys()


@pytest.mark.parametrize("name", MEASURED)
def test_a_hostile_service_does_not_conform_in_what_it_breaks(
    name: str, runs: Mapping[str, Run]
) -> None:
    supplier = SUPPLIERS[name]

    assert () == faults_of(supplier, runs[name], runs[good_of(supplier.area).id])


def test_each_area_has_services_and_six_of_them_have_one_in_each_run() -> None:
    assert min(Counter(SUPPLIERS[each].area for each in SUPPLIERS).values()) >= 2
    assert {one.area for one in SUPPLIERS.values()} == set(areas())
    assert len({SUPPLIERS[each].area for each in SHORT_RUN}) == len(SHORT_RUN) == 6


def test_each_service_is_described_in_sentences() -> None:
    for supplier in SUPPLIERS.values():
        for sentence in filter(None, (supplier.does, supplier.why)):
            assert sentence[0].isupper()
            assert sentence.endswith(".")
            assert "|" not in sentence
        wanted = {each["id"] for each in areas()[supplier.area].requirements}
        assert supplier.breaks
        assert supplier.breaks | supplier.by_chance <= wanted


def test_a_name_that_is_unknown_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["areas", "illegal", "no-such-service"])

    assert 2 == main()
    assert "no service or area no-such-service\n" == capsys.readouterr().err

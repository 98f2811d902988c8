"""The good service of each wiring: it filters rightly, and must conform in every requirement."""

from __future__ import annotations

from typing import get_args

from test_suites.calibration.hostile.name_service import Question, Said
from test_suites.calibration.hostile.supplier import Supplier, Wiring
from test_suites.calibration.hostile.web_call import Call

PREFIX = "good-"


async def _web(call: Call) -> None:
    await call.filter_rightly()


def _names(question: Question) -> Said:
    return question.rightly()


GOOD: dict[Wiring, Supplier] = {
    wiring: Supplier(
        id=f"{PREFIX}{wiring}",
        wiring=wiring,
        does="Filters rightly.",
        breaks=frozenset(),
        behave=_names if wiring.startswith("names") else _web,
    )
    for wiring in get_args(Wiring)
}
"""The good service by the wiring that it is measured with."""

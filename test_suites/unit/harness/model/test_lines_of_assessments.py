"""An assessment says of which lines it is, and where each was tested."""

from __future__ import annotations

from harness.model.campaign import LineDeclaration
from harness.model.outcome import LineUnderTest


def test_a_line_keeps_its_descriptions() -> None:
    declared = LineDeclaration(
        name="hall",
        type="explicit_proxy",
        site="Elm Primary",
        place="main hall",
        device="tablet",
        group="year 4",
    )

    assert LineUnderTest.of(declared) == LineUnderTest(
        name="hall",
        type="explicit_proxy",
        site="Elm Primary",
        place="main hall",
        device="tablet",
        group="year 4",
    )

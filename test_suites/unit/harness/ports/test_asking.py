"""The seams hold values; the marker key never shows."""

from __future__ import annotations

from harness.model.observation import Timings
from harness.ports.asking import Exchange, Origin


def test_an_origin_never_prints_its_key() -> None:
    origin = Origin(
        zone="accredit.test", resolver="r", ports={}, authority="a", key=b"\x01secret\x02" * 3
    )

    assert "secret" not in repr(origin)


def test_an_exchange_without_an_answer_has_no_status() -> None:
    assert Exchange(timings=Timings()).status is None

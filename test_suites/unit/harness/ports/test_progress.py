"""A silent reporter hears everything and says nothing."""

from __future__ import annotations

from harness.measure.progress import NullReporter, Progress


def test_silence(capsys: object) -> None:
    NullReporter().on_progress(Progress(done=1, total=2, resumed=0, rate=1.0, failures=0))

"""A machine whose clock is known to be right, as that of an assessor has to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from harness.cli import measure as measure_command
from harness.cli import vouched_time
from harness.model.instrument_record import ClockState


@contextmanager
def synchronised() -> Iterator[None]:
    """The clock of this machine is known to be right while requests are made."""
    real, clock = measure_command.read_instrument, ClockState(offset=0.0, bound=0.01)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            measure_command, "read_instrument", lambda *given: replace(real(*given), clock=clock)
        )
        patched.setattr(vouched_time, "machine_clock", lambda: clock)
        yield

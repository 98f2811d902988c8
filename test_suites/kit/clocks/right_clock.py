"""A machine whose clock is known to be right, as that of an assessor has to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from harness.cli import vouched_time
from harness.model.instrument_record import ClockState
from probes.clients.instrument import read_instrument


@contextmanager
def synchronised() -> Iterator[None]:
    """The clock of this machine is known to be right while requests are made."""
    clock = ClockState(offset=0.0, bound=0.01)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "harness.cli.measure.read_instrument",
            lambda *given: replace(read_instrument(*given), clock=clock),
        )
        patched.setattr(vouched_time, "machine_clock", lambda: clock)
        yield

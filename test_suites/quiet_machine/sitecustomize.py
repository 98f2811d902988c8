"""For programs that a test starts with this folder in ``PYTHONPATH``: their machine is quiet."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from harness.model.machine_facts import MachineReading
from probes.clients import machine


def quiet_reading(proc: Path = machine.PROC) -> MachineReading:
    """A reading of a thread that never waits for a processor."""
    return MachineReading(at=monotonic(), ran=monotonic(), waited=0.0)


def be_quiet() -> None:
    """Measure as on a quiet machine from now on, in this process."""
    machine.read_machine = quiet_reading


if __name__ == "sitecustomize":  # the name by which Python imports it when it starts
    be_quiet()

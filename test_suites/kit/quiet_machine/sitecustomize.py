"""For programs that a test starts with this folder in ``PYTHONPATH``: their machine is quiet.

Nothing is imported until the program reads how busy the machine is.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.model.machine_facts import MachineReading

READER = "probes.clients.machine"
"""The module that reads how busy the machine is."""


def quiet_reading(proc: object = None) -> MachineReading:
    """A reading of a thread that never waits for a processor."""
    from harness.model.machine_facts import MachineReading  # noqa: PLC0415 - see above

    del proc
    return MachineReading(at=monotonic(), ran=monotonic(), waited=0.0)


def be_quiet() -> None:
    """Measure as on a quiet machine from now on, in this process."""
    from probes.clients import machine  # noqa: PLC0415 - see above

    machine.read_machine = quiet_reading


class QuietMachine(MetaPathFinder):
    """Finds the reader as usual, and makes it quiet once it is imported."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """The spec of the reader; ``None`` for all other modules, which are left to others."""
        if name != READER:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        loader: Any = spec.loader if spec else None
        if loader is not None:
            run = loader.exec_module

            def exec_module(module: Any) -> None:
                run(module)
                module.read_machine = quiet_reading

            loader.exec_module = exec_module
        return spec


if __name__ == "sitecustomize":  # the name by which Python imports it when it starts
    sys.meta_path.insert(0, QuietMachine())

"""Run ``accredit`` as if only the base were installed: no library of any extra can be imported.

``python -m test_suites.kit.processes.without_extras measure campaign.yaml``. The child processes that a command
starts have all libraries again.
"""

from __future__ import annotations

import sys

import dns._features

from harness.errors import EXTRAS


def block(*kept: str) -> None:
    """Make each library of an extra look as if it were not installed, but for some extras."""
    blocked = [library for library, extra in EXTRAS.items() if extra not in kept]
    for library in blocked:
        sys.modules[library] = None  # type: ignore[assignment]  # as the language has it
    dns._features.force("doq", "aioquic" not in blocked)  # dnspython asks for distributions


if __name__ == "__main__":
    block()
    from harness.cli.process import run

    run()

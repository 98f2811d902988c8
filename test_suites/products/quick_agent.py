"""``accredit monitor --hub URL`` as a process that asks every few seconds, for tests.

Only times are other than those of the command: how often it looks for what is due and sends, when
it tries a run again, and how long it waits after a delivery that failed.
"""

from __future__ import annotations

from functools import partial

from harness.cli import monitor_in_process, process
from harness.cli.monitor_jobs import Pace
from probes.agent import delivery_pause

PACE = Pace(every=3.0, retry_after=2.0, stop_limit=20.0)


def main() -> None:
    """Run the command that the process was given."""
    quick = partial(monitor_in_process.run_in_process, pace=PACE)
    monitor_in_process.run_in_process = quick
    delivery_pause.FIRST_SECONDS, delivery_pause.LONGEST_SECONDS = 1.0, 4.0
    process.run()


if __name__ == "__main__":
    main()

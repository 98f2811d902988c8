"""The most memory that a program ever had, by Linux's own count (``VmHWM`` of proc_pid_status).

Not ``ru_maxrss``: that begins with what the program's parent had when it was started.
"""

from __future__ import annotations

from pathlib import Path


def peak_memory(process: int | str = "self") -> float:
    """In MiB, interpreter and libraries and all; 0 if the process is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)

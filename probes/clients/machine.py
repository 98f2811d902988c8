"""Read how busy this machine is: waiting for processors, pressure (PSI), and dropped packets.

A reading takes a tenth of a millisecond. What a system does not show is left out.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from time import monotonic

from harness.model.machine_facts import MachineReading

PROC = Path("/proc")
RESOURCES = ("cpu", "memory", "io")
DROPS: dict[str, dict[str, tuple[str, ...]]] = {
    "snmp": {"Udp:": ("RcvbufErrors",)},
    "netstat": {"TcpExt:": ("TCPRcvQDrop", "TCPBacklogDrop", "ListenDrops", "ListenOverflows")},
}
"""Counters of what sockets dropped, by the file in ``/proc/net`` and the row (``snmp_counter``)."""
STEAL = 8
"""The column of ``/proc/stat`` with the time of other machines (``proc_stat(5)``)."""


def read_machine(proc: Path = PROC) -> MachineReading:
    """Return the counters of this machine, and of the thread that calls it; never raises."""
    stalls = {
        f"{resource} {kind}": seconds
        for resource in RESOURCES
        for kind, seconds in _pressure(_lines(proc / "pressure" / resource))
    }
    ran, waited = _turns(_lines(proc / "thread-self/schedstat"))
    return MachineReading(
        at=monotonic(),
        ran=ran,
        waited=waited,
        stolen=_stolen(_lines(proc / "stat")),
        stalls=stalls,
        dropped=_dropped(proc),
        load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        processors=os.cpu_count(),
    )


def _lines(path: Path) -> list[list[str]]:
    """The words of each line of a file; nothing if it cannot be read."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return [line.split() for line in text.splitlines()]


def _pressure(lines: list[list[str]]) -> list[tuple[str, float]]:
    """``some avg10=0.00 avg60=0.00 avg300=0.00 total=123``: the total is in microseconds."""
    found = []
    for words in lines:
        total = next((one[6:] for one in words if one.startswith("total=")), "")
        if total.isdecimal():
            found.append((words[0], int(total) / 1e6))
    return found


def _turns(lines: list[list[str]]) -> tuple[float, float] | tuple[None, None]:
    """Nanoseconds on a processor, nanoseconds of waiting for one, number of turns."""
    words = lines[0] if lines else []
    if len(words) != len(("ran", "waited", "turns")) or not all(map(str.isdecimal, words)):
        return None, None
    return int(words[0]) / 1e9, int(words[1]) / 1e9


def _stolen(lines: list[list[str]]) -> float | None:
    words = lines[0] if lines else []
    is_known = words[:1] == ["cpu"] and len(words) > STEAL and words[STEAL].isdecimal()
    return int(words[STEAL]) / os.sysconf("SC_CLK_TCK") if is_known else None


def _dropped(proc: Path) -> dict[str, int]:
    """Each table has a row of names, and then a row of values."""
    found: dict[str, int] = {}
    for file, wanted in DROPS.items():
        rows = _lines(proc / "net" / file)
        for names, values in pairwise(rows):
            counters = dict(zip(names, values, strict=False))
            for name in wanted.get(names[0] if names else "", ()):
                if counters.get(name, "").isdecimal():
                    found[name] = int(counters[name])
    return found

"""Names by DNS: the wire lane's full record beside dnsperf."""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.client import run, run_program
from benchmarks.far_end import LOOPBACK, free_port, need, wait_for
from benchmarks.goal import Result, ratio, topic
from benchmarks.machine import serving

ROUNDS, COUNT, CONCURRENCY = 5, 15_000, 100


@topic("names")
def names() -> Iterable[Result]:
    """UDP, EDNS with DO: µs of processor a question, and questions a second."""
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, _unbound(Path(folder)) as port:
        asked = Path(folder) / "names.txt"
        asked.write_text("".join(f"h{n}.bench.test A\n" for n in range(COUNT)), encoding="utf-8")
        for _round in range(ROUNDS):
            theirs.append(_dnsperf(port, asked))
            cost = run(
                "engines.names", name="wire", port=port, count=COUNT, concurrency=CONCURRENCY
            )
            if cost.found["answered"] != COUNT:
                raise RuntimeError(f"only {cost.found['answered']} of {COUNT} were answered")
            ours.append((cost.cpu / COUNT * 1e6, COUNT / cost.wall))
    note = f"{min(ours)[0]:.1f} µs; dnsperf {min(theirs)[0]:.1f} µs"
    value = ratio([each[0] for each in ours], [each[0] for each in theirs])
    yield Result(
        goal="DNS, full record: CPU × dnsperf", value=value, unit="×", bound=1.6, note=note
    )
    value = ratio([each[1] for each in ours], [each[1] for each in theirs])
    goal = "DNS, full record: questions a second × dnsperf"
    yield Result(goal=goal, value=value, unit="×", bound=0.6, is_least=True, note=note)


def _dnsperf(port: int, asked: Path) -> tuple[float, float]:
    where = ["-s", LOOPBACK, "-p", str(port), "-d", str(asked), "-n", "4"]
    cost, said = run_program(
        need("dnsperf"), *where, "-q", str(CONCURRENCY), "-c", "1", "-T", "1", "-e", "-D"
    )
    sent = re.search(r"Queries completed:\s+(\d+)", said)
    speed = re.search(r"Queries per second:\s+([\d.]+)", said)
    assert sent, said
    assert speed, said
    return cost.cpu / int(sent[1]) * 1e6, float(speed[1])


@contextmanager
def _unbound(folder: Path) -> Iterator[int]:
    """unbound, which knows every name below one."""
    port, control = free_port(), folder / "unbound.conf"
    control.write_text(
        f"""server:
  interface: {LOOPBACK}@{port}
  do-daemonize: no
  use-syslog: no
  logfile: ""
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: ""
  num-threads: 1
  module-config: "iterator"
  local-zone: "bench.test." redirect
  local-data: "bench.test. 300 IN A 192.0.2.1"
""",
        encoding="utf-8",
    )
    with serving(need("unbound"), "-d", "-c", str(control)):
        wait_for(port)
        yield port

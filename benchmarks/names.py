"""Names by DNS: the wire lane's full record beside dnsperf, over UDP, TLS and HTTPS.

dnsperf speaks HTTP/2, and we HTTP/1.1 where a server does: so haproxy, which does, stands before
unbound there. What HTTP/2 costs us is in the note.
"""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.client import run, run_program
from benchmarks.far_end import LOOPBACK, certificate, free_port, need, wait_for
from benchmarks.goal import Result, ratio, topic
from benchmarks.machine import serving

ROUNDS, CONCURRENCY = 5, 100
PLAIN, SECURE = 15_000, 5_000
"""How many questions each round asks."""


class Ports(NamedTuple):
    """Where unbound answers, and haproxy before it."""

    udp: int
    tls: int
    https: int
    proxied: int
    older: int


class Pace(NamedTuple):
    """µs of processor a question, and questions a second."""

    cpu: float
    speed: float


@topic("names")
def names() -> Iterable[Result]:
    """UDP, EDNS with DO, the control asking in mixed case."""
    with _servers() as (folder, ports):
        ours, theirs = _measure(folder, "udp", f"{LOOPBACK}:{ports.udp}", ports.udp)
    yield _cpu("DNS, full record: CPU × dnsperf", ours, theirs, 1.6)
    goal = "DNS, full record: questions a second × dnsperf"
    value = ratio([each.speed for each in ours], [each.speed for each in theirs])
    note = _note(ours, theirs)
    yield Result(goal=goal, value=value, unit="×", bound=0.6, is_least=True, note=note)


@topic("private-names")
def private_names() -> Iterable[Result]:
    """The same over TLS and HTTPS, on connections that are kept; ours verify the server."""
    with _servers() as (folder, ports):
        newer = _measure(folder, "doh", _url(ports.proxied), ports.proxied)
        doh = _measure(folder, "doh", _url(ports.older), ports.proxied)
        dot = _measure(folder, "dot", f"tls://{LOOPBACK}:{ports.tls}", ports.tls)
    note = f"{_note(*doh)}; by HTTP/2 {min(newer[0]).cpu:.1f} µs"
    yield _cpu("DoH, full record: CPU × dnsperf", *doh, 2.0, note)
    yield _cpu("DoT, full record: CPU × dnsperf", *dot, 2.0)


def _measure(folder: Path, mode: str, server: str, port: int) -> tuple[list[Pace], list[Pace]]:
    """Rounds of ours and dnsperf's, in turn."""
    count = PLAIN if mode == "udp" else SECURE
    asked = folder / "names.txt"
    asked.write_text("".join(f"h{n}.bench.test A\n" for n in range(count)), encoding="utf-8")
    cert = "" if mode == "udp" else str(folder / "cert.pem")
    ours, theirs = [], []
    for _round in range(ROUNDS):
        theirs.append(_dnsperf(mode, port, asked))
        cost = run(
            "engines.names",
            name="wire",
            server=server,
            count=count,
            concurrency=CONCURRENCY,
            cert=cert,
        )
        if cost.found["answered"] != count:
            raise RuntimeError(f"{mode}: of {count} not all were answered: {cost.found}")
        ours.append(Pace(cost.cpu / count * 1e6, count / cost.wall))
    return ours, theirs


def _url(port: int) -> str:
    return f"https://{LOOPBACK}:{port}/dns-query"


def _cpu(goal: str, ours: list[Pace], theirs: list[Pace], bound: float, note: str = "") -> Result:
    value = ratio([each.cpu for each in ours], [each.cpu for each in theirs])
    note = note or _note(ours, theirs)
    return Result(goal=goal, value=value, unit="×", bound=bound, note=note)


def _note(ours: list[Pace], theirs: list[Pace]) -> str:
    return f"{min(ours).cpu:.1f} µs; dnsperf {min(theirs).cpu:.1f} µs"


def _dnsperf(mode: str, port: int, asked: Path) -> Pace:
    where = ["-m", mode, "-s", LOOPBACK, "-p", str(port), "-d", str(asked), "-n", "4"]
    cost, said = run_program(
        need("dnsperf"), *where, "-q", str(CONCURRENCY), "-c", "1", "-T", "1", "-e", "-D"
    )
    sent = re.search(r"Queries completed:\s+(\d+)", said)
    speed = re.search(r"Queries per second:\s+([\d.]+)", said)
    assert sent, said
    assert speed, said
    return Pace(cost.cpu / int(sent[1]) * 1e6, float(speed[1]))


@contextmanager
def _servers() -> Iterator[tuple[Path, Ports]]:
    """unbound, which knows every name below one, and haproxy before its HTTPS."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ports = Ports(*(free_port() for _ in Ports._fields))
        certificate(folder)
        unbound, haproxy = folder / "unbound.conf", folder / "haproxy.cfg"
        unbound.write_text(_unbound(folder, ports), encoding="utf-8")
        haproxy.write_text(_haproxy(folder, ports), encoding="utf-8")
        with (
            serving(need("unbound"), "-d", "-c", str(unbound)),
            serving(need("haproxy"), "-db", "-f", str(haproxy)),
        ):
            for port in ports:
                wait_for(port)
            yield folder, ports


def _unbound(folder: Path, ports: Ports) -> str:
    return f"""server:
  interface: {LOOPBACK}@{ports.udp}
  interface: {LOOPBACK}@{ports.tls}
  interface: {LOOPBACK}@{ports.https}
  tls-port: {ports.tls}
  https-port: {ports.https}
  tls-service-key: "{folder}/key.pem"
  tls-service-pem: "{folder}/cert.pem"
  do-daemonize: no
  use-syslog: no
  logfile: ""
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: ""
  num-threads: 1
  incoming-num-tcp: 200
  module-config: "iterator"
  local-zone: "bench.test." redirect
  local-data: "bench.test. 300 IN A 192.0.2.1"
"""


def _haproxy(folder: Path, ports: Ports) -> str:
    return f"""global
  maxconn 1000
  nbthread 1
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend names
  bind {LOOPBACK}:{ports.proxied} ssl crt {folder}/both.pem alpn h2
  bind {LOOPBACK}:{ports.older} ssl crt {folder}/both.pem alpn http/1.1
  default_backend unbound
backend unbound
  server it {LOOPBACK}:{ports.https} ssl verify none alpn h2
"""

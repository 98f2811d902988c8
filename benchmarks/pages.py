"""Pages by HTTP: the wire lane beside wrk, and both lanes beside bare aiohttp.

*Bare* is a lane's exchange alone; *full* is the whole way of a campaign: the web probe over a
line, the observation with its facts, and the journal. Each URL has a page of its own; *again* is
*full* with a page that was read before, as that of a service that returns what the control
returned. The barest client in Python shows what is possible in this language.
"""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.client import Cost, run, run_program
from benchmarks.far_end import LOOPBACK, haproxy, need
from benchmarks.goal import Result, ratio, topic

ROUNDS = 5
CONCURRENCY = 100
Figures = dict[str, list[tuple[float, float]]]


@topic("pages")
def pages() -> Iterable[Result]:
    """New TCP for each URL, a page of 4 KiB: µs of processor a URL, and URLs a second."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder, haproxy(Path(folder)) as (plain, _):
        for _round in range(ROUNDS):
            _note(figures, "wrk", *_wrk(f"http://{LOOPBACK}:{plain}/"))
            for name, engine, count, more in (
                ("barest Python", "floor.barest", 8000, {}),
                ("bare", "engines.lane", 8000, {"name": "wire"}),
                ("full", "campaigns.observation", 5000, {"name": "wire"}),
                ("again", "campaigns.observation", 5000, {"name": "wire", "same_page": True}),
                ("aiohttp", "engines.bare_aiohttp", 2000, {}),
                ("portable", "campaigns.observation", 2000, {"name": "portable"}),
            ):
                cost = run(engine, port=plain, count=count, concurrency=CONCURRENCY, **more)
                _note(figures, name, *_each(cost, count))
    note = _said(figures)
    yield _cpu("wire lane, bare: CPU × wrk", figures, "bare", "wrk", 1.5, note)
    yield _cpu("wire lane, full: CPU × wrk", figures, "full", "wrk", 3.0, note)
    yield _cpu("wire lane, full: CPU × aiohttp", figures, "full", "aiohttp", 0.55, note)
    yield _cpu("wire lane, full, page read before: CPU × wrk", figures, "again", "wrk", 3.0, note)
    yield _cpu(
        "wire lane, full, page read before: CPU × aiohttp", figures, "again", "aiohttp", 0.55, note
    )
    yield _cpu("portable, full: CPU × aiohttp", figures, "portable", "aiohttp", 1.25, note)
    yield _speed("wire lane, bare: URLs a second × wrk", figures, "bare", 0.7, note)
    yield _speed("wire lane, full: URLs a second × wrk", figures, "full", 0.5, note)


@topic("tls")
def tls() -> Iterable[Result]:
    """New TCP and a full TLS handshake for each URL; ours verifies, wrk does not."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder, haproxy(Path(folder)) as (_, secure):
        cert = str(Path(folder) / "cert.pem")
        for _round in range(ROUNDS):
            _note(figures, "wrk", *_wrk(f"https://{LOOPBACK}:{secure}/"))
            cost = run(
                "engines.lane",
                name="wire",
                port=secure,
                count=1500,
                concurrency=CONCURRENCY,
                cert=cert,
            )
            _note(figures, "wire", *_each(cost, 1500))
    yield _cpu("wire lane, full TLS: CPU × wrk", figures, "wire", "wrk", 1.15, _said(figures))


def _wrk(url: str) -> tuple[float, float]:
    command = [need("wrk"), "-t1", f"-c{CONCURRENCY}", "-d2s", "-H", "Connection: close", url]
    cost, said = run_program(*command)
    found = re.search(r"(\d+) requests in ([\d.]+)s", said)
    assert found, said
    count = int(found[1])
    return cost.cpu / count * 1e6, count / float(found[2])


def _each(cost: Cost, count: int) -> tuple[float, float]:
    if cost.found["answered"] != count:
        raise RuntimeError(f"only {cost.found['answered']} of {count} were answered")
    return cost.cpu / count * 1e6, count / cost.wall


def _note(figures: Figures, name: str, cpu: float, speed: float) -> None:
    figures.setdefault(name, []).append((cpu, speed))


def _cpu(goal: str, figures: Figures, ours: str, anchor: str, bound: float, note: str) -> Result:
    value = ratio([each[0] for each in figures[ours]], [each[0] for each in figures[anchor]])
    return Result(goal=goal, value=value, unit="×", bound=bound, note=note)


def _speed(goal: str, figures: Figures, ours: str, bound: float, note: str) -> Result:
    value = ratio([each[1] for each in figures[ours]], [each[1] for each in figures["wrk"]])
    return Result(goal=goal, value=value, unit="×", bound=bound, is_least=True, note=note)


def _said(figures: Figures) -> str:
    """The best µs of each engine."""
    return "; ".join(
        f"{name} {min(each[0] for each in runs):.0f} µs" for name, runs in figures.items()
    )

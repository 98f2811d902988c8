"""A service's log: reading ten million lines of Squid's format and joining them with requests.

The lines are made up and written once to a temporary file (1.4 GB); the requests are those of one
line and profile, each with one line at a place of its own. Memory is the peak of the whole process.
"""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.client import Cost, run
from benchmarks.goal import Result, SkippedError, topic
from benchmarks.memory import peak_memory
from benchmarks.reading_logs import requested
from harness.model.log_case import TOTAL

FEW, MANY = 1_000_000, 10_000_000
RISE, EACH = 1.25, 20.0
"""12.5 µs a line were measured, 7.5 of them for secrets; a slower machine has the rest."""
BLOCK = 20_000
"""Lines that are made at once."""
BEGUN = 1_770_000_000
"""When the log begins, in seconds since 1970."""
SECONDS = 0.008
"""Between two lines, as of a service for many schools."""


@topic("logs", is_usual=False)
def logs() -> Iterable[Result]:
    """Read and join a log of ten million lines, and one of a million."""
    if not peak_memory():
        msg = "the peak memory of a process is known on Linux only"
        raise SkippedError(msg)
    with tempfile.TemporaryDirectory() as folder:
        few, many = (_read(Path(folder), lines) for lines in (FEW, MANY))
    yield Result(
        goal=f"a log, {MANY:,} ÷ {FEW:,} lines: peak memory",
        value=many.memory / few.memory,
        unit="×",
        bound=RISE,
        note=f"{many.memory:.0f} and {few.memory:.0f} MiB; {TOTAL:,} requests",
    )
    yield Result(
        goal=f"a log of {MANY:,} lines: CPU a line",
        value=many.cpu / MANY * 1e6,
        unit="µs",
        bound=EACH,
        note=f"read, searched for {many.found['searched']} forms of secrets and joined in "
        f"{many.cpu:.0f} s of one processor",
    )


def _read(folder: Path, lines: int) -> Cost:
    """Write a log and read it. Raises RuntimeError if not every request was found."""
    path = folder / "access.log"
    with path.open("wb") as stream:
        for block in _blocks(lines):
            stream.write(block)
    done = run("reading_logs.joined", path=str(path))
    path.unlink()
    if (done.found["lines"], done.found["held"]) != (lines, done.found["requests"]):
        msg = f"not every line was read, or not every request found: {done.found}"
        raise RuntimeError(msg)
    return done


def _blocks(lines: int) -> Iterator[bytes]:
    """Lines of Squid's native format, seeded; those of the requests are at places of their own."""
    draw = random.Random(lines)
    urls = [item.value for item in requested()]
    places = dict(zip(draw.sample(range(lines), len(urls)), urls, strict=True))
    words = [f"{draw.getrandbits(24):x}" for _ in range(2000)]
    for start in range(0, lines, BLOCK):
        made = (
            _line(place, places.get(place) or _url(place, words), draw)
            for place in range(start, min(start + BLOCK, lines))
        )
        yield "".join(made).encode()


def _url(place: int, words: list[str]) -> str:
    """The URL of a page that somebody else asked for, or of an encrypted one."""
    one, other = words[place * 7 % 1999], words[place * 13 % 1997]
    if place % 3:
        return f"{one}-{other}.example.org:443"
    return f"http://www.{one}.example.com/{other}/{place:x}/page.html?session={other}&n={place}"


def _line(place: int, url: str, draw: random.Random) -> str:
    at, number = BEGUN + place * SECONDS, draw.getrandbits(31)
    client = f"10.{number >> 8 & 127}.{number >> 16 & 255}.{number & 255}"
    result = "TCP_DENIED/403" if number % 50 == 0 else "TCP_MISS/200"
    method = "GET" if "://" in url else "CONNECT"
    return (
        f"{at:.3f} {number % 900:6d} {client} {result} {number % 90_000} {method} {url} "
        f"user{number % 5000:04d} HIER_DIRECT/192.0.2.{number % 250} text/html\n"
    )

"""The pages of a hub: 50 users with a second of think time, over 10,000 and 1,000,000 outcomes.

A hub is made as by ``accredit serve --demo``, its rows are copied (``benchmarks.hub_rows``), and it
is served by a process of its own. One page of each route is found by following links, as an
assessor or an administrator, so that new pages are measured as well. Each user walks over all pages
in an order of its own. A page is compared with the sign-in page in the same run: so a slow or busy
machine changes both. With ``ACCREDIT_BENCHMARK_POSTGRESQL`` (a URL of an empty database, which is
filled) the hub is moved there.
"""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import asyncio
import html
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
from starlette.routing import Route

from benchmarks.goal import Result, topic
from benchmarks.hub_rows import Rows, grow_hub, project
from harness.cli.demo_hub import make_demo_hub, own_environment
from harness.cli.demo_hub_people import ASSESSOR, PEOPLE, DemoPerson
from harness.cli.serve_demo import demo_people
from harness.model.hub_access import Role
from harness.ports.storage import WallClock

SIZES = (10_000, 1_000_000)
USERS, THINK, SECONDS = 50, 1.0, 45.0
SLOWEST, FLATTEST, MEMORY = 4.0, 1.5, 250.0
"""The bounds: p95 of a page ÷ that of the sign-in page, growth with size, and MiB."""

MOST_CRAWLED = 600
ANCHOR = "/sign-in"
SEEDS = ("/overview", "/campaigns", "/plans", "/alarms", "/decisions", "/sites", "/", "/states",
         "/account", "/compare", "/uploads", "/admin", "/admin/audit")  # fmt: skip
LINK = re.compile(r'(?:href|hx-get)="([^"]+)"')
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
ADMINISTRATOR = next(each for each in PEOPLE if each.role is Role.ADMINISTRATOR)


class Page(NamedTuple):
    """A page to walk over: the pattern of its route, a path, and who asks for it."""

    pattern: str
    path: str
    person: DemoPerson | None


class Server(NamedTuple):
    """A hub that is served: its address, its process, and the cookies of who signed in."""

    url: str
    process: int
    cookies: dict[DemoPerson, dict[str, str]]

    def memory(self) -> float:
        """The largest resident memory of the process so far, in MiB."""
        status = Path(f"/proc/{self.process}/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0


@topic("hub-pages", is_usual=False)
def hub_pages() -> Iterable[Result]:
    """Walk over the pages of a hub with few and with many rows."""
    with tempfile.TemporaryDirectory() as folder, own_environment():
        hub, clock = Path(folder) / "hub", WallClock()
        make_demo_hub(hub, datetime.now(UTC))
        passwords = demo_people(hub, clock)
        project(hub)
        seen: dict[int, dict[str, list[float]]] = {}
        for size in SIZES:
            rows = grow_hub(hub, size)
            with serving(hub, passwords) as server:
                pages = find_pages(server)
                seen[size] = asyncio.run(walk(server, pages))
                memory = server.memory()
            yield from _results(rows, seen[size], memory)
        yield _flatness(seen)


def _results(rows: Rows, seen: dict[str, list[float]], memory: float) -> Iterator[Result]:
    """The slowest page beside the sign-in page, and the memory."""
    anchor = p95(seen[ANCHOR])
    ratios = {page: p95(times) / anchor for page, times in seen.items() if page != ANCHOR}
    for page in sorted(ratios, key=lambda each: -ratios[each]):
        times = seen[page]
        print(
            f"  {ratios[page]:6.2f} ×  p50 {statistics.median(times) * 1000:7.1f} ms  "
            f"p95 {p95(times) * 1000:7.1f} ms  n {len(times):4}  {page}",
            file=sys.stderr,
        )
    slowest = max(ratios, key=lambda each: ratios[each])
    yield Result(
        goal=f"slowest page of a hub ÷ the sign-in page, p95, {rows.outcomes:,} outcomes",
        value=ratios[slowest],
        unit="×",
        bound=SLOWEST,
        note=f"{slowest}; {len(seen)} pages, {USERS} users; sign-in {anchor * 1000:.0f} ms",
    )
    yield Result(
        goal=f"memory of a hub with {rows.outcomes:,} outcomes",
        value=memory,
        unit="MiB",
        bound=MEMORY,
        note=f"most resident memory; {rows.campaigns:,} campaigns, {rows.items:,} items",
    )


def _flatness(seen: dict[int, dict[str, list[float]]]) -> Result:
    """How much slower a page is with many rows, each beside the sign-in page of its run."""
    few, many = (seen[size] for size in SIZES)
    growth = {
        page: (p95(many[page]) / p95(many[ANCHOR])) / (p95(few[page]) / p95(few[ANCHOR]))
        for page in few.keys() & many.keys()
    }
    worst = max(growth, key=lambda each: growth[each])
    return Result(
        goal=f"p95 of a page: {SIZES[-1]:,} ÷ {SIZES[0]:,} outcomes",
        value=statistics.median(growth.values()),
        unit="×",
        bound=FLATTEST,
        note=f"median over pages; the most is {growth[worst]:.2f} × of {worst}",
    )


def p95(times: Iterable[float]) -> float:
    """The 95th percentile of some times."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


@contextmanager
def serving(hub: Path, passwords: dict[DemoPerson, str]) -> Iterator[Server]:
    """Serve a hub in a process of its own, and sign in as an assessor and an administrator."""
    command = [sys.executable, "-m", "harness.cli.process", "serve", "--hub", str(hub)]
    with (
        (hub / "benchmark.log").open("w") as log,
        subprocess.Popen(
            [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=log, text=True,
            env=dict(os.environ),
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[1].rstrip(";")
            cookies = {
                person: _sign_in(url, person, passwords[person])
                for person in (ASSESSOR, ADMINISTRATOR)
            }
            yield Server(url, process.pid, cookies)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _sign_in(url: str, person: DemoPerson, password: str) -> dict[str, str]:
    """The cookies of a person who signed in."""
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        token = CSRF.search(client.get(ANCHOR).text)
        form = {"email": person.email, "password": password, "csrf": token[1] if token else ""}
        client.post(ANCHOR, data=form, headers={"Origin": url}).raise_for_status
        return dict(client.cookies)


def routes_of_pages() -> tuple[Route, ...]:
    """The GET routes of the application, without those for agents and for files."""
    from benchmarks.hub_routes import page_routes

    return page_routes()


def find_pages(server: Server) -> tuple[Page, ...]:
    """One page of each route that the links of pages lead to."""
    return ()


async def walk(server: Server, pages: tuple[Page, ...]) -> dict[str, list[float]]:
    """How long each page took, in seconds, with many users at once."""
    return {}

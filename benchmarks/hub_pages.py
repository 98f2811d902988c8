"""The pages of a hub: 50 users with a second of think time, over 10,000 and 1,000,000 outcomes.

A hub is made as by ``accredit serve --demo``, its rows are copied (``benchmarks.hub_rows``), and it
is served by a process of its own: first with its registry in a file of SQLite, then, if PostgreSQL
is installed, behind row-level security in a database. One page of each route is found by following
links, as an assessor or an administrator, so that new pages are measured as well. Each user walks
over all pages in an order of its own. A page is compared with the sign-in page in the same run: so
a slow or busy machine changes both.
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
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import httpx
from starlette.routing import Route

from benchmarks.goal import Result, topic
from benchmarks.hub_databases import StoredHub, has_postgresql, in_file, in_postgresql
from benchmarks.hub_rows import Rows, grow_in, project
from harness.cli.demo_hub import make_demo_hub, own_environment
from harness.cli.demo_hub_people import ASSESSOR, PEOPLE, DemoPerson
from harness.cli.hub_agents import open_hub
from harness.cli.hub_backup import back_up
from harness.cli.hub_projector import Projector
from harness.cli.hub_uploads import HubUploads
from harness.cli.hub_web import HubWork, web_parts
from harness.cli.serve_demo import demo_people
from harness.cli.stream_states import StreamStates
from harness.model.hub_access import Role
from harness.model.order_statistic import order_statistic
from harness.ports.storage import WallClock

SIZES = (10_000, 1_000_000)
USERS, THINK, SECONDS, FIRST = 50, 1.0, 160.0, 10.0
"""Users, their think time, how long they walk, and how much of that does not count, in seconds.

In the first seconds connections to the database are opened.
"""

SLOWEST, FLATTEST, MEMORY = 4.0, 1.5, 250.0
"""The bounds: p95 of a page ÷ that of the sign-in page, growth with size, and MiB."""

TIMES_ALONE, TABLES_ALONE = 21, 3
"""How often a single user asks for each page, and for each table or answer to a program."""

MOST_CRAWLED, OPENED_OF_A_ROUTE = 900, 30
ANCHOR = "/sign-in"
LINK = re.compile(r'(?:href|hx-get)="([^"]+)"')
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
ADMINISTRATOR = next(each for each in PEOPLE if each.role is Role.ADMINISTRATOR)


class Page(NamedTuple):
    """A page to walk over: the pattern of its route, a path, and who asks for it.

    One that is not ``is_html`` is a table or an answer to a program; users do not walk over those,
    because a table of everything takes as long as it is.
    """

    pattern: str
    path: str
    person: DemoPerson | None
    is_html: bool


class Seen(NamedTuple):
    """How long pages took, in seconds: ``alone`` a few times each, and with many users."""

    pages: tuple[Page, ...]
    alone: dict[str, list[float]]
    together: dict[str, list[float]]

    def is_page(self, pattern: str) -> bool:
        """Whether that is a page for people, other than the one that others are compared with."""
        is_html = {page.pattern: page.is_html for page in self.pages}
        return is_html[pattern] and pattern != ANCHOR


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
    """Walk over the pages of a hub with few and with many rows, in each database."""
    with tempfile.TemporaryDirectory() as name, own_environment():
        folder, clock = Path(name), WallClock()
        hub = folder / "hub"
        make_demo_hub(hub, datetime.now(UTC))
        passwords = demo_people(hub, clock)
        project(hub)
        routes = routes_of(hub)
        back_up(hub, folder / "hub.tar", clock)
        yield from _measured(in_file(hub), passwords, routes)
        if not has_postgresql():
            print("  PostgreSQL is not installed: nothing is measured with it", file=sys.stderr)
            return
        with in_postgresql(folder / "hub.tar", folder / "second") as stored:
            yield from _measured(stored, passwords, routes)


def _measured(
    stored: StoredHub, passwords: dict[DemoPerson, str], routes: tuple[Route, ...]
) -> Iterator[Result]:
    """The results of one hub, with few and with many rows."""
    print(stored.database, file=sys.stderr)
    seen: dict[int, Seen] = {}
    for size in SIZES:
        rows = grow_in(stored.registry, size)
        with serving(stored.folder, passwords) as server:
            pages = find_pages(server, routes)
            walked = tuple(page for page in pages if page.is_html)
            seen[size] = Seen(pages, alone(server, pages), asyncio.run(walk(server, walked)))
            memory = server.memory()
        yield from _results(stored.database, rows, seen[size], memory)
    yield _flatness(stored.database, seen)


def _results(database: str, rows: Rows, seen: Seen, memory: float) -> Iterator[Result]:
    """The slowest page beside the sign-in page, and the memory."""
    anchor = p95(seen.together[ANCHOR])
    ratios = {name: p95(times) / anchor for name, times in seen.together.items()}
    for name in sorted(ratios, key=lambda each: -ratios[each]):
        times = seen.together[name]
        print(
            f"  {ratios[name]:6.2f} ×  p50 {statistics.median(times) * 1000:6.0f} ms  "
            f"p95 {p95(times) * 1000:6.0f} ms  alone {_middle(seen.alone[name]) * 1000:6.1f} ms  "
            f"n {len(times):4}  {name}",
            file=sys.stderr,
        )
    for name in sorted(seen.alone.keys() - ratios.keys()):
        print(f"  alone {_middle(seen.alone[name]) * 1000:6.1f} ms  {name}", file=sys.stderr)
    slowest = max(filter(seen.is_page, ratios), key=lambda each: ratios[each])
    where = f"{rows.outcomes:,} outcomes, {database}"
    yield Result(
        goal=f"slowest page of a hub ÷ the sign-in page, p95, {where}",
        value=ratios[slowest],
        unit="×",
        bound=SLOWEST,
        note=f"{slowest}; {len(ratios)} pages, {USERS} users; sign-in {anchor * 1000:.0f} ms",
    )
    yield Result(
        goal=f"memory of a hub with {where}",
        value=memory,
        unit="MiB",
        bound=MEMORY,
        note=f"most resident memory; {rows.campaigns:,} campaigns, {rows.items:,} items",
    )


def _flatness(database: str, seen: dict[int, Seen]) -> Result:
    """How much slower a page is with many rows, each beside the sign-in page of its run."""
    few, many = (
        {name: _middle(times) / _middle(one.alone[ANCHOR]) for name, times in one.alone.items()}
        for one in (seen[size] for size in SIZES)
    )
    pages = filter(seen[SIZES[0]].is_page, few.keys() & many.keys())
    growth = {name: many[name] / few[name] for name in pages}
    worst = max(growth, key=lambda each: growth[each])
    return Result(
        goal=f"time of a page: {SIZES[-1]:,} ÷ {SIZES[0]:,} outcomes, {database}",
        value=growth[worst],
        unit="×",
        bound=FLATTEST,
        note=f"{worst} grows most; median over pages {_middle(growth.values()):.2f} ×",
    )


def _middle(times: Iterable[float]) -> float:
    return statistics.median(times)


def p95(times: Iterable[float]) -> float:
    """The 95th percentile of some times."""
    return order_statistic(sorted(times), 0.95)


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
        client.post(ANCHOR, data=form, headers={"Origin": url})
        return dict(client.cookies)


def routes_of(hub: Path) -> tuple[Route, ...]:
    """The GET routes of people's pages and API, as the application of a hub has them."""
    clock = WallClock()
    with open_hub(hub, clock, print, lambda _: None) as opened:
        projector = Projector(opened.registry, opened.hub.results, clock, print)
        work = HubWork(
            projector, HubUploads(opened.hub, opened.registry, clock), StreamStates(opened.registry)
        )
        parts = web_parts(opened, work, clock, lambda _: None, is_secure=False)
        return tuple(
            route
            for router in parts.routes
            for route in router.routes
            if isinstance(route, Route) and "GET" in (route.methods or ())
        )


def find_pages(server: Server, routes: tuple[Route, ...]) -> tuple[Page, ...]:
    """One page of each route that links lead to; routes of which none is found are printed."""
    found: dict[str, Page] = {}
    for person in (ASSESSOR, ADMINISTRATOR):
        for path, is_html in _crawled(server, person, routes):
            if pattern := _pattern(path, routes):
                found.setdefault(pattern, Page(pattern, path, person, is_html))
        with _client(server, person) as client:
            for route in routes:
                for path in _filled(route, found, routes):
                    answer = client.get(path)
                    if answer.status_code == httpx.codes.OK:
                        found[route.path] = Page(route.path, path, person, _is_html(answer))
                        break
    missing = {route.path for route in routes} - found.keys() - {ANCHOR}
    print(f"  no page found of: {', '.join(sorted(missing)) or 'none'}", file=sys.stderr)
    found[ANCHOR] = Page(ANCHOR, ANCHOR, None, is_html=True)
    return tuple(found.values())


def _filled(route: Route, found: dict[str, Page], routes: tuple[Route, ...]) -> Iterator[str]:
    """Paths of a route of which no page was found, with values from those of other routes."""
    names = set(route.param_convertors)
    if route.path in found or route.path == ANCHOR:
        return
    for page in tuple(found.values()) if names else ():
        other = next(each for each in routes if each.path == page.pattern)
        match = other.path_regex.match(unquote(urlsplit(page.path).path))
        values = match.groupdict() if match else {}
        if names <= values.keys():
            yield str(route.url_path_for(route.name, **{name: values[name] for name in names}))


def _pattern(path: str, routes: tuple[Route, ...]) -> str:
    """The path of the first route that a path is of; empty if none."""
    plain = urlsplit(path).path
    return next((route.path for route in routes if route.path_regex.match(unquote(plain))), "")


def _crawled(
    server: Server, person: DemoPerson, routes: tuple[Route, ...]
) -> Iterator[tuple[str, bool]]:
    """The paths that a person gets, with whether they are HTML.

    They are those without parameters, and what these link to. Of each route some pages are
    opened, because what one links to depends on what it shows.
    """
    waiting = list(dict.fromkeys(each.path for each in routes if "{" not in each.path))
    known = set(waiting)
    opened: Counter[str] = Counter()
    with _client(server, person) as client:
        while waiting and sum(opened.values()) < MOST_CRAWLED:
            path = waiting.pop(0)
            pattern = _pattern(path, routes)
            if pattern in ("", ANCHOR) or opened[pattern] >= OPENED_OF_A_ROUTE:
                continue
            opened[pattern] += 1
            answer = client.get(path)
            if answer.status_code != httpx.codes.OK:
                continue
            yield path, _is_html(answer)
            if _is_html(answer):
                for link in LINK.findall(answer.text):
                    target = urlsplit(urljoin(f"{server.url}{path}", html.unescape(link)))
                    below = target._replace(scheme="", netloc="", fragment="").geturl()
                    if target.netloc == urlsplit(server.url).netloc and below not in known:
                        known.add(below)
                        waiting.append(below)


def _is_html(answer: httpx.Response) -> bool:
    return "html" in answer.headers.get("content-type", "")


def _client(server: Server, person: DemoPerson | None) -> httpx.Client:
    cookies = server.cookies[person] if person else {}
    return httpx.Client(base_url=server.url, cookies=cookies, trust_env=False, timeout=60)


def alone(server: Server, pages: tuple[Page, ...]) -> dict[str, list[float]]:
    """How long each page takes a single user, in seconds, a few times each.

    All pages are asked for in turn, so that what else the machine does for a while slows all of
    them. The first round does not count.
    """
    taken: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as held:
        clients = {
            person: held.enter_context(_client(server, person))
            for person in {page.person for page in pages}
        }
        for number in range(TIMES_ALONE + 1):
            for page in pages:
                if page.is_html or number <= TABLES_ALONE:
                    began = time.perf_counter()
                    clients[page.person].get(page.path)
                    taken[page.pattern].append(time.perf_counter() - began)
    return {name: times[1:] for name, times in taken.items()}


async def walk(server: Server, pages: tuple[Page, ...]) -> dict[str, list[float]]:
    """How long each page took, in seconds, with many users at once."""
    taken: dict[str, list[float]] = defaultdict(list)
    failed: Counter[str] = Counter()
    counts_from, ends = time.perf_counter() + FIRST, time.perf_counter() + SECONDS

    async def user(number: int) -> None:
        order = random.Random(number)
        walked = [*pages, *(each for each in pages if each.pattern == ANCHOR)]
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(
            base_url=server.url, trust_env=False, timeout=60, limits=limits
        ) as client:
            await asyncio.sleep(order.uniform(0, THINK))
            while time.perf_counter() < ends:
                order.shuffle(walked)
                for page in walked:
                    if time.perf_counter() >= ends:
                        return
                    cookies = server.cookies[page.person] if page.person else {}
                    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
                    began = time.perf_counter()
                    answer = await client.get(page.path, headers={"Cookie": header})
                    if began >= counts_from:
                        taken[page.pattern].append(time.perf_counter() - began)
                    failed[page.pattern] += answer.status_code != httpx.codes.OK
                    await asyncio.sleep(THINK)

    await asyncio.gather(*(user(number) for number in range(USERS)))
    if refused := {page: number for page, number in failed.items() if number}:
        print(f"  answered with another status than 200: {refused}", file=sys.stderr)
    return dict(taken)

"""The hub of the demonstration in this process, with all its pages, and a crawler over them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from filelock import FileLock
from selectolax.lexbor import LexborHTMLParser
from starlette.types import ASGIApp

from harness.cli.demo_hub import make_demo_hub, own_environment
from harness.cli.hub_agents import open_hub
from harness.cli.hub_projector import Projector
from harness.cli.hub_uploads import HubUploads
from harness.cli.hub_web import HubWork, web_parts
from harness.cli.stream_states import StreamStates
from harness.model.hub_access import Permission, Role, Viewer
from reports.dashboard.access import COOKIE, SignedIn
from reports.dashboard.app import hub_app
from test_suites.kit.clocks.set_clock import SetClock

NOW = datetime(2026, 11, 24, 6, 10, tzinfo=UTC)
ADDRESS = "http://hub.test"
CSRF = "csrf-of-the-test"
NORTHGATE = "supplier:northgate learning networks"
BRIGHTWATER = "supplier:brightwater filtering ltd"

VIEWERS = {
    "owner": Viewer(role=Role.SCHEME_OWNER, person="1" * 32, name="Owner", streams=None),
    "assessor": Viewer(role=Role.ASSESSOR, person="2" * 32, name="Assessor", streams=None),
    "decider": Viewer(role=Role.DECISION_MAKER, person="3" * 32, name="Decider", streams=None),
    "administrator": Viewer(
        role=Role.ADMINISTRATOR, person="4" * 32, name="Administrator", streams=None
    ),
    "northgate": Viewer(
        role=Role.SUPPLIER, person="5" * 32, name="Nora", streams=frozenset({NORTHGATE})
    ),
    "brightwater": Viewer(
        role=Role.SUPPLIER, person="6" * 32, name="Bret", streams=frozenset({BRIGHTWATER})
    ),
    "school": Viewer(
        role=Role.SCHOOL, person="7" * 32, name="Sue", streams=frozenset({NORTHGATE}),
        sites=frozenset({"Dale High"}),
    ),
    "figures": Viewer(
        role=Role.ASSESSOR, person="2" * 32, name="A token", streams=None,
        only=frozenset({Permission.READ_RESULTS}),
    ),
}  # fmt: skip
"""The viewers by the secret of their session or token."""


class _Access:
    def by_session(self, secret: str) -> SignedIn | None:
        viewer = VIEWERS.get(secret)
        return SignedIn(viewer, CSRF, secret) if viewer else None

    def by_token(self, token: str) -> Viewer | None:
        return VIEWERS.get(token)


class Got(NamedTuple):
    """An answer: its status, its type and its text."""

    status: int
    kind: str
    text: str
    location: str = ""


class DemoHub:
    """The application of a hub; ``get`` asks as a viewer by its name (empty: the public)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def get_all(self, paths: Collection[str], who: str = "") -> dict[str, Got]:
        """The answers to a list of paths."""
        return asyncio.run(self._get_all(paths, who))

    async def _get_all(self, paths: Collection[str], who: str) -> dict[str, Got]:
        headers = {"Cookie": f"{COOKIE}={who}"} if who else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=ADDRESS, headers=headers
        ) as client:
            return {path: _got(await client.get(path)) for path in paths}

    def get(self, path: str, who: str = "") -> Got:
        """The answer to a path."""
        return self.get_all([path], who)[path]

    def crawl(self, who: str, start: Collection[str], each: int = 3) -> dict[str, Got]:
        """All answers that links lead to, at most ``each`` of one form of address and supplier."""
        found: dict[str, Got] = {}
        waiting, counts = list(start), Counter[str]()
        while waiting:
            batch = [path for path in dict.fromkeys(waiting) if path not in found]
            batch = [path for path in batch if _is_wanted(path, counts, each)]
            answers = self.get_all(batch, who)
            found |= answers
            waiting = [link for path, got in answers.items() for link in links_in(path, got)]
        return found


def _got(response: httpx.Response) -> Got:
    kind = response.headers.get("content-type", "").partition(";")[0]
    return Got(response.status_code, kind, response.text, response.headers.get("location", ""))


def form_of(path: str) -> str:
    """The form of an address: names and numbers in it, and the values of its query, left out."""
    parts = urlsplit(path)
    names = parts.path.split("/")
    kept = [name if n < 2 or re.fullmatch(r"[a-z]+(\.[a-z]+)?", name) else "*"
            for n, name in enumerate(names)]  # fmt: skip
    keys = sorted(pair.partition("=")[0] for pair in parts.query.split("&") if pair)
    return f"{'/'.join(kept)}?{'&'.join(keys)}"


def _is_wanted(path: str, counts: Counter[str], each: int) -> bool:
    whose = re.search(r"supplier%3A\w+", path)
    kind = f"{form_of(path)} {whose.group() if whose else ''}"
    counts[kind] += 1
    return counts[kind] <= each


def links_in(path: str, got: Got) -> list[str]:
    """The addresses of this hub that a page leads to."""
    if got.location:
        targets = [got.location]
    elif got.kind == "text/html":
        tree = LexborHTMLParser(got.text)
        targets = [
            str(node.attributes.get("href") or "") for node in tree.css("a[href], link[href]")
        ]
    else:
        return []
    found = []
    for target in targets:
        whole = urlsplit(urljoin(f"{ADDRESS}{path}", target))
        if f"{whole.scheme}://{whole.netloc}" == ADDRESS:
            found.append(f"{whole.path}?{whole.query}" if whole.query else whole.path)
    return found


def parts_of(opened: Any, clock: SetClock, told: list[str]) -> Any:
    """The parts of the application of an open hub, where the viewers of the tests sign in."""
    projector = Projector(opened.registry, opened.hub.results, clock, told.append)
    projector.catch_up()
    work = HubWork(
        projector, HubUploads(opened.hub, opened.registry, clock), StreamStates(opened.registry)
    )
    parts = web_parts(opened, work, clock, lambda _: None, is_secure=False)
    return replace(parts, access=_Access())


def copied_demo(folder: Path, shared: pytest.TempPathFactory) -> None:
    """Copy the hub of the demonstration; one process of a run of tests makes it for all."""
    place = shared.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    with FileLock(place / "demo-hub.lock"):
        if not (place / "demo-hub.made").exists():
            make_demo_hub(place / "demo-hub", NOW)
            _project(place / "demo-hub")
            (place / "demo-hub.made").touch()
    shutil.copytree(place / "demo-hub", folder)


def _project(folder: Path) -> None:
    """Read all campaigns for the pages once, not in each copy."""
    clock, told = SetClock(NOW), list[str]()
    with own_environment(), open_hub(folder, clock, told.append, lambda _: None) as opened:
        Projector(opened.registry, opened.hub.results, clock, told.append).catch_up()
    assert told == []


@contextmanager
def opened_demo(folder: Path, shared: pytest.TempPathFactory) -> Iterator[DemoHub]:
    """Copy the hub of the demonstration to a folder, and open its application."""
    clock, told = SetClock(NOW), list[str]()
    copied_demo(folder, shared)
    with own_environment(), open_hub(folder, clock, told.append, lambda _: None) as opened:
        yield DemoHub(hub_app(parts_of(opened, clock, told)))
    assert told == []

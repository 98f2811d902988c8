"""A restored hub shows every page as it was: those that links lead to, for each role."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from starlette.types import ASGIApp

from harness.cli.hub_agents import open_hub
from harness.cli.hub_projector import Projector
from harness.cli.hub_uploads import HubUploads
from harness.cli.hub_web import HubWork, web_parts
from harness.cli.stream_states import StreamStates
from harness.model.hub_access import Role
from reports.dashboard.app import hub_app
from test_suites.kit.hubs.hub_serving import NamedViewers, viewers_of
from test_suites.kit.hubs.hub_with_results import ACME, BusyHub

LINK = re.compile(r'(?:href|hx-get)="([^"#]+)')
STARTS = ("/overview", "/", "/campaigns", "/plans", "/alarms", "/sites", "/admin")
MOST = 120

LEAST = {Role.SCHEME_OWNER: 60, Role.ASSESSOR: 60, Role.SUPPLIER: 30, Role.SCHOOL: 5}
"""How many pages there are at least, so that the links were followed."""


@contextmanager
def pages_of(folder: Path, example: BusyHub) -> Iterator[ASGIApp]:
    """The web application of a hub, with a session of each role."""
    with open_hub(folder, example.clock, example.told.append) as opened:
        projector = Projector(opened.registry, opened.hub.results, example.clock, print)
        work = HubWork(
            projector,
            HubUploads(opened.hub, opened.registry, example.clock),
            StreamStates(opened.registry),
        )
        parts = web_parts(opened, work, example.clock, lambda _: None, is_secure=False)
        viewers = viewers_of(frozenset({ACME}), frozenset({"Hill School"}))
        yield hub_app(replace(parts, access=NamedViewers(viewers)))


async def crawled(app: ASGIApp, role: Role) -> dict[str, tuple[int, str]]:
    """Every page that links lead to, by path and query."""
    found: dict[str, tuple[int, str]] = {}
    waiting = [*STARTS]
    cookies = {"accredit_session": role.value}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://hub", cookies=cookies
    ) as client:
        while waiting and len(found) < MOST:
            path = waiting.pop(0)
            if path in found:
                continue
            answer = await client.get(path)
            found[path] = (answer.status_code, answer.text)
            for link in LINK.findall(answer.text):
                to = urlsplit(urljoin(f"http://hub{path}", link.replace("&amp;", "&")))
                if to.netloc == "hub" and not to.path.startswith(("/static/", "/sign-")):
                    waiting.append(f"{to.path}?{to.query}" if to.query else to.path)
    return found


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> BusyHub:
    """A hub that measured twice, and its restored copy in ``new``."""
    example = BusyHub(tmp_path_factory.mktemp("pages")).fill()
    for day in (2, 3):
        example.measure(day)
    example.clock.at = example.clock.at.replace(hour=12)
    with open_hub(example.hub, example.clock, example.told.append) as opened:
        Projector(opened.registry, opened.hub.results, example.clock, print).catch_up()
    path = example.back_up()
    example.accredit("hub", "restore", str(path), "--to", str(example.folder / "new"))
    return example


@pytest.mark.parametrize("role", [Role.SCHEME_OWNER, Role.ASSESSOR, Role.SUPPLIER, Role.SCHOOL])
def test_every_page_is_the_same(restored: BusyHub, role: Role) -> None:
    with pages_of(restored.hub, restored) as app:
        before = asyncio.run(crawled(app, role))
    with pages_of(restored.folder / "new/hub", restored) as app:
        after = asyncio.run(crawled(app, role))

    assert before == after
    assert not [path for path, (status, _) in before.items() if status >= 500]
    read = [path for path, (status, _) in before.items() if status == 200]
    assert len(read) >= LEAST[role], read

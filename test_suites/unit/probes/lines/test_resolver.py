"""The resolver line: the service's name server decides where a request goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.plugins import find
from harness.ports.asking import Question, Request
from probes.lines.resolver import ResolverLine, ResolverOptions
from probes.range.world import World

BLOCKED = "sentinel-block.canary.accredit.test"
ALLOWED = "sentinel-allow.canary.accredit.test"


async def test_the_service_answers_and_is_followed(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        server = world.origin.services["reference"]["resolver"]["ks2"]
        options = ResolverOptions(server=server)
        async with ResolverLine("dns", options, world.origin, Limits()) as line:
            blocked = await line.ask(Question(name=BLOCKED))
            allowed = await line.ask(Question(name=ALLOWED))
            page = await line.fetch(Request(url=f"http://{ALLOWED}/"))
            nothing = await line.fetch(Request(url=f"http://{BLOCKED}/"))

    assert blocked.failure is None
    assert blocked.facts.rcode == "NXDOMAIN"
    assert allowed.facts.addresses == ("127.0.0.1",)
    assert page.status == 200
    assert nothing.status is None
    assert nothing.failure is not None
    assert nothing.failure.stage == "resolve"


def test_the_server_must_be_declared_and_be_an_address() -> None:
    with pytest.raises(ValidationError, match="server"):
        ResolverOptions.model_validate({})
    with pytest.raises(UsageError, match="line 'dns', option 'server': 'x:y' is no address"):
        ResolverLine("dns", ResolverOptions(server="x:y"), None, Limits())


def test_it_is_found_by_name() -> None:
    assert find("lines", "resolver") is ResolverLine

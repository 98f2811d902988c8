"""The resolver line: the service's name server decides where a request goes."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.network import Question, Request
from probes.lines.direct import ResolverLine, ResolverOptions
from probes.net.backend import BACKENDS
from probes.range.testbed import RangeTestbed

BLOCKED = "copper-meadow.accredit.test"
ALLOWED = "amber-lantern.accredit.test"


async def test_the_service_answers_and_is_followed(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as world:
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


@pytest.mark.parametrize("lane", sorted(BACKENDS))
@pytest.mark.parametrize("over", ["tcp", "tls", "https"])
async def test_the_service_may_be_asked_in_private(tmp_path: Path, over: str, lane: str) -> None:
    async with RangeTestbed(tmp_path, encrypted=True) as world:
        parts = world.origin.services["reference"]
        server = f"tcp://{parts['resolver']['ks2']}"
        if over != "tcp":
            server = parts[f"resolver_{over}"]["ks2"]
        options = ResolverOptions.model_validate(
            {"server": server, "server_address": "127.0.0.1", "lane": lane}
        )
        async with ResolverLine("dns", options, world.origin, Limits()) as line:
            blocked = await line.ask(Question(name=BLOCKED))
            page = await line.fetch(Request(url=f"http://{ALLOWED}/"))

    assert (blocked.failure, blocked.facts.rcode) == (None, "NXDOMAIN")
    assert blocked.facts.transport == over
    assert page.status == 200


@pytest.mark.parametrize("over", ["tls", "https"])
async def test_a_server_that_cannot_prove_itself_is_not_believed(tmp_path: Path, over: str) -> None:
    async with RangeTestbed(tmp_path, encrypted=True) as world:
        server = world.origin.services["reference"][f"resolver_{over}"]["ks2"]
        options = ResolverOptions(server=server, server_address="127.0.0.1")
        stranger = replace(world.origin, authority="")
        async with ResolverLine("dns", options, stranger, Limits()) as line:
            answer = await line.ask(Question(name=ALLOWED))
            page = await line.fetch(Request(url=f"http://{ALLOWED}/"))

    for failure in (answer.failure, page.failure):
        assert failure is not None
        assert (failure.name, failure.stage) == ("ssl_unknown_authority", "resolve")


async def test_a_named_server_without_address_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    options = ResolverOptions(server="tls://dns.accredit.test")
    async with ResolverLine("dns", options, None, Limits()) as line:
        answer = await line.ask(Question(name=ALLOWED))
        page = await line.fetch(Request(url=f"http://{ALLOWED}/"))

    for failure in (answer.failure, page.failure):
        assert failure is not None
        assert (failure.name, failure.stage) == ("dns_temporary_failure", "resolve")


def test_the_server_must_be_declared_and_be_an_address() -> None:
    with pytest.raises(ValidationError, match="server"):
        ResolverOptions.model_validate({})
    with pytest.raises(UsageError, match="line 'dns', option 'server': 'x:y' is not an address"):
        ResolverLine("dns", ResolverOptions(server="x:y"), None, Limits())


def test_it_is_found_by_name() -> None:
    assert LINES.find("resolver") is ResolverLine

"""The range's resolver over TLS and HTTPS, asked by dnspython."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import dns.asyncquery
import dns.message
import dns.rcode
import httpx
import pytest

from probes.range.name_server import ENCRYPTED_HOST
from probes.range.testbed import RangeTestbed

BLOCKED = "copper-meadow.accredit.test"
ALLOWED = "amber-lantern.accredit.test"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RangeTestbed]:
    async with RangeTestbed(tmp_path, encrypted=True) as up:
        yield up


async def test_it_filters_over_tls(world: RangeTestbed) -> None:
    context = ssl.create_default_context(cafile=world.origin.authority)
    port = urlsplit(world.origin.services["reference"]["resolver_tls"]["ks2"]).port or 0
    replies = {
        host: await dns.asyncquery.tls(
            dns.message.make_query(host, "A"),
            "127.0.0.1",
            port=port,
            ssl_context=context,
            server_hostname=ENCRYPTED_HOST,
            timeout=5,
        )
        for host in (BLOCKED, ALLOWED)
    }

    assert replies[BLOCKED].rcode() == dns.rcode.NXDOMAIN
    assert replies[ALLOWED].answer[0][0].to_text() == "127.0.0.1"


def post(world: RangeTestbed, body: bytes, path: str = "/dns-query") -> httpx.Response:
    context = ssl.create_default_context(cafile=world.origin.authority)
    port = urlsplit(world.origin.services["reference"]["resolver_https"]["ks2"]).port
    with httpx.Client(verify=context) as client:
        return client.post(
            f"https://127.0.0.1:{port}{path}",
            content=body,
            extensions={"sni_hostname": ENCRYPTED_HOST},
            timeout=5,
        )


async def test_it_filters_over_https(world: RangeTestbed) -> None:
    query = dns.message.make_query(BLOCKED, "A")
    response = await asyncio.to_thread(post, world, query.to_wire())

    assert response.headers["content-type"] == "application/dns-message"
    assert dns.message.from_wire(response.content).rcode() == dns.rcode.NXDOMAIN


async def test_another_path_is_not_there(world: RangeTestbed) -> None:
    response = await asyncio.to_thread(post, world, b"", "/other")

    assert response.status_code == 404

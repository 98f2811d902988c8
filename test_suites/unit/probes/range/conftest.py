"""The range, up once for all tests of this folder; its faults are cleared before each."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.message
import dns.query
import httpx
import pytest

from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed, running
from test_suites.kit.networks.public_origin import write_folder

PROFILES = ("ks2", "staff")
Ask = Callable[..., dns.message.Message]


def blocks(code: str, profile: str) -> bool:
    """Staff may gamble; nobody else may see anything that is not to be allowed."""
    return code not in {"", "ALW", "CTRL"} and not (code == "GAMB" and profile == "staff")


@pytest.fixture(scope="package")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    directory: Path = tmp_path_factory.mktemp("range")
    policy = FilterPolicy(blocks=blocks)
    with running(directory, policy=policy, profiles=PROFILES, slow_delay=0.01) as world:
        yield world


@pytest.fixture
def world(standing: RangeTestbed) -> RangeTestbed:
    standing.faults.clear()
    return standing


@pytest.fixture
def trust(world: RangeTestbed) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=world.origin.authority)


@pytest.fixture
def proxied(world: RangeTestbed, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    """An independent client that goes through the reference proxy of profile ks2."""
    proxy = world.origin.services["reference"]["proxy"]["ks2"]
    with httpx.Client(proxy=proxy, verify=trust, timeout=5, trust_env=False) as client:
        yield client


@pytest.fixture
def ask(world: RangeTestbed) -> Ask:
    """Asks a resolver: ``ask(host)`` the filter's for ks2, ``ask(host, server=...)`` another."""

    def ask(
        host: str, rdtype: str = "A", *, server: str = "", timeout: float = 5, tcp: bool = False
    ) -> dns.message.Message:
        server = server or world.origin.services["reference"]["resolver"]["ks2"]
        address, _, port = server.rpartition(":")
        query = dns.message.make_query(host, rdtype, use_edns=0)
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, address, port=int(port), timeout=timeout)

    return ask


@pytest.fixture
def reports() -> list[str]:
    """What a public origin tells its operator."""
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a public origin."""
    write_folder(tmp_path / "origin")
    return tmp_path / "origin"

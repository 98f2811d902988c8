"""The table of tunnels, and streams that are passed on."""

from __future__ import annotations

import asyncio

from harness.model.technique import GROUPS
from probes.net.private_network import PrivateNetwork
from probes.tunnels.ends import FarEnd, pass_on
from probes.tunnels.table import TUNNELS, missing_program
from test_suites.unit.probes.tunnels.memory_streams import joined


def test_each_tunnel_is_a_class_of_techniques() -> None:
    assert TUNNELS.keys() | {"masque"} == GROUPS["tunnel"].classes.keys()
    assert all(name == each.name for name, each in TUNNELS.items())


def test_no_two_tunnels_of_their_own_ports_share_one() -> None:
    ports = [port for each in TUNNELS.values() if not each.inside_web for port in each.ports]
    assert len(ports) == len(set(ports))


def test_the_first_missing_program_is_named() -> None:
    assert missing_program((("sh", "dash"),)) == ""
    assert "'nonesuch'" in missing_program((("sh", "dash"), ("nonesuch", "none")))


def test_secrets_differ_by_purpose_and_key() -> None:
    ends = [FarEnd(network=PrivateNetwork(), key=key, zone="z.test") for key in (b"a", b"b")]
    secrets = {end.secret(purpose) for end in ends for purpose in ("ssh host", "ssh client")}
    assert len(secrets) == 4
    assert all(len(each) == 32 for each in secrets)


async def test_bytes_are_passed_both_ways_until_one_end_closes() -> None:
    (client, first), (second, server) = joined(), joined()
    passing = asyncio.ensure_future(pass_on(first, second))
    await client.write(b"question")
    assert await server.read() == b"question"
    await server.write(b"answer")
    assert await client.read() == b"answer"
    client.close()
    await passing
    assert first.is_closed
    assert second.is_closed
    assert await server.read() == b""


async def test_streams_are_closed_if_passing_is_given_up() -> None:
    (_, first), (second, _) = joined(), joined()
    passing = asyncio.ensure_future(pass_on(first, second))
    await asyncio.sleep(0)
    passing.cancel()
    await asyncio.gather(passing, return_exceptions=True)
    assert first.is_closed
    assert second.is_closed

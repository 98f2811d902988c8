"""Finds where a proxy or a name server of the service is, once, by this machine's own means."""

from __future__ import annotations

import asyncio
import socket

from harness.model.observation import Failure, Stage
from probes.net.address import Address, Family, is_literal, is_of
from probes.net.failures import failure_of
from probes.net.local_binding import family_of


async def find_address(named: Address, stage: Stage, family: Family = "any") -> Address | Failure:
    """The IP address of a host, IPv4 first; a Failure at ``stage`` where there is none."""
    if is_literal(named.host):
        return named
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            named.host, named.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        return failure_of(error, stage)
    hosts = [host for each in found if is_of(family, host := str(each[4][0]))]
    if not hosts:
        detail = f"{named.host} has no address of family {family}"
        return Failure(name="dns_no_answer", stage=stage, detail=detail)
    return Address(host=min(hosts, key=lambda host: family_of(host).value), port=named.port)

"""Check the names of a public origin: delegation, glue, and the answers of its name servers.

The servers of the zone above must refer to the declared name servers (RFC 1034 section 4.2.1), with
their addresses if they are in the zone (glue, RFC 9471). A resolver must find a new name, and each
address must answer over UDP and TCP.
"""

from __future__ import annotations

import errno
import os
import secrets
from asyncio import gather
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import msgspec

from harness.model.origin_zone import OriginZone, is_in
from harness.model.plain_twin import twin_of
from harness.ports.network import Origin
from probes.net.route import Address

MOST_PARENTS = 4
"""Name servers of the zone above that are asked."""

PAYLOAD = 1232

LOCAL = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""Errors of a machine that has no way to addresses of this family."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check: what was seen ``of`` something, and how to fix a problem.

    ``unseen``: this machine has no way to look (no IPv6).
    """

    check: str
    of: str
    state: Literal["ok", "problem", "unseen"]
    seen: str
    fix: str = ""


class Trouble(NamedTuple):
    """Why there is no answer; ``is_local``: this machine has no way to that address."""

    reason: str
    is_local: bool = False


Heard = dns.message.Message | Trouble


async def ask(
    name: str,
    rdtype: str,
    at: Address,
    *,
    over: Literal["udp", "tcp", "either"] = "either",
    is_recursive: bool = False,
    timeout: float,  # noqa: ASYNC109 - of each datagram and connection
) -> Heard:
    """Ask one question; ``either`` repeats it over TCP if the answer over UDP is cut."""
    query = dns.message.make_query(name, rdtype, use_edns=0, payload=PAYLOAD)
    if not is_recursive:
        query.flags &= ~dns.flags.RD
    try:
        if over == "tcp":
            return await dns.asyncquery.tcp(query, at.host, timeout, at.port)
        if over == "udp":
            return await dns.asyncquery.udp(query, at.host, timeout, at.port)
        answer, _ = await dns.asyncquery.udp_with_fallback(query, at.host, timeout, at.port)
    except dns.exception.Timeout:
        return Trouble(f"no answer within {timeout:g} s")
    except (OSError, EOFError, dns.exception.DNSException) as error:
        number = getattr(error, "errno", None)
        return Trouble(system_reason(error), number in LOCAL)
    return answer


def system_reason(error: BaseException) -> str:
    """Return what the system says of an error, else its own text."""
    number = getattr(error, "errno", None)
    return (os.strerror(number) if number else str(error)) or type(error).__name__


def new_host(zone: OriginZone, origin: Origin) -> str:
    """Return a new host of a zone; in the twins' zone a plain twin."""
    host = f"harbour-{secrets.token_hex(4)}.{origin.zones[0].zone}"
    if zone == origin.twins:
        return twin_of(host, origin.zones[0].zone, zone.zone)
    return f"{host.partition('.')[0]}.{zone.zone}"


class NameChecks:
    """Checks the names of each zone of an origin.

    ``resolver`` is asked as others ask it; ``parents`` are asked in place of the servers of the
    zones above.
    """

    def __init__(
        self, origin: Origin, *, resolver: Address, parents: tuple[Address, ...], patience: float
    ) -> None:
        self._origin = origin
        self._resolver = resolver
        self._parents = parents
        self._patience = patience
        self._port = int(origin.resolver.rpartition(":")[2])
        self._zones = origin.all_zones

    async def run(self) -> list[Checked]:
        """Run all checks, zone by zone."""
        parts = await gather(*(self._check(zone) for zone in self._zones))
        return [each for part in parts for each in part]

    async def _check(self, zone: OriginZone) -> list[Checked]:
        parts = await gather(self._delegation(zone), self._resolution(zone), self._servers(zone))
        return [each for part in parts for each in part]

    async def _delegation(self, zone: OriginZone) -> list[Checked]:
        """Check the referral of each server of the zone above, and its glue."""
        above = zone.zone.partition(".")[2]
        parents = self._parents or await self._find_parents(zone.zone)
        if isinstance(parents, Trouble):
            fix = "name a resolver with --resolver, or a server of that zone with --parent"
            return [_problem("delegation", zone, parents.reason, fix)]
        asked = await gather(
            *(ask(zone.zone, "NS", parent, timeout=self._patience) for parent in parents)
        )
        heard = dict(zip(map(str, parents), asked, strict=True))
        answers = {at: each for at, each in heard.items() if not isinstance(each, Trouble)}
        if not answers:
            reasons = "; ".join(
                f"{at}: {each.reason}" for at, each in heard.items() if isinstance(each, Trouble)
            )
            seen = f"no name server of the zone above answered ({reasons})"
            return [_problem("delegation", zone, seen, "try again later, or name one: --parent")]
        declared = ", ".join(zone.nameservers)
        for at, answer in answers.items():
            if wrong := _wrong_referral(answer, zone):
                fix = (
                    f"in {above}, let {zone.zone} have the NS records {declared} and no others "
                    "(dns-records.txt)"
                )
                return [_problem("delegation", zone, f"{at} {wrong}", fix)]
        seen = f"{', '.join(answers)} refers to {declared}"
        return [_ok("delegation", zone, seen), await self._glue(zone, answers)]

    async def _glue(self, zone: OriginZone, answers: dict[str, dns.message.Message]) -> Checked:
        """Check the addresses of the name servers, as those who are referred to them learn them."""
        seen: list[str] = []
        for server in zone.nameservers:
            expected = self._addresses_of(server, zone)
            told = {at: _addresses_in(answer, server) for at, answer in answers.items()}
            if not is_in(server, zone.zone):
                told = {str(self._resolver): await self._resolve(server)}
            for at, found in told.items():
                if found == expected or (
                    found and not is_in(server, zone.zone) and found <= expected
                ):
                    continue
                what = "has no address of" if not found else f"says {', '.join(sorted(found))} of"
                fix = f"give {server} the addresses {', '.join(sorted(expected))} there"
                return _problem("glue", zone, f"{at} {what} {server}", fix)
            seen.append(f"{server} is at {', '.join(sorted(expected))}")
        return _ok("glue", zone, "; ".join(seen))

    def _addresses_of(self, server: str, zone: OriginZone) -> set[str]:
        """Return the declared addresses of a name server: those of the zone that it is in."""
        home = next((one for one in self._zones if is_in(server, one.zone)), zone)
        return set(home.addresses)

    async def _resolve(self, host: str) -> set[str]:
        """Return the addresses of a host that the resolver gives."""
        answers = await gather(
            *(
                ask(host, rdtype, self._resolver, is_recursive=True, timeout=self._patience)
                for rdtype in ("A", "AAAA")
            )
        )
        return {address for answer in answers for address in _answered(answer)}

    async def _find_parents(self, zone: str) -> tuple[Address, ...] | Trouble:
        """Find the name servers of the zone above, by the resolver."""
        name = zone
        while name:
            name = name.partition(".")[2]
            answer = await ask(
                name or ".", "NS", self._resolver, is_recursive=True, timeout=self._patience
            )
            if isinstance(answer, Trouble):
                return Trouble(f"the resolver {self._resolver}: {answer.reason}")
            if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                said = f"answers {dns.rcode.to_text(answer.rcode())} for the name servers of"
                return Trouble(f"the resolver {self._resolver} {said} {name or 'the root'}")
            owner = dns.name.from_text(name or ".")
            if servers := sorted(_targets(answer.answer, owner))[:MOST_PARENTS]:
                found = await gather(*map(self._located, servers))
                return tuple(filter(None, found)) or Trouble(
                    f"{', '.join(servers)}: no addresses were found"
                )
        return Trouble(f"the resolver {self._resolver} gives no name servers above the zone")

    async def _located(self, server: str) -> Address | None:
        """Return an address of a name server, of IPv4 if it has one."""
        found = sorted(await self._resolve(server), key=lambda one: ":" in one)
        return Address(host=found[0], port=53) if found else None

    async def _resolution(self, zone: OriginZone) -> list[Checked]:
        """Check that the resolver finds a new name of the zone at the declared addresses."""
        host = new_host(zone, self._origin)
        found = await self._resolve(host)
        expected = set(zone.addresses)
        where = f"the resolver {self._resolver}"
        if found == expected:
            seen = f"{where} finds a new name at {', '.join(sorted(found))}"
            return [_ok("resolution", zone, seen)]
        if not found:
            fix = "fix the delegation first; then see that the resolver is allowed to ask outside"
            return [_problem("resolution", zone, f"{where} finds no address of {host}", fix)]
        seen = f"{where} says that {host} is at {', '.join(sorted(found))}"
        fix = (
            f"the origin's addresses are {', '.join(sorted(expected))}: remove other records, or "
            "ask a resolver that nobody filters (--resolver)"
        )
        return [_problem("resolution", zone, seen, fix)]

    async def _servers(self, zone: OriginZone) -> list[Checked]:
        """Check the answers at each address, over UDP and TCP."""
        return await gather(
            *(
                self._server(zone, Address(host=address, port=self._port), over)
                for address in zone.addresses
                for over in ("udp", "tcp")
            )
        )

    async def _server(self, zone: OriginZone, at: Address, over: Literal["udp", "tcp"]) -> Checked:
        check = f"name server by {over.upper()}"
        host, expected = new_host(zone, self._origin), set(zone.addresses)
        found: set[str] = set()
        for name, rdtype in ((zone.zone, "SOA"), (host, "A"), (host, "AAAA")):
            answer = await ask(name, rdtype, at, over=over, timeout=self._patience)
            if isinstance(answer, Trouble):
                return _unreachable(check, zone, at, answer)
            if wrong := _wrong_authority(answer):
                fix = "see that this is the origin's address, and that origin.json is of its folder"
                return _problem(check, zone, f"{at} {wrong}", fix)
            found |= set(_answered(answer))
        if found != expected:
            seen = f"{at} says that {host} is at {', '.join(sorted(found)) or 'no address'}"
            fix = (
                f"origin.json says {', '.join(sorted(expected))}: copy the one that belongs to the "
                "served origin.yaml"
            )
            return _problem(check, zone, seen, fix)
        return _ok(check, zone, f"{at} answers for the zone")


def _unreachable(check: str, zone: OriginZone, at: Address, trouble: Trouble) -> Checked:
    if trouble.is_local and ":" in at.host:
        return Checked(
            check=check, of=zone.zone, state="unseen", seen=f"{at}: this machine has no IPv6"
        )
    fix = (
        f"start the origin, and let port {at.port} of {at.host} through by UDP and TCP in every "
        "firewall"
    )
    return _problem(check, zone, f"{at}: {trouble.reason}", fix)


def _wrong_referral(answer: dns.message.Message, zone: OriginZone) -> str:
    """Return what is wrong with the answer of a server of the zone above; empty if nothing is."""
    owner = dns.name.from_text(zone.zone)
    servers = _targets((*answer.authority, *answer.answer), owner)
    if not servers:
        return f"does not refer to any server ({dns.rcode.to_text(answer.rcode())})"
    if answer.flags & dns.flags.AA and _targets(answer.answer, owner):
        return "answers for the zone itself, instead of referring to the origin's name servers"
    declared = set(zone.nameservers)
    if foreign := servers - declared:
        return f"also refers to {', '.join(sorted(foreign))}"
    if missing := declared - servers:
        return f"does not refer to {', '.join(sorted(missing))}"
    return ""


def _wrong_authority(answer: dns.message.Message) -> str:
    if answer.rcode() is not dns.rcode.NOERROR:
        return f"answers {dns.rcode.to_text(answer.rcode())}"
    return "" if answer.flags & dns.flags.AA else "answers, but without authority"


def _targets(section: Iterable[dns.rrset.RRset], owner: dns.name.Name) -> set[str]:
    """Return the name servers in NS records of a zone, in lower case without final dot."""
    return {
        record.target.to_text(omit_final_dot=True).lower()
        for rrset in section
        if rrset.rdtype == dns.rdatatype.NS and rrset.name == owner
        for record in rrset
    }


def _addresses_in(answer: dns.message.Message, server: str) -> set[str]:
    """Return the addresses of a name server in the additional section."""
    found: defaultdict[dns.name.Name, set[str]] = defaultdict(set)
    for rrset in answer.additional:
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            found[rrset.name] |= {record.address for record in rrset}
    return found[dns.name.from_text(server)]


def _answered(answer: Heard) -> list[str]:
    """Return the addresses in the answer section."""
    if isinstance(answer, Trouble):
        return []
    kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
    return [record.address for rrset in answer.answer if rrset.rdtype in kinds for record in rrset]


def _ok(check: str, zone: OriginZone, seen: str) -> Checked:
    return Checked(check=check, of=zone.zone, state="ok", seen=seen)


def _problem(check: str, zone: OriginZone, seen: str, fix: str) -> Checked:
    return Checked(check=check, of=zone.zone, state="problem", seen=seen, fix=fix)

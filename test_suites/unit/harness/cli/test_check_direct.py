"""A school's own check without a proxy: its name server decides, and all parts are tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dns.edns
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from harness.cli.check import Check
from harness.cli.check_plan import CheckLine, plan_check
from harness.model.school_check import Attention, Part, Result
from harness.ports.storage import WallClock
from probes.clients import school_check
from probes.lines.direct import ResolverLine, ResolverOptions
from probes.range.name_server import NameServer, Reply
from test_suites.kit.networks.internet_double import InternetDouble, Reaction, lets_all_through
from test_suites.unit.harness.cli.checking_school import AGENCY, ENDPOINTS

FORCED = {
    "www.google.com": "forcesafesearch.google.com",
    "www.google.co.uk": "forcesafesearch.google.com",
    "www.bing.com": "strict.bing.com",
}
STRICT = {
    "forcesafesearch.google.com": "198.51.100.1",
    "strict.bing.com": "198.51.100.2",
    "safe.duckduckgo.com": "198.51.100.3",
    "strict-safe-search.ecosia.org": "198.51.100.4",
}
ENGINES = ("duckduckgo.com", "www.ecosia.org", "www.youtube.com")
"""Engines that this school's name server leaves alone."""

Refuses = Callable[[str], str]
"""What the name server does to a name: "" (nothing), refuse, null."""


def replies(does: Refuses) -> Callable[[dns.message.Message], Reply]:
    """A school's name server: it forces some engines, and leads all other names home."""

    def reply(query: dns.message.Message) -> Reply:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        response = dns.message.make_response(query, recursion_available=True)
        if does(name) == "refuse":
            response.set_rcode(dns.rcode.REFUSED)
            response.use_edns(options=[dns.edns.EDEOption(dns.edns.EDECode.BLOCKED)])
            return Reply(message=response)
        if question.rdtype != dns.rdatatype.A:
            return Reply(message=response)
        if name in FORCED:
            response.answer.append(
                dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{FORCED[name]}.")
            )
            name = FORCED[name]
        ordinary = "203.0.113.7" if name in ENGINES else "127.0.0.1"
        address = "0.0.0.0" if does(name) == "null" else STRICT.get(name, ordinary)
        response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "A", address))
        return Reply(message=response)

    return reply


async def checked(
    folder: Path, does: Refuses, reaction: Reaction = lets_all_through
) -> tuple[Check, dict[str, Result]]:
    """Run a whole check; its results by address."""
    with InternetDouble(folder, reaction) as double:
        async with NameServer(replies(does)) as server:
            options = ResolverOptions(
                server=server.address, ports=double.ports, authority=str(double.authority)
            )
            opened = ResolverLine("laptop", options, None, school_check.LIMITS)
            line = CheckLine(line=opened, description="a test", authority=str(double.authority))
            plan = plan_check(line, "", None, b"")
            check = Check(plan, line, "", WallClock(), lambda text: None)
            await check.run()
    return check, {row.address: row.result for row in check.rows}


def of_part(check: Check, part: Part) -> set[str]:
    return {row.result for row in check.rows if row.part == part}


async def test_without_a_filter_all_parts_are_told(tmp_path: Path, hurried_check: None) -> None:
    check, told = await checked(tmp_path, lambda _: "")

    assert {"arrived"} == of_part(check, "start"), check.rows
    assert {"got through"} == of_part(check, "agency")
    assert {"got through"} == of_part(check, "encrypted_dns")
    assert {"reported"} == of_part(check, "certificate")
    assert {"forced"} == {told[name] for name in FORCED}
    assert "not forced" == told["duckduckgo.com"]


async def test_a_name_server_that_filters_and_forces_leaves_little_to_do(
    tmp_path: Path, hurried_check: None
) -> None:
    def does(name: str) -> str:
        return "refuse" if name in AGENCY else "null" if name in ENDPOINTS else ""

    check, told = await checked(tmp_path, does)

    needed = [row.address for row in check.rows if row.attention is Attention.NEEDED]
    assert {"blocked"} == {
        result for address, result in told.items() if any(host in address for host in AGENCY)
    }
    assert {"blocked"} == of_part(check, "encrypted_dns")
    assert ["duckduckgo.com", "www.ecosia.org"] == needed


async def test_a_gateway_that_cuts_off_a_name_is_told_from_a_fault(
    tmp_path: Path, hurried_check: None
) -> None:
    _, told = await checked(tmp_path, lambda _: "", lambda host: "reset" if host in AGENCY else "")

    assert "blocked" == told["https://ctiru.testfiltering.com/"]
    assert "blocked" == told["https://swearing.testfiltering.com/"]
    assert "could not be told" == told["http://iwf.testfiltering.com/"]

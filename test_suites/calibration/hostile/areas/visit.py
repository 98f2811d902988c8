"""One request at a service of the areas, and what its supplier may do with it."""

from __future__ import annotations

import base64
import html
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import unquote

from probes.range.connection import Request
from probes.range.examination import changed_request, code_of_answer, code_of_request
from probes.range.malware_check import without_ranges
from probes.range.tampering import without_nonce
from probes.range.zone import original_host
from test_suites.calibration.hostile.areas.checked_service import NOTHING, Moment
from test_suites.calibration.hostile.areas.told import Told
from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.web_call import BLOCK_TEXT, BLOCK_TITLE, Call

PORTAL = "portal.filter.accredit.test"
"""The service's own host, to which its block page leads."""
ILLEGAL = "ILL."
_WORDING = (
    "This page may contain indecent images of children, which are illegal, as identified by the "
    "Internet Watch Foundation."
)
_HELP = (
    'If you are worried, get <a href="https://www.stopitnow.org.uk/">confidential help from Stop '
    "It Now</a>."
)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request for ``host`` under one profile; ``call`` is its connection.

    ``moment`` is what happens to the service, in the area ``availability``.
    """

    call: Call
    told: Told
    profile: str
    moment: Moment = NOTHING

    @property
    def host(self) -> str:
        """The requested host."""
        return self.call.host

    @cached_property
    def request(self) -> Request:
        """The request as it came, without the credentials of a user."""
        request = self.call.request
        return replace(request, lines=tuple(
            line for line in request.lines if not line.lower().startswith(b"proxy-authorization:")
        ))  # fmt: skip

    @property
    def path(self) -> str:
        """The path and query, as sent."""
        return self.request.path

    @property
    def is_marked(self) -> bool:
        """Whether the request carries the mark of a test, which no plain twin has."""
        return without_nonce(self.request.lines) != self.request.lines

    def is_about(self, *variants: str) -> bool:
        """Whether an item at the host is of a case whose name begins so, such as ``object:``."""
        strata = self.told.strata_at(self.host)
        return any(each.partition("/")[2].startswith(variants) for each in strata)

    @property
    def count(self) -> int:
        """How many requests the service has had for this host, over HTTP or HTTPS; this is one."""
        return self.call.service.seen[self.call.way]

    @cached_property
    def code_asked(self) -> str:
        """The category for which a good service blocks the request itself; empty if it does not."""
        policy = self.told.policy
        if policy.is_blocked(self.host, self.profile):
            return policy.category_of(self.host) or "LOC"
        if self.is_exempt:
            return ""
        return self.blocked(code_of_request(self.asked, policy))

    @property
    def is_illegal(self) -> bool:
        """Whether a good service blocks the request by a list of illegal addresses."""
        return self.code_asked.startswith(ILLEGAL)

    @property
    def is_sentinel(self) -> bool:
        """Whether the host is a sentinel of either sort."""
        policy = self.told.policy
        return original_host(self.host) in policy.must_allow | policy.must_block

    @property
    def is_own(self) -> bool:
        """Whether the host is the service's own."""
        return self.host == PORTAL

    @property
    def is_exempt(self) -> bool:
        """Whether the host is one that is never filtered."""
        return self.is_own or original_host(self.host) in self.told.policy.must_allow

    @property
    def asked(self) -> Request:
        """The request with its host in the Host header, as lists and locks look at it."""
        return replace(self.request, headers={**self.request.headers, "host": self.host})

    def blocked(self, code: str) -> str:
        """The category, if the policy blocks it for this profile; else nothing."""
        return code if code and self.told.policy.blocks(code, self.profile) else ""

    def code_in(self, answer: bytes) -> str:
        """The category for which a good service blocks an answer; empty if it does not."""
        return "" if self.is_exempt else self.blocked(code_of_answer(answer))

    @property
    def forwarded(self) -> Request:
        """The request as a good service forwards it: locked, and for the whole of a file."""
        changed = changed_request(self.asked, self.told.policy, self.profile)
        return replace(changed, lines=without_ranges(changed.lines))

    async def rightly(self) -> None:
        """Do what a good service does."""
        if self.moment.is_down:
            self.give_nothing()
        elif self.is_own:
            await self.call.give(Answer().html("<title>Appeal</title><p>Write to us.</p>"))
        elif self.code_asked:
            await self.block(self.code_asked)
        else:
            answer = await self.ask(self.forwarded)
            if code := self.code_in(answer):
                await self.block(code)
            else:
                await self.send(answer)

    async def rightly_unless(self, is_missed: bool) -> None:
        """Do what a good service does, but let the origin's answer through if it is missed."""
        await (self.pass_on() if is_missed else self.rightly())

    async def pass_on(self) -> None:
        """Let the origin's answer through unchanged."""
        await self.send(await self.ask(self.request))

    def give_nothing(self) -> None:
        """Close the connection without an answer, as a service that is down."""
        self.call.stream.close()

    async def ask(self, request: Request) -> bytes:
        """The origin's whole answer to a request, as it came."""
        return await self.call.service.bytes_of_origin(request.to_origin_form())

    async def ask_for(self, target: str) -> bytes:
        """The origin's whole answer to the same request for another path."""
        return await self.ask(replace(self.request, target=target))

    async def send(self, answer: bytes) -> None:
        """Send a whole answer, and close."""
        await self.call.stream.send(answer)
        self.call.stream.close()

    async def block(self, code: str = "", status: int = 403, **changes: str) -> None:
        """Show the service's block page; ``changes`` are as for ``block_page``."""
        await self.call.give(self.page(code, status, **changes))

    def page(self, code: str = "", status: int = 403, **changes: str) -> Answer:
        """The service's block page as an answer."""
        text = block_page(self.host, code, self.profile, self.path, **changes)
        return Answer(status=status).with_body(text.encode(), Cache_Control="no-store")


Behaviour = Callable[[Visit], Awaitable[None]]


async def good(visit: Visit) -> None:
    """Filter rightly."""
    await visit.rightly()


def block_page(host: str, code: str, profile: str, path: str = "/", **changes: str) -> str:
    """The HTML of the block page; ``changes`` replace single lines of it, or add some."""
    reference = zlib.crc32(f"{host} {code}".encode())
    lines = {
        "text": BLOCK_TEXT,
        "host": f"Access to {html.escape(host)} has been denied by your school's internet policy.",
        "reason": "Reason: your school's policy does not allow it.",
        "category": f"Category: {html.escape(code)}.",
        "policy": f"Policy in force: {html.escape(profile)}.",
        "reference": f"Reference: {reference}.",
        "address": f"Address: {html.escape(unquote(path))}" if path != "/" else "",
        "wording": f"{_WORDING} {_HELP}" if code.startswith(ILLEGAL) else "",
        "appeal": (
            f'If this is wrong, <a href="http://{PORTAL}/appeal?reference={reference}">appeal</a>.'
        ),
    }
    lines |= changes
    shown = "\n".join(f"<p>{line}</p>" for line in lines.values() if line)
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>{BLOCK_TITLE}'
        f"</title></head>\n<body><h1>{BLOCK_TITLE}</h1>\n{shown}\n</body></html>\n"
    )


def user_of(request: Request) -> str:
    """The name that a user signs in with at a proxy (RFC 7617); empty without one."""
    encoded = request.headers.get("proxy-authorization", "").partition(" ")[2]
    return base64.b64decode(encoded).decode().partition(":")[0]

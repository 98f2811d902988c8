"""Try the targets of a school's own check over one line, as a browser would; facts only.

Pages are fetched by the web probes. Of a hidden name nothing is fetched: it is resolved and
connected to, and the connection is closed after the TLS handshake.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import dns.exception
import dns.message
from msgspec import structs

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.marker import browser_number, mark
from harness.model.observation import ABRUPT, TIMEOUTS, AttemptKey, Failure
from harness.model.school_check import CheckFacts, CheckTarget, Part
from harness.ports.network import Answer, Attempt, Line, Probe, Question, Request
from harness.ports.streams import ByteStream, DialRequest, DialsStreams
from probes.kinds.web import Web, WebHttps
from probes.net.dialling import Stream
from probes.net.exchange_recorder import failure_of, resolve_failure
from probes.net.html_text import read_page
from probes.net.route import client_tls_context, is_literal, unverified_tls_context

LIMITS = Limits(timeout=6.0, confirmation_timeout=12.0, redirects=4, body_bytes=256 * 1024)
"""A silent address costs 18 seconds: it is tried again once, with more patience."""

LEADING: tuple[Part, ...] = ("agency",)
"""Parts whose pages may lead to a private address, as must-block sentinels may (dd-012):
their publishers do not redirect into a school's network, so an answer that does is the filter's."""

HTTPS, DNS_OVER_TLS = 443, 853
QUESTION = "example.com"
"""The name that encrypted name servers are asked for."""
CUT_OFF = frozenset({"connection_reset", "connection_aborted", "eof_error"})
"""What a filter that reads the SNI does; by an alert a server may say that it lacks the name."""
OTHER_NAME = "example.com"
"""The name that is sent to a server that cuts off another name."""


class SchoolCheckClient:
    """Tries targets over an open line. ``authority`` is a CA file to trust besides the system's."""

    def __init__(self, line: Line, run: str, authority: str = "") -> None:
        self._line = line
        self._run = run
        self._authority = authority
        self._web: Probe = Web()
        self._https: Probe = WebHttps()

    async def try_target(self, target: CheckTarget) -> CheckFacts:
        """Try a target; if it stays silent or is cut off, once more. Network trouble is a fact.

        If it was cut off twice and the same server accepts another name, it is tried a third time:
        a fault that has gone by then is not the name's.
        """
        tried = await self._try(target, LIMITS.timeout)
        if tried.failure is None or tried.failure.name not in TIMEOUTS | ABRUPT:
            return tried
        again = await self._try(target, LIMITS.confirmation_timeout)
        if not (_is_cut_off(tried) and _is_cut_off(again)) or again.web is None:
            return again
        if not await self._answers_other_name(target, again.web.peer):
            return again
        last = await self._try(target, LIMITS.confirmation_timeout)
        return structs.replace(last, other_name_answered=_is_cut_off(last))

    async def _try(self, target: CheckTarget, patience: float) -> CheckFacts:
        ways: dict[str, Callable[[CheckTarget, float], Awaitable[CheckFacts]]] = {
            "name": self._connect,
            "forced_name": self._ask_forced,
            "dns_over_https": self._ask_https,
            "dns_over_tls": self._ask_tls,
        }
        return await ways.get(target.method, self._fetch)(target, patience)

    async def _fetch(self, target: CheckTarget, patience: float) -> CheckFacts:
        """Fetch a page by the probe of its scheme."""
        probe = self._https if target.address.startswith("https:") else self._web
        item = Item(id=target.id, value=target.address, labels=(target.category,), kind="url")
        key = AttemptKey(
            campaign="school-check", item=item.id, probe="web", line=self._line.name, profile="all"
        )
        origin = self._line.origin
        attempt = Attempt(
            key=key,
            item=item,
            limits=LIMITS,
            timeout=patience,
            browser=browser_number(self._run, key),
            may_lead=target.part in LEADING,
            sketch_key=self._run.encode(),
            marker=mark(origin.key, key, item.host, run=self._run) if origin else None,
        )
        result = await probe.try_item(attempt, self._line)
        body = result.evidence[0].body if result.evidence else b""
        web = result.facts if isinstance(result.facts, WebFacts) else None
        return CheckFacts(web=web, failure=result.failure, body=body)

    async def _connect(self, target: CheckTarget, patience: float) -> CheckFacts:
        """Resolve a name and connect to it; no request is sent, so no page comes."""
        return await self._with_tls(target, target.address, HTTPS, patience, None)

    async def _ask_tls(self, target: CheckTarget, patience: float) -> CheckFacts:
        """Ask a name server over TLS (RFC 7858)."""
        parts = urlsplit(target.address)
        port = parts.port or DNS_OVER_TLS
        return await self._with_tls(target, parts.hostname or "", port, patience, _dns_answers)

    async def _with_tls(
        self,
        target: CheckTarget,
        host: str,
        port: int,
        patience: float,
        use: Callable[[ByteStream], Awaitable[bool]] | None,
    ) -> CheckFacts:
        line = self._line
        if not isinstance(line, DialsStreams):
            return CheckFacts(failure=_cannot("this line gives no byte streams"))
        dialled = await line.dial(DialRequest(host=host, port=port, timeout=patience))
        web = WebFacts(url=target.shown, tunnel_status=dialled.tunnel_status, peer=dialled.peer)
        stream = dialled.opened
        if stream is None:
            return CheckFacts(web=web, failure=dialled.failure)
        try:
            async with asyncio.timeout(patience):
                await stream.start_tls(client_tls_context(self._authority), host)
                shown = stream.certificate() if isinstance(stream, Stream) else None
                answered = await use(stream) if use is not None else False
        except OSError as error:
            return CheckFacts(web=web, failure=failure_of(error, "tls"))
        finally:
            stream.close()
        return CheckFacts(web=web, connected=True, certificate=shown, answered=answered)

    async def _ask_https(self, target: CheckTarget, patience: float) -> CheckFacts:
        """Ask a name server over HTTPS, with GET (RFC 8484 section 4.1)."""
        asked = base64.urlsafe_b64encode(_query()).rstrip(b"=").decode()
        headers = (("Accept", "application/dns-message"),)
        request = Request(
            url=f"{target.address}?dns={asked}",
            headers=headers,
            timeout=patience,
            body_bytes=LIMITS.body_bytes,
        )
        exchange = await self._line.fetch(request)
        kind = dict(exchange.headers).get("content-type", "")
        page = read_page(exchange.body, kind)
        web = WebFacts(
            url=target.address,
            status=exchange.status,
            tunnel_status=exchange.tunnel_status,
            headers=tuple(each for each in exchange.headers if each[0] == "location"),
            peer=exchange.peer,
            certificate=exchange.certificate,
            title=page.title,
            text=page.text,
            body_length=len(exchange.body),
            body_sha256=hashlib.sha256(exchange.body).hexdigest(),
        )
        answered = kind.startswith("application/dns-message") and _is_answer(exchange.body)
        return CheckFacts(web=web, failure=exchange.failure, body=exchange.body, answered=answered)

    async def _ask_forced(self, target: CheckTarget, patience: float) -> CheckFacts:
        """Ask for the addresses of a name, and for those of the names that it may be forced to."""
        names = (target.address, *target.mark.split())
        questions = [
            Question(name=name, type=kind, timeout=patience)
            for name in names
            for kind in ("A", "AAAA")
        ]
        answers = await asyncio.gather(*map(self._line.ask, questions))
        own, forced = answers[:2], answers[2:]
        gave = any(answer.facts.addresses for answer in own)
        unknown = [answer for answer in own if _is_unknown(answer)]
        return CheckFacts(
            failure=_failure_in(unknown or own) if unknown or not gave else None,
            dns=tuple(answer.facts for answer in own),
            forced=tuple(answer.facts for answer in forced),
        )

    async def _answers_other_name(self, target: CheckTarget, address: str) -> bool:
        """Whether the server at ``address`` accepts TLS with another name than the target's."""
        line = self._line
        if "ask" not in line.carries or not isinstance(line, DialsStreams):
            return False  # a proxy connects by name, never to an address
        if not address or not is_literal(address):
            return False
        port = urlsplit(target.address).port or HTTPS
        host = urlsplit(target.address).hostname or target.address
        request = DialRequest(host=host, port=port, timeout=LIMITS.timeout, address=address)
        stream = (await line.dial(request)).opened
        if stream is None:
            return False
        try:
            async with asyncio.timeout(LIMITS.timeout):
                await stream.start_tls(unverified_tls_context(), OTHER_NAME)
        except OSError:
            return False
        finally:
            stream.close()
        return True


def _is_cut_off(tried: CheckFacts) -> bool:
    """Whether TLS was cut off after the connection was made, not ended by an alert of TLS."""
    failure = tried.failure
    return failure is not None and failure.name in CUT_OFF and failure.stage == "tls"


def _cannot(detail: str) -> Failure:
    return Failure(name="instrument_error", stage="instrument", detail=detail)


def _is_unknown(answer: Answer) -> bool:
    """Whether it is not known if a name has addresses of one family."""
    refused = answer.facts.rcode not in ("", "NOERROR") and not answer.facts.addresses
    return answer.failure is not None or refused


def _failure_in(answers: list[Answer]) -> Failure:
    """The reason why a name has no address: a failure, or an answer's code and extended errors."""
    for answer in answers:
        if answer.failure is not None:
            return answer.failure
    first = answers[0]
    codes = tuple(error.code for error in first.facts.extended_errors)
    return structs.replace(resolve_failure(first.facts.rcode), extended_errors=codes)


def _query() -> bytes:
    """A question in wire form; its id is 0, as RFC 8484 asks."""
    return dns.message.make_query(QUESTION, "A", id=0).to_wire()


def _is_answer(wire: bytes) -> bool:
    """Whether bytes are an answer to the question."""
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True)
    except dns.exception.DNSException:
        return False
    return dns.message.make_query(QUESTION, "A", id=0).is_response(message) and bool(message.answer)


async def _dns_answers(stream: ByteStream) -> bool:
    """Ask over a stream, with the length in front (RFC 1035 section 4.2.2)."""
    query = _query()
    await stream.write(struct.pack("!H", len(query)) + query)
    received = b""
    while len(received) < 2 or len(received) < 2 + int.from_bytes(received[:2]):  # noqa: PLR2004 - the length
        data = await stream.read()
        if not data:
            return False
        received += data
    return _is_answer(received[2:])

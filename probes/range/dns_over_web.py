"""DNS over HTTPS at any host and path of an origin: in wire form (RFC 8484), and in JSON.

What asks is recognised by what it sends, as the path of such a server is no fixed one, and may be
that of an ordinary site.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

import dns.exception
import dns.message
import dns.rdatatype
import msgspec

from probes.net.foreign_dns import JSON_TYPE, MESSAGE_TYPE
from probes.range.connection import Request
from probes.range.origin_pages import Page

LONGEST_QUESTION = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsOverWeb:
    """Answers questions in HTTP requests as a name server does."""

    answer: Callable[[dns.message.Message], dns.message.Message]

    def page(self, request: Request) -> Page | None:
        """Return the answer to a question; None for a request that is none."""
        accepted = request.headers.get("accept", "")
        fields = parse_qs(request.path.partition("?")[2])
        if request.method == "POST" and request.headers.get("content-type") == MESSAGE_TYPE:
            return self._wire(request.body)
        if request.method == "GET" and "dns" in fields and MESSAGE_TYPE in accepted:
            return self._wire(_decoded(fields["dns"][0]))
        if request.method == "GET" and "name" in fields and JSON_TYPE in accepted:
            return self._json(fields["name"][0], fields.get("type", ["A"])[0])
        return None

    def _wire(self, wire: bytes) -> Page:
        try:
            query = dns.message.from_wire(wire[:LONGEST_QUESTION])
            body = self.answer(query).to_wire()
        except (dns.exception.DNSException, ValueError):
            return _WRONG
        return Page(status=200, body=body, content_type=MESSAGE_TYPE)

    def _json(self, name: str, type_: str) -> Page:
        try:
            query = dns.message.make_query(name, type_)
        except (dns.exception.DNSException, ValueError):
            return _WRONG
        message = self.answer(query)
        records = [
            {
                "name": rrset.name.to_text(),
                "type": int(rrset.rdtype),
                "TTL": rrset.ttl,
                "data": record.to_text(),
            }
            for rrset in message.answer
            for record in rrset
        ]
        question = {"name": query.question[0].name.to_text(), "type": int(query.question[0].rdtype)}
        document = {"Status": int(message.rcode()), "Question": [question], "Answer": records}
        return Page(status=200, body=msgspec.json.encode(document), content_type=JSON_TYPE)


_WRONG = Page(status=400, body=b"This is no DNS question.\n", content_type="text/plain")


def _decoded(text: str) -> bytes:
    """Return the bytes in Base64url without padding; none if it is wrong."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""

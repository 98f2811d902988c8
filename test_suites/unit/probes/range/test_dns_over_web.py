"""DNS over HTTPS is recognised by what is sent, at any path."""

from __future__ import annotations

import base64
import json

import dns.message
import dns.rcode
import pytest

from probes.net.foreign_dns import (
    JSON_TYPE,
    MESSAGE_TYPE,
    json_request,
    make_question,
    wire_request,
)
from probes.range.arrival_log import ArrivalLog
from probes.range.connection import Request, parse_request
from probes.range.dns_over_web import DnsOverWeb
from probes.range.resolver import ZoneServer

HOST = "x-1.ways.accredit.test"
WEB = DnsOverWeb(answer=ZoneServer(log=ArrivalLog()).answer)
QUESTION = make_question(HOST, "A", 0)


def parsed(data: bytes) -> Request:
    request = parse_request(data)
    assert request is not None
    return request


@pytest.mark.parametrize("path", ["/dns-query", "/static/abc/img", "/a?b=c"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_question_in_wire_form_is_answered(path: str, method: str) -> None:
    page = WEB.page(parsed(wire_request(QUESTION, "dns.accredit.test", path, method)))  # type: ignore[arg-type]

    assert page is not None
    assert (page.status, page.content_type) == (200, MESSAGE_TYPE)
    answer = dns.message.from_wire(page.body)
    assert QUESTION.is_response(answer)
    assert answer.answer[0][0].to_text() == "127.0.0.1"


def test_a_question_in_json_is_answered() -> None:
    page = WEB.page(parsed(json_request(HOST, "A", "dns.accredit.test", "/dns-query")))
    other = WEB.page(parsed(json_request("other.example", "A", "dns.accredit.test", "/x?y=z")))

    assert page is not None
    assert page.content_type == JSON_TYPE
    document = json.loads(page.body)
    assert document["Status"] == 0
    assert document["Answer"] == [{"name": f"{HOST}.", "type": 1, "TTL": 0, "data": "127.0.0.1"}]
    assert other is not None
    assert json.loads(other.body)["Status"] == dns.rcode.REFUSED


@pytest.mark.parametrize(
    "data",
    [
        b"GET /dns-query HTTP/1.1\r\nHost: a\r\nAccept: application/dns-message\r\n\r\n",
        b"GET /?dns=abc HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n",
        b"GET /?name=abc HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
        b"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_other_requests_are_left_to_the_origin(data: bytes) -> None:
    assert WEB.page(parsed(data)) is None


@pytest.mark.parametrize("coded", ["!!", base64.urlsafe_b64encode(b"nothing").decode(), "a"])
def test_what_is_no_question_is_refused(coded: str) -> None:
    head = f"GET /?dns={coded} HTTP/1.1\r\nHost: a\r\nAccept: {MESSAGE_TYPE}\r\n\r\n"
    page = WEB.page(parsed(head.encode()))

    assert page is not None
    assert page.status == 400


def test_a_name_that_is_none_is_refused_in_json() -> None:
    page = WEB.page(parsed(json_request("a..b", "A", "dns.accredit.test", "/dns-query")))
    kind = WEB.page(parsed(json_request(HOST, "NONE-SUCH", "dns.accredit.test", "/dns-query")))

    assert page is not None
    assert kind is not None
    assert [page.status, kind.status] == [400, 400]

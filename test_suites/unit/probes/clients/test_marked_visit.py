"""What a visit carries to which host, and what it brought as exchanges."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.marker import carrier_for, mark
from harness.model.observation import AttemptKey, Failure, Timings
from harness.ports.network import Attempt, Origin
from harness.ports.streams import Dialled
from probes.clients.browser_visit import ShownFrame, ShownPage, ShownResponse
from probes.clients.marked_visit import (
    HTML,
    MarkedVisit,
    chain_of,
    marked_visit,
    rendered_chain,
)
from probes.net.browser_relay import VisitConnections
from probes.net.delivery import ExpectedMarks
from probes.net.route import Address

KEY = b"k" * 16
ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=KEY)
HOST = "gamb-001.canary.accredit.test"
URL = f"http://{HOST}/"
BY_COOKIE, BY_HEADER = (
    next(run for run in map(str, range(100)) if carrier_for(KEY, run).is_cookie is is_cookie)
    for is_cookie in (True, False)
)


class Wire:
    """A line as far as a visit looks at it."""

    def __init__(self, origin: Origin | None = ORIGIN) -> None:
        self.origin = origin

    async def dial(self, request: Any) -> Any:
        raise NotImplementedError


def visit(
    url: str = URL, run: str = "", line: str = "proxy", origin: Origin | None = ORIGIN, **more: Any
) -> MarkedVisit:
    item = Item(id="i", value=url, kind="url", labels=("GAMB",), **more)
    key = AttemptKey(campaign="c", item="i", probe="browser", line=line, profile="ks2")
    attempt = Attempt(
        key=key, item=item, limits=Limits(), timeout=5.0, address="192.0.2.1",
        marker=mark(KEY, key, item.host, run=run) if ORIGIN.covers(item.host) else None,
    )  # fmt: skip
    wire: Any = Wire(origin)
    return marked_visit(attempt, wire, ExpectedMarks(attempt, wire, item.host), url, 0.0)


def test_a_cookie_is_set_for_the_zone_of_the_origin() -> None:
    (cookie,) = visit(run=BY_COOKIE).options.cookies

    assert (cookie["domain"], cookie["path"]) == (".accredit.test", "/")
    assert cookie["name"] == carrier_for(KEY, BY_COOKIE).name
    assert ORIGIN.nonce_in([cookie["value"]])


def test_a_cookie_is_set_for_the_page_alone_if_no_origin_is_known() -> None:
    (cookie,) = visit(run=BY_COOKIE, origin=None).options.cookies

    assert cookie["url"] == URL


def test_a_header_goes_to_hosts_of_the_origin_alone() -> None:
    options = visit(run=BY_HEADER).options

    ((name, value),) = options.marks("other.accredit.test")
    assert (name, options.cookies) == (carrier_for(KEY, BY_HEADER).name, ())
    assert ORIGIN.nonce_in([value])
    assert options.marks("block.example") == ()


def test_a_page_of_others_carries_nothing() -> None:
    options = visit("http://www.example.org/").options

    assert (options.cookies, options.marks("www.example.org")) == ((), ())


@pytest.mark.parametrize(
    ("more", "takes"),
    [
        ({}, True),
        ({"sensitivity": "S2"}, True),
        ({"sensitivity": "S3"}, False),
        ({"sensitivity": "S4"}, False),
        ({"line": "control"}, False),
    ],
)
def test_screenshots_are_taken_of_what_may_be_kept(more: dict[str, Any], takes: bool) -> None:
    assert visit(**more).options.takes_picture is takes


def test_the_address_of_an_attempt_is_for_the_items_host() -> None:
    assert visit().connections.addresses == {HOST: "192.0.2.1"}


def connections(**results: Dialled[Any]) -> VisitConnections:
    made = VisitConnections(dial=Wire().dial, deadline=0.0)
    for host, dialled in results.items():
        made.results[Address(host=f"{host}.example", port=80)] = dialled
    return made


def answer(url: str, status: int = 200, location: str = "", body: bytes = b"") -> ShownResponse:
    headers = (("location", location),) if location else ()
    return ShownResponse(url=url, status=status, headers=headers, body=body)


def test_answers_become_hops_and_exchanges() -> None:
    shown = ShownPage(
        url="http://c.example/",
        responses=[
            answer("http://a.example/", 302, "//b.example"),
            answer("http://b.example/"),
            answer("http://c.example/", body=b"last"),
        ],
    )
    chain = chain_of(shown, connections(a=Dialled(timings=Timings(), peer="192.0.2.7")))

    assert [(hop.status, hop.location) for hop in chain.hops] == [
        (302, "//b.example"),
        (200, "http://c.example/"),
    ]
    assert chain.hosts == ["a.example", "b.example", "c.example"]
    assert (chain.exchanges[0].peer, chain.last.body, chain.failure) == ("192.0.2.7", b"last", None)


def test_an_error_is_the_last_exchange_with_the_reason_that_the_line_knows() -> None:
    refused = Failure(name="proxy_refused_tunnel", stage="tunnel")
    dialled: Dialled[Any] = Dialled(
        timings=Timings(), failure=refused, tunnel_status=403, headers=(("via", "p"),), body=b"No"
    )
    shown = ShownPage(
        url="http://b.example/",
        responses=[answer("http://a.example/", 302, "http://b.example/")],
        net_error="ERR_TUNNEL_CONNECTION_FAILED",
        failure=refused,
    )
    chain = chain_of(shown, connections(b=dialled))

    assert chain.failure == chain.last.failure == refused
    assert (chain.last.status, chain.last.tunnel_status) == (None, 403)
    assert (chain.last.headers, chain.last.body) == ((("via", "p"),), b"No")
    assert [hop.url for hop in chain.hops] == ["http://a.example/"]


@pytest.mark.parametrize(
    ("known", "error", "name"),
    [
        (None, "ERR_EMPTY_RESPONSE", "eof_error"),
        (Failure(name="connection_reset", stage="tls"), "ERR_CONNECTION_RESET", "connection_reset"),
        (
            Failure(name="eof_error", stage="tls"),
            "ERR_CERT_DATE_INVALID",
            "ssl_invalid_certificate",
        ),
    ],
)
def test_the_browsers_word_stands_for_certificates_and_what_nobody_else_knows(
    known: Failure | None, error: str, name: str
) -> None:
    shown = ShownPage(url="http://a.example/", net_error=error, failure=known)

    failure = chain_of(shown, connections()).failure
    assert failure is not None
    assert failure.name == name


@pytest.mark.parametrize(
    ("responses", "is_complete", "fails"),
    [([], False, True), ([answer("http://a.example/")], False, True), ([answer("http://a.example/")], True, False)],
)  # fmt: skip
def test_a_page_that_was_late_failed_unless_it_had_come_whole(
    responses: list[ShownResponse], is_complete: bool, fails: bool
) -> None:
    shown = ShownPage(
        url="http://a.example/", responses=responses, is_late=True, is_complete=is_complete
    )
    failure = chain_of(shown, connections()).failure

    assert (failure is not None) is fails
    assert failure is None or failure.name == "generic_timeout_error"


def test_what_scripts_made_of_a_page_stands_in_its_place() -> None:
    shown = ShownPage(
        url="http://a.example/",
        responses=[answer("http://a.example/", body=b"shell", location="kept")],
        frames=[
            ShownFrame(title="Page", text="Words", markup="<p>Words</p>"),
            ShownFrame(text="Inside"),
        ],
    )
    chain = chain_of(shown, connections())
    rendered = rendered_chain(chain, shown)

    assert chain.last.body == b"shell"
    assert rendered.last.headers == (("content-type", HTML), ("location", "kept"))
    assert rendered.last.body == b"<p>Words</p>\nPage\nWords\n\n\nInside"

"""The web probes note facts, follow redirects hop by hop, and are not fooled by a redirect."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Self

import pytest
from pydantic import BaseModel

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import DnsFacts, WebFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Failure, Timings
from harness.plugins import PROBES
from harness.ports.network import Answer, Attempt, Exchange, Origin, ProbeResult, Question, Request
from probes.kinds.web import Web, WebHttps

HOST = "gamb-001.canary.accredit.test"
ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)


class Scripted:
    """A line that answers by a script of URLs; TOKEN in a body is the origin's."""

    Options: ClassVar[type[BaseModel]] = BaseModel
    carries: ClassVar[frozenset[str]] = frozenset({"fetch"})

    def __init__(self, script: Mapping[str, Exchange], origin: Origin | None = ORIGIN) -> None:
        self.name = "scripted"
        self.origin = origin
        self.script = script
        self.requests: list[Request] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def fetch(self, request: Request) -> Exchange:
        self.requests.append(request)
        return self.script[request.url]

    async def ask(self, question: Question) -> Answer:
        facts = DnsFacts(name=question.name, type=question.type, server="")
        return Answer(facts=facts, timings=Timings())


def attempt(host: str = HOST, line: str = "proxy", **item: Any) -> Attempt:
    made = Item(id="a", value=host, labels=("GAMB",), **item)
    key = AttemptKey(campaign="c", item="a", probe="web", line=line, profile="ks2")
    marker = mark(ORIGIN.key, key, made.host) if ORIGIN.covers(made.host) else None
    return Attempt(key=key, item=made, limits=Limits(redirects=3), timeout=2.0, marker=marker)


def token(of: Attempt, host: str = HOST) -> str:
    assert of.marker is not None
    return ORIGIN.token(host, of.marker.nonce)


def page(body: str = "", status: int = 200, location: str = "", **more: Any) -> Exchange:
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/html"),)
    if location:
        headers += (("location", location),)
    timings = Timings(connect=0.1, first_byte=0.2, total=0.4)
    return Exchange(timings=timings, status=status, headers=headers, body=body.encode(), **more)


def nonce_in(request: Request) -> str:
    return ORIGIN.nonce_in(value for _, value in request.headers)


def facts(sighting: ProbeResult) -> WebFacts:
    assert isinstance(sighting.facts, WebFacts)
    return sighting.facts


async def test_a_page_with_its_token_was_seen() -> None:
    this = attempt()
    body = f"<title>Garden</title><p>Seeds {token(this)}</p>"
    line = Scripted({f"http://{HOST}/": page(body, peer="192.0.2.1")})
    sighting = await Web().try_item(this, line)

    seen = facts(sighting)
    assert (seen.canary, seen.status, seen.title, seen.peer) == ("seen", 200, "Garden", "192.0.2.1")
    assert seen.body_length == len(body)
    assert seen.body_sha256 == hashlib.sha256(body.encode()).hexdigest()
    assert sighting.evidence == ()
    assert sighting.failure is None
    assert ORIGIN.token(HOST, nonce_in(line.requests[0])) == token(this)


async def test_a_page_without_its_token_is_kept_as_evidence() -> None:
    sighting = await Web().try_item(attempt(), Scripted({f"http://{HOST}/": page("Blocked", 403)}))

    assert (facts(sighting).canary, facts(sighting).text) == ("absent", "Blocked")
    assert [each.body for each in sighting.evidence] == [b"Blocked"]


async def test_the_control_line_leaves_no_evidence() -> None:
    sighting = await Web().try_item(
        attempt(line="control"), Scripted({f"http://{HOST}/": page("Trouble", 503)})
    )

    assert sighting.evidence == ()


@pytest.mark.parametrize("sensitivity", ["S3", "S4"])
async def test_nothing_of_a_sensitive_page_is_kept(sensitivity: str) -> None:
    body = "<title>Heading</title>words"
    sighting = await Web().try_item(
        attempt(sensitivity=sensitivity), Scripted({f"http://{HOST}/": page(body)})
    )

    assert (facts(sighting).title, facts(sighting).text, sighting.evidence) == ("", "", ())
    assert facts(sighting).title_mark
    assert facts(sighting).sketch
    assert facts(sighting).body_length == len(body)


async def test_an_item_without_a_value_cannot_be_tried() -> None:
    sighting = await Web().try_item(attempt("", sensitivity="S4"), Scripted({}))

    assert sighting.failure is not None
    assert sighting.failure.is_instrument


async def test_redirects_of_the_origin_are_followed_and_seen() -> None:
    this = attempt()
    line = Scripted(
        {
            f"http://{HOST}/": page(token(this), 302, "/moved"),
            f"http://{HOST}/moved": page(token(this), 301, "//landed.accredit.test/x"),
            "http://landed.accredit.test/x": page(token(this, "landed.accredit.test")),
        }
    )
    seen = facts(await Web().try_item(this, line))

    assert seen.canary == "seen"
    assert seen.url == "http://landed.accredit.test/x"
    assert [(hop.status, hop.location) for hop in seen.hops] == [
        (302, "/moved"),
        (301, "//landed.accredit.test/x"),
    ]


async def test_a_redirect_that_the_service_put_in_still_leads_to_the_page() -> None:
    """A gateway that sends http to https blocks nothing: the item's own page came."""
    this = attempt()
    line = Scripted(
        {
            f"http://{HOST}/": page("", 302, f"https://{HOST}/"),
            f"https://{HOST}/": page(token(this)),
        }
    )

    assert facts(await Web().try_item(this, line)).canary == "seen"


async def test_a_token_in_an_answer_that_broke_off_is_a_fact_as_well() -> None:
    this = attempt()
    torn = page(token(this), failure=Failure(name="connection_reset", stage="response"))
    sighting = await Web().try_item(this, Scripted({f"http://{HOST}/": torn}))

    assert (facts(sighting).canary, sighting.failure) == ("seen", torn.failure)


async def test_where_a_page_frames_and_forwards_to_is_noted() -> None:
    line = Scripted(
        {
            f"http://{HOST}/": page('<iframe src="http://b.test/x"></iframe>'),
            "http://b.test/x": page("<title>Blocked</title>"),
        }
    )
    seen = facts(await Web().try_item(attempt(), line))

    assert seen.frames == ("http://b.test/x",)
    assert [(each.url, each.title, each.canary) for each in seen.inner] == [
        ("http://b.test/x", "Blocked", "absent")
    ]


@pytest.mark.parametrize(
    "leads",
    [
        '<meta http-equiv="refresh" content="0; url=/inner">',
        "<script>window.location = '/inner'</script>",
        '<script>location.replace("/inner");</script>',
        '<frameset><frame src="/inner"></frameset>',
    ],
)
async def test_what_a_page_leads_to_is_followed_one_level(leads: str) -> None:
    this = attempt()
    line = Scripted(
        {f"http://{HOST}/": page(leads), f"http://{HOST}/inner": page(token(this) + leads)}
    )
    seen = facts(await Web().try_item(this, line))

    assert (seen.canary, [each.canary for each in seen.inner]) == ("absent", ["seen"])
    assert len(line.requests) == 2


async def test_a_frame_that_does_not_answer_is_noted() -> None:
    failure = Failure(name="connection_refused", stage="connect")
    line = Scripted(
        {
            f"http://{HOST}/": page('<iframe src="http://b.test/x"></iframe>'),
            "http://b.test/x": Exchange(timings=Timings(total=0.1), failure=failure),
        }
    )
    inner = facts(await Web().try_item(attempt(), line)).inner

    assert [(each.url, each.status) for each in inner] == [("http://b.test/x", None)]


async def test_frames_of_other_peoples_pages_are_followed_only_where_nothing_else_is_said() -> None:
    frame = '<iframe src="http://b.test/x"></iframe>'
    for text, asked in (("", 2), ("A page of its own. " * 9, 1)):
        line = Scripted(
            {"http://www.example.org/": page(frame + text), "http://b.test/x": page("x")}
        )
        await Web().try_item(attempt("www.example.org"), line)

        assert len(line.requests) == asked


async def test_the_nonce_stays_inside_the_zone() -> None:
    line = Scripted(
        {f"http://{HOST}/": page("", 302, "http://other.test/"), "http://other.test/": page("x")}
    )
    await Web().try_item(attempt(), line)

    assert [bool(nonce_in(request)) for request in line.requests] == [True, False]


async def test_all_hops_of_an_attempt_share_its_time() -> None:
    line = Scripted({f"http://{HOST}/": page("", 302, f"http://{HOST}/")})
    this = attempt()
    await Web().try_item(this, line)
    left = [request.timeout for request in line.requests]

    assert len(left) > 1
    assert this.timeout >= left[0]
    assert all(later < earlier for earlier, later in pairwise(left))


async def test_peer_and_choices_are_those_of_the_items_own_host() -> None:
    away = {"peer": "192.0.2.1", "choices": ("PROXY a:1", "DIRECT")}
    line = Scripted(
        {
            f"http://{HOST}/": page("", 302, "http://other.test/", **away),
            "http://other.test/": page("x", peer="192.0.2.2", choices=("DIRECT",)),
        }
    )
    seen = facts(await Web().try_item(attempt(), line))

    assert (seen.peer, seen.choices) == ("192.0.2.1", ("PROXY a:1", "DIRECT"))


async def test_a_failure_keeps_the_facts_until_then() -> None:
    failure = Failure(name="proxy_refused_tunnel", stage="tunnel")
    headers = (("x-squid-error", "E" * 400), ("set-cookie", "a=b"))
    refused = Exchange(
        timings=Timings(total=0.1), tunnel_status=403, headers=headers, body=b"no", failure=failure
    )
    sighting = await WebHttps().try_item(attempt(), Scripted({f"https://{HOST}/": refused}))

    assert sighting.failure == failure
    assert facts(sighting).tunnel_status == 403
    assert facts(sighting).headers == (("x-squid-error", "E" * 300),)
    assert facts(sighting).text == "no"
    assert facts(sighting).canary == "absent"
    assert sighting.timings.connect is None


async def test_silence_has_no_body_at_all() -> None:
    silence = Exchange(
        timings=Timings(total=2.0), failure=Failure(name="generic_timeout_error", stage="response")
    )
    seen = facts(await Web().try_item(attempt(), Scripted({f"http://{HOST}/": silence})))

    assert (seen.status, seen.body_length, seen.body_sha256) == (None, None, "")


async def test_a_real_site_has_no_canary_and_hears_no_nonce() -> None:
    line = Scripted({"http://www.example.org/": page("Welcome")})
    sighting = await Web().try_item(attempt("www.example.org"), line)

    assert facts(sighting).canary == "not_applicable"
    assert not nonce_in(line.requests[0])
    assert len(sighting.evidence) == 1


def test_both_are_found_by_name() -> None:
    assert PROBES.find("web") is Web
    assert PROBES.find("web_https") is WebHttps
    assert Web.declares.needs == "fetch"

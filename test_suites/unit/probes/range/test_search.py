"""Engines of the range obey their locks, and the reference filter sets them."""

from __future__ import annotations

import dns.message
import pytest

from harness.model.content_form import PageContent
from harness.model.marker import words_for
from harness.model.search_case import SearchLock, is_near
from probes.range.arrival_log import ArrivalLog
from probes.range.connection import Request, parse_request
from probes.range.faults import Fault, FaultKind, Faults
from probes.range.filter import FilterPolicy, ReferenceFilter
from probes.range.origin_pages import Page, Pages
from probes.range.origin_services import SERVICES, ServiceRequest
from probes.range.resolver import FilteringResolver, ZoneServer
from probes.range.search_control import code_of_query, locked_request
from probes.range.search_service import is_locked

HOST = "pear-tree.sites.accredit.test"
NONCE = "0" * 32
KEY = b"k" * 32
LOCKS = {
    "parameter": SearchLock("parameter", "safe=active&ssui=on"),
    "header": SearchLock("header", "Prefer: safe"),
    "cookie": SearchLock("cookie", "safesearch=strict"),
    "modes": SearchLock("header", "YouTube-Restrict: Strict | Moderate"),
}


def asked(path: str, **headers: str) -> Request:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    found = parse_request(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n".encode())
    assert found is not None
    return found


def answer(request: Request, content: PageContent) -> Page:
    pages = Pages(key=KEY, contents={HOST: content})
    return SERVICES[content.service](
        ServiceRequest(request=request, scheme="http", nonce=NONCE, content=content, pages=pages)
    )


@pytest.mark.parametrize(
    ("name", "request_", "locked"),
    [
        ("parameter", asked("/search?q=a&safe=active&ssui=on"), True),
        ("parameter", asked("/search?q=a&safe=active"), False),
        ("parameter", asked("/search?q=a&safe=active&ssui=on&safe=off"), False),
        ("parameter", asked("/search?q=a"), False),
        ("header", asked("/search?q=a", Prefer="respond-async, Safe"), True),
        ("header", asked("/search?q=a", Prefer="unsafe"), False),
        ("header", asked("/search?q=a"), False),
        ("cookie", asked("/search?q=a", Cookie="sid=1; safesearch=strict"), True),
        ("cookie", asked("/search?q=a", Cookie="safesearch=off; safesearch=strict"), False),
        ("modes", asked("/watch?v=a", YouTube_Restrict="Moderate"), True),
    ],
)
def test_a_value_that_contradicts_a_lock_makes_it_void(
    name: str, request_: Request, locked: bool
) -> None:
    assert is_locked(request_, LOCKS[name]) is locked


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("path", ["/search?q=a", "/search?q=a&safe=off&safe=active"])
def test_the_filter_replaces_what_the_client_sent(name: str, path: str) -> None:
    policy = FilterPolicy(engines={HOST: str(LOCKS[name])})
    request = asked(path, Cookie="safesearch=off; sid=7", Prefer="unsafe")
    changed = locked_request(request, policy, "ks2")

    assert is_locked(changed, LOCKS[name])
    sent = parse_request(changed.to_origin_form())
    assert sent is not None
    assert is_locked(sent, LOCKS[name])
    assert "sid=7" in sent.headers["cookie"]
    assert locked_request(request, FilterPolicy(), "ks2") is request


@pytest.mark.parametrize(("profile", "mode"), [("ks2", "Strict"), ("staff", "Moderate")])
def test_the_mode_of_a_video_site_depends_on_the_profile(profile: str, mode: str) -> None:
    policy = FilterPolicy(
        engines={HOST: str(LOCKS["modes"])},
        blocks=lambda code, profile: code == "VIOL" or profile == "ks2",
    )

    changed = locked_request(asked("/watch?v=a"), policy, profile)

    assert changed.headers["youtube-restrict"] == mode


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("baneviga", "DRUG"),
        ("how+to+BaneViga", "DRUG"),
        ("banveiga", "DRUG"),
        ("%62%61neviga", "DRUG"),
        ("b.a.n.e.v.i.g.a", "DRUG"),
        ("b%D0%B0n%D0%B5viga", "DRUG"),
        ("%EF%BD%82aneviga", "DRUG"),
        ("bnvg0", "DRUG"),
        ("xbnvg0", ""),
        ("garden+centre", ""),
        ("bamefiga", ""),
    ],
)
def test_agreed_terms_are_found_in_queries_to_known_engines(text: str, code: str) -> None:
    terms = {"baneviga": "DRUG", "bnvg0": "DRUG"}
    request = asked(f"/search?q={text}")

    assert code_of_query(request, FilterPolicy(engines={HOST: "none"}, terms=terms)) == code
    assert code_of_query(request, FilterPolicy(terms=terms)) == ""


def test_a_locked_search_leaves_the_seeded_results_out_and_says_so() -> None:
    content = PageContent(service="search", case=str(LOCKS["header"]), code="DRUG", label="a")
    locked = answer(asked("/search?q=a", Prefer="safe"), content).body
    shown = answer(asked("/search?q=a"), content).body
    harmless = answer(asked("/search?q=b", Prefer="safe"), content).body
    words = [word.encode() for word in words_for(KEY, HOST, NONCE, "locked")]

    assert b"ACCREDIT-MARKER-DRUG" in shown
    assert b"ACCREDIT-MARKER" not in locked + harmless
    assert [word in locked for word in words] == [True] * len(words)
    assert not [word for word in words if word in shown + harmless]


def test_suggestions_are_json() -> None:
    content = PageContent(service="query", case=str(LOCKS["header"]))

    assert answer(asked("/complete/search?q=a"), content).content_type == "application/json"
    assert answer(asked("/search?q=a"), content).content_type.startswith("text/html")


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("abcd", "abcd", True),
        ("abcd", "abdc", True),
        ("abcd", "abd", True),
        ("abcd", "abbcd", True),
        ("abcd", "axcd", True),
        ("abcd", "badc", False),
        ("abcd", "ab", False),
        ("abcd", "dbca", False),
    ],
)
def test_words_are_near_by_one_slip(one: str, other: str, near: bool) -> None:
    assert is_near(one, other) is near
    assert is_near(other, one) is near


@pytest.mark.parametrize(("profile", "name"), [("ks2", "strict"), ("staff", "moderate")])
def test_a_resolver_makes_an_engine_an_alias_of_the_name_that_locks_it(
    profile: str, name: str
) -> None:
    policy = FilterPolicy(
        engines={HOST: f"dns strict.{HOST} | moderate.{HOST}"},
        blocks=lambda code, profile: code == "ADLT" and profile == "ks2",
    )
    zone = ZoneServer(log=ArrivalLog())
    faults = Faults()
    resolver = FilteringResolver(
        zone_server=zone, filter=ReferenceFilter(policy=policy, faults=faults), profile=profile
    )
    query = dns.message.make_query(HOST, "A")
    reply = resolver.reply(query).message
    assert reply is not None
    assert [record.to_text().split()[-1] for record in reply.answer] == [
        f"{name}.{HOST}.",
        "127.0.0.1",
    ]
    faults.add(Fault(kind=FaultKind.UNREAD, hosts=frozenset({HOST})))
    unlocked = resolver.reply(query).message
    assert unlocked is not None
    assert len(unlocked.answer) == 1

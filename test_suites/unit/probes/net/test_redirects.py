"""Redirects are followed one by one, within a number and a deadline."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest

from harness.model.observation import Timings
from harness.ports.network import Exchange, Request
from probes.net.browser_profiles import SentHeaders
from probes.net.redirects import (
    LONGEST_ADDRESS,
    RedirectChain,
    follow_redirects,
    url_host,
    web_address,
)


class Moves:
    """A line on which each path ``/n`` leads to ``/n-1``, and ``/0`` is the page."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def fetch(self, request: Request) -> Exchange:
        self.requests.append(request)
        number = int(request.url.rpartition("/")[2])
        headers = (("location", f"/{number - 1}"),) if number else ()
        return Exchange(timings=Timings(total=0.0), status=302 if number else 200, headers=headers)


async def follow(line: Any, url: str, most: int = 5) -> RedirectChain:
    return await follow_redirects(
        line,
        url,
        "a.test",
        lambda url, host: SentHeaders(
            direct=(("X-Host", host),), proxied=(("X-Url", url),), tunnel=(("X-Tunnel", host),)
        ),
        deadline=perf_counter() + 9,
        most=most,
        body_bytes=1000,
    )


async def test_each_hop_is_noted_and_the_time_left_shrinks() -> None:
    line = Moves()
    chain = await follow(line, "http://a.test/3")

    assert chain.url == "http://a.test/0"
    assert [hop.url for hop in chain.hops] == [f"http://a.test/{number}" for number in (3, 2, 1)]
    assert (len(chain.exchanges), chain.hosts, chain.failure) == (4, ["a.test"] * 4, None)
    patience = [request.timeout for request in line.requests]
    assert patience == sorted(patience, reverse=True)
    assert len(set(patience)) == 4
    first = line.requests[0]
    assert (first.headers, first.proxied_headers, first.tunnel_headers) == (
        (("X-Host", "a.test"),),
        (("X-Url", "http://a.test/3"),),
        (("X-Tunnel", "a.test"),),
    )


async def test_too_many_redirects_are_a_failure() -> None:
    chain = await follow(Moves(), "http://a.test/9", most=2)

    assert chain.failure is not None
    assert chain.failure.name == "http_redirect_limit"
    assert len(chain.exchanges) == 3


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("/x", "http://a.test/x"),
        ("//b.test", "http://b.test"),
        ("https://b.test/?q", "https://b.test/?q"),
        ("javascript:void(0)", ""),
        ("data:text/html,x", ""),
        ("about:blank", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_only_addresses_of_the_web_are_targets(address: str, target: str) -> None:
    assert web_address("http://a.test/dir/", address) == target


def test_an_address_that_no_server_has_to_read_is_not_followed() -> None:
    """Else each answer could fill what is remembered of addresses."""
    longest = "/" + "a" * (LONGEST_ADDRESS - len("http://a.test/"))

    assert web_address("http://a.test/", longest) == f"http://a.test{longest}"
    assert web_address("http://a.test/", longest + "a") == ""


def test_a_host_is_in_lower_case_and_may_be_missing() -> None:
    assert (url_host("http://User@A.Test:80/x"), url_host("/x")) == ("a.test", "")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/a b", "http://a.test/a%20b"),
        (" http://b.test/ ", "http://b.test/"),
        ("http://b.test/\x00\x1b[31m", "http://b.test/%00%1B[31m"),
        ("http://b.test/x\r\nHost: c.test", "http://b.test/xHost:%20c.test"),
    ],
)
def test_blanks_and_control_characters_of_a_redirect_are_encoded(location: str, url: str) -> None:
    assert url == web_address("http://a.test/", location)

"""The origin knows which page is meant, however the host is spelled."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.transition_address import page_path
from probes.range.connection import Request
from probes.range.named_host import named_request
from probes.range.zone import RANGE
from probes.techniques.placeholders import WAYS

HOST = "x-1.ways.accredit.test"
AT = page_path(HOST)


def named(host: str, target: str = "/") -> Request:
    written = host.encode().decode("latin-1")
    return named_request(
        Request(method="GET", target=target, headers={"host": written}, lines=()), RANGE
    )


@pytest.mark.parametrize(
    "written",
    [
        HOST, "X-1.Ways.Accredit.TEST.:80", "x%2D1.ways.accredit.test", f"u:p@{HOST}:00080",
        f"**{HOST}*", f" {HOST}\t", f"{HOST}..", "\uff58-1.ways.accredit.test", f"any.below.{HOST}",
    ],
)  # fmt: skip
def test_spellings_of_a_host_mean_its_page(written: str) -> None:
    assert named(written).host == HOST


@given(st.integers())
def test_every_composition_means_its_page(seed: int) -> None:
    assert named(WAYS["spelled"](HOST, random.Random(seed))).host == HOST


@pytest.mark.parametrize(
    "written",
    ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[fe80::1%25lo]:80", "www.example.org", "", "%"],
)
def test_where_no_host_of_the_zones_is_named_the_path_names_it(written: str) -> None:
    assert named(written, AT).host == HOST
    assert named(written, f"{AT}/0123?x").host == HOST
    assert named(written, f"{AT}x!").host != HOST


def test_a_host_of_the_zones_is_named_by_itself() -> None:
    assert named("open.ways.accredit.test", AT).host == "open.ways.accredit.test"
    assert named("gamb-1.canary.accredit.test", AT).host == "gamb-1.canary.accredit.test"


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        (f"http://{HOST}/a?b", HOST, "/a?b"),
        (f"HTTPS://u@{HOST}:443", HOST, "/"),
        (f"http://{HOST}?b", HOST, "?b"),
        (f"http://open.ways.accredit.test{AT}", HOST, AT),
        ("/http://a.accredit.test/", "open.ways.accredit.test", "/http://a.accredit.test/"),
    ],
)
def test_the_target_counts_more_than_the_host_header(target: str, host: str, path: str) -> None:
    header = HOST if AT in target else "open.ways.accredit.test"
    request = named(header, target)

    assert (request.host, request.path) == (host, path)


def test_a_request_that_needs_no_reading_is_the_same() -> None:
    request = Request(method="GET", target="/", headers={"host": HOST}, lines=())

    assert named_request(request, RANGE) is request

"""The last transaction of a probe, beside what the test helper saw."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from harness.interop.ooni import read_control_web, read_web
from harness.interop.ooni_form import Measurement
from harness.interop.record import Side
from harness.model.facts import WebFacts
from test_suites.kit.campaigns.ooni_cases import (
    GOOD,
    HOST,
    connect,
    control,
    handshake,
    measure,
    request,
)


def _side(url: str = f"https://{HOST}/", **keys: Any) -> Side:
    side = read_web(msgspec.convert(measure(url, **keys), type=Measurement))
    assert side is not None
    return side


def _facts(side: Side) -> WebFacts:
    assert isinstance(side.facts, WebFacts)
    return side.facts


def test_transactions_stand_in_reverse_order_of_time() -> None:
    plain, secure = f"http://{HOST}/", f"https://{HOST}/"
    side = _side(plain, requests=[
        request(secure), request(plain, 301, "", headers={"Location": secure})])  # fmt: skip

    assert _facts(side).url == secure
    assert [(hop.url, hop.status, hop.location) for hop in _facts(side).hops] == [
        (plain, 301, secure)
    ]


def test_a_redirect_that_nobody_followed_is_a_hop() -> None:
    plain = f"http://{HOST}/"
    side = _side(
        plain, requests=[request(plain, 302, "", headers={"Location": "http://b.example/"})]
    )

    assert _facts(side).hops[0].location == "http://b.example/"


@pytest.mark.parametrize(
    ("keys", "stage"),
    [
        ({"tcp_connect": [connect(GOOD, 443, "connection_refused")]}, "connect"),
        ({"tls_handshakes": [handshake(GOOD, "connection_reset")]}, "tls"),
        ({"tls_handshakes": []}, "response"),
    ],
)
def test_a_failure_has_the_stage_that_was_reached(keys: dict[str, Any], stage: str) -> None:
    side = _side(requests=[request(f"https://{HOST}/", None, failure="connection_reset")], **keys)

    assert side.failure is not None
    assert (side.failure.name, side.failure.stage) == ("connection_reset", stage)


def test_an_answer_outweighs_the_failure_of_another_resolver() -> None:
    assert _side(http_experiment_failure="dns_nxdomain_error").failure is None


def test_without_a_transaction_the_connections_tell() -> None:
    side = _side(requests=[], tcp_connect=[connect(GOOD, 443, "connection_refused")])

    assert side.failure is not None
    assert side.failure.name == "connection_refused"


@pytest.mark.parametrize(
    ("address", "peer"),
    [("93.184.216.34:443", "93.184.216.34"), ("[2001:db8::1]:443", "2001:db8::1"), (None, "")],
)
def test_the_address_of_the_first_request_is_the_peer(address: str | None, peer: str) -> None:
    page = {**request(f"https://{HOST}/"), "address": address}

    assert _facts(_side(requests=[page])).peer == peer


def test_a_body_may_be_base64() -> None:
    data = base64.b64encode("<title>Grüße</title>".encode()).decode()
    page = request(f"https://{HOST}/")
    page["response"]["body"] = {"format": "base64", "data": data}

    assert _facts(_side(requests=[page])).title == "Grüße"


def test_a_chain_held_if_the_handshake_did() -> None:
    good, bad = (
        _facts(_side()).certificate,
        _facts(_side(tls_handshakes=[handshake(GOOD, "ssl_unknown_authority")])).certificate,
    )

    assert good is not None
    assert bad is not None
    assert (good.trusted, bad.trusted) == (True, False)


def test_an_old_probe_verified_nothing() -> None:
    old = {**measure(tls_handshakes=None), "software_version": "2.2.0"}

    side = read_web(msgspec.convert(old, type=Measurement))

    assert side is not None
    assert _facts(side).certificate is None


@pytest.mark.parametrize(
    "page", [{"failure": "dns_lookup_error"}, {"failure": None, "status_code": -1}]
)
def test_a_helper_that_got_nothing_failed(page: dict[str, Any]) -> None:
    found = msgspec.convert(measure(control=control(http_request=page)), type=Measurement)

    side = read_control_web(found)

    assert side is not None
    assert side.failure is not None

"""The origin serves every host of its zone, over HTTP and HTTPS, with the token."""

from __future__ import annotations

import re
import ssl

import httpx
import pytest

from harness.model.marker import CARRIERS, Carrier, nonce_for, token_for
from harness.model.observation import AttemptKey
from harness.model.transition_address import page_path
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed

KEY = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")


def nonce(world: RangeTestbed) -> str:
    return nonce_for(world.origin.key, KEY)


def get(
    world: RangeTestbed,
    host: str,
    *,
    trust: ssl.SSLContext | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Ask the origin directly, as the control line does."""
    headers = headers or {"X-Request-ID": nonce(world)}
    scheme, port = ("https", 443) if trust else ("http", 80)
    url = f"{scheme}://127.0.0.1:{world.origin.ports[port]}/"
    with httpx.Client(verify=trust or False, timeout=5, trust_env=False) as client:
        return client.get(url, headers={"Host": host, **headers}, extensions={"sni_hostname": host})


@pytest.mark.parametrize("secure", [False, True])
def test_the_token_of_the_attempt_arrives_and_the_log_holds_it(
    world: RangeTestbed, trust: ssl.SSLContext, secure: bool
) -> None:
    host = f"porn-nude-00{secure:d}.canary.accredit.test"
    answer = get(world, host, trust=trust if secure else None)

    assert answer.status_code == 200
    assert token_for(world.origin.key, host, nonce(world)) in answer.text
    (arrival,) = world.log.arrivals(host)
    assert (arrival.over, arrival.nonce) == ("https" if secure else "http", nonce(world))


@pytest.mark.parametrize("carrier", CARRIERS[::7])
def test_a_nonce_is_found_whatever_carries_it(world: RangeTestbed, carrier: Carrier) -> None:
    host = "gamb-020.canary.accredit.test"
    name = "Cookie" if carrier.is_cookie else carrier.name
    value = carrier.value(nonce(world))
    told = f"theme=dark; {value}; lang=en" if carrier.is_cookie else value

    assert (
        token_for(world.origin.key, host, nonce(world))
        in get(world, host, headers={name: told}).text
    )


def test_what_only_looks_like_a_nonce_is_none(world: RangeTestbed) -> None:
    host = "gamb-021.canary.accredit.test"
    answer = get(world, host, headers={"Cookie": "sid=" + "0123456789abcdef" * 2})

    assert not re.search("<p>[0-9a-f]{32}</p>", answer.text)
    assert world.log.arrivals(host)[-1].nonce == ""


def test_nothing_but_the_agreed_marker_tells_of_a_test(world: RangeTestbed) -> None:
    answer = get(world, "gamb-022.canary.accredit.test")
    told = f"{answer.headers} {answer.text}".lower().replace("accredit-marker-", "")

    assert "accredit" not in told
    assert answer.headers["Server"] == "nginx"


def test_another_key_would_give_another_token(world: RangeTestbed) -> None:
    answer = get(world, "gamb-009.canary.accredit.test")

    assert re.search("<p>[0-9a-f]{32}</p>", answer.text)
    assert token_for(b"x" * 32, "gamb-009.canary.accredit.test", nonce(world)) not in answer.text


def test_a_dead_host_gives_up_and_its_log_line_stays(world: RangeTestbed) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        get(world, "dead-001.special.accredit.test")

    assert world.log.arrivals("dead-001.special.accredit.test")


def test_any_host_can_be_made_dead_and_brought_back(
    world: RangeTestbed, trust: ssl.SSLContext
) -> None:
    host = "gamb-010.canary.accredit.test"
    fault = world.faults.add(Fault(kind=FaultKind.DEAD, hosts=frozenset({host})))
    with pytest.raises(httpx.RemoteProtocolError):
        get(world, host)
    with pytest.raises(httpx.RemoteProtocolError):
        get(world, host, trust=trust)
    assert get(world, "gamb-011.canary.accredit.test").status_code == 200

    world.faults.remove(fault)
    assert get(world, host).status_code == 200


def test_a_dead_origin_answers_nobody(world: RangeTestbed) -> None:
    world.faults.add(Fault(kind=FaultKind.DEAD))

    with pytest.raises(httpx.RemoteProtocolError):
        get(world, "gamb-012.canary.accredit.test")


def test_a_slow_host_answers_in_the_end(world: RangeTestbed) -> None:
    host = "slow-001.special.accredit.test"

    assert token_for(world.origin.key, host, nonce(world)) in get(world, host).text


def test_a_host_outside_the_zone_is_not_served(world: RangeTestbed) -> None:
    assert get(world, "example.org").status_code == 421


def test_a_client_that_does_not_know_the_authority_is_warned(world: RangeTestbed) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get(world, "gamb-013.canary.accredit.test", trust=ssl.create_default_context())


def test_a_page_is_shown_to_those_who_ask_by_an_ipv6_address(world: RangeTestbed) -> None:
    host = "drug-101.canary.accredit.test"
    url = f"http://127.0.0.1:{world.origin.ports[80]}"
    headers = {"Host": "[64:ff9b::7f00:1]", "X-Request-ID": nonce(world)}
    with httpx.Client(timeout=5, trust_env=False) as client:
        shown = client.get(url + page_path(host), headers=headers)
        by_name = client.get(url + page_path(host), headers=headers | {"Host": "a.accredit.test"})
        others = [
            client.get(url + path, headers=headers).status_code
            for path in ("/", page_path("www.example.org"))
        ]

    assert token_for(world.origin.key, host, nonce(world)) in shown.text
    assert "DRUG" in shown.text
    assert token_for(world.origin.key, host, nonce(world)) not in by_name.text
    assert others == [421, 421]

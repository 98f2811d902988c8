"""What OONI has no key for goes out and comes back."""

from __future__ import annotations

import msgspec
import pytest

from harness.interop.ooni_form import CONTROL, SERVICE, ExtraFacts, extra_facts, with_extra_facts
from harness.interop.record import Side
from harness.model.facts import Hop, WebFacts
from harness.model.marker import token_for
from test_suites.kit.campaigns.trials import certificate, dns, failed, foreign

PAGE = foreign(
    hops=(Hop(url="http://a.example/", status=302, location="/x"),),
    tunnel_status=200,
    peer="192.0.2.1",
    certificate=certificate("leaf", "CN=R3"),
    frames=("http://b.example/",),
    truncated=True,
    choices=("PROXY cache.example:3128",),
)


@pytest.mark.parametrize("names", [SERVICE, CONTROL])
def test_named_facts_come_back(names: tuple[str, ...]) -> None:
    text = msgspec.json.encode(extra_facts(Side(facts=PAGE), names))
    bare = WebFacts(url="http://elsewhere.example/", certificate=certificate("x", "CN=x"))

    found = with_extra_facts(Side(facts=bare), msgspec.json.decode(text, type=ExtraFacts)).facts

    assert isinstance(found, WebFacts)
    assert {name: getattr(PAGE, name) for name in (*names, "certificate")} == {
        name: getattr(found, name) for name in (*names, "certificate")
    }
    assert found.status is None


def test_where_and_why_it_failed_comes_back() -> None:
    told = failed("ssl_failed_handshake", "tls", "wrong version")
    beyond = extra_facts(Side(failure=told), SERVICE)

    assert told == with_extra_facts(Side(failure=failed("ssl_failed_handshake")), beyond).failure


def test_what_was_not_written_changes_nothing() -> None:
    side = Side(facts=PAGE, failure=failed("eof_error"))
    names = Side(facts=dns("192.0.2.1"))

    assert with_extra_facts(side, None) is side
    assert names == with_extra_facts(names, ExtraFacts(title="x"))


def test_a_token_is_not_among_it() -> None:
    for token in (token_for(b"k", "a.test", "n"), "ACCREDIT-TOKEN-00AF"):
        page = foreign(title=f"{token}: a page", text=f"Hello {token}")
        beyond = extra_facts(Side(facts=page), SERVICE)

        assert (beyond.title, beyond.text) == (": a page", "Hello ")
    assert "canary" not in {*SERVICE, *CONTROL} | set(ExtraFacts.__struct_fields__)

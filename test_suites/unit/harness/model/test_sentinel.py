"""Sentinels as a campaign file declares them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.model.sentinel import Sentinel, Sentinels
from harness.model.verdict import Mechanism


def test_a_sentinel_may_be_written_as_a_text() -> None:
    declared = Sentinels.model_validate({"must_block": ("blocked.example",)})

    assert declared.of("must_block") == (Sentinel(at="blocked.example"),)
    assert declared.hosts("must_block") == ("blocked.example",)


@pytest.mark.parametrize(
    "at",
    [
        "",
        "two words",
        "ftp://a.example/",
        "http://",
        "http://a.example:0/",
        "-a.example",
        "http://[",
    ],
)
def test_what_is_neither_a_host_nor_a_url_of_the_web_is_refused(at: str) -> None:
    with pytest.raises(ValidationError, match="neither a host nor an http"):
        Sentinel(at=at)


@pytest.mark.parametrize(
    ("sentinel", "address", "expected"),
    [
        (Sentinel(at="a.example"), "https://a.example/", True),
        (Sentinel(at="http://a.example/x"), "http://a.example/x", True),
        (Sentinel(at="http://a.example/x"), "https://a.example/x", False),
        (Sentinel(at="a.example", probes=("dns",)), "http://a.example/", False),
        (Sentinel(at="a.example", probes=("web",)), "http://a.example/", True),
    ],
)
def test_which_probe_tries_it(sentinel: Sentinel, address: str, *, expected: bool) -> None:
    assert sentinel.is_for("web", address) is expected


def test_a_url_knows_its_host() -> None:
    one = Sentinel(at="http://a.example:8080/page")

    assert (one.host, one.item_kind) == ("a.example", "url")


def test_a_mechanism_is_given_by_its_name() -> None:
    one = Sentinel.model_validate({"at": "a.example", "mechanism": "block_page"})

    assert one.mechanism is Mechanism.BLOCK_PAGE


def test_an_unknown_mechanism_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ValidationError, match=r"no mechanism 'magic'; known: .*block_page"):
        Sentinel.model_validate({"at": "a.example", "mechanism": "magic"})


def test_what_is_agreed_to_pass_has_no_mechanism_of_a_block() -> None:
    with pytest.raises(ValidationError, match="agreed to pass"):
        Sentinels(must_allow=(Sentinel(at="a.example", mechanism=Mechanism.BLOCK_PAGE),))

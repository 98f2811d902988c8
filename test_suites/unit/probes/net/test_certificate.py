"""Certificates as every lane shows them."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from probes.net.backend import Backend
from probes.net.browser import BrowserBackend
from probes.net.tls_facts import read_certificate
from probes.range.authority import Authority

HOST = "gamb-001.canary.accredit.test"


async def test_tls_shows_the_certificate(
    fetch: Any, serve: Any, plays: Any, authority: Authority, lane: Backend
) -> None:
    port = await serve(plays["page"], authority.context(HOST))
    exchange = await fetch(f"https://{HOST}/", port)

    assert exchange.failure is None
    assert exchange.status == 200
    assert exchange.timings.tls > 0
    if isinstance(lane, BrowserBackend):
        assert exchange.certificate is None
        return
    assert exchange.certificate.trusted is True
    assert "Northgate Root CA" in exchange.certificate.issuer
    assert re.fullmatch("[0-9a-f]{64}", exchange.certificate.chain[0])


async def test_a_wrong_certificate_is_named_and_still_shown(
    fetch: Any, serve: Any, plays: Any, authority: Authority, lane: Backend
) -> None:
    stranger = Authority("Somebody else")
    for context, failure in (
        (authority.context("other.accredit.test"), "ssl_invalid_hostname"),
        (stranger.context(HOST), "ssl_unknown_authority"),
    ):
        exchange = await fetch(f"https://{HOST}/", await serve(plays["page"], context))

        assert (exchange.failure.name, exchange.failure.stage) == (failure, "tls")
        assert isinstance(lane, BrowserBackend) or exchange.certificate.trusted is False
        assert exchange.status == 200, "what stands behind the certificate is read too"


async def test_silence_behind_a_wrong_certificate_is_a_timeout(
    fetch: Any, serve: Any, plays: Any, lane: Backend
) -> None:
    """Otherwise a slow page behind a certificate of the filter counts as blocked."""
    stranger = Authority("Somebody else")
    port = await serve(plays["silent"], stranger.context(HOST))
    exchange = await fetch(f"https://{HOST}/", port, timeout=2.0)

    assert (exchange.failure.name, exchange.status) == ("generic_timeout_error", None)
    assert isinstance(lane, BrowserBackend) or exchange.certificate.trusted is False


async def test_a_wrong_certificate_is_the_failure_if_nothing_comes_after_it(
    fetch: Any, serve: Any, plays: Any, lane: Backend
) -> None:
    stranger = Authority("Somebody else")
    port = await serve(plays["close"], stranger.context(HOST))
    exchange = await fetch(f"https://{HOST}/", port)

    assert (exchange.failure.name, exchange.failure.stage) == ("ssl_unknown_authority", "tls")
    assert exchange.status is None


class Shown:
    """What an SSL object gives from Python 3.13 on: the whole chain."""

    def __init__(self, *chain: bytes) -> None:
        self.chain = chain

    def get_unverified_chain(self) -> list[bytes]:
        return list(self.chain)

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        return None


def test_the_whole_chain_is_read_where_it_can_be(authority: Authority) -> None:
    leaf = authority.leaf(HOST).public_bytes(Encoding.DER)
    shown: Any = Shown(leaf, b"not a certificate")
    certificate = read_certificate(shown, trusted=True)

    assert certificate is not None
    assert certificate.chain == (
        hashlib.sha256(leaf).hexdigest(),
        hashlib.sha256(b"not a certificate").hexdigest(),
    )
    assert HOST in certificate.subject


def test_no_certificate_is_none_and_an_odd_one_has_no_names() -> None:
    nothing: Any = Shown()
    odd: Any = Shown(b"odd")

    assert read_certificate(nothing, trusted=True) is None
    certificate = read_certificate(odd, trusted=False)
    assert certificate is not None
    assert (certificate.issuer, certificate.subject, certificate.trusted) == ("", "", False)

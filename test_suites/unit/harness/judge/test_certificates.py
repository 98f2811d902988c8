"""Whose certificate it was."""

from __future__ import annotations

import pytest

from harness.judge.certificates import is_intercepted, is_public, is_same_origin
from harness.model.facts import Certificate
from test_suites.kit.campaigns.trials import certificate

ORIGIN = certificate("leaf", "CN=R3,O=Let's Encrypt")


@pytest.mark.parametrize(
    ("shown", "intercepted"),
    [
        (ORIGIN, False),
        (certificate("other", "CN=Filter CA,O=Supplier", trusted=True), True),
        (certificate("other", "CN=GTS CA 1C3,O=Google Trust Services", trusted=True), False),
        (certificate("other", "CN=GTS CA 1C3,O=Google Trust Services", trusted=False), True),
        (Certificate(chain=(), issuer="CN=Filter CA"), True),
        (Certificate(chain=(), issuer="CN=E1,O=Let's Encrypt"), False),
        (None, False),
    ],
)
def test_interception_is_another_authority_that_is_not_the_public_webs(
    shown: Certificate | None, *, intercepted: bool
) -> None:
    assert intercepted is is_intercepted(shown, ORIGIN)


def test_the_same_name_under_another_key_is_interception() -> None:
    forged = certificate("forged", ORIGIN.issuer, trusted=False)

    assert is_intercepted(forged, ORIGIN)


def test_without_intermediates_the_issuers_name_decides() -> None:
    one = Certificate(chain=("a",), issuer="CN=Range CA")
    other = Certificate(chain=("b",), issuer="CN=Range CA")

    assert not is_intercepted(one, other)


def test_the_origin_is_known_by_its_leaf_or_by_a_public_chain_that_held() -> None:
    assert is_same_origin(ORIGIN, ORIGIN)
    assert is_same_origin(certificate("x", "CN=R3,O=Let's Encrypt", trusted=True), None)
    assert not is_same_origin(certificate("x", "CN=R3,O=Let's Encrypt"), None)
    assert not is_same_origin(certificate("x", "CN=Filter CA", trusted=True), ORIGIN)
    assert not is_same_origin(None, ORIGIN)


def test_a_suppliers_own_authority_is_not_public() -> None:
    assert is_public("CN=DigiCert TLS RSA SHA256 2020 CA1,O=DigiCert Inc,C=US")
    assert not is_public("CN=FortiGate CA,O=Fortinet")

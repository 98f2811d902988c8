"""A domain of senders holds the address that may send for it; its records follow from the name."""

from __future__ import annotations

import ipaddress

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from probes.mail.sender_domains import (
    WORDS,
    address_in,
    check_public_key,
    domain_of,
    public_key_of,
    records_of,
    sender_domain,
)
from test_suites.kit.networks.mail_writing import signing_key

ADDRESSES = st.ip_addresses().map(str)
DIGESTS = st.text("0123456789abcdef", min_size=32, max_size=32)
NAMES = st.lists(
    st.sampled_from([*WORDS[:3], "_dmarc", "_domainkey", "k1", "k2", "office-7f000001", "mail-7f00000g",
                     "office-7F000001", "canary", "test", "", "-", "x" * 64]),
    max_size=6,
).map(".".join)  # fmt: skip


def test_the_records_of_a_domain_of_senders() -> None:
    host = "office-7f000001.canary.accredit.test"

    assert (("TXT", "v=spf1 ip4:127.0.0.1 -all"), ("MX", f"10 {host}.")) == records_of(host)
    assert (("TXT", "v=DMARC1; p=reject; adkim=s; aspf=s"),) == records_of(f"_dmarc.{host}")
    assert (("TXT", "v=DKIM1; k=rsa; p=MIIB"),) == records_of(f"k1._domainkey.{host}", "MIIB")
    assert () == records_of(f"k1._domainkey.{host}") == records_of(f"_domainkey.{host}", "MIIB")
    six = "news-20010db8000000000000000000000001.example.org"
    assert ("TXT", "v=spf1 ip6:2001:db8::1 -all") in (records_of(six) or ())


@pytest.mark.parametrize(
    "name",
    ["", "office-7f000001", "office-7f000001.", "accredit.test", "office-7f00001.a.test",
     "office-7f0000012.a.test", "other-7f000001.a.test", "office-7f00000g.a.test",
     "k2._domainkey.office-7f000001.a.test", "www.office-7f000001.a.test",
     "_dmarc._dmarc.office-7f000001.a.test", "_dmarc.a.test", "office-7F000001.a.test"],
)  # fmt: skip
def test_other_names_have_none(name: str) -> None:
    assert records_of(name, "MIIB") is None
    assert "" == domain_of(name)


@given(address=ADDRESSES, digest=DIGESTS)
def test_a_domain_allows_the_address_that_it_was_made_for_and_no_other(
    address: str, digest: str
) -> None:
    domain = sender_domain(address, "canary.example.org", digest)

    label, _, zone = domain.partition(".")
    assert ("canary.example.org", address) == (zone, address_in(label))
    assert len(label) <= 63
    spf = f"v=spf1 ip{ipaddress.ip_address(address).version}:{address} -all"
    assert (("TXT", spf), ("MX", f"10 {domain}.")) == records_of(domain)
    for prefix in ("", "_dmarc.", "_domainkey.", "k1._domainkey."):
        assert domain == domain_of(prefix + domain)


@given(ADDRESSES)
def test_many_words_are_used(address: str) -> None:
    domains = {sender_domain(address, "a.test", f"{number:032x}") for number in range(300)}

    assert len(domains) == len(WORDS)


@given(name=st.one_of(NAMES, st.text(max_size=300)), key=st.sampled_from(["", "MIIB"]))
def test_any_name_has_records_or_none(name: str, key: str) -> None:
    records = records_of(name, key)

    assert (records is None) == (domain_of(name) == "")
    assert all('"' not in text for _, text in records or ())


@pytest.mark.parametrize("address", ["", "localhost", "127.0.0.1/8", "300.1.1.1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        sender_domain(address, "a.test", "0" * 32)


def test_a_key_has_a_public_part_that_is_checked() -> None:
    public = public_key_of(signing_key())

    check_public_key(public)
    assert public not in signing_key()
    for wrong in (public[:-8], "x", "é", "MIIB"):
        with pytest.raises(ValueError, match="no public RSA key in Base64"):
            check_public_key(wrong)


def test_a_key_of_another_kind_is_refused() -> None:
    form = Encoding.PEM, PrivateFormat.PKCS8
    curve = generate_private_key(SECP256R1()).private_bytes(*form, NoEncryption()).decode()
    private = load_pem_private_key(signing_key().encode(), None)
    locked = private.private_bytes(*form, BestAvailableEncryption(b"x")).decode()

    for text, said in ((curve, "no RSA key"), (locked, "locked by a password"), ("", "PEM")):
        with pytest.raises(ValueError, match=said):
            public_key_of(text)

"""Domains that mails of a test come from, and their records for SPF, DKIM and DMARC.

The first label of such a domain holds the one address that may send mail for it, after an ordinary
word: mail for ``office-7f000001.canary.accredit.test`` comes from 127.0.0.1. So a name server that
keeps no list can answer for all addresses. A label with 32 digits holds an IPv6 address.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

WORDS = (
    "office", "mail", "post", "info", "news", "admin", "contact", "team", "desk", "letters",
    "notices", "reception", "hello", "enquiries", "support", "bulletin",
)  # fmt: skip
"""The words that a label may begin with."""

SELECTOR = "k1"
"""The selector of the key of DKIM (RFC 6376 section 3.1)."""

EXCLUDED = "192.0.2.1"
"""An address that no mail comes from (RFC 5737): a domain of it excludes all senders."""

Records = tuple[tuple[str, str], ...]
"""Types and texts of records, as in a zone file; a TXT is one text without quotes."""

_LABEL = re.compile(rf"(?:{'|'.join(WORDS)})-([0-9a-f]{{8}}|[0-9a-f]{{32}})")
_PREFIXES = ((f"{SELECTOR}._domainkey.", "key"), ("_domainkey.", "keys"), ("_dmarc.", "policy"))
_KEY_BITS = 2048


def sender_domain(address: str, zone: str, digest: str) -> str:
    """Return the domain below ``zone`` that allows one IP address; ``digest`` chooses its word.

    Raises ValueError if ``address`` is no IP address.
    """
    number = hashlib.blake2b(f"domain {digest}".encode(), digest_size=4).digest()
    word = WORDS[int.from_bytes(number) % len(WORDS)]
    return f"{word}-{ipaddress.ip_address(address).packed.hex()}.{zone}"


def address_in(label: str) -> str:
    """Return the address that may send mail for a domain with this first label; '' if none."""
    held = _LABEL.fullmatch(label)
    return str(ipaddress.ip_address(bytes.fromhex(held[1]))) if held else ""


def domain_of(name: str) -> str:
    """Return the domain of senders whose record a name may have; empty if it is no such name.

    ``name`` is in lower case, without final dot.
    """
    kind, domain = _parted(name)
    return domain if kind else ""


def records_of(name: str, public_key: str = "") -> Records | None:
    """Return the records of a name that belongs to a domain of senders; None for other names.

    ``public_key`` is that of DKIM in Base64 (``public_key_of``); without one there is no record of
    it. The domain has SPF (RFC 7208) and MX, ``_dmarc`` below it a policy that refuses (RFC 7489),
    and ``k1._domainkey`` the key (RFC 6376 section 3.6.1).
    """
    kind, domain = _parted(name)
    if kind == "domain":
        address = address_in(domain.partition(".")[0])
        version = 6 if ":" in address else 4
        return ("TXT", f"v=spf1 ip{version}:{address} -all"), ("MX", f"10 {domain}.")
    if kind == "policy":
        return (("TXT", "v=DMARC1; p=reject; adkim=s; aspf=s"),)
    if kind == "key" and public_key:
        return (("TXT", f"v=DKIM1; k=rsa; p={public_key}"),)
    return () if kind else None


def check_public_key(text: str) -> None:
    """Raise ValueError if a text is no public RSA key in DER and Base64."""
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        msg = "this is no public RSA key in Base64; 'accredit origin init' writes one"
        raise ValueError(msg)  # noqa: TRY004 - the text is wrong, not its type


def _parted(name: str) -> tuple[str, str]:
    """Return what a name is to a domain of senders, and that domain; empty for other names."""
    kind, domain = "domain", name
    for prefix, its_kind in _PREFIXES:
        if name.startswith(prefix):
            kind, domain = its_kind, name.removeprefix(prefix)
            break
    label, _, zone = domain.partition(".")
    return (kind, domain) if zone and _LABEL.fullmatch(label) else ("", "")


def new_key() -> str:
    """Return a new private key for DKIM (RSA, 2048 bits: RFC 8301) in PEM, as in PKCS #1."""
    key = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    form = PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode("ascii")


@lru_cache(maxsize=8)
def public_key_of(key_pem: str) -> str:
    """Return the public part of a private RSA key as in its record: DER in Base64.

    Raises ValueError if it is no such key.
    """
    try:
        key = load_pem_private_key(key_pem.encode(), None).public_key()
    except TypeError:
        msg = "the key is locked by a password"
        raise ValueError(msg) from None
    if not isinstance(key, RSAPublicKey):
        msg = "the key is no RSA key"
        raise ValueError(msg)  # noqa: TRY004 - the text is wrong, not its type
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode("ascii")

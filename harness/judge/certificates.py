"""What a certificate chain shows: the origin's own, a public authority's, or that of a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.model.facts import Certificate

PUBLIC_AUTHORITIES = (
    "let's encrypt", "digicert", "google trust", "gts ca", "sectigo", "comodo", "globalsign",
    "amazon", "microsoft", "cloudflare", "entrust", "godaddy", "go daddy", "starfield",
    "identrust", "isrg", "zerossl", "geotrust", "thawte", "rapidssl", "verisign", "symantec",
    "usertrust", "certum", "actalis", "buypass", "quovadis", "swisssign", "harica", "telekom",
    "apple public", "trustwave", "network solutions", "gandi", "certigna", "ssl.com", "e-tugra",
    "baltimore", "cybertrust", "atos", "d-trust", "wisekey", "gehirn", "secom", "cpanel",
)  # fmt: skip
"""Words in the names of public certificate authorities."""


def is_intercepted(service: Certificate | None, control: Certificate | None) -> bool:
    """Whether the service's certificate chain is not the origin's.

    Another leaf certificate alone is no proof (large sites have many). Another issuer is, unless it
    is a public authority and the client trusts it.
    """
    if service is None or control is None:
        return False
    if not service.chain or not control.chain:
        told = service.issuer and control.issuer and service.issuer != control.issuer
        return bool(told) and not is_public(service.issuer)
    if service.chain[0] == control.chain[0] or _is_same_issuer(service, control):
        return False
    return not (is_public(service.issuer) and service.trusted is not False)


def is_same_origin(service: Certificate | None, control: Certificate | None) -> bool:
    """Whether the certificate shows that the answer came from the origin itself.

    A trusted chain without an issuer name was verified against the public web's own bundle, as in
    other people's measurements.
    """
    if service is None or not service.chain:
        return False
    if control is not None and control.chain and service.chain[0] == control.chain[0]:
        return True
    return service.trusted is True and (not service.issuer or is_public(service.issuer))


def is_public(issuer: str) -> bool:
    """Whether an issuer's name is that of a public authority."""
    name = issuer.casefold()
    return any(word in name for word in PUBLIC_AUTHORITIES)


def _is_same_issuer(service: Certificate, control: Certificate) -> bool:
    if len(service.chain) > 1 and len(control.chain) > 1:
        return service.chain[1] == control.chain[1]
    return bool(service.issuer) and service.issuer == control.issuer

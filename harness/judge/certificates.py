"""Tells the origin's certificate from that of somebody in between.

A page over a valid handshake proves nothing while the filter holds a trusted authority
(Durumeric et al., NDSS 2017), so the chain is compared with the control's first.
"""

from __future__ import annotations

from harness.model.observation import Certificate

PUBLIC_AUTHORITIES = (
    "let's encrypt", "digicert", "google trust", "gts ca", "sectigo", "comodo", "globalsign",
    "amazon", "microsoft", "cloudflare", "entrust", "godaddy", "go daddy", "starfield",
    "identrust", "isrg", "zerossl", "geotrust", "thawte", "rapidssl", "verisign", "symantec",
    "usertrust", "certum", "actalis", "buypass", "quovadis", "swisssign", "harica", "telekom",
    "apple public", "trustwave", "network solutions", "gandi", "certigna", "ssl.com", "e-tugra",
    "baltimore", "cybertrust", "atos", "d-trust", "wisekey", "gehirn", "secom", "cpanel",
)  # fmt: skip
"""Words that name authorities of the public web; a supplier's own are not among them."""


def is_intercepted(service: Certificate | None, control: Certificate | None) -> bool:
    """Whether the service's chain is not one that the origin would show.

    Another leaf alone is no proof (large sites have many); another issuer is, unless it is
    one of the public web's and the client trusts it.
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
    """Whether the service's answer is known to come from the origin itself.

    A trusted chain without a name of its issuer is one that was checked against the public
    web's own bundle, as other people's probes do.
    """
    if service is None or not service.chain:
        return False
    if control is not None and control.chain and service.chain[0] == control.chain[0]:
        return True
    return service.trusted is True and (not service.issuer or is_public(service.issuer))


def is_public(issuer: str) -> bool:
    """Whether an issuer's name is one of the public web's authorities."""
    name = issuer.casefold()
    return any(word in name for word in PUBLIC_AUTHORITIES)


def _is_same_issuer(service: Certificate, control: Certificate) -> bool:
    if len(service.chain) > 1 and len(control.chain) > 1:
        return service.chain[1] == control.chain[1]
    return bool(service.issuer) and service.issuer == control.issuer

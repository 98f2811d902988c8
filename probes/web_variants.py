"""The web probes of a site's variants: with ``www.`` before its domain, and without."""

from __future__ import annotations

from harness.plugins import register
from probes.web import Web, WebHttps


@register("probes", "web_www")
class WebWww(Web):
    """By plain HTTP, at the ``www.`` of a domain."""

    variant = "www"


@register("probes", "web_apex")
class WebApex(Web):
    """By plain HTTP, at the domain of a ``www.``."""

    variant = "apex"


@register("probes", "web_https_www")
class WebHttpsWww(WebHttps):
    """By HTTPS, at the ``www.`` of a domain."""

    variant = "www"


@register("probes", "web_https_apex")
class WebHttpsApex(WebHttps):
    """By HTTPS, at the domain of a ``www.``."""

    variant = "apex"

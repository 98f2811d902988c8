"""The web probes of a site's variants: with ``www.`` before its domain, and without."""

from __future__ import annotations

from harness.plugins import PROBES
from probes.kinds.web import Web, WebHttps


@PROBES.register("web_www")
class WebWww(Web):
    """By plain HTTP, at the ``www.`` of a domain."""

    variant = "www"


@PROBES.register("web_apex")
class WebApex(Web):
    """By plain HTTP, at the domain of a ``www.``."""

    variant = "apex"


@PROBES.register("web_https_www")
class WebHttpsWww(WebHttps):
    """By HTTPS, at the ``www.`` of a domain."""

    variant = "www"


@PROBES.register("web_https_apex")
class WebHttpsApex(WebHttps):
    """By HTTPS, at the domain of a ``www.``."""

    variant = "apex"

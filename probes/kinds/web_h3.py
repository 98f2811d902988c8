"""The probe ``web_h3``: fetches pages by HTTP/3, over UDP port 443 (RFC 9114).

It tries the pages of one case, which are on listed hosts (``harness.model.url_case``). They show
whether a filter that blocks a page over TCP lets it through over QUIC.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from harness.errors import lacking
from harness.model.content_form import variant_of
from harness.model.corpus import Item
from harness.model.probe import ProbeDeclaration
from harness.model.url_case import H3_CASE
from harness.plugins import PROBES
from harness.ports.network import Attempt, Fetches, Line
from probes.kinds.web import PAGE, WebProbe
from probes.net.dialled_exchange import FirstOverStream


def _is_case(item: Item) -> bool:
    return variant_of(item.stratum) == H3_CASE


@PROBES.register("web_h3")
class WebH3(WebProbe):
    """Fetches pages of the origin by HTTP/3; redirects from there, as the line does.

    Sentinels are fetched by HTTPS over TCP: a service that stops all of QUIC stops no ordinary
    page by it.
    """

    declares: ClassVar[ProbeDeclaration] = replace(PAGE, needs="datagrams", only_scheme="https")
    scheme: ClassVar[str] = "https"

    def fits(self, item: Item) -> bool:
        """Whether the page of an item is to be fetched over UDP."""
        return _is_case(item)

    def address(self, item: Item) -> str:
        """Return the URL of a sentinel; none for a page over UDP, which no second client asks."""
        return "" if _is_case(item) else super().address(item)

    def _address_of(self, attempt: Attempt, line: Line) -> str:
        del line
        return super().address(attempt.item)

    def _way(self, attempt: Attempt, line: Line) -> Fetches | None:
        if not _is_case(attempt.item):
            return None
        from probes.net.h3_exchange import by_h3  # noqa: PLC0415 - needs an extra, see missing

        return FirstOverStream(line, by_h3)

    def missing(self) -> tuple[str, str] | None:
        """Return what is not installed, and how to install it."""
        return lacking("aioquic")

"""The probe ``web_transitions``: asks for pages by addresses of IPv6 transition mechanisms.

Each item names a mechanism (``harness.model.transition_address``). Its page is requested by the
IPv6 address that embeds the origin's IPv4 address. The probe ``web`` fetches the same page by name.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from harness.model.content_form import variant_of
from harness.model.corpus import Item
from harness.model.observation import Failure, Timings
from harness.model.probe import ProbeDeclaration
from harness.model.transition_address import TRANSITIONS, literal_of, page_path
from harness.plugins import PROBES
from harness.ports.network import Attempt, Line, Origin, ProbeResult
from probes.kinds.web import PAGE, Web


def _is_case(item: Item) -> bool:
    return variant_of(item.stratum) in TRANSITIONS


@PROBES.register("web_transitions")
class WebTransitions(Web):
    """Fetches pages of the origin by HTTP, by IPv6 addresses that embed its IPv4 address.

    Sentinels are fetched by name.
    """

    declares: ClassVar[ProbeDeclaration] = replace(PAGE, only_scheme="http")

    def fits(self, item: Item) -> bool:
        """Whether the item names a mechanism."""
        return _is_case(item)

    def address(self, item: Item) -> str:
        """Return the URL of a sentinel; none for a page by address, which each origin has anew."""
        return "" if _is_case(item) else super().address(item)

    def _address_of(self, attempt: Attempt, line: Line) -> str:
        item = attempt.item
        if not _is_case(item):
            return self.address(item)
        return _url(item, line.origin)

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Fetch the item; a failure of the instrument if the origin has no IPv4 address."""
        if _is_case(attempt.item) and not _url(attempt.item, line.origin):
            detail = "the campaign has no origin with an IPv4 address"
            failure = Failure(name="instrument_error", stage="instrument", detail=detail)
            return ProbeResult(timings=Timings(), failure=failure)
        return await super().try_item(attempt, line)


def _url(item: Item, origin: Origin | None) -> str:
    """Return the URL of an item's page by its mechanism; empty without an IPv4 address."""
    if origin is None:
        return ""
    addresses = origin.addresses_of(item.host) or (origin.address,)
    address = next((one for one in addresses if ":" not in one), "")
    if not address:
        return ""
    literal = literal_of(variant_of(item.stratum), address, origin.nat64_prefix)
    return f"http://[{literal}]{page_path(item.host)}"

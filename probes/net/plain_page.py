"""Items whose page the web probes fetch; other items are for probes of their own.

Files are for the probe ``download``, uploads for ``upload``, cases of other protocols for
``protocols``, queries for ``dns_queries``, checks of TLS for ``tls_checks``, and pages over UDP for
``web_h3``. The page of a technique is fetched in the plain form, by the scheme of its case. Names
that are a signal to browsers have no page.
"""

from __future__ import annotations

from harness.model.content_form import variant_of
from harness.model.corpus import VECTOR, Item
from harness.model.file_case import file_case
from harness.model.network_signal import signal_name
from harness.model.protocol_case import protocol_of
from harness.model.query_case import is_query
from harness.model.technique import case_of_item
from harness.model.tls_check import tls_case
from harness.model.upload_case import upload_case
from harness.model.url_case import H3_CASE


def has_plain_page(item: Item, scheme: str) -> bool:
    """Whether the web probes fetch the item's page by a scheme (``http`` or ``https``)."""
    if item.kind == VECTOR:
        technique = case_of_item(item)
        return technique is not None and technique.scheme == scheme and bool(item.host)
    variant = variant_of(item.stratum)
    cases = (file_case(variant), upload_case(variant), protocol_of(variant))
    return not (
        signal_name(item.host)
        or tls_case(item.stratum)
        or variant == H3_CASE
        or is_query(variant)
        or any(case is not None for case in cases)
    )

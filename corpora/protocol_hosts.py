"""Hosts of an origin that speak protocols beside the web: ``harness.model.protocol_case``."""

from __future__ import annotations

from collections.abc import Collection

from corpora.origin_pack import OriginPack, OriginPages
from corpora.synthetic_sites import unlisted_hosts
from harness.model.content_form import PageContent
from harness.model.protocol_case import NAMED_PROTOCOLS, PROTOCOL

HOSTS_OF_PROTOCOL = 3
"""Hosts of each protocol."""


def protocol_hosts(
    seed: str, *, of_protocol: int = HOSTS_OF_PROTOCOL, taken: Collection[str] = ()
) -> OriginPages:
    """Make ``of_protocol`` hosts of each protocol from ``seed``; no host is one of ``taken``."""
    cases = [(case, number) for case in NAMED_PROTOCOLS for number in range(1, of_protocol + 1)]
    hosts = list(unlisted_hosts(f"{seed}/protocols", len(cases), taken))
    return OriginPages(
        contents={
            host: PageContent(service="app")
            for (case, _), host in zip(cases, hosts, strict=True)
            if case == f"{PROTOCOL}app"
        },
        texts=dict.fromkeys(hosts, "The bus to the museum leaves at ten."),
        rows=tuple(
            {
                "id": f"protocol-{case.removeprefix(PROTOCOL)}-{number}",
                "value": host,
                "kind": "host",
                "registrable": host,
                "labels": "CTRL",
                "applies_to": "content",
                "stratum": f"CTRL/{case}",
                "sensitivity": "S0",
            }
            for (case, number), host in zip(cases, hosts, strict=True)
        ),
    )


PROTOCOL_PACK = OriginPack(
    name="protocols",
    title="Hosts that speak protocols beside the web",
    kind="content",
    make=lambda seed, taken: protocol_hosts(seed, taken=taken),
)

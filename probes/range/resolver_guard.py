"""What a careful resolver of a school answers itself, whatever the name's category is.

It gives the signals by which browsers and systems leave its DNS in use, designates no other
resolver, and passes on no question that is like those of a tunnel: for texts or aliases of a long
name.
"""

from __future__ import annotations

import dns.message
import dns.rdatatype

from harness.model.network_signal import DESIGNATED, signal_name
from probes.range.faults import FaultKind
from probes.range.zone import normalise

TUNNEL_TYPES = frozenset({dns.rdatatype.TXT, dns.rdatatype.NULL, dns.rdatatype.CNAME})
LONGEST_NAME = 80
"""Octets of a name whose texts or aliases are asked for; ordinary ones are shorter."""


def guarded_style(query: dns.message.Message) -> FaultKind | None:
    """Return the style of the answer to a question that is not passed on; None for all others."""
    if not query.question:
        return None
    name, rdtype = normalise(query.question[0].name.to_text()), query.question[0].rdtype
    if name == DESIGNATED:
        return FaultKind.NODATA
    is_tunnel = rdtype in TUNNEL_TYPES and len(name) > LONGEST_NAME
    return FaultKind.NXDOMAIN if is_tunnel or signal_name(name) else None

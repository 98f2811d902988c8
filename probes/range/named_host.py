"""Which page of the origin a request means, however its host is spelled.

A host may be spelled as in ``probes.net.spelled_host``, with user information, blanks or asterisks
around it. Where it is no host of the origin's zones, as an IP address or the name of another site,
the path may name one (``harness.model.transition_address``).
"""

from __future__ import annotations

import re
from dataclasses import replace

from harness.model.technique_host import PART, home_of_technique
from harness.model.transition_address import host_in
from probes.net.spelled_host import read_host
from probes.range.connection import Request
from probes.range.zone import ZoneNames, normalise

_PLAIN = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]*)?")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/*([^/?#\\]*)(.*)", re.DOTALL)
_PORT = re.compile(r":[0-9]*\Z")


def named_request(request: Request, names: ZoneNames) -> Request:
    """Return a request as one for the host whose page it means, in origin form."""
    if request.method == "CONNECT":
        return request
    written, path = request.headers.get("host", ""), request.target
    if path[:1] != "/" and (absolute := _ABSOLUTE.fullmatch(path)) is not None:
        written, path = absolute[1], absolute[2] or "/"
    host, named = _host_in(written), host_in(path)
    if named and named == _host_in(request.headers.get("host", "")):
        host = named  # where target and Host differ, the path says which of them is meant
    if not names.is_within(host):
        host = named or host
    if f".{PART}." in host:
        host = home_of_technique(host, (zone.zone for zone in names.zones)) or host
    if host == request.host and path == request.path:
        return request
    return replace(request, target=path, headers=request.headers | {"host": host})


def _host_in(written: str) -> str:
    """Return the host in an authority or Host header, normalised."""
    if _PLAIN.fullmatch(written):
        return normalise(written)
    text = written.encode("latin-1", "replace").decode("utf-8", "replace")
    text = _PORT.sub("", text.strip(" \t*").rpartition("@")[2])
    try:
        host = read_host(text.strip(" \t*"))
    except ValueError:
        return normalise(written)
    return normalise(host.name) if host.name else normalise(written)

"""Read OONI's ``web_connectivity`` measurements, data format 0.2.0, with their control.

One measurement becomes two trials: the DNS answer, and the web page. The probe's own conclusions
(``blocking``, ``accessible``) are not used. See ooni/spec ts-017-web-connectivity and data formats
df-001, df-002, df-005, df-006.

In the DNS trial an address counts as confirmed if the test helper resolved it, if it or the probe
completed a TLS handshake with it for this name, or if it is in the same network (AS). Old probes
could not check that; there, their own note that the networks agree is used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography import x509

from harness.interop import MEASUREMENT_IMPORTERS
from harness.interop.ooni_form import (
    Control,
    ControlDns,
    Keys,
    Measurement,
    Query,
    Response,
    Transaction,
    failure_from,
    with_extra_facts,
)
from harness.interop.page import read_headers, read_markup
from harness.interop.record import (
    LONG_AGO,
    NotReadable,
    Record,
    Side,
    decode_line,
    trial,
)
from harness.model.facts import Certificate, DnsFacts, Hop, WebFacts
from harness.model.observation import Stage
from harness.model.verdict import Trial

TEST = "web_connectivity"
TIMES = "%Y-%m-%d %H:%M:%S"
"""Format of the time of a measurement, in UTC (df-000)."""


_MEASUREMENTS = msgspec.json.Decoder(Measurement, strict=False)


@MEASUREMENT_IMPORTERS.register("ooni")
def read_ooni(line: bytes | str) -> Record:
    """Read OONI's web_connectivity, data format 0.2.0. Raises NotReadable with the reason."""
    found = decode_line(line, _MEASUREMENTS)
    if found.test_name not in ("", TEST):
        msg = f"a measurement of {found.test_name[:60]!r}, not of {TEST!r}"
        raise NotReadable(msg)
    if not found.input or found.test_keys is None:
        missing = "test_keys" if found.input else "input"
        msg = f"the key `{missing}` is missing"
        raise NotReadable(msg)
    identity = identity_of(found)
    return Record(id=identity, trials=tuple(_trials(identity, found, found.test_keys)))


def _trials(identity: str, found: Measurement, keys: Keys) -> Iterator[Trial]:
    url, started = found.input or "", started_of(found)
    failed = keys.control_failure or keys.control is None
    names, web = read_dns(found), read_web(found)
    if names is not None:
        service, control = names
        yield trial(identity, url, "dns", service, None if failed else control, started=started)
    if web is not None:
        control = None if failed else read_control_web(found)
        yield trial(identity, url, "web", web, control, started=started)
    if names is None and web is None:
        yield trial(identity, url, "web", _nothing(keys), None, started=started)


def identity_of(found: Measurement) -> str:
    """Return ``id``, the measurement's UID, or report and input: the first that is present."""
    named: Any = found.id if found.id not in (None, "") else found.measurement_uid
    if named:
        return str(named)
    return f"{found.report_id or 'unreported'}?input={found.input}"


def started_of(found: Measurement) -> datetime:
    """When the measurement was made; 1970-01-01 if it does not say so."""
    try:
        return datetime.strptime(found.measurement_start_time or "", TIMES).replace(tzinfo=UTC)
    except ValueError:
        return LONG_AGO


def _nothing(keys: Keys) -> Side:
    return Side(failure=failure_from(keys.http_experiment_failure or "nothing tried", "request"))


VERIFYING = 3
"""The first major version of the probe that always verifies certificates."""


def read_web(found: Measurement) -> Side | None:
    """What the probe saw; None if it never requested a page."""
    keys = found.test_keys
    if keys is None or not (keys.requests or keys.http_experiment_failure or keys.tcp_connect):
        return None
    path = list(reversed(keys.requests or []))
    last = path[-1] if path else Transaction()
    answered = last.response is not None and bool(last.response.code)
    name = last.failure or (None if answered else keys.http_experiment_failure)
    failure = failure_from(name, _stage(keys, name)) if name else None
    if failure is None and not answered:
        failure = failure_from(_first_failure(keys) or "no answer", "connect")
    return with_extra_facts(Side(facts=_facts(found, path, last), failure=failure), last.x_accredit)


def read_control_web(found: Measurement) -> Side | None:
    """What the test helper saw; None if it was not asked."""
    page = (
        found.test_keys.control.http_request
        if found.test_keys and found.test_keys.control
        else None
    )
    if page is None:
        return None
    if page.failure:
        return with_extra_facts(
            Side(failure=failure_from(page.failure, "response")), page.x_accredit
        )
    if not page.status_code or page.status_code < 0:
        return Side(failure=failure_from("no answer", "response"))
    length = page.body_length if page.body_length is not None and page.body_length >= 0 else None
    facts = WebFacts(
        url=found.input or "",
        status=page.status_code,
        headers=read_headers(page.headers),
        title=" ".join((page.title or "").split()),
        body_length=length,
    )
    return with_extra_facts(Side(facts=facts), page.x_accredit)


def _facts(found: Measurement, path: list[Transaction], last: Transaction) -> WebFacts:
    response = last.response or Response()
    body = _body(response.body)
    markup = read_markup(body)
    raw = body.encode("utf-8", "surrogatepass")
    answered = bool(response.code)
    return WebFacts(
        url=_url(last) or found.input or "",
        status=response.code or None,
        hops=tuple(_hop(one) for one in path[:-1]) + _onward(last, response),
        headers=_headers(response),
        peer=_peer(path),
        certificate=_certificate(found, _url(last)),
        title=markup.title,
        text=markup.text,
        frames=markup.frames,
        body_length=len(raw) if answered else None,
        body_sha256=hashlib.sha256(raw).hexdigest() if raw else "",
    )


def _peer(path: list[Transaction]) -> str:
    """The address that the first request went to, if the probe recorded it."""
    address = (path[0].address if path else None) or ""
    return address.rpartition(":")[0].strip("[]")


def _url(one: Transaction) -> str:
    return (one.request.url if one.request else None) or ""


def _hop(one: Transaction) -> Hop:
    response = one.response or Response()
    location = dict(_headers(response)).get("location", "")
    return Hop(url=_url(one), status=response.code or 0, location=location)


def _onward(last: Transaction, response: Response) -> tuple[Hop, ...]:
    """The last answer as a hop, where it is a redirect that was not followed."""
    location = dict(_headers(response)).get("location", "")
    redirects = location and 300 <= (response.code or 0) < 400  # noqa: PLR2004 - RFC 9110 15.4
    return (_hop(last),) if redirects else ()


def _headers(response: Response) -> tuple[tuple[str, str], ...]:
    return read_headers(response.headers or response.headers_list)


def _body(found: Any) -> str:
    """A body is text, or base64 where it is not UTF-8 (df-001)."""
    if isinstance(found, str):
        return found
    if isinstance(found, dict) and isinstance(found.get("data"), str):
        try:
            return base64.b64decode(found["data"]).decode("utf-8", "replace")
        except binascii.Error:
            return ""
    return ""


def _stage(keys: Keys, name: str) -> Stage:
    """The stage at which the probe's fetch failed."""
    if name.startswith(("dns_", "android_dns")):
        return "resolve"
    tried = [one for one in keys.tcp_connect or () if one.status is not None]
    if tried and all(one.status and one.status.failure for one in tried):
        return "connect"
    if any(one.failure for one in keys.tls_handshakes or ()) or name.startswith("ssl_"):
        return "tls"
    return "response"


def _first_failure(keys: Keys) -> str:
    tried = (one.status for one in keys.tcp_connect or () if one.status is not None)
    found = [status.failure for status in tried]
    return str(found[0]) if found and all(found) else ""


def _certificate(found: Measurement, last_url: str) -> Certificate | None:
    """The certificate chain that the last host showed, and whether it was valid."""
    keys = found.test_keys
    known = (keys.tls_handshakes if keys else None) or ()
    for host in (host_of_url(last_url), host_of_input(found)):
        shakes = [one for one in known if one.server_name == host]
        if shakes:
            break
    if not shakes:
        verifying = _major(found) >= VERIFYING
        return Certificate(chain=("unknown",), trusted=True) if verifying else None
    good = next((one for one in shakes if not one.failure), shakes[0])
    ders = [der for one in good.peer_certificates or () if (der := _der(one))]
    chain = tuple(hashlib.sha256(der).hexdigest() for der in ders)
    return Certificate(
        chain=chain or ("unknown",),
        issuer=_issuer(ders[0]) if ders else "",
        trusted=not good.failure and not good.no_tls_verify,
    )


def _der(found: Any) -> bytes:
    text = found.get("data") if isinstance(found, dict) else found
    try:
        return base64.b64decode(text) if isinstance(text, str) else b""
    except binascii.Error:
        return b""


def _issuer(der: bytes) -> str:
    try:
        return x509.load_der_x509_certificate(der).issuer.rfc4514_string()
    except ValueError:
        return ""


def _major(found: Measurement) -> int:
    text = (found.software_version or "0").split(".")[0]
    return int(text) if text.isdigit() else 0


VALID = 8
"""Flag of the test helper: its handshake proved the address valid."""
SYSTEM = frozenset({"", "system", "getaddrinfo", "golang_net_resolver", "netgo"})
AGREEING = frozenset({"consistent", "reverse_match"})
OF_LINE = "line_resolver"
"""Tag of a query to the line's own resolver, by whichever protocol (our extension)."""


def host_of_input(measurement: Measurement) -> str:
    """The host of the measured URL; lower case, without brackets."""
    return host_of_url(measurement.input or "")


def host_of_url(url: str) -> str:
    """The host of a URL or of a bare name; empty if there is none."""
    try:
        return (urlsplit(url if "//" in url else f"//{url}").hostname or "").lower()
    except ValueError:
        return ""


def read_dns(measurement: Measurement) -> tuple[Side, Side | None] | None:
    """Both sides of the DNS trial; None if the input has no name, or the name was not queried."""
    host, keys = host_of_input(measurement), measurement.test_keys
    if keys is None or _is_address(host):
        return None
    queries = [one for one in keys.queries or () if _asks_for(one, host)]
    if not queries and not keys.dns_experiment_failure:
        return None
    service = _service(host, queries, keys)
    if keys.control is None or keys.control.dns is None:
        return service, None
    return service, _control(host, keys.control, keys.control.dns, keys, service)


def _asks_for(query: Query, host: str) -> bool:
    engine = (query.engine or "").lower()
    if engine not in SYSTEM and OF_LINE not in (query.tags or ()):
        return False
    return (query.hostname or host).lower().rstrip(".") == host


def _service(host: str, queries: list[Query], keys: Keys) -> Side:
    addresses = tuple(
        dict.fromkeys(
            address
            for query in queries
            for answer in query.answers or ()
            if (address := answer.ipv4 or answer.ipv6)
        )
    )
    facts = DnsFacts(
        name=host, type="A", server="", addresses=addresses, rcode="NOERROR" if addresses else ""
    )
    failures = [query.failure for query in queries if query.failure]
    name = next(iter(failures), None) or (keys.dns_experiment_failure if not addresses else None)
    if addresses or not name:
        return Side(facts=facts)
    return Side(facts=facts, failure=failure_from(name, "resolve"))


def _control(host: str, control: Control, dns: ControlDns, keys: Keys, service: Side) -> Side:
    own = [address for address in dns.addrs or () if _is_address(address)]
    asked = service.facts.addresses if isinstance(service.facts, DnsFacts) else ()
    vouched = [address for address in asked if _vouches(control, keys, host, address, own)]
    facts = DnsFacts(
        name=host,
        type="A",
        server="",
        rcode="NOERROR",
        addresses=tuple(dict.fromkeys((*own, *vouched))),
    )
    if dns.failure and not own:
        return Side(facts=facts, failure=failure_from(dns.failure, "resolve"))
    return Side(facts=facts)


def _vouches(control: Control, keys: Keys, host: str, address: str, own: list[str]) -> bool:
    """Whether an address that the probe met is confirmed to be the site's."""
    if _has_shaken(keys, host, address):
        return True
    if not own or not _is_global(address):
        return False
    known = control.ip_info or {}
    here = known.get(address)
    if here is not None:
        networks = {known[one].asn for one in own if one in known} - {None, 0}
        return bool((here.flags or 0) & VALID) or here.asn in networks
    shaken = (control.tls_handshake or {}).get(f"{address}:443")
    if shaken is not None and shaken.status and not shaken.failure:
        return True
    return keys.dns_consistency in AGREEING


def _has_shaken(keys: Keys, host: str, address: str) -> bool:
    """Whether the probe completed a TLS handshake with the address with a valid certificate."""
    return any(
        one.server_name == host
        and not one.failure
        and not one.no_tls_verify
        and (one.address or "").rpartition(":")[0].strip("[]") == address
        for one in keys.tls_handshakes or ()
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_global(address: str) -> bool:
    return _is_address(address) and ip_address(address).is_global

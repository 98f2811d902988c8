"""Check a public origin from anywhere: its pages, certificates and clock, and the ways to it.

A page counts only with the marks that the origin's key makes for this visit, so neither a block
page nor another server is taken for the origin. The names are checked by ``delegation``.
"""

from __future__ import annotations

import ssl
from asyncio import gather, timeout
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import msgspec
from cryptography import x509

from harness.errors import UsageError, is_installed, lacking
from harness.model.marker import Marker, mark, new_run, words_for
from harness.model.observation import CONTROL, AttemptKey
from harness.model.origin_zone import OriginZone
from harness.ports.network import Line, Origin, Request
from harness.untrusted.regular_file import read_bounded
from probes.net.route import Address, client_tls_context, unverified_tls_context
from probes.range.authority import PEM_BYTES
from probes.range.delegation import LOCAL, Checked, NameChecks, new_host, system_reason
from probes.range.origin import HEALTH_PATH
from probes.range.zone import PARTS_OF_ZONE

FEWEST_DAYS = 14
"""Days that a certificate must be valid for: a campaign and its re-test take some."""

MOST_SECONDS = 30.0
"""The largest difference between the clocks: signatures and reports name times."""

BODY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """How an origin is checked. See ``NameChecks`` for ``resolver`` and ``parents``.

    ``patience`` is the seconds that each question and request may take.
    """

    resolver: Address
    parents: tuple[Address, ...] = ()
    patience: float = 5.0
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


async def check_origin(
    origin: Origin, lines: Mapping[str, Line], allowed: str, options: CheckOptions
) -> list[Checked]:
    """Check everything about an origin, and the way to it over ``lines``, by their names.

    ``allowed`` is a host of the origin that every line lets pass. Raises UsageError if the file of
    the authority cannot be read.
    """
    names = NameChecks(
        origin, resolver=options.resolver, parents=options.parents, patience=options.patience
    )
    web = _WebChecks(origin, options)
    by_h3 = _check_h3 if is_installed("aioquic") else _no_h3
    run = new_run()
    parts = await gather(
        names.run(),
        web.run(),
        by_h3(origin, lambda host: _marker(origin, host, run), options.patience),
        _check_lines(origin, lines, allowed, options.patience),
    )
    return [each for part in parts for each in part]


async def _check_h3(
    origin: Origin, marker_of: Callable[[str], Marker], patience: float
) -> list[Checked]:
    from probes.range.origin_h3_check import check_h3  # noqa: PLC0415 - needs an extra

    return await check_h3(origin, marker_of, patience)


async def _no_h3(origin: Origin, *_: object) -> list[Checked]:
    """Say that HTTP/3 was not checked, and why."""
    found, remedy = lacking("aioquic") or ("", "")
    return [
        Checked(check="http/3 page", of=zone.zone, state="unseen", seen=f"{found}: {remedy}")
        for zone in origin.zones
    ]


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A response, or why there is none; ``is_local``: this machine has no way to the address."""

    status: int = 0
    body: bytes = b""
    certificate: bytes = b""
    reason: str = ""
    is_refused: bool = False
    is_local: bool = False


class _WebChecks:
    """Visits the pages of each zone at each address."""

    def __init__(self, origin: Origin, options: CheckOptions) -> None:
        self._origin, self._options = origin, options
        self._trust = client_tls_context(origin.authority)
        self._run = new_run()

    async def run(self) -> list[Checked]:
        """Run all checks: pages, certificates and clock."""
        origin = self._origin
        zones = origin.all_zones
        parts = await gather(
            *(
                check
                for zone in zones
                for address in zone.addresses
                for check in (self._page(zone, address), self._secure_page(zone, address))
            ),
            *(self._names(zone) for zone in origin.zones),
            self._clock(),
        )
        return [*parts, *self._authorities(), *_unreached(zones, parts)]

    async def _page(self, zone: OriginZone, address: str) -> Checked:
        check = f"http page at {address}"
        host = new_host(zone, self._origin)
        seen = await self._visit(host, address, is_secure=False, marker=self._marker(zone, host))
        return self._judged(check, zone, host, seen, Address(host=address, port=self._port(80)))

    async def _secure_page(self, zone: OriginZone, address: str) -> Checked:
        check = f"https page at {address}"
        host = new_host(zone, self._origin)
        seen = await self._visit(host, address, is_secure=True, marker=self._marker(zone, host))
        at = Address(host=address, port=self._port(443))
        if zone == self._origin.twins and "unrecognized name" in seen.reason:
            said = "no certificate: plain twins are tried by http alone"
            return _checked(check, zone.zone, "unseen", said)
        judged = self._judged(check, zone, host, seen, at)
        if judged.state != "ok":
            return judged
        return self._lasting(check, zone, judged.seen, seen.certificate)

    def _lasting(self, check: str, zone: OriginZone, seen: str, certificate: bytes) -> Checked:
        """Check how long a certificate is valid."""
        ends = x509.load_der_x509_certificate(certificate).not_valid_after_utc
        said, is_long = self._remaining(ends)
        said = f"{seen}; the certificate is {said}"
        if is_long:
            return _checked(check, zone.zone, "ok", said)
        fix = "renew the certificate; the origin reads the new files itself"
        return _checked(check, zone.zone, "problem", said, fix)

    def _remaining(self, ends: datetime) -> tuple[str, bool]:
        """Return until when a certificate is valid, in words, and whether that is long enough."""
        left = (ends - self._options.now()) // timedelta(days=1)
        return f"valid until {ends:%Y-%m-%d}, {left} days", left >= FEWEST_DAYS

    def _judged(self, check: str, zone: OriginZone, host: str, seen: _Seen, at: Address) -> Checked:
        """Say whether a response is the origin's page, and what to fix if it is not."""
        if seen.is_local and ":" in at.host:
            return _checked(check, zone.zone, "unseen", f"{at}: this machine has no IPv6")
        if seen.reason:
            fix = f"start the origin, and let TCP port {at.port} of {at.host} through"
            if not seen.is_refused and seen.certificate:
                fix = f"give the origin a certificate for {zone.zone}; campaigns trust "
                fix += self._origin.authority or "public authorities"
            return _checked(check, zone.zone, "problem", f"{host}: {seen.reason}", fix)
        if not self._is_marked(zone, host, seen.body):
            said = f"{host}: status {seen.status}, and not a page with this origin's mark"
            fix = (
                "copy the origin.json that belongs to the served folder (its key differs), or see "
                f"who else answers at {at}"
            )
            return _checked(check, zone.zone, "problem", said, fix)
        return _checked(check, zone.zone, "ok", "the page has the mark of this visit")

    def _marker(self, zone: OriginZone, host: str) -> Marker | None:
        """Return the marker of a visit; None in the zone of the twins, which are never marked."""
        if zone == self._origin.twins:
            return None
        return _marker(self._origin, host, self._run)

    def _is_marked(self, zone: OriginZone, host: str, body: bytes) -> bool:
        marker = self._marker(zone, host)
        if marker is not None:
            return marker.token.encode() in body
        words = words_for(self._origin.key, host, "", "host")
        return all(word.encode() in body for word in words)

    def _port(self, port: int) -> int:
        return self._origin.ports.get(port, port)

    async def _names(self, zone: OriginZone) -> Checked:
        """Check that the certificate is valid for the hosts of every part of the zone."""
        address = zone.addresses[0]
        first = new_host(zone, self._origin).partition(".")[0]
        hosts = [zone.zone, *(f"{first}.{part}.{zone.zone}" for part in PARTS_OF_ZONE)]
        seen = await gather(*(self._visit(host, address, is_secure=True) for host in hosts))
        wrong = [host for host, each in zip(hosts, seen, strict=True) if each.reason]
        if all(each.is_refused for each in seen):
            said, fix = f"{address}: {seen[0].reason}", "fix the https page first"
            state = "unseen" if seen[0].is_local and ":" in address else "problem"
            return _checked("certificate names", zone.zone, state, said, fix)
        if not wrong:
            said = f"valid for hosts of {len(hosts)} kinds"
            return _checked("certificate names", zone.zone, "ok", said)
        said = f"no valid certificate for {', '.join(wrong)}: {_first_reason(seen)}"
        parts = ", ".join(f"*.{host.partition('.')[2]}" for host in wrong if host != zone.zone)
        fix = f"the certificate needs {parts or zone.zone}, and the whole chain in its file"
        return _checked("certificate names", zone.zone, "problem", said, fix)

    def _authorities(self) -> list[Checked]:
        """Check how long the origin's own authorities are valid."""
        path = self._origin.authority
        if not path:
            return []
        try:
            pem = read_bounded(path, PEM_BYTES)
            ends = min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(pem))
        except (OSError, ValueError) as error:
            msg = f"{path}: no usable certificate: {getattr(error, 'strerror', None) or error}"
            raise UsageError(msg) from None
        said, is_long = self._remaining(ends)
        if is_long:
            return [_checked("authority", path, "ok", said)]
        return [_checked("authority", path, "problem", said, "make a new folder: origin init")]

    async def _clock(self) -> Checked:
        """Compare the clock of the origin, on its health page, with that of this machine."""
        zone = self._origin.zones[0]
        before = self._options.now()
        seen = await self._visit(zone.zone, zone.addresses[0], is_secure=False, path=HEALTH_PATH)
        after = self._options.now()
        if seen.is_local and ":" in zone.addresses[0]:
            said = f"{zone.addresses[0]}: this machine has no IPv6"
            return _checked("health and clock", zone.zone, "unseen", said)
        try:
            health = _HEALTH.decode(seen.body)
        except msgspec.MsgspecError:
            said = seen.reason or f"status {seen.status}, and no health page"
            fix = f"open http://{zone.zone}{HEALTH_PATH}, and see who answers"
            return _checked("health and clock", zone.zone, "problem", said, fix)
        if health.status != "ok":
            said = f"the origin says: {', '.join(health.faults) or health.status}"
            return _checked("health and clock", zone.zone, "problem", said, "see its log")
        # The origin's clock is cut to the second; it is ahead by ``least`` to ``most`` seconds.
        least = (health.time - after).total_seconds()
        most = (health.time - before).total_seconds() + 1
        off = max(least, -most, 0.0)
        if off > MOST_SECONDS:
            word = "ahead of" if least > 0 else "behind"
            said = f"the origin's clock is {off:,.0f} seconds {word} this machine's"
            fix = "let both machines set their clocks by NTP (timedatectl)"
            return _checked("health and clock", zone.zone, "problem", said, fix)
        said = f"nothing is wrong; the clocks differ by at most {max(most, -least):.1f} s"
        return _checked("health and clock", zone.zone, "ok", said)

    async def _visit(
        self,
        host: str,
        address: str,
        *,
        is_secure: bool,
        marker: Marker | None = None,
        path: str = "/",
    ) -> _Seen:
        """Request one page of a host at one address."""
        scheme, port = ("https", self._port(443)) if is_secure else ("http", self._port(80))
        url = f"{scheme}://{Address(host=address, port=port)}{path}"
        headers = {"Host": host}
        if marker is not None:
            headers |= [marker.carrier.header(marker.nonce)]
        try:
            async with timeout(2 * self._options.patience):
                return await self._fetched(url, host, headers, self._trust)
        except (httpx.HTTPError, OSError) as error:
            cause = _cause(error)
            is_refused = not isinstance(cause, ssl.SSLError)
            shown = b"" if is_refused else await self._shown(url, host)
            return _Seen(
                reason=_reason(cause, shown),
                certificate=shown,
                is_refused=is_refused,
                is_local=isinstance(cause, OSError) and cause.errno in LOCAL,
            )

    async def _shown(self, url: str, host: str) -> bytes:
        """Return the certificate that is shown, whoever made it; empty if there is none."""
        try:
            async with timeout(2 * self._options.patience):
                seen = await self._fetched(url, host, {"Host": host}, unverified_tls_context())
        except (httpx.HTTPError, OSError):
            return b""
        return seen.certificate

    async def _fetched(
        self, url: str, host: str, headers: dict[str, str], trust: ssl.SSLContext
    ) -> _Seen:
        client = httpx.AsyncClient(verify=trust, trust_env=False, timeout=self._options.patience)
        extensions = {"sni_hostname": host}
        async with client, client.stream("GET", url, headers=headers, extensions=extensions) as got:
            stream = got.extensions["network_stream"].get_extra_info("ssl_object")
            body = bytearray()
            async for chunk in got.aiter_raw():
                body += chunk
                if len(body) >= BODY_BYTES:
                    break
            return _Seen(
                status=got.status_code,
                body=bytes(body),
                certificate=stream.getpeercert(binary_form=True) if stream else b"",
            )


class _Health(msgspec.Struct):
    status: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    faults: list[str] = []


_HEALTH = msgspec.json.Decoder(_Health)


def _cause(error: BaseException) -> BaseException:
    """Return the error of the system or of TLS behind an error of the client."""
    found, seen = error, error.__cause__ or error.__context__
    while seen is not None:
        if isinstance(seen, ssl.SSLError | TimeoutError) or (
            isinstance(seen, OSError) and seen.errno
        ):
            found = seen
        seen = seen.__cause__ or seen.__context__
    return found


def _reason(cause: BaseException, certificate: bytes) -> str:
    """Return why there is no response, with what a rejected certificate says."""
    if isinstance(cause, TimeoutError | httpx.TimeoutException):
        return "no answer in time"
    if isinstance(cause, ssl.SSLCertVerificationError):
        text = cause.verify_message or str(cause)
    elif isinstance(cause, ssl.SSLError):
        text = (cause.reason or str(cause)).lower().replace("_", " ")
    else:
        text = system_reason(cause)
    return f"{text} (it shows {_described(certificate)})" if certificate else text


def _described(certificate: bytes) -> str:
    """Return what a certificate is for; it may be of anybody."""
    try:
        shown = x509.load_der_x509_certificate(certificate)
        issuer = shown.issuer.rfc4514_string()
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = ", ".join(names.get_values_for_type(x509.DNSName)[:3]) or "no name"
    except x509.ExtensionNotFound:
        hosts = "no name"
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "one that cannot be read"
    ends = shown.not_valid_after_utc
    word = "until" if ends > datetime.now(UTC) else "expired on"
    return f"one for {hosts}, by {issuer}, {word} {ends:%Y-%m-%d}"


def _first_reason(seen: list[_Seen]) -> str:
    return next((each.reason for each in seen if each.reason), "")


def _unreached(zones: tuple[OriginZone, ...], results: list[Checked]) -> list[Checked]:
    """Return a problem for each zone of which nothing was seen, not even trouble."""
    seen = {each.of for each in results if each.state != "unseen"}
    said = "this machine has no way to any of its addresses"
    fix = "check it from a machine that has IPv6"
    missing = (zone.zone for zone in zones if zone.zone not in seen)
    return [_checked("pages", zone, "problem", said, fix) for zone in missing]


async def _check_lines(
    origin: Origin, lines: Mapping[str, Line], host: str, patience: float
) -> list[Checked]:
    """Visit a page of the origin over each line, one line after the other."""
    run, results = new_run(), list[Checked]()
    for name, line in lines.items():
        marker = _marker(origin, host, run)
        headers = (marker.carrier.header(marker.nonce),)
        request = Request(url=f"http://{host}/", headers=headers, timeout=patience)
        async with line:
            exchange = await line.fetch(request)
        if marker.token.encode() in exchange.body:
            said = f"{host} comes with the mark of this visit"
            results.append(_checked("path", name, "ok", said))
            continue
        failure = exchange.failure
        said = (
            f"{failure.name} {failure.detail}".strip() if failure else f"status {exchange.status}"
        )
        who = "this machine, past the service," if name == CONTROL else "the service"
        fix = f"{who} must reach {', '.join(origin.addresses)}, and {host} must be allowed"
        results.append(_checked("path", name, "problem", f"{host}: no page of ours: {said}", fix))
    return results


def _marker(origin: Origin, host: str, run: str) -> Marker:
    key = AttemptKey(
        campaign="origin-check", item=host, probe="web", line="check", profile="all", round=1
    )
    return mark(origin.key, key, host, run=run)


def _checked(check: str, of: str, state: Any, seen: str, fix: str = "") -> Checked:
    return Checked(check=check, of=of, state=state, seen=seen, fix=fix)

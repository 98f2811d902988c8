r"""Step ``tls``: a TLS handshake above the open stream, by OpenSSL, as browsers make it.

``tls sni={allowed} cut=sni | http1 GET / HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n``. The options of
the ClientHello's transport are those of ``FLIGHT_OPTIONS``, its content's are OPTIONS.
"""

from __future__ import annotations

import os
import ssl
import tempfile
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from harness.errors import known
from harness.ports.network import authorities_of
from probes.net.first_flight import FlightShape
from probes.net.memory_tls import MemoryTls
from probes.net.route import client_tls_context, is_literal
from probes.net.tls_facts import client_hello_of
from probes.techniques.placeholders import Piece, pieces_of
from probes.techniques.run import NotCarriedError, StepRun, TechniqueRun
from probes.techniques.steps import options_of, step
from probes.techniques.tls_flight import (
    FLIGHT_OPTIONS,
    NONE,
    is_yes,
    open_below,
    read_shape,
)

OPTIONS = {
    "sni": "{host}",
    "alpn": "http/1.1",
    "min": "",
    "max": "",
    "ciphers": "",
    "hello": "",
    "verify": "",
    "certificate": "",
}
"""Options of the ClientHello's content, with what holds if they are not given.

``sni`` is the name in it (``none``: no name), ``alpn`` the protocols parted by commas (or
``none``), ``min`` and ``max`` the versions 1.0 to 1.3, ``ciphers`` an OpenSSL cipher list for
versions below 1.3. ``hello=large`` has a key share of X25519MLKEM768, so that it needs two
segments; ``hello=small`` has one of X25519 alone. ``verify=no`` accepts any certificate; a name
that is not the host's is never verified. ``certificate`` is the name in a self-signed certificate
of the client, which is shown only to servers that ask for one.
"""

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
SIZES = ("large", "small")
WEAK = "@SECLEVEL=0"
"""What an OpenSSL cipher list says to allow old ciphers and digests."""
SEGMENT_BYTES = 1460
"""Bytes of a TCP segment over Ethernet with IPv4, which a large ClientHello exceeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the text of a step says."""

    name: tuple[Piece, ...]
    is_named: bool
    alpn: tuple[str, ...]
    lowest: str
    highest: str
    ciphers: str
    size: str
    is_verified: bool
    certificate: tuple[Piece, ...]
    shape: FlightShape


@step("tls")
def read_tls(text: str) -> StepRun:
    """Read the options of a handshake."""
    options = options_of(text, OPTIONS | FLIGHT_OPTIONS)
    for name, table in (("min", VERSIONS), ("max", VERSIONS), ("hello", SIZES)):
        if options[name] and options[name] not in table:
            msg = f"unknown value {options[name]!r} of {name!r}; {known(table)}"
            raise ValueError(msg)
    plan = _Plan(
        name=pieces_of(options["sni"]),
        is_named=options["sni"] != NONE,
        alpn=tuple(options["alpn"].split(",")) if options["alpn"] != NONE else (),
        lowest=options["min"],
        highest=options["max"],
        ciphers=options["ciphers"],
        size=options["hello"],
        is_verified=not options["verify"] or is_yes(options["verify"]),
        certificate=pieces_of(options["certificate"]),
        shape=read_shape(options),
    )
    _versions(plan.lowest, plan.highest)  # raises for a wrong order

    async def run(run: TechniqueRun) -> None:
        await _open_tls(run, plan)

    return run


async def _open_tls(run: TechniqueRun, plan: _Plan) -> None:
    """Perform the handshake, and leave the stream above it in the run."""
    name = run.text(plan.name) if plan.is_named else ""
    if not name.isascii() or is_literal(name):
        raise NotCarriedError(f"OpenSSL sends no server name {name!r}; step 'tls13' does")
    verified = plan.is_verified and name == run.values["host"]
    context = _context(plan, authorities_of(run.line), verified=verified)
    if plan.certificate:
        _load_certificate(context, run.text(plan.certificate))
    offered = client_hello_of(context, "tls")
    if offered.problem:
        raise NotCarriedError(f"{ssl.OPENSSL_VERSION}: {offered.problem}")
    if plan.size == "large" and (offered.size or 0) <= SEGMENT_BYTES:
        raise NotCarriedError(f"{ssl.OPENSSL_VERSION} offers no X25519MLKEM768; OpenSSL 3.5 does")
    stream = await open_below(run, plan.shape)
    recorder = run.recorder
    with recorder.phase("tls", "tls"):
        secured = MemoryTls(stream, context, name)
        sent = await secured.handshake(plan.shape, run.draw("tls"))
    run.note("tls", run.where, sent)
    recorder.certificate = secured.certificate()
    run.stream = secured


def _context(plan: _Plan, authorities: tuple[str, ...], *, verified: bool) -> ssl.SSLContext:
    """Return the context for a handshake. Raises NotCarriedError for unknown ciphers."""
    context = client_tls_context(*authorities, alpn=plan.alpn)
    if not verified:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if plan.lowest or plan.highest:
        _limit_versions(context, *_versions(plan.lowest, plan.highest))
    try:
        if plan.ciphers:
            context.set_ciphers(f"{plan.ciphers}:{WEAK}")
        if plan.size == "small":
            context.set_ecdh_curve("X25519")
    except ssl.SSLError as error:
        raise NotCarriedError(f"{ssl.OPENSSL_VERSION}, {plan.ciphers!r}: {error}") from None
    return context


def _versions(lowest: str, highest: str) -> tuple[str, str]:
    """Return the lowest and the highest version. Raises ValueError for a wrong order."""
    lowest, highest = lowest or min(highest or "1.2", "1.2"), highest or "1.3"
    if lowest > highest:
        msg = f"the lowest version {lowest} is above the highest {highest}"
        raise ValueError(msg)
    return lowest, highest


def _limit_versions(context: ssl.SSLContext, lowest: str, highest: str) -> None:
    """Set the versions; old ones need weak ciphers and digests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # versions 1.0 and 1.1 are deprecated
        context.minimum_version = VERSIONS[lowest]
        context.maximum_version = VERSIONS[highest]
    if lowest < "1.2":
        context.set_ciphers(f"DEFAULT:{WEAK}")


def _load_certificate(context: ssl.SSLContext, name: str) -> None:
    """Give a context a new self-signed certificate with a common name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # The ssl module reads keys only from files.
    with tempfile.TemporaryDirectory(prefix="accredit-") as directory:
        path = Path(directory, "client.pem")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(pem + certificate.public_bytes(Encoding.PEM))
        context.load_cert_chain(path)

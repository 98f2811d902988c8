r"""Steps ``tls13`` and ``ech``: TLS 1.3 with a ClientHello that is written byte for byte.

``tls13 sni=**{host}* | http1 ...`` sends any bytes as the server name. ``ech config=record`` hides
the name in an encrypted ClientHello (ECH, RFC 9849) with the keys of the host's HTTPS record,
``ech config=grease`` sends a placeholder beside the name. The server is never verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.svcbbase

from harness.errors import known
from harness.ports.network import Question
from probes.net import ech
from probes.net.client_hello import ECH, ClientHello, Extension
from probes.net.dialling import not_dialled
from probes.net.exchange_recorder import resolve_failure
from probes.net.first_flight import FlightShape
from probes.net.key_shares import HAS_MLKEM, X25519, X25519_MLKEM768, KeyShares
from probes.net.tls13 import HelloPlan, Tls13Client, Tls13Stream, build_hello
from probes.techniques.placeholders import Piece, pieces_of
from probes.techniques.run import NotCarriedError, NotDialledError, StepRun, TechniqueRun
from probes.techniques.steps import options_of, step
from probes.techniques.tls_flight import FLIGHT_OPTIONS, NONE, open_below, read_shape

OPTIONS = {
    "sni": "{host}",
    "alpn": "http/1.1",
    "ciphers": "0x1301,0x1302,0x1303",
    "hello": "small",
    "extensions": "",
    "least": "0",
}
"""Options of the ClientHello's content, with what holds if they are not given.

``sni`` is the name, several parted by commas, or ``none``; ``alpn`` the protocols, or ``none``;
``ciphers`` their numbers. ``hello=large`` has a key share of X25519MLKEM768 beside that of X25519.
``extensions`` are the numbers of those that are sent, in order; unknown ones are sent empty.
``least`` is the least size of the message in bytes, by padding (RFC 7685).
"""

ECH_OPTIONS = {"config": "record", "alpn": "http/1.1", "hello": "small"}
"""Options of the step ``ech``: ``config`` is one of CONFIGS, the others are those of ``tls13``."""

CONFIGS = {
    "record": "keys from the HTTPS record of the host, as the line's name server answers",
    "known": "keys that the client knows already",
    "grease": "a placeholder without keys",
}

LARGE = 1600
"""Bytes of a ClientHello that does not fit in a TCP segment."""

GROUPS = {"small": (X25519,), "large": (X25519_MLKEM768, X25519)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the text of a step says."""

    names: tuple[tuple[Piece, ...], ...]
    hello: HelloPlan
    groups: tuple[int, ...]
    shape: FlightShape


@step("tls13")
def read_tls13(text: str) -> StepRun:
    """Read the options of a handshake."""
    plan = _read_plan(options_of(text, OPTIONS | FLIGHT_OPTIONS))
    if X25519_MLKEM768 in plan.groups:
        hello = replace(plan.hello, least=max(plan.hello.least, LARGE))
        plan = replace(plan, hello=hello)

    async def run(run: TechniqueRun) -> None:
        shares = _shares(plan)
        hello = build_hello(replace(plan.hello, names=_names(run, plan)), shares)
        await _open_tls(run, plan, Tls13Client(hello, shares))

    return run


@step("ech")
def read_ech(text: str) -> StepRun:
    """Read the options of a handshake with an encrypted ClientHello, or a placeholder for one."""
    options = options_of(text, ECH_OPTIONS | FLIGHT_OPTIONS)
    config = options.pop("config")
    if config not in CONFIGS:
        msg = f"unknown config {config!r}; {known(CONFIGS)}"
        raise ValueError(msg)
    plan = _read_plan(OPTIONS | options)

    async def run(run: TechniqueRun) -> None:
        shares = _shares(plan)
        if config == "grease":
            client = Tls13Client(_with_placeholder(run, plan, shares), shares)
        else:
            keys = await _keys_of_record(run) if config == "record" else _known_keys(run)
            client = Tls13Client(*_sealed(run, plan, shares, keys))
        await _open_tls(run, plan, client)

    return run


def _read_plan(options: dict[str, str]) -> _Plan:
    """Read the options. Raises ValueError."""
    if options["hello"] not in GROUPS:
        msg = f"unknown value {options['hello']!r} of 'hello'; {known(GROUPS)}"
        raise ValueError(msg)
    alpn = tuple(options["alpn"].split(",")) if options["alpn"] != NONE else ()
    names = options["sni"].split(",") if options["sni"] != NONE else []
    return _Plan(
        names=tuple(map(pieces_of, names)),
        hello=HelloPlan(
            alpn=alpn,
            ciphers=_numbers(options["ciphers"]),
            order=_numbers(options["extensions"]),
            least=int(options["least"]),
        ),
        groups=GROUPS[options["hello"]],
        shape=read_shape(options),
    )


def _numbers(text: str) -> tuple[int, ...]:
    """Return numbers of two bytes, decimal or hexadecimal. Raises ValueError."""
    found = tuple(int(each, 0) for each in filter(None, text.split(",")))
    if any(not 0 <= each < 1 << 16 for each in found):
        msg = f"{text!r} has a number that does not fit in two bytes"
        raise ValueError(msg)
    return found


def _names(run: TechniqueRun, plan: _Plan) -> tuple[bytes, ...]:
    return tuple(run.text(each).encode("utf-8", "surrogateescape") for each in plan.names)


def _shares(plan: _Plan) -> KeyShares:
    """Return new key shares. Raises NotCarriedError without ML-KEM."""
    if X25519_MLKEM768 in plan.groups and not HAS_MLKEM:
        raise NotCarriedError("this version of 'cryptography' has no ML-KEM")
    return KeyShares(plan.groups)


async def _open_tls(run: TechniqueRun, plan: _Plan, client: Tls13Client) -> None:
    """Perform the handshake, and leave the stream above it in the run."""
    stream = await open_below(run, plan.shape)
    with run.recorder.phase("tls", "tls"):
        secured = Tls13Stream(stream, client)
        sent = await secured.handshake(plan.shape, run.draw("tls"))
    run.note("tls13", run.where, sent)
    run.recorder.certificate = secured.certificate()
    run.stream = secured


def _with_placeholder(run: TechniqueRun, plan: _Plan, shares: KeyShares) -> ClientHello:
    """Return a ClientHello with GREASE for ECH, of the size that an inner one would have."""
    named = replace(plan.hello, names=_names(run, plan))
    plain = build_hello(named, shares)
    return build_hello(named, shares, (ech.grease(len(plain.body())),))


def _sealed(
    run: TechniqueRun, plan: _Plan, shares: KeyShares, keys: Iterable[ech.EchConfig]
) -> tuple[ClientHello, KeyShares, ClientHello]:
    """Return the outer ClientHello, the key shares of both, and the inner one."""
    config = next(iter(keys))
    marked = Extension(ECH, ech.INNER)
    inner = build_hello(replace(plan.hello, names=_names(run, plan)), shares, (marked,))
    public = replace(plan.hello, names=(config.public_name.encode(),))
    outer = build_hello(public, shares, (marked,), inner.session_id)
    return ech.seal(config, inner, outer), shares, inner


def _known_keys(run: TechniqueRun) -> tuple[ech.EchConfig, ...]:
    """Return the configuration of the origin, as another network would have told it."""
    return (ech.EchKey.of_origin(run.origin.key).config(run.values["allowed"]),)


async def _keys_of_record(run: TechniqueRun) -> tuple[ech.EchConfig, ...]:
    """Ask for the keys in the host's HTTPS record. Raises NotDialledError if there are none."""
    host = run.values["host"]
    answer = await run.line.ask(Question(name=host, type="HTTPS", timeout=run.remaining))
    failure = answer.failure
    if failure is not None and failure.stage == "instrument":
        raise NotCarriedError(failure.detail)
    run.note("ech", answer.facts.server, f"HTTPS {host}")
    texts = [each.data for each in answer.facts.records if each.type == "HTTPS"]
    configs = tuple(config for text in texts for config in _configs_in(text))
    if failure is None and not configs:
        detail = "the HTTPS record has no keys for ECH" if texts else "there is no HTTPS record"
        failure = resolve_failure(answer.facts.rcode, detail)
    if failure is not None:
        raise NotDialledError(not_dialled(failure))
    return configs


def _configs_in(text: str) -> tuple[ech.EchConfig, ...]:
    """Return the configurations of ECH in an HTTPS record; none if it cannot be read."""
    try:
        record = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.HTTPS, text)
        assert isinstance(record, dns.rdtypes.svcbbase.SVCBBase)
        found = record.params.get(dns.rdtypes.svcbbase.ParamKey.ECH)
        listed = found.ech if isinstance(found, dns.rdtypes.svcbbase.ECHParam) else b""
        return ech.read_configs(listed) if listed else ()
    except (dns.exception.DNSException, ValueError):
        return ()

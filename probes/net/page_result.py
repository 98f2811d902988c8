"""The result of an attempt that fetched pages: what is kept of a redirect chain, and its times."""

from __future__ import annotations

from msgspec.structs import replace

from harness.model.facts import WebFacts
from harness.model.observation import CONTROL, Evidence, Timings
from harness.ports.network import Attempt, Exchange, ProbeResult
from probes.net.cleaned_facts import holds_plain_string, without_plain_string
from probes.net.redirects import RedirectChain

EVIDENCE_BYTES = 65536
"""Maximum size of a body kept as evidence."""


def page_result(
    attempt: Attempt, chain: RedirectChain, facts: WebFacts, timings: Timings, *, keeps: bool = True
) -> ProbeResult:
    """Return the result of an attempt, without the anti-malware test string.

    The last response is kept as evidence if it may be (``evidence_of``), and if ``keeps``.
    """
    return ProbeResult(
        timings=timings,
        facts=without_plain_string(facts),
        failure=chain.failure and without_plain_string(chain.failure),
        evidence=evidence_of(attempt, chain.last, facts) if keeps else (),
    )


def evidence_of(attempt: Attempt, last: Exchange, facts: WebFacts) -> tuple[Evidence, ...]:
    """Return a response other than the item's page as evidence: it may be a block page."""
    is_withheld = attempt.key.line == CONTROL or attempt.item.is_sensitive or not last.body
    if is_withheld or facts.canary == "seen" or holds_plain_string(last.body):
        return ()
    kind = dict(facts.headers).get("content-type", "") or "application/octet-stream"
    return (Evidence(media_type=kind, body=last.body[:EVIDENCE_BYTES]),)


def timings_of(exchanges: list[Exchange], total: float) -> Timings:
    """Sum each phase over the hops; a phase that never happened stays absent."""
    if len(exchanges) == 1:
        return replace(exchanges[0].timings, total=total)
    phases: dict[str, float] = {}
    for exchange in exchanges:
        for name in ("resolve", "connect", "tls", "first_byte"):
            took = getattr(exchange.timings, name)
            if took is not None:
                phases[name] = phases.get(name, 0.0) + took
    return Timings(**phases, total=total)

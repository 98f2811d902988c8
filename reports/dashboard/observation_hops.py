"""Two observations of an item beside each other, hop by hop: control line and service line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from harness.model.facts import (
    Certificate,
    DnsFacts,
    ReachFacts,
    SealedFacts,
    TechniqueFacts,
    TlsFacts,
    WebFacts,
)
from harness.model.observation import Observation
from reports.phrases import quantity
from reports.words import FAILURES, STAGES, mechanism_name

SHOWN_TEXT = 300
"""How many characters of a text are shown; the JSON of the observation has all."""

CANARY = {
    "seen": "yes",
    "elsewhere": "only from another host on the way",
    "absent": "no",
    "not_applicable": "",
}
"""Whether the origin's token came back, in words."""

_TOKEN = re.compile(r"\b[0-9a-f]{32}\b", re.ASCII)
"""The token of a page of the origin (``harness.model.marker.token_for``)."""


class Side(NamedTuple):
    """What one line shows at a hop, what to add, and how long it took in words."""

    text: str = ""
    note: str = ""
    took: str = ""


class HopRow(NamedTuple):
    """One hop on both lines; ``differs`` if they do not show the same."""

    name: str
    control: Side
    service: Side
    differs: bool = False


def hop_rows(control: Observation | None, service: Observation | None) -> tuple[HopRow, ...]:
    """The hops of which either line shows something, in order."""
    rows = []
    for name, side_of in HOPS:
        sides = [side_of(each) if each else Side() for each in (control, service)]
        if any(any(side) for side in sides):
            is_other = bool(control and service) and _said(sides[0]) != _said(sides[1])
            rows.append(HopRow(name, sides[0], sides[1], is_other and name not in OWN))
    return tuple(rows)


def _said(side: Side) -> tuple[str, str]:
    """What a side shows, without the token, which is new in each answer of the origin."""
    return _TOKEN.sub("token", side.text), _TOKEN.sub("token", side.note)


def raw_json(seen: Observation) -> str:
    """An observation as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(seen), indent=2).decode()


def _asked(seen: Observation) -> Side:
    match seen.facts:
        case DnsFacts(name=name, type=kind):
            return Side(f"{name} {kind}")
        case WebFacts(url=url):
            return Side(url)
        case ReachFacts(target=target):
            return Side(target)
        case _:
            return Side("")


def _began(seen: Observation) -> Side:
    turn = f"attempt {seen.tries}" if seen.tries > 1 else ""
    look = "" if seen.look == "first" else f"tried {seen.look.replace('_', ' ')}"
    note = ", ".join(filter(None, (turn, look)))
    return Side(seen.started.strftime("%H:%M:%S.%f")[:-3], note, "")


def _left_by(seen: Observation) -> Side:
    return Side(seen.left_by)


def _resolver(seen: Observation) -> Side:
    took = _took(seen.timings.resolve)
    if isinstance(seen.facts, DnsFacts):
        return Side(seen.facts.server, seen.facts.transport, took)
    choices = seen.facts.choices if isinstance(seen.facts, WebFacts) else ()
    return Side("looked the name up" if took else "", ", ".join(choices)[:SHOWN_TEXT], took)


def _answer(seen: Observation) -> Side:
    facts = seen.facts
    if not isinstance(facts, DnsFacts):
        return Side()
    answers = ", ".join(facts.addresses) or ", ".join(sorted(facts.answers))
    errors = [f"extended error {each.code} {each.text}".strip() for each in facts.extended_errors]
    chain = [f"alias of {each}" for each in facts.chain]
    note = "; ".join([*chain[:4], *errors[:4]])
    return Side(f"{answers} {facts.rcode}".strip()[:SHOWN_TEXT], note[:SHOWN_TEXT])


def _connected(seen: Observation) -> Side:
    peer = seen.facts.peer if isinstance(seen.facts, WebFacts) else ""
    tunnel = seen.facts.tunnel_status if isinstance(seen.facts, WebFacts) else None
    note = f"the proxy answered CONNECT with {tunnel}" if tunnel else ""
    return Side(peer, note, _took(seen.timings.connect))


def _tls(seen: Observation) -> Side:
    facts, took = seen.facts, _took(seen.timings.tls)
    if isinstance(facts, TlsFacts) and facts.views:
        view = facts.views[-1]
        said = f"{view.version} {view.cipher}".strip() or view.failure
        return Side(said, f"issued by {view.issuer}" if view.issuer else "", took)
    shown = facts.certificate if isinstance(facts, WebFacts) else None
    return _certificate(shown, took) if shown else Side("", "", took)


def _certificate(shown: Certificate, took: str) -> Side:
    trust = {True: "trusted", False: "not trusted", None: ""}[shown.trusted]
    leaf = shown.chain[0][:16] + "…" if shown.chain else ""
    named = shown.subject or leaf or "a certificate"
    issued = f"issued by {shown.issuer}" if shown.issuer else ""
    return Side(named[:SHOWN_TEXT], ", ".join(filter(None, (issued, trust)))[:SHOWN_TEXT], took)


def _sent(seen: Observation) -> Side:
    steps = ""
    if isinstance(seen.facts, TechniqueFacts):
        named = (f"{each.step} to {each.to}".removesuffix(" to ") for each in seen.facts.sent)
        steps = "; ".join(named)
    return Side(f"nonce {seen.nonce}" if seen.nonce else "", steps[:SHOWN_TEXT])


def _led_on(seen: Observation) -> Side:
    hops = seen.facts.hops if isinstance(seen.facts, WebFacts) else ()
    texts = [f"{each.status} to {each.location or each.url}" for each in hops]
    return Side("; ".join(texts)[:SHOWN_TEXT])


def _answered(seen: Observation) -> Side:
    facts, took = seen.facts, _took(seen.timings.first_byte)
    match facts:
        case WebFacts(status=status) if status is not None:
            size = "" if facts.body_length is None else f"{facts.body_length:,} bytes"
            cut = "cut off" if facts.truncated else ""
            return Side(", ".join(filter(None, (str(status), size, cut))), facts.net_error, took)
        case ReachFacts(reached=reached, refusal=refusal):
            word = {True: "reached", False: "refused", None: "not known"}[reached]
            return Side(word, refusal[:SHOWN_TEXT], took)
        case SealedFacts(arrived=arrived, status=status, mechanism=mechanism):
            said = ", ".join(filter(None, (arrived, str(status or ""))))
            return Side(said, mechanism_name(mechanism) if mechanism else "", took)
        case _:
            return Side("", "", took)


def _page(seen: Observation) -> Side:
    facts = seen.facts
    if not isinstance(facts, WebFacts):
        return Side()
    title = f"“{facts.title[:SHOWN_TEXT]}”" if facts.title else ""
    return Side(title, facts.text[:SHOWN_TEXT])


def _token(seen: Observation) -> Side:
    facts = seen.facts
    if not isinstance(facts, WebFacts):
        return Side()
    words = f"{len(facts.words)} words of the page came" if facts.words else ""
    return Side(CANARY.get(facts.canary, facts.canary), words)


def _failed(seen: Observation) -> Side:
    failure = seen.failure
    if failure is None:
        return Side()
    at = f"while {STAGES.get(failure.stage, failure.stage)}"
    note = ", ".join(filter(None, (at, failure.detail[:SHOWN_TEXT])))
    return Side(FAILURES.get(failure.name, failure.name), note)


def _alive(seen: Observation) -> Side:
    return Side(str(seen.heartbeats) if seen.heartbeats else "")


def _whole(seen: Observation) -> Side:
    return Side("", "", _took(seen.timings.total))


def _took(seconds: float | None) -> str:
    return "" if seconds is None else quantity(seconds, "s")


HOPS: tuple[tuple[str, Callable[[Observation], Side]], ...] = (
    ("Asked for", _asked),
    ("Began at", _began),
    ("Left by", _left_by),
    ("Resolver", _resolver),
    ("Answer", _answer),
    ("Connected", _connected),
    ("TLS", _tls),
    ("Sent", _sent),
    ("Led on", _led_on),
    ("Answered", _answered),
    ("Page", _page),
    ("Token came back", _token),
    ("Failed", _failed),
    ("Line was alive", _alive),
    ("In all", _whole),
)
"""The hops of an attempt in their order, with what makes one side of each."""

OWN = frozenset({"Began at", "Left by", "Resolver", "Sent", "In all", "Line was alive"})
"""Hops that differ between the lines whatever the service does."""


def witnesses_of(texts: tuple[str, ...]) -> Iterator[str]:
    """The facts that a verdict names, each cut to what a page shows."""
    for text in texts:
        yield text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]}…"

"""Builds trials for tests: a service's facts beside a healthy control's, unless said otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from harness.model.corpus import Item
from harness.model.facts import Certificate, DnsFacts, Facts, ReachFacts, WebFacts
from harness.model.observation import (
    CONTROL,
    AttemptKey,
    Failure,
    Heartbeats,
    Observation,
    Role,
    Stage,
)
from harness.model.verdict import Trial, is_silent, is_trouble

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OURS = "gamb-001.canary.accredit.test"
THEIRS = "www.town-library.org"
PROSE = "The library is open every day but Sunday. Borrow books, films and games; meet others. " * 4


def web(url: str = f"http://{OURS}/", **facts: Any) -> WebFacts:
    """What a web attempt saw: by default our origin's page, token and all."""
    seen = {"status": 200, "title": "A page", "body_length": 400, "canary": "seen"}
    return WebFacts(url=url, **{**seen, **facts})


def foreign(url: str = f"http://{THEIRS}/", **facts: Any) -> WebFacts:
    """What a web attempt saw of somebody else's site, where no token tells the truth."""
    seen = {"title": "Welcome", "text": PROSE, "body_length": 9000, "canary": "not_applicable"}
    return web(url, **{**seen, **facts})


def dns(*addresses: str, rcode: str = "NOERROR", **facts: Any) -> DnsFacts:
    """What a DNS question brought back."""
    asked = {"name": OURS, "type": "A", "server": "127.0.0.1:53"}
    return DnsFacts(**{**asked, "rcode": rcode, "addresses": addresses, **facts})


def reach(*, reached: bool | None, refusal: str = "") -> ReachFacts:
    """What an attempt by another protocol came to."""
    return ReachFacts(target="chat.test:5222", reached=reached, refusal=refusal)


def failed(name: str, stage: Stage = "response", detail: str = "") -> Failure:
    """Why an attempt got no answer."""
    return Failure(name=name, stage=stage, detail=detail)


def certificate(leaf: str, issuer: str, *, trusted: bool | None = None) -> Certificate:
    """A chain of a leaf and its authority."""
    return Certificate(chain=(leaf, f"authority of {leaf}"), issuer=issuer, trusted=trusted)


def observation(
    facts: Facts | Failure | None,
    line: str = "proxy",
    *,
    item: str = "gamb-001",
    host: str = OURS,
    role: Role = "item",
    batch: int = 1,
    probe: str = "web",
    failure: Failure | None = None,
    stratum: str = "",
) -> Observation:
    """One observation; a failure may stand in the place of the facts."""
    if isinstance(facts, Failure):
        facts, failure = None, facts
    seen = Observation(
        key=AttemptKey(campaign="c", item=item, probe=probe, line=line, profile="ks2"),
        item=Item(id=item, value=host, labels=("GAMB",), stratum=stratum),
        started=NOON,
        batch=batch,
        role=role,
        facts=facts,
        failure=failure,
    )
    return looked_at_again(seen)


def looked_at_again(seen: Observation) -> Observation:
    """What looks like trouble, as it is kept after the second look: beside an answered heartbeat."""
    beats = Heartbeats(answered=3, slowest=0.1, allowed=0.5)
    if is_silent(seen):
        return replace(seen, look="confirmed", heartbeats=beats, tries=2)
    if is_trouble(seen):
        return replace(seen, look="alone", heartbeats=beats, tries=5)
    return seen


def trial(
    service: Facts | Failure | None,
    control: Facts | Failure | None = None,
    *,
    failure: Failure | None = None,
    alone: bool = False,
    host: str = OURS,
    stratum: str = "",
) -> Trial:
    """A trial; the control is our origin's healthy page unless it is given."""
    beside = None
    if not alone:
        beside = observation(control or web(), CONTROL, host=host, stratum=stratum)
    seen = observation(service, failure=failure, host=host, stratum=stratum)
    return Trial(service=seen, control=beside)


def batch_of(
    number: int,
    allowed: Facts | Failure,
    blocked: Facts | Failure,
    *,
    control: Facts | Failure | None = None,
    line: str = "proxy",
) -> list[Observation]:
    """The sentinels around one batch, on the control and on a line."""
    seen: list[Observation] = []
    roles: tuple[tuple[Role, str, Facts | Failure], ...] = (
        ("must_allow", "sentinel-allow-1", allowed),
        ("must_block", "sentinel-block-1", blocked),
    )
    for side in ("before", "after"):
        for role, name, facts in roles:
            item = f"{name}@{number}.{side}"
            host = name.rpartition("-")[0] + ".canary.accredit.test"
            for where, saw in ((CONTROL, control or web()), (line, facts)):
                seen.append(observation(saw, where, item=item, host=host, role=role, batch=number))
    return seen

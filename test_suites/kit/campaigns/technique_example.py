"""Trials of techniques made by hand, for the tests of their matrix and of reports."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from harness.model.facts import SentStep
from harness.model.technique import GROUPS, TechniqueCase
from harness.model.technique_matrix import (
    TechniqueAnswer,
    TechniqueMatrix,
    TechniqueTrial,
    technique_matrix,
)
from harness.model.verdict import Mechanism, State

STATEMENT = r"tls sni={allowed} | http1 GET {target} HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n"
HOST = "copper-meadow.porn.accredit.test"
REQUEST = rf"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Request-Id: 7f3a9c\r\n\r\n"
BLOCKED = TechniqueAnswer(
    status=403, title="This site is blocked by SafeLine", issuer="CN=SafeLine CA"
)
RESET = TechniqueAnswer(failure="connection_reset", stage="tls")
PAGE = TechniqueAnswer(status=200, title="Copper Meadow", issuer="CN=Accredit test authority")
ENDS: tuple[tuple[State, Mechanism, TechniqueAnswer, str], ...] = (
    (State.BLOCKED, Mechanism.BLOCK_PAGE, BLOCKED, "the page says by itself that it blocks"),
    (State.BLOCKED, Mechanism.BLOCK_PAGE, BLOCKED, "the page says by itself that it blocks"),
    (State.BLOCKED, Mechanism.TCP_RESET, RESET, "the connection was cut off"),
    (State.BLOCKED, Mechanism.TCP_RESET, RESET, "the connection was cut off"),
    (State.ALLOWED, Mechanism.NONE, PAGE, "the origin's token arrived"),
    (State.INSUFFICIENT, Mechanism.NONE, TechniqueAnswer(failure="timed_out", stage="response"),
     "no answer came in time, and no heartbeat shows that the line was alive: it may be overloaded"),
    (State.DOWN, Mechanism.NONE, TechniqueAnswer(),
     "the origin's token did not arrive on the control line"),
)  # fmt: skip
"""State, mechanism, answer and sentence of trials, as often as they shall come."""


def trial(
    item: str = "CV-001",
    state: State = State.ALLOWED,
    *,
    group: str = "name",
    name: str = "fronting",
    **changes: Any,
) -> TechniqueTrial:
    """A trial of a technique that got through, or as changed."""
    fields: dict[str, Any] = {
        "item": item,
        "case": TechniqueCase(group, name, "https"),
        "line": "proxy",
        "profile": "pupils",
        "turn": 1,
        "state": state,
        "statement": STATEMENT,
        "category": "PORN",
        "mechanism": Mechanism.BLOCK_PAGE if state is State.BLOCKED else Mechanism.NONE,
        "has_token": state is State.ALLOWED,
        "nonce": f"nonce of {item}",
    }
    return TechniqueTrial(**{**fields, **changes})


def plain(item: str = "CV-001", state: State = State.BLOCKED, **changes: Any) -> TechniqueTrial:
    """A trial of the plain form, which is blocked, or as changed."""
    return trial(item, state, is_plain=True, **changes)


def many_trials(number: int = 3, places: int = 2) -> Iterator[TechniqueTrial]:
    """As many techniques of each class, on as many lines; some end in each way."""
    drawn = random.Random("ways round the filter")
    lines = [("proxy", "pupils"), ("proxy", "staff"), ("resolver", "pupils"), ("gateway", "guests")]
    classes = [(group, name) for group in GROUPS for name in GROUPS[group].classes]
    for at, (group, name) in enumerate(one for one in classes if one != ("framing", "websocket")):
        for which in range(number):
            item = f"CV-{at:02}{which:02}"
            for line, profile in lines[:places]:
                place = {"line": line, "profile": profile, "group": group, "name": name}
                open_ = drawn.random() < 0.05
                yield plain(item, State.ALLOWED if open_ else State.BLOCKED, **place)
                state, mechanism, answer, reason = drawn.choice(ENDS)
                yield trial(
                    item, state, mechanism=mechanism, answer=answer, reasons=(reason,),
                    nonce=f"{item} {line} {profile}",
                    sent=(
                        SentStep(step="tls", to=f"{HOST}:443", data="ClientHello, server_name open.porn.accredit.test", size=517),
                        SentStep(step="http1", to=f"{HOST}:443", data=REQUEST, size=len(REQUEST)),
                    ), **place,
                )  # fmt: skip


def many_techniques(number: int = 3, places: int = 2) -> TechniqueMatrix:
    """The matrix of ``many_trials``, with what the origin saw."""
    trials = list(many_trials(number, places))
    saw = {one.nonce: ("DNS query A " + HOST, "TLS, no server_name", "GET / (its token)")
           for one in trials if one.has_token}  # fmt: skip
    found = technique_matrix(trials, saw)
    assert found is not None
    return found

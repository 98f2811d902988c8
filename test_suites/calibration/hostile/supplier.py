"""A hostile supplier: what its service does, and which requirements that breaks.

Each supplier is one short function. A decorator registers it under the function's name with
what the reference table says of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.model.outcome import Conformity
from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.name_service import NameBehaviour
from test_suites.calibration.hostile.web_call import Call, WebBehaviour

Wiring = Literal["proxy", "proxy-profiles", "gateway", "names", "names-dual", "names-udp-tcp"]
"""How a campaign reaches a service: the type of its lines, and the probes that run over them."""

LISTED, DRUGS, CATEGORIES, CONTENT = "ILL-01", "URL-04", "URL-06", "DYN-06"
SAME_BY_EVERY_WAY, ALWAYS_ON, OVERBLOCKING, DELAY = "URL-13", "URL-15", "OVB-01", "PRF-03"
SAME_FOR_PUPILS = "TQ-10"

HARMFUL = frozenset({LISTED, DRUGS, CATEGORIES, CONTENT})
"""The requirements that a service breaks which lets harmful pages through."""

UNDECIDED = HARMFUL | {SAME_BY_EVERY_WAY}
"""What cannot conform where nothing can be said of any harmful page."""

EVERYTHING = HARMFUL | {SAME_BY_EVERY_WAY, ALWAYS_ON, OVERBLOCKING, DELAY, SAME_FOR_PUPILS}
"""All requirements: nothing that was measured says what a pupil gets."""

HELD_BACK = EVERYTHING - UNDECIDED
"""What a right service for pupils would meet, and is held back if testers are found favoured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    """One supplier. ``why`` says why only *insufficient* can be had, where that is so.

    Whether the requirements ``by_chance`` are broken depends on when the service is asked: of
    them no outcome is demanded.

    Where the items of the test are undecided, nothing can be compared with pupils: that
    SAME_FOR_PUPILS conforms is demanded of the good services alone.

    ``pace`` is the mean pause between two visits of plain twins, in seconds.
    ``is_asked_first`` suppliers also decide about a CONNECT request, or the start of TLS.
    """

    id: str
    wiring: Wiring
    does: str
    breaks: frozenset[str]
    behave: WebBehaviour | NameBehaviour
    why: str = ""
    by_chance: frozenset[str] = frozenset()
    is_asked_first: bool = False
    pace: float = 0.0

    @property
    def answer(self) -> Conformity:
        """What the whole campaign must come to."""
        return Conformity.INSUFFICIENT if self.why else Conformity.DOES_NOT_CONFORM

    @property
    def kind(self) -> str:
        """Proxy, gateway or name server."""
        return {"proxy": "proxy", "gateway": "gateway", "names": "name server"}[
            self.wiring.partition("-")[0]
        ]


SUPPLIERS: dict[str, Supplier] = {}
"""Every supplier by its id, in the order of definition; see ``all_suppliers``."""

Breaks = frozenset[str] | set[str] | None
"""Requirement ids; by default HARMFUL, or UNDECIDED where only *insufficient* can be had."""

Change = Callable[[Answer, Call], Answer]


def web(
    does: str,
    *,
    breaks: Breaks = None,
    only: str = "",
    wiring: Wiring = "proxy",
    first: bool = False,
    by_chance: frozenset[str] | set[str] = frozenset(),
    pace: float = 0.0,
) -> Callable[[WebBehaviour], WebBehaviour]:
    """Register a proxy or gateway; ``only`` says why no more than *insufficient* can be had."""

    def register(behave: WebBehaviour) -> WebBehaviour:
        _add(
            behave.__name__, wiring, does, breaks, behave, only,
            is_asked_first=first, by_chance=frozenset(by_chance), pace=pace,
        )  # fmt: skip
        return behave

    return register


def page(does: str, *, breaks: Breaks = None, only: str = "") -> Callable[[Change], Change]:
    """Register a proxy that gives harmful pages out in a changed form, and else filters rightly."""

    def register(change: Change) -> Change:
        async def behave(call: Call) -> None:
            if call.is_harmful:
                await call.give(change(await call.fetch(), call))
            else:
                await call.filter_rightly()

        _add(change.__name__, "proxy", does, breaks, behave, only)
        return change

    return register


def name_server(
    does: str,
    *,
    breaks: Breaks = None,
    only: str = "",
    wiring: Wiring = "names",
    by_chance: frozenset[str] | set[str] = frozenset(),
) -> Callable[[NameBehaviour], NameBehaviour]:
    """Register a name server; it cannot break what only a proxy is asked."""

    def register(behave: NameBehaviour) -> NameBehaviour:
        chance = frozenset(by_chance)
        _add(behave.__name__, wiring, does, breaks, behave, only, by_chance=chance)
        return behave

    return register


def _add(
    name: str,
    wiring: Wiring,
    does: str,
    breaks: Breaks,
    behave: WebBehaviour | NameBehaviour,
    why: str,
    *,
    is_asked_first: bool = False,
    by_chance: frozenset[str] = frozenset(),
    pace: float = 0.0,
) -> None:
    identity = name.replace("_", "-")
    assert identity not in SUPPLIERS, identity
    broken = frozenset(breaks or (UNDECIDED if why else HARMFUL))
    if wiring.startswith("names"):
        broken -= {CONTENT}
    SUPPLIERS[identity] = Supplier(
        id=identity,
        wiring=wiring,
        does=does,
        breaks=broken,
        behave=behave,
        why=why,
        is_asked_first=is_asked_first,
        by_chance=by_chance | {SAME_FOR_PUPILS} - broken,
        pace=pace,
    )

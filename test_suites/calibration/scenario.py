"""A scenario: something that a network does to one host, and the verdict that it must get."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from harness.model.verdict import Mechanism, State
from probes.range.faults import Fault, FaultKind

LayerOfNetwork = Literal["dns", "tcp", "tls", "http", "origin"]
LineName = Literal["names", "proxy", "gateway"]
ProbeName = Literal["dns", "dns_https", "web", "web_https"]
Known = Literal["token", "page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is played for one host, over which line and probe, and what must be judged.

    ``known`` says by what the truth is known: the token of our own origin, or (as with other
    people's sites) only the page that the control sees. ``refusal`` and ``intercepted`` are
    the verdict's marks. The control is healthy, unless ``layer`` is *origin* and the fault is
    the origin's own.
    """

    name: str
    layer: LayerOfNetwork
    plays: tuple[Fault, ...]
    probe: ProbeName
    line: LineName
    state: State
    mechanism: Mechanism
    why: str
    known: Known = "token"
    refusal: bool = False
    intercepted: bool = False

    @property
    def host(self) -> str:
        """A host of the scenario's own; what is played for it touches no other."""
        return f"{self.name}.scenario.accredit.test"

    def faults(self) -> Iterable[Fault]:
        """What is played, for this host alone."""
        return (replace(fault, hosts=frozenset({self.host})) for fault in self.plays)

    @property
    def played(self) -> str:
        """What is played, in words for a table."""
        return ", ".join(_words(fault) for fault in self.plays) or "nothing"


def _words(fault: Fault) -> str:
    details = []
    if fault.kind in (FaultKind.SINKHOLE, FaultKind.INJECTED, FaultKind.INJECTED_LATE):
        details.append(fault.address)
    if fault.kind in (FaultKind.TRUNCATED, FaultKind.TORN):
        details.append(f"after {fault.share:.0%}")
    if fault.extended_error is not None:
        details.append(f"extended error {fault.extended_error}")
    return " ".join((f"{fault.service}: {fault.kind}", *details))

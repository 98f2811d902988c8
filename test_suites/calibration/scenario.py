"""A scenario: a fault that the test range simulates for one host, and the expected verdict."""

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
    """The faults simulated for one host, the line and probe, and the expected verdict.

    ``known`` says how it is known whether the content came: by the token of our own origin, or (as
    with other parties' sites) only by the page on the control line. ``refusal`` and ``intercepted``
    are marks of the verdict. The control line works, unless ``layer`` is *origin* and the fault is
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
        """The host of this scenario only; its faults affect no other host."""
        return f"{self.name}.scenario.accredit.test"

    def faults(self) -> Iterable[Fault]:
        """The simulated faults, limited to this host."""
        return (replace(fault, hosts=frozenset({self.host})) for fault in self.plays)

    @property
    def played(self) -> str:
        """The simulated faults in words, for the table."""
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

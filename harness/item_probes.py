"""Whether the probes of a campaign can try its items, each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.model.batch import SCHEMES
from harness.model.corpus import MADE
from harness.ports.asking import Probe, kinds_of
from harness.stages.select import Chosen


def untried(items: Chosen, probes: Mapping[str, Probe]) -> Iterator[tuple[str, str]]:
    """What is chosen that no probe tries, and what to do about it, in words.

    What must be made before it is tried needs a probe that can make it, and a URL the probe of
    its own scheme. Without any probe nothing is said.
    """
    able = frozenset[str]().union(*map(kinds_of, probes.values()))
    for kind in sorted((items.kinds & MADE) - able) if probes else ():
        found = f"items of kind {kind!r} are chosen, which none of the probes can try"
        yield found, f"they try {', '.join(sorted(able))}"
    tried = {scheme for probe, scheme in SCHEMES.items() if probe in probes}
    for scheme in sorted(items.schemes - tried) if tried else ():
        needed = next((probe for probe, each in SCHEMES.items() if each == scheme), "another")
        found = f"URLs of scheme {scheme!r} are chosen, which none of the probes tries"
        yield found, f"add {needed!r} to 'probes'"

"""Check the chosen items of a campaign against its probes and its stopping plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.campaign.item_selection import Chosen
from harness.errors import UsageError, known
from harness.model.batch import SCHEMES
from harness.model.campaign import Campaign
from harness.model.corpus import MADE, covers
from harness.ports.network import Probe, kinds_of


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


def check_plans(campaign: Campaign, items: Chosen) -> None:
    """Raises UsageError for a category of a plan of which no item was chosen."""
    plans = campaign.stopping.plans if campaign.stopping and len(items) else ()
    chosen = {item.category for item in items} if plans else set()
    for number, plan in enumerate(plans, 1):
        for code in plan.categories:
            if not any(covers(category, code) for category in chosen):
                msg = f"plan {number}: no item of category {code!r} is tried; {known(chosen)}"
                raise UsageError(msg)

"""Find the classes of techniques that a requirement needs and a campaign does not try."""

from __future__ import annotations

from collections.abc import Iterable

from harness.cli.item_supply import ItemGroup
from harness.errors import first_of
from harness.model.corpus import TWIN
from harness.model.metric_spec import spec_of
from harness.model.technique import DEVICE, GROUPS, PROBE, SIGNALS_ASKED, case_of_item

SHOWN = 6
"""The most classes that one sentence names."""

PACK = "circumvention"

GROUP_OF_METRIC = {
    "control_tunnels_open": "control-protocol",
    "device_differences": DEVICE,
    "ech_discordant": "ech",
    "encoding_variants_open": "spelling",
    "encrypted_resolver_answers": "encrypted-dns",
    "foreign_resolver_answers": "resolver",
    "framing_variants_open": "framing",
    "hello_differences": "hello",
    "identity_gains": "identity",
    "name_variants_open": "name",
    "quic_discordant": "quic",
    "relays_open": "relay",
    "tunnels_established": "tunnel",
}
"""The group of techniques that each metric counts."""

PLAIN = ("web", "web_https")
"""The probes that fetch the pages of techniques in the plain form."""


def classes_of(metric: str) -> dict[str, str]:
    """Return the classes that a metric needs, in words, by ``group:class``."""
    if metric == "network_signals_dishonoured":
        return {f"signal:{name}": words for name, words in SIGNALS_ASKED.items()}
    group = GROUP_OF_METRIC.get(metric, "")
    return {
        f"{name}:{key}": words
        for name, each in GROUPS.items()
        if group == name or (not group and name != DEVICE)
        for key, words in each.classes.items()
    }


def technique_obstacle(
    metric: str, supply: Iterable[ItemGroup], needed: int
) -> tuple[str, str] | None:
    """Return which classes, relays or probes are missing, and a remedy; None if nothing is.

    ``needed`` is the least number of relays, which are counted one by one.
    """
    if not spec_of(metric).of_techniques:
        return None
    groups = [each for each in supply if each.items]
    tried = {
        f"{case.group}:{case.name}"
        for each in groups
        if (case := case_of_item(each.example)) and not each.example.stratum.startswith(TWIN)
    }
    missing = [words for key, words in classes_of(metric).items() if key not in tried]
    if missing:
        remedy = f"choose the whole pack {PACK}, and the probes web, web_https and {PROBE}"
        return f"no item tries: {first_of(missing, SHOWN)}", remedy
    relays = sum(each.items for each in groups if _is_relay(each))
    if metric == "relays_open" and relays < needed:
        return f"relays to try: {relays}; needed: {needed}", f"choose the whole pack {PACK}"
    probes = frozenset[str]().union(*(each.probes for each in groups))
    absent = [name for name in (*PLAIN, PROBE) if probes and name not in probes]
    if absent:
        return f"the probe {absent[0]} is not used", f"add {', '.join(absent)} to probes"
    return None


def _is_relay(group: ItemGroup) -> bool:
    case = case_of_item(group.example)
    return case is not None and case.group == "relay"

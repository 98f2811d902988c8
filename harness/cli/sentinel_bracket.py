"""Try the sentinels of a campaign alone, and say which precondition failed, if one did.

``accredit retest`` does it before it spends items, and the agent of a site to show that it lives:
it can reach the service and its control, and the filter is on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from harness.campaign.assemble import Prepared
from harness.cli.doctor import try_sentinels
from harness.judge.sentinels import SENTINELS_PRESENT


class SentinelFault(NamedTuple):
    """Where a precondition failed: its name, what was seen, the line, the profile, the probe."""

    name: str
    detail: str
    hosts: tuple[str, ...]
    line: str
    profile: str
    probe: str

    def __str__(self) -> str:
        """What failed, and where."""
        of = ""
        if self.hosts and not any(host in self.detail for host in self.hosts):
            of = f" for {', '.join(self.hosts)}"
        return f"{self.detail}{of} (line {self.line}, profile {self.profile}, probe {self.probe})"


def sentinel_fault(prepared: Prepared) -> SentinelFault | None:
    """Try the sentinels of a campaign once; return the first precondition that failed, or ``None``.

    They are judged by the rules that void batches. ``None`` means that each probe that counts has
    tried sentinels on each line, and that all of them were allowed and blocked as agreed.
    """
    from harness.judge.judge import Judge  # noqa: PLC0415 - only measuring needs it
    from harness.judge.pairing import pair  # noqa: PLC0415 - the same

    campaign = prepared.campaign
    once = campaign.model_copy(update={"rounds": 1, "crossover": False})
    observations = try_sentinels(replace(prepared, campaign=once))
    probes = {name: probe.declares for name, probe in prepared.probes.items()}
    judge = Judge(observations, campaign.service.block_page, probes=probes)
    pairs = pair(observations)
    tried = {(place.line, place.profile, place.probe) for place in pairs.sentinels}
    for line in campaign.lines:
        for profile in campaign.profiles:
            for probe in campaign.probes_on(line):
                if probes[probe].counts and (line.name, profile, probe) not in tried:
                    detail = "no sentinel was tried"
                    return SentinelFault(SENTINELS_PRESENT, detail, (), line.name, profile, probe)
    for place, check in sorted(judge.checks(pairs).items()):
        if check.failed:
            hosts = dict.fromkeys(trial.service.item.host for trial in pairs.sentinels[place])
            what = check.detail.partition("; ")[0]  # what follows are details of the rules
            return SentinelFault(
                check.failed, what, tuple(hosts), place.line, place.profile, place.probe
            )
    return None

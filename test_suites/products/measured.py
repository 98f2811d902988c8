"""A whole campaign through a product: measured into a journal, judged, and held to a scheme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from corpora.pack_reader import open_pack
from harness.cli.measure import measure_campaign
from harness.judge.judge import judge
from harness.model.corpus import Item
from harness.model.observation import AttemptKey
from harness.model.outcome import Assessment, Conformity
from harness.model.verdict import State, Verdict
from harness.pipeline import conclude
from harness.schemes.load import load_scheme
from harness.store.journal.journal import open_journal
from probes.net.backend import has_wire
from probes.range.arrival_log import ArrivalLog

SENTINEL = "copper-meadow.accredit.test"
"""The host that every product here is told to block, whatever else it blocks."""

SCHEME = Path(__file__).with_name("products.yaml")

LIMITS = {
    "timeout": 1.5,
    "confirmation_timeout": 2.5,
    "silence_timeout": 3.5,
    # One large batch: a silent drop then costs its two timeouts once, not once a batch.
    "batch": 2000,
    "concurrency": 30,
}
"""Patience for products on this machine, which answer within milliseconds or not at all."""

LANES = ("portable", "wire") if has_wire() else ("portable",)
"""Both ways of carrying a request must come to the same verdicts."""

Fate = tuple[str, str]
"""State and mechanism, as words: ``("blocked", "tcp_reset")``."""

ALLOWED: Fate = ("allowed", "none")
DOWN: Fate = ("down", "none")
ABRUPT: Fate = ("blocked", "tcp_reset")
SUDDEN = frozenset(
    {ABRUPT, ("blocked", "tcp_eof"), ("blocked", "block_page"), ("blocked", "proxy_refusal")}
)
"""How a reset by Squid may look: RST, EOF, or a readable 403 whose body is the word reset."""


def canaries(counts: Mapping[str, int]) -> dict[str, list[Item]]:
    """The first so many items of each stratum of the canary pack, by stratum."""
    chosen: dict[str, list[Item]] = {stratum: [] for stratum in counts}
    for item in open_pack("canary").items():
        kept = chosen.get(item.stratum)
        if kept is not None and len(kept) < counts[item.stratum]:
            kept.append(item)
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a campaign came to."""

    verdicts: tuple[Verdict, ...]
    assessment: Assessment
    nonces: Mapping[AttemptKey, str] = field(default_factory=dict)

    def fates(
        self, probe: str, profile: str = "ks2", *, abrupt: Iterable[str] = ()
    ) -> dict[str, Fate]:
        """What became of each host by one probe, for one profile.

        Of ``abrupt`` hosts any sudden end counts as ABRUPT: whether a reset overtakes the last
        bytes before it is a race that no observer can settle.
        """
        racy = frozenset(abrupt)
        seen = {
            verdict.item.host: (verdict.state.value, verdict.mechanism.value)
            for verdict in self.verdicts
            if (verdict.key.probe, verdict.key.profile) == (probe, profile)
        }
        return {
            host: ABRUPT if host in racy and fate in SUDDEN else fate for host, fate in seen.items()
        }

    def contradicted(self, log: ArrivalLog, denied: Iterable[str]) -> list[str]:
        """The verdicts that the origin's log, or the list of what is denied, says are wrong.

        What the product let through reached the origin, and what it blocked did not.
        """
        listed = frozenset(denied)
        arrived = {arrival.nonce for arrival in log.arrivals() if arrival.nonce}
        found = []
        for verdict in self.verdicts:
            host, is_blocked = verdict.item.host, verdict.state is State.BLOCKED
            if not is_blocked and verdict.state is not State.ALLOWED:
                continue
            is_told = verdict.key.probe.startswith("web")
            came = self.nonces[verdict.key] in arrived
            if is_blocked != (host in listed) or (is_told and is_blocked == came):
                found.append(f"{verdict.key.probe} {host} {verdict.state} by {verdict.rule}")
        return found

    @property
    def decided_share(self) -> float:
        """The share of verdicts that are not *insufficient*."""
        doubtful = sum(verdict.state is State.INSUFFICIENT for verdict in self.verdicts)
        return 1 - doubtful / len(self.verdicts)

    def conformity(self, requirement: str, profile: str = "ks2") -> Conformity:
        """What became of one requirement, for one profile."""
        (found,) = (
            outcome.conformity
            for outcome in self.assessment.outcomes
            if (outcome.requirement.id, outcome.profile) == (requirement, profile)
        )
        return found


def measure_through(
    folder: Path,
    line: Mapping[str, Any],
    items: Iterable[Item],
    *,
    profiles: Iterable[str] = ("ks2",),
    must_block: Iterable[str] = (SENTINEL,),
    control: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    out: str = "out",
    block_page: str = "",
) -> Measured:
    """Run a campaign over one line; ``folder`` holds ``origin.json`` of a running range.

    ``must_block`` are the sentinels, from which the judge learns how the product blocks.
    ``limits`` stand beside LIMITS or in their place; ``out`` is the folder of the results.
    ``block_page`` is the declared host of the product's block page, which no line visits otherwise.
    """
    service: dict[str, Any] = {"name": "a product of Debian"}
    if block_page:
        service["block_page"] = {"host": block_page}
    campaign = {
        "campaign": "product",
        "service": service,
        "scheme": "becta-2008",
        "scope": "web",
        "origin": "origin.json",
        "control": dict(control or {}),
        "probes": ["web", "web_https"],
        "lines": [dict(line)],
        "profiles": {profile: {} for profile in profiles},
        "corpora": [{"pack": "canary", "items": [item.id for item in items]}],
        "sentinels": {"must_block": list(must_block)},
        "limits": {**LIMITS, **(limits or {})},
        "plain_twins": {"number": 0},  # the products are told the names of the items alone
    }
    path = folder / "campaign.yaml"
    YAML(typ="safe").dump(campaign, path)
    journal = open_journal(measure_campaign(path, folder / out))
    return Measured(
        verdicts=judge(journal.observations()).verdicts,
        assessment=conclude(journal, load_scheme(str(SCHEME))),
        nonces={one.key: one.nonce for one in journal.observations() if one.role == "item"},
    )


def assert_outcomes(measured: Measured) -> None:
    """97 of 100 stand above nine tenths for certain; 2 of 100 over-blocked may be over 5 %."""
    assert Conformity.CONFORMS is measured.conformity("ILL-01")
    assert Conformity.CONFORMS is measured.conformity("URL-01")
    assert Conformity.CONFORMS is measured.conformity("URL-02")
    assert Conformity.INSUFFICIENT is measured.conformity("OVB-01")

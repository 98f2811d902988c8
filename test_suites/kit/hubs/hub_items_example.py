"""Two suppliers with campaigns whose items hold what no page may show, for the pages of a hub.

Northgate has two runs of one service: between them a known and a hidden item stopped being blocked.
Brightwater has one. The journals hold items of every sensitivity, a hidden pack, and hostile texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert

from harness.cli.hub_items import item_rows
from harness.model.corpus import Item, Sensitivity
from harness.model.facts import Facts, SealedFacts
from harness.model.hub_access import Viewer
from harness.model.journal_header import JournalHeader, PackNote
from harness.model.observation import CONTROL, Evidence, Failure, Observation
from harness.model.outcome import Assessment, CategoryRate, Conformity
from harness.store.evidence import EvidenceFolder
from harness.store.hub.hub_tables import CAMPAIGNS, OUTCOMES
from harness.store.hub.item_rows import replace_items
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry
from reports.dashboard.campaign_bodies import campaign_body, encode_body, outcome_body
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_requirement,
)
from test_suites.kit.campaigns.journal_headers import header
from test_suites.kit.campaigns.trials import batch_of, failed, observation, web

NORTHGATE, BRIGHTWATER = "supplier:northgate", "supplier:brightwater/ltd"
BEFORE, AFTER, THEIRS = "before-1", "after-2", "theirs-3"
SCHEME = "becta-2008"
SERVICE = "SchoolShield DNS"
MEASURED = {
    BEFORE: datetime(2026, 10, 15, 9, tzinfo=UTC),
    AFTER: datetime(2026, 11, 19, 19, tzinfo=UTC),
    THEIRS: datetime(2026, 11, 1, 9, tzinfo=UTC),
}

BLOCK_TEXT = "This website is blocked by the filter of this school. Category: Drugs"
BLOCKED = web(canary="absent", status=403, title="Blocked", text=BLOCK_TEXT)
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m=HYPERLINK(1)"
"""A text of a block page that would be markup, a command of a terminal, and a formula."""

SECRET = "SECRETWORD"
"""Stands in everything that must not be kept of S3 and S4 items."""

HIDDEN_VALUE = "hidden-value.example.org"
PAGE = Evidence(media_type="text/html", body=b"<script>alert('kept')</script>")
THEIR_PAGE = Evidence(media_type="text/html", body=b"<p>of another item</p>")

PACKS = {
    "open": PackNote(name="open", audience="public", kind="agreed"),
    "closed": PackNote(name="closed", audience="assessor", kind="real"),
}


class HeldJournal:
    """A journal in memory, as far as it is judged."""

    def __init__(self, observations: list[Observation], stated: JournalHeader) -> None:
        self._observations = observations
        self.header = stated

    def observations(self) -> Iterator[Observation]:
        """All of them, batch by batch."""
        return iter(self._observations)

    def sentinels(self) -> Iterator[Observation]:
        """Those that are not of items."""
        return (each for each in self._observations if each.role != "item")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def tried(
    name: str,
    service: Facts | Failure | None,
    *,
    label: str = "DRUG",
    value: str = "",
    sensitivity: Sensitivity = "S0",
    pack: str = "open",
    evidence: tuple[str, ...] = (),
    control: Facts | Failure | None = None,
    batch: int = 1,
    **fields: Any,
) -> list[Observation]:
    """The two observations of an item."""
    item = Item(
        id=name,
        value=value or f"{name}.canary.accredit.test",
        labels=(label,),
        sensitivity=sensitivity,
        pack=pack,
        **fields,
    )
    seen = [
        observation(service, item=name, batch=batch),
        observation(control or web(), CONTROL, item=name, batch=batch),
    ]
    kept = (evidence, ())
    return [
        msgspec.structs.replace(
            each, item=item, evidence=digests, nonce=f"{each.key.line}-nonce-{name}"
        )
        for each, digests in zip(seen, kept, strict=True)
    ]


def secret_items() -> list[Observation]:
    """Items of S3 and S4 whose observations name more than may be kept, as of a forged journal."""
    said = web(
        f"http://s3.example.org/{SECRET}/page?{SECRET}",
        canary="absent", status=403, title=f"Blocked {SECRET}", text=f"{BLOCK_TEXT} {SECRET}",
        headers=(("x-why", SECRET),),
    )  # fmt: skip
    named = web(f"http://{SECRET}.example.org/", canary="absent", status=403, text=SECRET)
    sealed = SealedFacts(arrived="notice", status=403, mechanism="block_page", notice="ab" * 8)
    return [
        *tried("s3-1", said, label="PORN", value="http://s3.example.org/", sensitivity="S3",
               evidence=(PAGE.digest,)),
        *tried("s3-2", failed("connection_reset", "response", SECRET), label="PORN",
               value="http://s3.example.org/2", sensitivity="S3"),
        *tried("s4-1", named, label="ILL.CSAM", value="", sensitivity="S4", value_hmac="cd" * 16,
               registrable=f"{SECRET}.example.org", pair_id=SECRET, evidence=(PAGE.digest,)),
        *tried("0011223344", sealed, label="ILL.CSAM", value="0011223344", kind="sealed",
               sensitivity="S4",
               control=SealedFacts(arrived="content", status=200)),
    ]  # fmt: skip


def journal(*, is_later: bool) -> HeldJournal:
    """The journal of a run; in the later one drug-02 and private-05 came through."""
    came = web() if is_later else BLOCKED
    hostile = web(canary="absent", status=403, title=HOSTILE, text=f"{BLOCK_TEXT} {HOSTILE}")
    observations = [
        *batch_of(1, web(), BLOCKED),
        *tried("drug-01", BLOCKED, evidence=(PAGE.digest, "sha256:" + "0" * 64)),
        *tried("drug-02", came),
        *tried("drug-03", hostile, evidence=(THEIR_PAGE.digest,)),
        *tried("=drug-04", web(), value=HOSTILE),
        *tried("private-05", came, value=HIDDEN_VALUE, pack="closed"),
        *tried("alw-06", BLOCKED, label="ALW.HEAL"),
        *tried("alw-07", web(), label="ALW.HEAL"),
        *tried("drug-08", failed("generic_timeout_error", "response")),
        *secret_items(),
    ]
    # batch_of makes items without a pack of these
    return HeldJournal(observations, header(packs=PACKS))


def assessment(campaign: str) -> Assessment:
    """The assessment of a campaign."""
    drugs = example_requirement("URL-04", title="Drug taking and its promotion are blocked")
    drugs = drugs.model_copy(
        update={"measure": drugs.measure.model_copy(update={"categories": ("DRUG",)})}
    )
    outcomes = (
        example_outcome(
            Conformity.DOES_NOT_CONFORM,
            requirement=drugs,
            metric=example_metric(3, 6, lower=0.2, upper=0.8, indeterminate=1),
            reasons=(HOSTILE,),
        ),
        example_outcome(
            requirement=example_requirement("URL-09", title="Gambling is blocked"),
            metric=example_metric(60, 60, lower=0.95, upper=1.0),
        ),
    )
    rates = tuple(
        CategoryRate(
            category=code, profile="ks2", line="proxy", blocked=blocked, allowed=allowed,
            altered=0, down=0, insufficient=1 if code == "DRUG" else 0, lower=None, upper=None,
            expects=expects,
        )
        for code, blocked, allowed, expects in (
            ("DRUG", 3, 3, "block"), ("ALW.HEAL", 1, 1, "allow"), ("PORN", 2, 0, "block"),
            ("ILL.CSAM", 2, 0, "block"),
        )
    )  # fmt: skip
    made = example_assessment(
        campaign=campaign, title=f"Check {campaign}", service=SERVICE, supplier="Northgate",
        outcomes=outcomes, rates=rates, mechanisms={"block_page": 5, "tcp_reset": 1},
    )  # fmt: skip
    return replace(made, rules_version="2026.1")


def add_campaign(
    registry: Registry, stream: str, campaign: str, results: Path, **changes: Any
) -> None:
    """Write the rows of a campaign, and keep its bodies."""
    judged = assessment(campaign)
    folder = EvidenceFolder(results / campaign / "evidence")
    folder.keep(PAGE)
    folder.keep(THEIR_PAGE)
    shared = {
        "stream": stream, "campaign": campaign, "scheme": SCHEME, "service": SERVICE,
        "site": "Moorside", "schedule": "", "measured_at": MEASURED.get(campaign, MEASURED[AFTER]),
    } | changes  # fmt: skip
    row = shared | {
        "state": judged.conformity.value, "conforms": 1, "does_not_conform": 1, "insufficient": 0,
        "observations": 24, "journal": "ab" * 32, "has_items": True,
        "body": encode_body(campaign_body(judged)),
    }  # fmt: skip
    outcomes = [
        shared
        | {
            "number": number, "requirement": each.requirement.id, "profile": each.profile,
            "line": each.line, "state": each.conformity.value, "is_binding": True,
            "value": each.metric.value, "lower": each.metric.lower, "upper": each.metric.upper,
            "body": encode_body(outcome_body(each, judged)),
        }
        for number, each in enumerate(judged.outcomes)
    ]  # fmt: skip
    with registry.transaction(is_writing=True) as connection:
        connection.execute(insert(CAMPAIGNS).values(**row))
        connection.execute(insert(OUTCOMES), outcomes)
        rows = item_rows(journal(is_later=campaign != BEFORE), folder)
        replace_items(connection, stream, campaign, rows)


@contextmanager
def campaigns_registry(folder: Path) -> Iterator[Registry]:
    """A registry with the rows of all three campaigns; bodies are in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_registry(folder / "registry.sqlite", create=True) as registry:
        for stream, campaign in (
            (NORTHGATE, BEFORE), (NORTHGATE, AFTER), (BRIGHTWATER, THEIRS),
        ):  # fmt: skip
            add_campaign(registry, stream, campaign, folder)
        yield registry


class HeldAudit:
    """Records readings of evidence in memory."""

    def __init__(self) -> None:
        self.read: list[tuple[str, str, str, str]] = []
        self.trouble: Exception | None = None

    def evidence_read(self, viewer: Viewer, stream: str, campaign: str, item: str = "") -> None:
        """Record one reading, or fail as it was told."""
        if self.trouble is not None:
            raise self.trouble
        self.read.append((viewer.person, stream, campaign, item))

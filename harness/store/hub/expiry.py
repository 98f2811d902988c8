"""Remove the rows of what a hub keeps no longer, and tell which bundles something waits for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, and_, select, update

from harness.store.hub.hub_tables import CAMPAIGNS, ITEMS, UPLOADS
from harness.store.hub.item_rows import age_out, replace_items
from harness.store.hub.upload_store import FINAL
from harness.store.registry.agent_store import WAITING
from harness.store.registry.tables import AGENT_REPORTS


class BundleUse(NamedTuple):
    """What a bundle is of: the digest of a run's key, or a campaign; whether it is waited for."""

    sha256: str
    run: str
    campaign: str
    is_open: bool


def bundle_uses(connection: Connection) -> Iterator[BundleUse]:
    """Yield what each bundle of a report of an agent, or of a person, is of."""
    reports = select(AGENT_REPORTS.c.bundle, AGENT_REPORTS.c.run, AGENT_REPORTS.c.state)
    for row in connection.execute(reports.where(AGENT_REPORTS.c.bundle != "")):
        yield BundleUse(row.bundle, row.run, "", row.state == WAITING)
    final = {each.value for each in FINAL}
    uploads = select(UPLOADS.c.sha256, UPLOADS.c.campaign, UPLOADS.c.state)
    for row in connection.execute(uploads):
        yield BundleUse(row.sha256, "", row.campaign, row.state not in final)


def has_details(connection: Connection, stream: str, campaign: str, *, evidence: bool) -> bool:
    """Whether there are rows of items of a campaign; with ``evidence`` such that have theirs."""
    where = and_(ITEMS.c.stream == stream, ITEMS.c.campaign == campaign)
    if evidence:
        where = and_(where, ITEMS.c.evidence.is_not(None))
    return connection.execute(select(ITEMS.c.number).where(where).limit(1)).first() is not None


def remove_evidence(connection: Connection, stream: str, campaign: str) -> None:
    """Remove the evidence of a campaign's items."""
    age_out(connection, stream, campaign)


def remove_items(connection: Connection, stream: str, campaign: str) -> None:
    """Remove the items of a campaign; its figures stay."""
    replace_items(connection, stream, campaign, ())
    matches = and_(CAMPAIGNS.c.stream == stream, CAMPAIGNS.c.campaign == campaign)
    connection.execute(update(CAMPAIGNS).where(matches).values(has_items=False))

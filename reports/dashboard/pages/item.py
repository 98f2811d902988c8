"""One trial of an item: control beside service hop by hop, the rule that decided, the evidence.

Observations and kept bodies are shown to those who may read evidence alone, and each reading is
recorded before it is shown. Bodies are sent as files to be saved, and never as pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Request, Response

from harness.model.facts import tag_of
from harness.model.hub_access import Permission, Viewer
from harness.store.hub.campaign_rows import read_outcomes, sites_of
from harness.store.hub.item_evidence import ItemEvidence, decode_evidence
from harness.store.hub.item_rows import After, Selected, read_item, read_items, same_item
from harness.store.hub.repository import Reading, Repository
from reports.dashboard.access import AnyViewer, NotHere, Refusal, require
from reports.dashboard.addresses import checked, digest_in, name_in, number_in
from reports.dashboard.campaign_bodies import read_outcome
from reports.dashboard.campaign_reading import (
    FoundCampaign,
    campaign_url,
    find_campaign,
    service_url,
)
from reports.dashboard.evidence_port import EvidenceAudit, EvidenceBodies
from reports.dashboard.item_words import (
    EXPECTED,
    HAPPENED,
    Sign,
    Told,
    acted,
    expects,
    how,
    names_hidden,
    sign_of,
    told,
)
from reports.dashboard.observation_hops import hop_rows, raw_json, witnesses_of
from reports.dashboard.rendering import page
from reports.rule_words import rule_place
from reports.words import category_name

if TYPE_CHECKING:
    from sqlalchemy import Row

OTHER_TRIALS = 20
"""How many other trials of the same item are named."""

BYTES = "application/octet-stream"
_ITEMS = Permission.READ_RESULTS, Permission.READ_ITEMS
_EVIDENCE = (*_ITEMS, Permission.READ_EVIDENCE)

BODY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


class BodyGone(Refusal):
    """A body that the item's evidence names is not kept any more."""

    def __init__(self) -> None:
        super().__init__(
            410,
            "These bytes are not kept any more",
            "The evidence names them, but they have been removed. Their size and SHA-256 are on "
            "the item's page.",
        )


def routes(repository: Repository, audit: EvidenceAudit, bodies: EvidenceBodies) -> APIRouter:
    """The routes of this page, and of the bytes that its evidence names."""
    router = APIRouter(include_in_schema=False)
    below = "/campaigns/{stream}/{campaign}/items/{number}"

    @router.get(below)
    def item_page(
        request: Request,
        viewer: AnyViewer,
        stream: str,
        campaign: str,
        number: str,
        scheme: str = "",
    ) -> Response:
        require(viewer, *_ITEMS)
        with repository.reading(viewer) as reading:
            found = find_campaign(reading, name_in(stream), name_in(campaign), checked(scheme))
            item = _read(reading, viewer, found, _row(reading, found, number))
        if item.row.evidence is not None and viewer.may(Permission.READ_EVIDENCE):
            _record(audit, viewer, item.row)
            item = item._replace(evidence=decode_evidence(item.row.evidence))
        return _item_page(request, viewer, item)

    @router.get(below + "/evidence/{sha256}")
    def body(viewer: AnyViewer, stream: str, campaign: str, number: str, sha256: str) -> Response:
        require(viewer, *_EVIDENCE)
        digest = digest_in(sha256)
        with repository.reading(viewer) as reading:
            found = find_campaign(reading, name_in(stream), name_in(campaign))
            row = _row(reading, found, number)
        if row.evidence is None or not _is_kept(decode_evidence(row.evidence), digest):
            raise NotHere
        _record(audit, viewer, row, f"sha256:{digest}")
        content = bodies.read(row.campaign, digest)
        if content is None:
            raise BodyGone
        named = {"Content-Disposition": f'attachment; filename="{digest}.bin"'}
        return Response(content, 200, BODY_HEADERS | named, BYTES)

    return router


def _record(audit: EvidenceAudit, viewer: Viewer, row: Row[Any], what: str = "") -> None:
    """Record a reading; the item by its number, because a record must not name a hidden one."""
    audit.evidence_read(viewer, row.stream, row.campaign, f"{row.number} {what}".rstrip())


class Other(NamedTuple):
    """Another trial of the same item."""

    url: str
    campaign: str
    site: str
    tried_at: Any
    where: str
    how: str
    sign: Sign


class Item(NamedTuple):
    """What a page tells of one trial."""

    found: FoundCampaign
    row: Row[Any]
    following: int | None
    others: list[Other]
    counts_for: list[str]
    evidence: ItemEvidence | None = None


def _read(reading: Reading, viewer: Viewer, found: FoundCampaign, row: Row[Any]) -> Item:
    """What a page tells of a trial, without its evidence."""
    return Item(
        found=found,
        row=row,
        following=_next_alike(reading, row),
        others=_others(reading, row, viewer),
        counts_for=_counts_for(reading, found, row),
    )


def _item_page(request: Request, viewer: Viewer, item: Item) -> Response:
    found, row, evidence = item.found, item.row, item.evidence
    said, policy = told(row, viewer), expects(found.body, row.category, row.profile)
    service = evidence.service if evidence else None
    control = evidence.control if evidence else None
    return page(
        request,
        "item.html.j2",
        f"{_name(said)} {HAPPENED.get(row.state, row.state)}",
        found=found,
        row=row,
        told=said,
        sign=sign_of(row.state, policy),
        policy=EXPECTED.get(policy, ""),
        acted=acted(row),
        category=category_name(row.category),
        counts_for=[(each, _counted_url(found, row, each)) for each in item.counts_for],
        evidence=evidence,
        may_read=viewer.may(Permission.READ_EVIDENCE),
        has_aged_out=row.evidence is None,
        hops=hop_rows(control, service),
        raw=[
            (name, raw_json(seen))
            for name, seen in (("Service", service), ("Control", control))
            if seen is not None
        ],
        witnesses=list(witnesses_of(evidence.witnesses)) if evidence else [],
        rule=rule_place(row.rule, tag_of(service.facts) if service else ""),
        knows_order=service is not None and service.facts is not None,
        next_url=found.url("items", str(item.following)) if item.following else "",
        items_url=found.url("items", category=row.category, state=row.state),
        others=item.others,
        body_url=lambda digest: found.url("items", str(row.number), "evidence", digest),
        service_url=service_url(found.row),
    )


def _name(said: Told) -> str:
    return said.name[:1].upper() + said.name[1:] if said.is_withheld else said.name


def _row(reading: Reading, found: FoundCampaign, number: str) -> Row[Any]:
    """The row of a trial. Raises NotHere."""
    row = read_item(reading, found.row.stream, found.row.campaign, number_in(number))
    if row is None:
        raise NotHere
    return row


def _next_alike(reading: Reading, row: Row[Any]) -> int | None:
    """The number of the next trial of the category to which the same happened."""
    alike = Selected(
        stream=row.stream, campaign=row.campaign, states=(row.state,), categories=(row.category,)
    )
    after = After(row.state, row.category, row.number)
    found = read_items(reading, alike, after, 1)
    return int(found[0].number) if found else None


def _counts_for(reading: Reading, found: FoundCampaign, row: Row[Any]) -> list[str]:
    """The binding requirements for which items of the category count, on this line."""
    wanted = found.outcomes._replace(profile=row.profile, line=row.line, is_binding=True)
    bodies = ((each, read_outcome(each.body)) for each in read_outcomes(reading, wanted))
    return [
        str(each.requirement)
        for each, body in bodies
        if body is not None
        and row.category in body.categories
        and (not body.probes or row.probe in body.probes)
    ]


def _counted_url(found: FoundCampaign, row: Row[Any], requirement: str) -> str:
    return found.url("items", requirement=requirement, profile=row.profile, line=row.line)


def _others(reading: Reading, row: Row[Any], viewer: Viewer) -> list[Other]:
    """The other trials of the item; none of a hidden one for those who may not know it."""
    if row.is_hidden and not names_hidden(viewer):
        return []
    rows = [
        each
        for each in same_item(reading, row.stream, row.item, OTHER_TRIALS + 1)
        if (each.campaign, each.number) != (row.campaign, row.number)
        and (names_hidden(viewer) or not each.is_hidden)
    ]
    sites = sites_of(reading, row.stream, {each.campaign for each in rows})
    return [_other(each, sites[each.campaign]) for each in rows if each.campaign in sites]


def _other(row: Row[Any], site: str) -> Other:
    return Other(
        url=campaign_url(row, "items", str(row.number)),
        campaign=row.campaign,
        site=site,
        tried_at=row.tried_at,
        where=f"{row.profile} on {row.line}, {row.probe}",
        how=how(row),
        sign=sign_of(row.state, ""),
    )


def _is_kept(evidence: ItemEvidence, digest: str) -> bool:
    """Whether a digest is one of the item's bodies, and such bodies may be shown."""
    is_sensitive = any(
        seen is not None and seen.item.is_sensitive for seen in (evidence.service, evidence.control)
    )
    return not is_sensitive and evidence.body(digest) is not None

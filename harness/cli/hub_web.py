"""Put the web application of a hub together: its repository, its accounts, its pages and API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from harness.cli.hub_agents import AgentHub
from harness.cli.hub_audit import AuditedActs, AuditedUploads, RegistryAudit
from harness.cli.hub_projector import Projector
from harness.cli.hub_uploads import HubUploads
from harness.cli.registry_session import RegistrySession
from harness.cli.stream_states import StreamStates
from harness.ports.storage import Clock
from harness.store.hub.accounts import Accounts
from harness.store.hub.own_account import OwnAccount
from harness.store.hub.repository import Repository
from harness.store.hub.sign_in import SignIn

if TYPE_CHECKING:
    from fastapi import APIRouter

    from reports.dashboard.account_parts import AccountParts, SingleSignOn
    from reports.dashboard.agent_api import RequestLine
    from reports.dashboard.api.metrics import RequestMetrics
    from reports.dashboard.app import HubParts


class HubWork(NamedTuple):
    """What a hub does beside answering: it makes rows for pages, and looks at uploads.

    ``states`` are those of its streams, which notifications and calendars share.
    """

    projector: Projector
    uploads: HubUploads
    states: StreamStates


def web_parts(
    hub: AgentHub,
    work: HubWork,
    clock: Clock,
    log: Callable[[RequestLine], None],
    *,
    is_secure: bool,
) -> HubParts:
    """The parts of the web application of an open hub."""
    from harness.cli.hub_access_port import HubAccess  # noqa: PLC0415 - an extra
    from reports.dashboard.api.metrics import RequestMetrics  # noqa: PLC0415 - the same
    from reports.dashboard.app import HubParts  # noqa: PLC0415 - the same

    accounts = account_parts(hub, clock, is_secure=is_secure)
    repository = Repository(hub.registry)
    audit = RegistryAudit(hub.registry, clock)
    requests = RequestMetrics()

    def note(line: RequestLine) -> None:
        requests.note(line)
        log(line)

    return HubParts(
        agents=hub,
        repository=repository,
        access=HubAccess(accounts.sign_in),
        log=note,
        now=clock.now,
        rows_of=work.projector.rows_of,
        routes=(
            *_account_routes(accounts),
            *_public_routes(hub, repository, clock),
            *_result_routes(hub, repository, audit),
            *_follow_up_routes(hub, repository, audit, work, clock),
            *_upload_routes(work, audit),
            _witness_routes(hub, clock),
            *_api_routes(hub, repository, requests, work, clock),
        ),
        is_secure=is_secure,
    )


def account_parts(hub: AgentHub, clock: Clock, *, is_secure: bool) -> AccountParts:
    """What the pages of accounts work with."""
    from reports.dashboard.account_parts import AccountParts  # noqa: PLC0415 - an extra

    registry, now = hub.registry, clock.now
    session = RegistrySession(registry, clock)
    return AccountParts(
        sign_in=SignIn(registry, now),
        own=OwnAccount(registry, now),
        accounts=Accounts(registry, now),
        registry=registry,
        stream_named=lambda name: session.place_named(name).stream,
        provider=_provider(hub, clock),
        is_secure=is_secure,
    )


def _provider(hub: AgentHub, clock: Clock) -> SingleSignOn | None:
    """The OIDC provider of the hub's file. Raises UsageError."""
    declared = hub.hub.oidc
    if declared is None:
        return None
    from harness.cli.hub_oidc import OidcSignOn  # noqa: PLC0415 - an extra

    return OidcSignOn(declared, hub.hub.folder, hub.hub.url, clock.now)


def _account_routes(accounts: AccountParts) -> tuple[APIRouter, ...]:
    from reports.dashboard.pages import (  # noqa: PLC0415 - an extra
        account,
        administration,
        audit,
        person_forms,
        sign_in,
    )

    return (
        sign_in.routes(accounts),
        account.routes(accounts),
        administration.routes(accounts),
        person_forms.routes(accounts),
        audit.routes(accounts),
    )


def _public_routes(hub: AgentHub, repository: Repository, clock: Clock) -> tuple[APIRouter, ...]:
    from harness.cli.hub_sites import HubSites  # noqa: PLC0415 - an extra
    from reports.dashboard.pages import register, sites, states  # noqa: PLC0415 - the same

    sites_port = HubSites(hub, repository, clock)
    return states.routes(), register.routes(repository), sites.routes(sites_port)


def _result_routes(
    hub: AgentHub, repository: Repository, audit: RegistryAudit
) -> tuple[APIRouter, ...]:
    from harness.cli.hub_evidence import KeptBodies  # noqa: PLC0415 - an extra
    from reports.dashboard.pages import (  # noqa: PLC0415 - the same
        campaign,
        campaigns,
        comparison,
        item,
        items,
        overview,
        requirement,
        service,
    )

    return (
        *(each.routes(repository) for each in (overview, service, requirement)),
        campaigns.routes(repository),
        items.routes(repository),  # first: else its CSV is sought among the tables of the next
        campaign.routes(repository),
        item.routes(repository, audit, KeptBodies(hub.hub.results)),
        comparison.routes(repository),
    )


def _follow_up_routes(
    hub: AgentHub, repository: Repository, audit: RegistryAudit, work: HubWork, clock: Clock
) -> tuple[APIRouter, ...]:
    from harness.cli.hub_acts import HubActs  # noqa: PLC0415 - an extra
    from reports.dashboard.pages import alarms, decisions, plans  # noqa: PLC0415 - the same

    renew = work.projector.try_to_catch_up
    acts = AuditedActs(HubActs(hub.registry, hub.hub.results, clock, renew), audit)
    return (
        plans.routes(repository, acts),
        decisions.routes(repository, acts),
        alarms.routes(repository, acts),
    )


def _upload_routes(work: HubWork, audit: RegistryAudit) -> tuple[APIRouter, ...]:
    from reports.dashboard.pages.uploads import upload_pages  # noqa: PLC0415 - an extra
    from reports.dashboard.upload_api import upload_routes  # noqa: PLC0415 - the same

    uploads = AuditedUploads(work.uploads, audit)
    return upload_routes(uploads), upload_pages(uploads)


def _witness_routes(hub: AgentHub, clock: Clock) -> APIRouter:
    from harness.cli.hub_witness import HubWitness  # noqa: PLC0415 - an extra
    from reports.dashboard.witness_api import witness_routes  # noqa: PLC0415 - the same

    return witness_routes(HubWitness(hub.registry, hub.hub.url, hub.signing_key, clock))


def _api_routes(
    hub: AgentHub, repository: Repository, requests: RequestMetrics, work: HubWork, clock: Clock
) -> tuple[APIRouter, ...]:
    from harness.cli.hub_due import AgentsByState, DueInStreams  # noqa: PLC0415 - an extra
    from reports.dashboard.api.exports import export_routes  # noqa: PLC0415 - the same
    from reports.dashboard.api.follow_up import follow_up_routes  # noqa: PLC0415 - the same
    from reports.dashboard.api.metrics import metrics_routes  # noqa: PLC0415 - the same
    from reports.dashboard.api.results import result_routes  # noqa: PLC0415 - the same
    from reports.dashboard.rate_limit import RateLimit  # noqa: PLC0415 - the same

    limit = RateLimit()
    due = DueInStreams(hub.registry, work.states, clock)
    return (
        result_routes(repository, limit),
        export_routes(repository, limit),
        follow_up_routes(repository, due, clock.now, limit),
        metrics_routes(repository, AgentsByState(hub, clock), requests),
    )

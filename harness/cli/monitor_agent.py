"""``accredit monitor --hub URL``: enrol this device as the agent of a site, and let it work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from harness import VERSION
from harness.cli.agent_home import AgentHome, Membership
from harness.cli.agent_page_server import serving_page
from harness.cli.long_running import alone_in, stopped_by_signals
from harness.cli.monitor_history import place_of_service, whole_history
from harness.cli.paths import CampaignPaths
from harness.cli.printing import say_at_once
from harness.cli.registry_facts import session_if_any
from harness.cli.site_agent import SiteAgent, enrol_message
from harness.errors import HarnessError, UsageError
from harness.fleet.messages import Enrolled, Invitation, Refused, read_token
from harness.model.surveillance_event import SurveillanceRun, run_key
from harness.ports.storage import WallClock
from probes.agent.offered_updates import fetch_update
from probes.agent.proxy_choice import ProxyChoice
from probes.agent.run_spool import RunSpool
from probes.agent.uplink import HubUplink
from reports.agent_page import AgentFacts, PageBracket, PageSchedule, agent_page


class AgentOptions(NamedTuple):
    """What a person says of an agent. ``token`` is needed once; ``page`` 0 serves no page."""

    hub: str
    out: Path
    token: str
    proxy: ProxyChoice
    page: int
    workers: int


def run_agent(options: AgentOptions) -> None:
    """Enrol this device if need be, and let it work until it is stopped, or revoked.

    Raises UsageError if it is not enrolled and there is no token, if the hub refuses it, and when
    the hub has revoked it.
    """
    from harness.cli.monitor_in_process import run_in_process  # noqa: PLC0415 - an extra

    home = AgentHome(options.out)
    with alone_in(home.folder):
        identity = home.identity()
        membership = home.membership()
        invitation = read_token(options.token) if options.token else None
        if membership is None and invitation is None:
            msg = (
                f"{home.folder}: this device is not enrolled; give the token of "
                "'accredit hub agent invite' (--token-file FILE)"
            )
            raise UsageError(msg)
        if membership is not None and invitation is not None and membership.is_by(invitation):
            invitation = None  # the token was used; the option is still there
        hub = invitation.hub if invitation is not None else membership.hub if membership else None
        assert hub is not None
        with HubUplink(options.hub, hub, identity, options.proxy) as uplink:
            if invitation is not None:
                membership = _enrol(uplink, invitation, options.hub, home)
            assert membership is not None
            stop = threading.Event()
            spool = RunSpool(home.folder)
            agent = SiteAgent(
                home,
                options.out,
                uplink,
                spool,
                stop,
                lambda update: fetch_update(uplink, update, home.updates),
            )
            with stopped_by_signals(stop), _page(agent, membership, options.page):
                place = f"{membership.service} at {membership.site}"
                say_at_once(f"agent of {place}; stop it with Ctrl-C")
                run_in_process(agent, agent.command, WallClock(), stop, workers=options.workers)
    if agent.state.is_revoked:
        raise UsageError(agent.state.trouble)
    say_at_once("the agent has stopped; results that wait are sent at the next start")


def _enrol(uplink: HubUplink, invitation: Invitation, hub_url: str, home: AgentHome) -> Membership:
    """Enrol this device. Raises UsageError if the hub refuses, or cannot be reached."""
    try:
        answer = uplink.ask(enrol_message(invitation), introduce=True)
    except HarnessError as error:
        msg = f"this device is not enrolled: {error}"
        raise UsageError(msg) from None
    if isinstance(answer, Refused):
        msg = f"the hub does not enrol this device: {answer.words}"
        raise UsageError(msg)
    if not isinstance(answer, Enrolled):
        msg = f"{hub_url}: gave an answer of another kind ({type(answer).__name__})"
        raise UsageError(msg)
    membership = Membership(
        hub_url=hub_url,
        hub=invitation.hub,
        service=answer.service,
        site=answer.site,
        token=invitation.digest,
    )
    home.enrolled(membership)
    say_at_once(f"enrolled for {answer.service} at {answer.site}")
    return membership


@contextmanager
def _page(agent: SiteAgent, membership: Membership, port: int) -> Iterator[None]:
    if not port:
        yield
        return
    with serving_page(port, lambda: agent_page(facts_of(agent, membership))) as taken:
        say_at_once(f"what it does: http://127.0.0.1:{taken}/")
        yield


def facts_of(agent: SiteAgent, membership: Membership) -> AgentFacts:
    """What the page of an agent shows now."""
    state = agent.state
    clock, uplink = state.clock, state.uplink
    schedules: tuple[PageSchedule, ...] = ()
    trouble = state.trouble
    try:
        schedules = tuple(_schedules(agent))
    except HarnessError as error:  # a damaged order, or a registry that is in use
        trouble = trouble or str(error)
    return AgentFacts(
        service=membership.service,
        site=membership.site,
        hub=urlsplit(membership.hub_url).netloc.rpartition("@")[2],
        now=clock.now() if clock is not None else datetime.now(UTC),
        version=VERSION,
        schedules=schedules,
        brackets=tuple(
            PageBracket(each.schedule, each.at, each.held, each.failed) for each in state.brackets
        ),
        asked=state.asked,
        waiting=state.waiting,
        is_intercepted=uplink.is_intercepted if uplink is not None else None,
        issuer=uplink.issuer if uplink is not None else "",
        clock_offset=clock.offset if clock is not None else None,
        clock_bound=clock.bound if clock is not None else None,
        clock_age=clock.age if clock is not None else None,
        offered=state.update.version if state.update is not None else "",
        trouble=trouble,
        is_revoked=state.is_revoked,
    )


def _schedules(agent: SiteAgent) -> Iterator[PageSchedule]:
    """The schedules of an order, each with its next and its last run."""
    declared = agent.declared()
    if declared is None:
        return
    runs = _runs(agent)
    for service in declared.services:
        for site in service.sites:
            for schedule in site.schedules:
                names = declared.monitoring, service.service, site.site, schedule.name
                prefix = run_key(*names, datetime.now(UTC)).rpartition("/")[0] + "/"
                planned = [each for each in agent.state.planned if each.key.startswith(prefix)]
                last = [run for run in runs if run.schedule == schedule.name]
                yield PageSchedule(
                    name=schedule.name,
                    next=planned[0].start if planned else None,
                    is_running=any(each.is_going for each in planned),
                    last=_ended(last[-1]) if last else "none yet",
                )


def _ended(run: SurveillanceRun) -> str:
    """What became of a run, without what it found."""
    return f"{run.result} on {run.at:%d %b %Y %H:%M} UTC"


def _runs(agent: SiteAgent) -> tuple[SurveillanceRun, ...]:
    declared = agent.declared()
    if declared is None:
        return ()
    (service,) = declared.services
    registry = CampaignPaths(out=agent.out, campaign="").registry
    with session_if_any(registry) as session:
        if session is None:
            return ()
        with session.registry.reading(place_of_service(service).stream) as access:
            return whole_history(access, declared.monitoring, service.service).runs

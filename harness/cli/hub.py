"""``accredit hub``: make a hub, invite agents of sites, see where they stand; people and tokens."""

from __future__ import annotations

import json as json_module
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from harness.cli.drawing import terminal
from harness.cli.hub_backup import backup_command
from harness.cli.hub_database import migrate_command
from harness.cli.hub_doctor import doctor_command
from harness.cli.hub_expire import expire_command
from harness.cli.hub_file import LISTEN, TEMPLATE, make_hub, read_hub, read_keys
from harness.cli.hub_offers import Offers
from harness.cli.hub_orders import OrderPlace, order_content, place_in
from harness.cli.hub_people import app as person_app
from harness.cli.hub_registry import FleetRegistry
from harness.cli.hub_restore import restore_command
from harness.cli.hub_standing import AgentView, views_of
from harness.cli.hub_tokens import session_app, token_app
from harness.cli.paths import OUT
from harness.cli.printing import say, say_data
from harness.cli.registry_session import current_user, open_session
from harness.errors import UsageError
from harness.fleet.messages import Invitation
from harness.model.stream import same_name
from harness.monitor.monitoring_file import read_monitoring
from harness.ports.storage import Clock, WallClock

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
agent_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(agent_app, name="agent", help="Invite and revoke the agents of sites.")
app.add_typer(person_app, name="person", help="Give people access to the hub.")
app.add_typer(token_app, name="token", help="Make and revoke API tokens.")
app.add_typer(session_app, name="session", help="List and revoke sessions.")
app.command("migrate")(migrate_command)
app.command("backup")(backup_command)
app.command("restore")(restore_command)
app.command("doctor")(doctor_command)
app.command("expire")(expire_command)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

SECRET_BYTES = 32

FOLDER = Annotated[Path, typer.Option("--hub", help="The folder of the hub.")]
HERE = Path("hub")
BY = Annotated[str, typer.Option(help="Who does this; default: you.")]


@app.command("init")
def init_command(
    folder: Annotated[Path, typer.Argument(help="The new folder of the hub.")],
    monitoring: Annotated[Path, typer.Option(help="The monitoring file.")],
    url: Annotated[str, typer.Option(help="The address that agents use: https://...")],
    out: Annotated[Path, typer.Option("--out", help="Where results go.")] = OUT,
    listen: Annotated[str, typer.Option(help="Where the server listens: HOST:PORT.")] = LISTEN,
    certificate: Annotated[
        list[Path] | None, typer.Option(help="A certificate in PEM; repeatable.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The private key of the certificate.")] = None,
) -> None:
    """Make a hub: its keys, which no one else may have, and its file hub.yaml."""
    read_monitoring(monitoring)
    given = {
        "monitoring": str(monitoring.resolve()),
        "out": str(out.resolve()),
        "url": url,
        "listen": listen,
        "certificates": [str(each.resolve()) for each in certificate or ()],
        "key": str(key.resolve()) if key else None,
    }
    make_hub(folder, TEMPLATE.format(**{name: json_module.dumps(given[name]) for name in given}))
    try:
        read_hub(folder).certificate_digests()
    except UsageError:
        for path in ("hub.yaml", "hub.keys"):
            (folder / path).unlink()
        raise
    identity = read_keys(folder).public.id
    say(f"hub: {folder} (keys {identity})", f"keep a copy of {folder / 'hub.keys'} in a safe place")


@agent_app.command("invite")
def invite_command(
    site: Annotated[str, typer.Option(help="The site of the agent.")],
    service: Annotated[str, typer.Option(help="The service that it measures.")],
    supplier: Annotated[str, typer.Option(help="The supplier, to be sure.")] = "",
    days: Annotated[int, typer.Option(min=1, max=90, help="How long the token is valid.")] = 7,
    label: Annotated[str, typer.Option(help="What people call the device.")] = "",
    by: BY = "",
    hub: FOLDER = HERE,
) -> None:
    """Print a token, once, with which one device may be enrolled for a site."""
    opened = read_hub(hub)
    declared = opened.read_monitoring()
    monitored, place = place_in(declared, service, site)
    if supplier and same_name(supplier) != same_name(monitored.supplier or ""):
        msg = (
            f"{declared.path}: the supplier of {monitored.service!r} is "
            f"{monitored.supplier or ''!r}, not {supplier!r}"
        )
        raise UsageError(msg)
    names = monitored.supplier or "", monitored.service, place.site
    order_content(opened.monitoring_path, OrderPlace(declared.monitoring, *names))
    invitation = Invitation(hub=read_keys(hub).public, secret=secrets.token_urlsafe(SECRET_BYTES))
    with open_session(opened.registry, create=True, clock=clock) as session:
        invited = FleetRegistry(session, clock).invite(
            declared.monitoring, monitored, place, invitation.digest,
            clock.now() + timedelta(days=days), label=label, actor=by or current_user(),
        )  # fmt: skip
    say(
        f"invitation {invited.invitation}: {invited.service}, {invited.site}, "
        f"until {invited.until:%Y-%m-%d %H:%M} UTC",
        f"hub: {opened.url}",
        f"token, shown once: {invitation.token()}",
    )


@agent_app.command("revoke")
def revoke_command(
    agent: Annotated[str, typer.Argument(help="The id of the agent.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    by: BY = "",
    hub: FOLDER = HERE,
) -> None:
    """Accept nothing from an agent any more. What it measured before stays."""
    if not reason.strip():
        msg = "--reason: say why the agent is revoked"
        raise UsageError(msg)
    with open_session(read_hub(hub).registry, create=True, clock=clock) as session:
        held = FleetRegistry(session, clock).revoke(agent, reason, by or current_user())
    say(f"revoked: agent {agent}, {held.invited.service}, {held.invited.site}")


@app.command("agents")
def agents_command(
    hub: FOLDER = HERE,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the agents: whether they measure, how they reach the hub, and what they have to send."""
    with open_session(read_hub(hub).registry, create=True, clock=clock) as session:
        views = views_of(session, FleetRegistry(session, clock), clock.now())
    if json:
        say_data(views)
        return
    table = Table(box=None)
    for name in ("agent", "service", "site", "state", "version", "clock", "waiting", "notes"):
        table.add_column(name)
    for view in views:
        table.add_row(
            view.agent or view.invitation, view.service, view.site, view.state, view.version,
            _clock_in_words(view), str(view.waiting) if view.agent else "",
            "; ".join(_notes(view)),
        )  # fmt: skip
    terminal().print(table)
    if not views:
        say("no agents; 'accredit hub agent invite' invites one")


def _clock_in_words(view: AgentView) -> str:
    return "" if view.clock is None else f"{view.clock.offset:+z.1f} s"


def _notes(view: AgentView) -> Iterator[str]:
    """What the owner should know of an agent."""
    if view.state == "silent":
        yield from _silence(view)
    if view.is_intercepted:
        yield f"TLS to the hub is intercepted by {view.issuer or 'an unknown authority'}"
    if view.proxy:
        yield f"reaches the hub by the proxy {view.proxy}"
    if view.failed:
        yield f"not measuring: {view.failed}"
    if view.trouble:
        yield view.trouble
    if view.reason:
        yield view.reason
    if view.aside:
        yield f"{view.aside} reports were put aside"


def _silence(view: AgentView) -> Iterator[str]:
    """Since when an agent is silent: when it measured last, and when it said something last."""
    if view.measured is not None:
        yield f"measured last on {_moment(view.measured)}"
    else:
        yield "has not shown yet that it measures"
    if view.contact is not None:
        yield f"said something last on {_moment(view.contact)}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@app.command("offer")
def offer_command(
    wheel: Annotated[Path | None, typer.Argument(help="A wheel of Accredit.")] = None,
    hub: FOLDER = HERE,
    *,
    required: Annotated[
        bool, typer.Option("--required", help="Agents must not measure with another version.")
    ] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Offer nothing any more.")] = False,
) -> None:
    """Offer a version of the software to the agents, which fetch it and check its SHA-256."""
    offers = Offers(read_hub(hub).folder / "offers")
    if (wheel is None) != withdraw:
        msg = "give a wheel to offer, or --withdraw"
        raise UsageError(msg)
    if wheel is None:
        say("withdrawn" if offers.withdraw() else "nothing was offered")
        return
    update = offers.offer(wheel, is_required=required)
    say(f"offered: {update.version}, {update.size:,} bytes, SHA-256 {update.sha256}")

"""``accredit monitor``: repeat campaigns by schedule, and raise alarms if a service gets worse."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from harness.cli import field
from harness.cli.compose import load_and_warn
from harness.cli.drawing import terminal
from harness.cli.dry_run import dry_run
from harness.cli.hub_clock import clock_from
from harness.cli.long_running import alone_in, stopped_by_signals
from harness.cli.monitor_alarms import acknowledge_command, alarms_command
from harness.cli.monitor_forecast import Measured, duration_of, forecast_lines, measured_rows
from harness.cli.monitor_history import run_in_words
from harness.cli.monitor_plan import Planned, Surveillance
from harness.cli.monitor_retest import retest_command
from harness.cli.monitor_run import CarriedOut, carry_out, monitored, prepare_run
from harness.cli.monitor_status import attention_code, status_command
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say, say_at_once, say_data, warn
from harness.cli.sentinel_bracket import sentinel_fault
from harness.errors import InstrumentError, UnfinishedError, UsageError
from harness.monitor.monitoring_file import MonitoringFile, read_monitoring
from harness.monitor.schedule import RunKey, is_ever_in_lessons, next_due, runs_per_year
from harness.ports.storage import Clock, WallClock
from harness.untrusted.passwords import is_database
from harness.untrusted.regular_file import read_bounded

app = typer.Typer(rich_markup_mode=None)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

FILE = Annotated[Path, typer.Argument(help="The monitoring file.")]
MOST_TOKEN = 4096
RESULTS = Annotated[Path, typer.Option("--out", help="Where results go.")]

NOT_MEASURED = 3
"""The exit code if a run that was due was not measured."""

app.command("status")(status_command)
app.command("alarms")(alarms_command)
app.command("acknowledge")(acknowledge_command)
app.command("retest")(retest_command)
app.add_typer(
    field.app, name="field", help="Draw certified services and sites, and record their visits."
)


@app.callback(invoke_without_command=True)
def monitor(
    context: typer.Context,
    *,
    hub: Annotated[
        str, typer.Option(help="Work as the agent of a site for this hub: https://HOST.")
    ] = "",
    token: Annotated[str, typer.Option(help="The hub's one-time token; needed once.")] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token, which 'ps' does not show.")
    ] = None,
    proxy: Annotated[
        str, typer.Option(help="The proxy on the way to the hub: http://HOST:PORT.")
    ] = "",
    pac: Annotated[str, typer.Option(help="A PAC file on the way to the hub: a path or URL.")] = "",
    proxy_credentials: Annotated[
        str, typer.Option(help="A private file with the proxy's NAME:PASSWORD.")
    ] = "",
    proxy_from_environment: Annotated[
        bool, typer.Option("--proxy-from-environment", help="Heed HTTPS_PROXY and NO_PROXY.")
    ] = False,
    page: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of this device's page; 0: no page.")
    ] = 8642,
    out: RESULTS = OUT,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Runs at the same time.")] = 4,
) -> None:
    """Monitor services by schedule; with --hub, as the agent of a site (Ctrl-C ends it)."""
    if context.invoked_subcommand is not None:
        if hub:
            msg = "--hub takes no command: accredit monitor --hub URL"
            raise UsageError(msg)
        return
    if not hub:
        say(*context.get_help().splitlines())
        raise typer.Exit(UsageError.exit_code)
    from harness.cli.monitor_agent import AgentOptions, run_agent  # noqa: PLC0415 - only agents need it
    from probes.agent.proxy_choice import ProxyOptions, read_proxy_choice  # noqa: PLC0415 - the same

    if token_file is not None:
        token = read_text_file(token_file)
    chosen = ProxyOptions(
        proxy=proxy, pac=pac, credentials=proxy_credentials, environment=proxy_from_environment
    )
    run_agent(AgentOptions(hub, out, token, read_proxy_choice(chosen), page, workers))


def read_text_file(path: Path) -> str:
    """A short text in a file. Raises UsageError."""
    try:
        return read_bounded(path, MOST_TOKEN).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no token"
        msg = f"{path}: cannot be read: {reason}"
        raise UsageError(msg) from None


@app.command("bracket", hidden=True)
def bracket_command(
    file: FILE,
    schedule: Annotated[str, typer.Option(help="The schedule whose sentinels are tried.")],
    out: RESULTS = OUT,
) -> None:
    """Try the sentinels of a schedule's campaign, and print as JSON which one failed."""
    declared = read_monitoring(file)
    for service in declared.services:
        for site in service.sites:
            for each in site.schedules:
                if each.name == schedule:
                    names = declared.monitoring, service.service, site.site, each.name
                    what = monitored(declared, RunKey(*names, clock.now()).text, out)
                    fault = sentinel_fault(prepare_run(what))
                    say_data({"failed": "" if fault is None else str(fault)})
                    return
    msg = f"{file}: has no schedule {schedule!r}"
    raise UsageError(msg)


@app.command("check")
def check_command(
    file: FILE,
    out: RESULTS = OUT,
    within: Annotated[
        str, typer.Option(help="Propose the samples that find a fall so soon, such as 28d.")
    ] = "28d",
) -> None:
    """Check a monitoring file; show what runs when, what it costs, and what its alarms find."""
    declared, soon = read_monitoring(file), duration_of(within)
    now, table = clock.now(), Table(box=None)
    for name in ("service", "site", "schedule", "next", "runs a year", "attempts a run"):
        table.add_column(name)
    attempts = 0
    said: list[str] = []
    for service in declared.services:
        found: list[Measured] = []
        for site in service.sites:
            for schedule in site.schedules:
                due = next_due(schedule, declared.zone, now)
                key = RunKey(declared.monitoring, service.service, site.site, schedule.name, due)
                prepared = prepare_run(monitored(declared, key.text, out))
                scheme = load_and_warn(prepared.campaign.scheme, clock)
                plan = dry_run(prepared, scheme, out)
                each = sum(row.at_least for row in plan.attempts)
                yearly = runs_per_year(schedule, declared.zone, now)
                attempts += each * yearly
                found += measured_rows(prepared, scheme, site.site, schedule.name, yearly)
                local = due.astimezone(declared.zone)
                table.add_row(
                    service.service, site.site, schedule.name, f"{local:%Y-%m-%d %H:%M %Z}",
                    f"{yearly:,}", f"{each:,}",
                )  # fmt: skip
        said += forecast_lines(service, found, soon)
    terminal().print(table)
    say(*said)
    for line in _never_in_lessons(declared, now):
        say(line)
    say(f"{file}: no faults; about {attempts:,} attempts a year")


def _never_in_lessons(declared: MonitoringFile, now: datetime) -> Iterator[str]:
    """Name the sites that are never measured while lessons are on."""
    for service in declared.services:
        for site in service.sites:
            if not any(
                is_ever_in_lessons(each, declared.zone, declared.quiet_hours, now)
                for each in site.schedules
            ):
                yield (
                    f"{service.service} at {site.site}: no run begins in lessons (Monday to "
                    "Friday, 09:00 to 15:00), so that a service which filters otherwise then is "
                    "not found out; add a time to a cron, outside quiet_hours"
                )


@app.command("once")
def once_command(file: FILE, out: RESULTS = OUT) -> None:
    """Carry out what is due now, and end; for a timer that starts this every few minutes.

    Exit 0: nothing needs attention. Exit 1: an alarm was confirmed, and the failure is not fixed.
    Exit 3: an alarm waits for its re-test, or a run that was due was not measured. Exit 4: trouble
    of the instrument stood in the way of a run, which is tried again at the next call.
    """
    surveillance = Surveillance(file, out, clock)
    codes, troubled = [0], set[str]()
    with _alone(surveillance):
        while ready := _ready(surveillance, troubled):
            try:
                done = _carry_out(surveillance, ready.key)
            except (InstrumentError, UnfinishedError) as error:  # the others are carried out
                warn(f"{ready.key}: {error}")
                troubled.add(ready.key)
                codes.append(error.exit_code)
                continue
            codes.append(0 if done.run.result == "measured" else NOT_MEASURED)
        for run in surveillance.missed():
            say_at_once(run_in_words(run))
            codes.append(NOT_MEASURED)
    raise typer.Exit(max(attention_code(file, out, clock), *codes))


def _ready(surveillance: Surveillance, troubled: Collection[str]) -> Planned | None:
    """The run to carry out now, one that was begun before first; not one of ``troubled``."""
    now = clock.now()
    planned = [
        each for each in surveillance.planned(now) if each.start <= now and each.key not in troubled
    ]
    return min(planned, key=lambda each: (not each.is_going, each.start), default=None)


def _carry_out(surveillance: Surveillance, key: str) -> CarriedOut:
    what = monitored(read_monitoring(surveillance.path), key, surveillance.out)
    done = carry_out(what, clock)
    for line in _said(done):
        say_at_once(line)
    return done


def _said(done: CarriedOut) -> Iterator[str]:
    if not done.is_new:
        yield f"recorded already: {run_in_words(done.run)}"
        return
    yield run_in_words(done.run)
    for alarm in done.alarms:
        yield f"alarm {alarm} was raised; see: accredit monitor alarms"


@app.command("carry-out", hidden=True)
def carry_out_command(
    file: FILE,
    key: Annotated[str, typer.Option(help="The key of the run.")],
    out: RESULTS = OUT,
    clock_file: Annotated[
        Path | None, typer.Option(help="A file with the hub's time, as an agent read it.")
    ] = None,
) -> None:
    """Carry out one due run, unless it is recorded; what 'accredit monitor run' starts."""
    at = clock if clock_file is None else clock_from(clock_file)
    done = carry_out(monitored(read_monitoring(file), key, out), at)
    say(*_said(done))


@app.command("run")
def run_command(
    file: FILE,
    out: RESULTS = OUT,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Runs at the same time.")] = 4,
) -> None:
    """Carry out runs by schedule until this is stopped (Ctrl-C, SIGTERM).

    With a registry in PostgreSQL several machines may do this for the same file; each run is
    carried out once. Runs of one site never overlap.
    """
    surveillance = Surveillance(file, out, clock)
    registry = CampaignPaths(out=out, campaign="").registry
    declared = read_monitoring(file)
    stop = threading.Event()
    with stopped_by_signals(stop):
        say_at_once(f"monitoring {declared.monitoring}; stop it with Ctrl-C")
        if isinstance(registry, str) and is_database(registry):
            from harness.cli.monitor_on_postgresql import run_on_postgresql  # noqa: PLC0415 - an extra

            run_on_postgresql(
                registry, surveillance, surveillance.command, clock, stop,
                workers=workers, monitoring=declared.monitoring,
            )  # fmt: skip
        else:
            from harness.cli.monitor_in_process import run_in_process  # noqa: PLC0415 - an extra

            with _alone(surveillance):
                run_in_process(surveillance, surveillance.command, clock, stop, workers=workers)
    say("monitoring stopped; runs that were interrupted resume at the next start")


def _alone(surveillance: Surveillance) -> AbstractContextManager[None]:
    """Hold a lock, so that no second process carries out the same runs from this folder."""
    name = read_monitoring(surveillance.path).monitoring
    return alone_in(surveillance.out / f".monitor-{name}")

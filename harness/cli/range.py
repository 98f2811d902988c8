"""``accredit range``: start, stop and locate a test range on loopback."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer
from pydantic import Field, model_validator

from corpora.origin_pack import OriginPages
from corpora.origin_packs import ORIGIN_PACKS
from corpora.synthetic_sites import write_vendor_list
from harness.campaign.origin_file import read_origin
from harness.cli.compose import load_and_warn, running_range
from harness.cli.content_packs import write_content_packs
from harness.cli.given_times import aware_time
from harness.cli.printing import say
from harness.cli.range_alerts import read_alerts
from harness.errors import InstrumentError, UsageError, known, lacking
from harness.model.declared import Declared
from harness.model.plain_twin import twin_of
from harness.ports.network import Origin
from harness.untrusted.regular_file import read_bounded
from harness.yaml_reader import read_document, validate
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import GATEWAY_FILE, SERVICE_LOG_FILE, RangeTestbed
from probes.range.zone import ADDRESS, TWIN_ADDRESS, TWIN_ZONE, ZONE

if TYPE_CHECKING:
    from probes.range.mail_relay import RelaySettings

app = typer.Typer(no_args_is_help=True)
VENDOR_LIST = "vendor-list.csv"
"""The list of sites that the reference filter categorises itself, for ``corpus import``."""

PID_FILE = "range.pid"
"""The number of the process of a range in the background, which holds a lock on the file."""

_PID_BYTES = 64
START_LIMIT = 20.0
"""Seconds to wait for a range to start."""

FOLDER = Annotated[Path, typer.Option("--out", help="The folder for origin.json and its files.")]


class FaultDeclaration(Declared):
    """One fault of the reference filter, as a faults file lists it."""

    kind: Annotated[FaultKind, Field(strict=False)]
    hosts: tuple[str, ...] | None = None
    profiles: tuple[str, ...] | None = None
    service: str | None = None
    after: int = 0
    lasting: Annotated[int, Field(ge=1)] | None = None
    delay: float = 0.0
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    seconds: Annotated[float, Field(allow_inf_nan=False)] = 60.0
    user: str = "another-user"
    seed: int = 0
    words: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    recipient: str = "somebody-else@school.test"
    rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 100_000.0
    connections: Annotated[int, Field(ge=1)] = 4

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            self.fault()
        except UsageError as error:
            raise ValueError(str(error)) from None
        return self

    def fault(self) -> Fault:
        """Return the fault. Raises UsageError."""
        named = {"hosts": self.hosts, "profiles": self.profiles}
        sets = {name: frozenset(given) for name, given in named.items() if given is not None}
        return Fault(**self.model_dump() | sets)


class FaultsDeclaration(Declared):
    """A faults file."""

    faults: tuple[FaultDeclaration, ...] = ()
    dead_hosts: tuple[str, ...] = ()


ALERTS_FILE = Annotated[
    Path | None, typer.Option(help="A YAML file: to whom the filter sends alerts.")
]
MAIL_FILE = Annotated[Path | None, typer.Option(help="A YAML file: the mail relay of the filter.")]


@app.command("up")
def up_command(
    out: FOLDER = Path(),
    profile: Annotated[list[str] | None, typer.Option(help="Profiles of the filter.")] = None,
    scheme: Annotated[
        str, typer.Option(help="The scheme whose policy the filter follows.")
    ] = "becta-2008",
    faults: Annotated[Path | None, typer.Option(help="A YAML file of faults to simulate.")] = None,
    alerts: ALERTS_FILE = None,
    mail: MAIL_FILE = None,
    *,
    ipv6: Annotated[
        bool, typer.Option(help="Also listen on ::1 and publish AAAA records.")
    ] = False,
    gateway: Annotated[
        bool, typer.Option(help="Also start a transparent gateway for each profile (Linux).")
    ] = False,
    changes_at: Annotated[
        str, typer.Option(help="When pages change their content: 2026-11-24T12:00:00Z.")
    ] = "",
    detach: Annotated[bool, typer.Option(help="Run in the background.")] = False,
) -> None:
    """Start an origin and a reference filter on loopback; stop them with Ctrl-C or ``down``."""
    profiles = tuple(profile or ("pupils",))
    if gateway and sys.platform != "linux":
        msg = "range up --gateway needs Linux, where all of 127.0.0.0/8 is loopback; leave it out"
        raise UsageError(msg)
    change = aware_time(changes_at, "--changes-at ") if changes_at else None
    declared, policy = read_faults(faults), load_and_warn(scheme).policy
    settings, relay = read_alerts(alerts), _relay(mail)
    if detach:
        files = {"--faults": faults, "--alerts": alerts, "--mail": mail}
        named = {"--scheme": scheme, "--changes-at": changes_at, **files}
        _detach(out, profiles, named, {"--ipv6": ipv6, "--gateway": gateway})
        return
    with running_range(
        out,
        policy=policy,
        profiles=profiles,
        dead_hosts=declared.dead_hosts,
        pages=make_lists(out, changes_at=change),
        dual_stack=ipv6,
        gateway=gateway,
        changes_at=change,
        alerts=settings,
        mail=relay,
    ) as running:
        play_faults(running, declared)
        print_addresses(running.origin, out)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


def _relay(path: Path | None) -> RelaySettings | None:
    """Read a mail file; without one the filter has no mail relay."""
    if path is None:
        return None
    from harness.cli.range_mail import read_relay  # noqa: PLC0415 - needs an extra

    return read_relay(path)


@app.command("down")
def down_command(out: FOLDER = Path()) -> None:
    """Stop a range that ``up --detach`` started."""
    path = out / PID_FILE
    not_running = UsageError(f"{path}: no range was started here with 'accredit range up --detach'")
    try:
        process = int(read_bounded(path, _PID_BYTES))
    except (OSError, ValueError):
        raise not_running from None
    if process <= 1:  # os.kill takes these for a group of processes, or for all of them
        raise not_running
    locked = _locked(path)
    if locked is not None:  # the number may be another process's by now
        path.unlink()
        os.close(locked)
        raise UsageError(f"{out}: the range that was started here has ended already")
    try:
        os.kill(process, signal.SIGTERM)
    except (OSError, OverflowError):
        raise not_running from None
    path.unlink()


def _locked(path: Path) -> int | None:
    """Open a file and lock it; return its descriptor, or None if a range holds it.

    The range inherits the descriptor, and the lock is free when the range has ended (flock(2)).
    """
    import fcntl  # noqa: PLC0415 - POSIX alone has it, and ranges in the background

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@app.command("where")
def where_command(
    out: FOLDER = Path(),
    part: Annotated[str, typer.Option("--of", help="proxy, resolver, gateway or names.")] = "proxy",
    profile: Annotated[str, typer.Option(help="The profile; default: the first.")] = "",
) -> None:
    """Print the address of the reference filter's proxy or resolver, or of the name server.

    Of a gateway its ports, as the option ``ports`` of a line takes them; ``names`` is the origin's
    own name server, which filters nothing.
    """
    origin = read_origin(out / "origin.json")
    if part == "names":
        say(origin.resolver)
        return
    filters = origin.services.get("reference", {})
    if part not in filters:
        hint = "; start the range with --gateway" if part == "gateway" else ""
        msg = f"no {part!r} in {out / 'origin.json'}; {known([*filters, 'names'])}{hint}"
        raise UsageError(msg)
    name = profile or next(iter(filters[part]))
    if name not in filters[part]:
        msg = f"no profile {name!r} in {out / 'origin.json'}; {known(filters[part])}"
        raise UsageError(msg)
    say(_written(filters[part][name]))


def make_lists(out: Path, seed: str = "", changes_at: datetime | None = None) -> OriginPages:
    """Write the lists that an assessor draws items from into ``out``; return the content pages.

    They are a vendor's list to import, and the origin's packs on hosts derived from ``seed``.
    Without a seed a random one is drawn, so that the hosts cannot be predicted. ``changes_at`` is
    when pages change their content.
    """
    seed = seed or secrets.token_hex(16)
    out.mkdir(parents=True, exist_ok=True)
    write_vendor_list(out / VENDOR_LIST)
    return write_content_packs(
        out,
        seed,
        addresses_of=_loopback_addresses,
        changes_at=changes_at,
        plain_host=lambda host: twin_of(host, ZONE, TWIN_ZONE),
    )


def _loopback_addresses(_: str) -> tuple[str, ...]:
    """The addresses of a host that needs several: two, on systems whose loopback has them."""
    return tuple({ADDRESS, TWIN_ADDRESS})


def play_faults(world: RangeTestbed, declared: FaultsDeclaration) -> None:
    """Enable the faults of a faults file."""
    for each in declared.faults:
        world.faults.add(each.fault())


def read_faults(path: Path | None) -> FaultsDeclaration:
    """Read a faults file; without a file there are no faults."""
    if path is None:
        return FaultsDeclaration()
    return validate(read_document(path), FaultsDeclaration)


def print_addresses(origin: Origin, out: Path) -> None:
    """Print the paths and addresses that a campaign file needs."""
    say(f"origin file:  {out / 'origin.json'}")
    if (out / VENDOR_LIST).exists():
        say(f"a vendor's list to draw real items from: {out / VENDOR_LIST}")
        for pack in ORIGIN_PACKS:
            say(f"a pack ({pack.title}): {out / pack.name}")
    filters = origin.services.get("reference", {})
    if "gateway" in filters:
        say(f"the gateway's certificate authority:       {out / GATEWAY_FILE}")
    if (out / SERVICE_LOG_FILE).exists():
        say(f"the reference filter's own log: {out / SERVICE_LOG_FILE}")
    for kind, addresses in filters.items():
        for profile, address in addresses.items():
            say(f"reference {kind} for {profile}: {_written(address)}")
    if (absent := lacking("aioquic")) is not None:
        say(f"no HTTP/3 and no DNS over QUIC: {': '.join(absent)}")


def _written(address: Any) -> str:
    """An address as a campaign file takes it; of a gateway the map of ports."""
    if isinstance(address, dict):
        return "{" + ", ".join(f"{port}: {real}" for port, real in address.items()) + "}"
    return f"{address}"


def _detach(
    out: Path,
    profiles: Iterable[str],
    named: Mapping[str, Path | str | None],
    flags: Mapping[str, bool],
) -> None:
    """Run ``range up`` in the background with these options, those without a value left out."""
    if not hasattr(os, "posix_spawn"):
        msg = (
            "range up --detach needs a POSIX system; leave out --detach, and keep this window open"
        )
        raise UsageError(msg)
    out.mkdir(parents=True, exist_ok=True)
    locked = _locked(out / PID_FILE)
    if locked is None:
        msg = f"{out}: a range is running here; stop it first: accredit range down --out {out}"
        raise UsageError(msg)
    os.truncate(locked, 0)  # an earlier number may be another process's by now
    os.set_inheritable(locked, True)  # noqa: FBT003 - takes no names
    (out / "origin.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "harness.cli.process", "range", "up", "--out", str(out)]
    command += [part for name in profiles for part in ("--profile", name)]
    command += [part for name, value in named.items() if value for part in (name, str(value))]
    command += [name for name, is_set in flags.items() if is_set]
    log = str(out / "range.log")
    child = os.posix_spawn(
        sys.executable,
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    os.write(locked, str(child).encode())
    os.close(locked)
    _await_start(out, child)
    print_addresses(read_origin(out / "origin.json"), out)


def _await_start(out: Path, child: int) -> None:
    """Wait until a range has written its origin file. Raises InstrumentError if it does not."""
    deadline = time.monotonic() + START_LIMIT
    while not (out / "origin.json").exists():
        ended, _ = os.waitpid(child, os.WNOHANG)
        if ended or time.monotonic() > deadline:
            if not ended:
                os.kill(child, signal.SIGTERM)
            log = (out / "range.log").read_text(errors="replace").strip()
            last = log.rpartition("\n")[2][-500:]
            raise InstrumentError(f"the range did not start: {last}")
        time.sleep(0.05)

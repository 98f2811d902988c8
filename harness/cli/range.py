"""``accredit range up``: the loopback range for a person who wants to try something."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from corpora.synthetic_sites import (
    ContentPages,
    content_pages,
    write_content_pages,
    write_vendor_list,
)
from harness.campaign.origin_file import read_origin
from harness.cli.compose import load_and_warn, running_range
from harness.cli.printing import say
from harness.errors import InstrumentError, UsageError, known
from harness.model.declared import Declared
from harness.ports.network import Origin
from harness.untrusted.regular_file import read_bounded
from harness.yaml_reader import read_document, validate
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed

app = typer.Typer(no_args_is_help=True)
VENDOR_LIST = "vendor-list.csv"
"""The sites that the reference filter knows by its own categorisation, for ``corpus import``."""
CONTENT_PAGES = "content-pages"
"""The pack of the pages that only content analysis can tell."""

_PID_BYTES = 64
START_LIMIT = 20.0
"""Seconds after which a range that is not up will not come up."""

FOLDER = Annotated[Path, typer.Option("--out", help="The folder for origin.json and its files.")]


class FaultDeclaration(Declared):
    """One fault of the reference filter, as a faults file lists it."""

    kind: Annotated[FaultKind, Field(strict=False)]
    hosts: tuple[str, ...] | None = None
    profiles: tuple[str, ...] | None = None
    service: str | None = None
    after: int = 0
    delay: float = 0.0


class FaultsDeclaration(Declared):
    """A faults file."""

    faults: tuple[FaultDeclaration, ...] = ()
    dead_hosts: tuple[str, ...] = ()


@app.command("up")
def up_command(
    out: FOLDER = Path(),
    profile: Annotated[list[str] | None, typer.Option(help="Profiles of the filter.")] = None,
    scheme: Annotated[str, typer.Option(help="Whose policy the filter follows.")] = "becta-2008",
    faults: Annotated[Path | None, typer.Option(help="A YAML file of faults to play.")] = None,
    *,
    ipv6: Annotated[bool, typer.Option(help="Be at ::1 too, and let the names say so.")] = False,
    detach: Annotated[bool, typer.Option(help="Go on in the background.")] = False,
) -> None:
    """Bring up an origin and a reference filter on loopback; Ctrl-C or ``down`` ends them."""
    profiles = tuple(profile or ("pupils",))
    if detach:
        _detach(out, profiles, scheme, faults, dual_stack=ipv6)
        return
    declared = read_faults(faults)
    ranged = running_range(
        out,
        policy=load_and_warn(scheme).policy,
        profiles=profiles,
        dead_hosts=declared.dead_hosts,
        pages=make_lists(out),
        dual_stack=ipv6,
    )
    with ranged as running:
        play_faults(running, declared)
        say_where(running.origin, out)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


@app.command("down")
def down_command(out: FOLDER = Path()) -> None:
    """End a range that ``up --detach`` started."""
    path = out / "range.pid"
    nobody = UsageError(f"{path}: no range was started here with 'accredit range up --detach'")
    try:
        process = int(read_bounded(path, _PID_BYTES))
    except (OSError, ValueError):
        raise nobody from None
    if process <= 1:  # these mean a group of processes, or all of them
        raise nobody
    try:
        os.kill(process, signal.SIGTERM)
    except (OSError, OverflowError):
        raise nobody from None
    path.unlink()


@app.command("where")
def where_command(
    out: FOLDER = Path(),
    of: Annotated[str, typer.Option(help="proxy or resolver.")] = "proxy",
    profile: Annotated[str, typer.Option(help="For which profile; default: the first.")] = "",
) -> None:
    """Print the address of one part of the reference filter."""
    filters = read_origin(out / "origin.json").services.get("reference", {})
    if of not in filters:
        msg = f"no {of!r} in {out / 'origin.json'}; {known(filters)}"
        raise UsageError(msg)
    name = profile or next(iter(filters[of]))
    if name not in filters[of]:
        msg = f"no profile {name!r} in {out / 'origin.json'}; {known(filters[of])}"
        raise UsageError(msg)
    say(f"{filters[of][name]}")


def make_lists(out: Path, seed: str = "") -> ContentPages:
    """Write what an assessor draws items from into ``out``; gives the content pages.

    A vendor's list to import, and a pack of content pages on hosts that a ``seed`` draws: a
    random one, unless told, so that nobody can know them.
    """
    seed = seed or secrets.token_hex(16)
    pages = content_pages(seed)
    out.mkdir(parents=True, exist_ok=True)
    write_vendor_list(out / VENDOR_LIST)
    shutil.rmtree(out / CONTENT_PAGES, ignore_errors=True)
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    write_content_pages(pages, out / CONTENT_PAGES, seed, created)
    return pages


def play_faults(world: RangeTestbed, declared: FaultsDeclaration) -> None:
    """Switch the faults of a faults file on."""
    for each in declared.faults:
        world.faults.add(_fault(each))


def read_faults(path: Path | None) -> FaultsDeclaration:
    """Read a faults file; none is no faults."""
    if path is None:
        return FaultsDeclaration()
    return validate(read_document(path), FaultsDeclaration)


def say_where(origin: Origin, out: Path) -> None:
    """Print what a campaign file needs to know."""
    say(f"origin file:  {out / 'origin.json'}")
    if (out / VENDOR_LIST).exists():
        say(f"a vendor's list to draw real items from: {out / VENDOR_LIST}")
        say(f"content pages (nobody is told of them):  {out / CONTENT_PAGES}")
    for service, kinds in origin.services.items():
        for kind, addresses in kinds.items():
            for profile, address in addresses.items():
                say(f"{service} {kind} for {profile}: {address}")


def _fault(declared: FaultDeclaration) -> Fault:
    return Fault(
        kind=declared.kind,
        hosts=None if declared.hosts is None else frozenset(declared.hosts),
        profiles=None if declared.profiles is None else frozenset(declared.profiles),
        service=declared.service,
        after=declared.after,
        delay=declared.delay,
    )


def _detach(
    out: Path, profiles: tuple[str, ...], scheme: str, faults: Path | None, *, dual_stack: bool
) -> None:
    if not hasattr(os, "posix_spawn"):
        msg = (
            "range up --detach needs a POSIX system; leave out --detach, and keep this window open"
        )
        raise UsageError(msg)
    out.mkdir(parents=True, exist_ok=True)
    (out / "origin.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "harness.cli.process", "range", "up", "--out", str(out)]
    command += [part for name in profiles for part in ("--profile", name)]
    command += ["--scheme", scheme] + (["--faults", str(faults)] if faults else [])
    command += ["--ipv6"] if dual_stack else []
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
    (out / "range.pid").write_text(str(child))
    deadline = time.monotonic() + START_LIMIT
    while not (out / "origin.json").exists():
        ended, _ = os.waitpid(child, os.WNOHANG)
        if ended or time.monotonic() > deadline:
            if not ended:
                os.kill(child, signal.SIGTERM)
            log = (out / "range.log").read_text(errors="replace").strip()
            last = log.rpartition("\n")[2][-500:]
            raise InstrumentError(f"the range did not come up: {last}")
        time.sleep(0.05)
    say_where(read_origin(out / "origin.json"), out)

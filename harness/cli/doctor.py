"""``accredit doctor``: check whether this machine, and a campaign, are ready to measure."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import distribution, packages_distributions, requires
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from harness.campaign.assemble import Prepared
from harness.campaign.user_checks import from_campaign
from harness.cli.compose import load_and_warn, measurement_context, prepare, read_machine
from harness.cli.measure import SWAPPED, read_record
from harness.cli.printing import say, say_json
from harness.errors import EXTRAS, is_installed
from harness.model.batch import Batch
from harness.model.marker import new_run
from harness.model.observation import Observation
from harness.ports.network import Origin
from harness.ports.storage import WallClock
from probes.net.route import unverified_tls_context

if TYPE_CHECKING:
    from cryptography import x509

ROOMS = ("harness", "test_suites", "corpora", "probes", "reports")
FEW_DESCRIPTORS = 1024
FEW_DAYS = 14
"""A certificate that is valid for fewer days gets a note."""
SECONDS = 3.0
"""How long to wait for the origin's own certificate."""
HTTPS = 443
NO_PACKAGES = frozenset({"__pycache__", "docs", "tests", "test", "examples"})
"""Folders that some libraries install beside their packages; nothing imports them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: whether it passed, and what to do if it did not."""

    name: str
    holds: bool
    detail: str
    needed: bool = True


def doctor_command(
    campaign: Annotated[
        Path | None, typer.Argument(help="A campaign file to check as well.")
    ] = None,
    *,
    swapped: SWAPPED = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this machine, and a campaign's lines and sentinels. Exit 0, 3 or 4."""
    checks = list(machine_checks())
    machine_holds = all(check.holds or not check.needed for check in checks)
    if campaign is not None:
        prepared = prepare(campaign, swapped=swapped)
        load_and_warn(prepared.campaign.scheme)
        checks += certificate_checks(prepared, WallClock().now())
        checks += campaign_checks(prepared)
    if json:
        say_json(msgspec.json.encode(checks))
    else:
        _show(checks)
    if not machine_holds:
        raise typer.Exit(4)
    if not all(check.holds or not check.needed for check in checks):
        raise typer.Exit(3)


def machine_checks() -> Iterator[Check]:
    """Python, package names, extras, open-file limit, and the instrument record."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check(name="Python 3.11 or newer", holds=sys.version_info >= (3, 11), detail=python)
    owners = packages_distributions()
    for room in ROOMS:
        others = sorted(set(owners.get(room, [])) - {"isp-accredit"})
        detail = f"also installed by {', '.join(others)}; use a separate environment"
        yield Check(
            name=f"no other package is named {room!r}",
            holds=not others,
            detail=detail if others else "isp-accredit",
        )
    yield from shadow_checks(Path.cwd(), owners)
    for extra in dict.fromkeys(EXTRAS.values()):
        absent = [name for name in EXTRAS if EXTRAS[name] == extra and not is_installed(name)]
        detail = f"without {', '.join(absent)}: pip install 'isp-accredit[{extra}]'"
        yield Check(
            name=f"extra {extra}",
            holds=not absent,
            detail=detail if absent else "installed",
            needed=False,
        )
    yield _chromium()
    yield _descriptors()
    yield _load()
    yield from instrument_checks()


def _load() -> Check:
    """Whether other programs leave the measuring thread a processor."""
    reading = read_machine()
    if reading.load_average is None or reading.processors is None:
        return Check(name="load of this machine", holds=False, detail="not known", needed=False)
    detail = f"{reading.load_average:.1f} programs on average for {reading.processors} processors"
    holds = reading.load_average < reading.processors
    if not holds:
        detail += "; times will decide nothing if this stays so: stop other programs"
    return Check(name="load of this machine", holds=holds, detail=detail, needed=False)


def instrument_checks() -> Iterator[Check]:
    """What a journal would record of this machine; gaps affect only the requirement TQ-13."""
    record = read_record(WallClock())
    for name, value in record.rows:
        yield Check(name=name, holds="not known" not in value, detail=value, needed=False)


def campaign_checks(prepared: Prepared) -> list[Check]:
    """Try only the sentinels of a campaign, over each line, and check the preconditions."""
    from harness.judge.judge import judge  # noqa: PLC0415 - only a campaign needs it

    observations = try_sentinels(prepared)
    return [
        Check(
            name=f"{precondition.name} ({precondition.line}, {precondition.profile})",
            holds=precondition.held,
            detail=precondition.detail,
        )
        for precondition in judge(observations, prepared.campaign.service.block_page).preconditions
    ]


def try_sentinels(prepared: Prepared) -> list[Observation]:
    """Try the sentinels of a campaign in each way, and no item; evidence is not kept."""
    from harness.measure.observe import observe_batch  # noqa: PLC0415 - only a campaign needs it
    from harness.model.batch import ways  # noqa: PLC0415 - the same
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - the same

    async def look(folder: Path) -> list[Observation]:
        context = measurement_context(prepared, EvidenceFolder(folder), WallClock(), run=new_run())
        observations = []
        async with AsyncExitStack() as stack:
            await context.open(stack)
            for batch_number, way in enumerate(ways(prepared.campaign), 1):
                batch = Batch(number=batch_number, way=way, items=())
                observations += await observe_batch(batch, prepared.campaign, context)
        return observations

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(look(Path(folder)))


def shadow_checks(folder: Path, owners: Mapping[str, list[str]]) -> Iterator[Check]:
    """Whether a local file or folder is imported in place of one of the installed packages.

    ``owners`` are the distributions of each module. A file in ``folder`` does not affect
    ``accredit``, but it hides a package from ``python -m`` and pytest.
    """
    name = "no local file hides a package"
    ours = Path(sys.modules["harness"].__path__[0]).parent
    homes = dict.fromkeys(ROOMS, ours) | dict(_library_homes(owners))
    hidden = {
        module: where
        for module, home in homes.items()
        if (where := _imported_from(module)) is not None and not where.is_relative_to(home)
    }
    for module, where in sorted(hidden.items()):
        detail = f"{where} hides the installed package {module!r}; rename or move it"
        yield Check(name=name, holds=False, detail=detail)
    if not hidden:
        yield Check(name=name, holds=True, detail=f"{len(homes)} packages")
    for module, home in sorted(homes.items()):
        near = next((p for p in (folder / module, folder / f"{module}.py") if p.exists()), None)
        if near is not None and module not in hidden and not near.resolve().is_relative_to(home):
            detail = f"{near} hides {module!r} from pytest and 'python -m'; rename or move it"
            yield Check(name=name, holds=False, detail=detail, needed=False)


def _library_homes(owners: Mapping[str, list[str]]) -> Iterator[tuple[str, Path]]:
    """The modules of the libraries that Accredit needs, and the folder each is installed in."""
    needed = {re.split(r"[^\w.-]", text)[0] for text in requires("isp-accredit") or ()}
    wanted = {_normal(name) for name in needed}
    for module, named in owners.items():
        for owner in named:
            if _normal(owner) in wanted and module not in NO_PACKAGES:
                yield module, Path(str(distribution(owner).locate_file(""))).resolve()


def _normal(name: str) -> str:
    """The name of a distribution in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported_from(module: str) -> Path | None:
    """The file or folder that a module is imported from; None if it is not found."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return Path(places[0]).resolve() if places and places[0] else None


def certificate_checks(prepared: Prepared, now: datetime) -> list[Check]:
    """The dates of every certificate of a campaign: given authorities, and the origin's own."""
    campaign, origin = prepared.campaign, prepared.origin
    files = {"origin's authority": origin.authority} if origin and origin.authority else {}
    declared = [("control", campaign.control.options)]
    for line in campaign.lines:
        declared += [(line.name, options) for options in (line.options, *line.by_profile.values())]
    for line_name, options in declared:
        if given := options.get("authority"):
            files[f"authority of line {line_name}: {given}"] = from_campaign(prepared.path, given)
    checks = [check for name, file in files.items() for check in _file_checks(name, file, now)]
    if origin is not None and HTTPS in origin.ports:
        checks.append(_own_certificate(origin, now))
    return checks


def _file_checks(name: str, file: str, now: datetime) -> Iterator[Check]:
    """A check for each certificate in a PEM file."""
    from cryptography import x509  # noqa: PLC0415 - only a campaign needs it

    try:
        shown = x509.load_pem_x509_certificates(Path(file).read_bytes())
    except OSError as error:
        detail = f"{file}: {error.strerror or error}"  # a line that needs it cannot be opened
        yield Check(name=f"certificate: {name}", holds=False, detail=detail, needed=False)
    except ValueError:
        detail = f"{file}: holds no certificate in PEM form"
        yield Check(name=f"certificate: {name}", holds=False, detail=detail)
    else:
        for certificate in shown:
            yield _dates(name, certificate, now)


def _own_certificate(origin: Origin, now: datetime) -> Check:
    """Ask the origin directly for the certificate of its zone."""
    from cryptography import x509  # noqa: PLC0415 - only a campaign needs it

    name = "origin's own"
    context = unverified_tls_context()  # only dates are read
    try:
        address = (origin.address, origin.ports[HTTPS])
        with (
            socket.create_connection(address, timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=origin.zone) as encrypted,
        ):
            shown = encrypted.getpeercert(binary_form=True) or b""
        return _dates(name, x509.load_der_x509_certificate(shown), now)
    except (OSError, ValueError) as error:
        detail = f"not read from {origin.address}: {error}"
        return Check(name=f"certificate: {name}", holds=False, detail=detail, needed=False)


def _dates(name: str, certificate: x509.Certificate, now: datetime) -> Check:
    """Whether a certificate is valid now, and until when."""
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    days = (last - now).days
    valid = first <= now <= last
    soon = valid and days < FEW_DAYS
    if now < first:
        detail = f"valid only from {first:%Y-%m-%d}; check this machine's clock"
    elif now > last:
        detail = f"expired on {last:%Y-%m-%d}; renew it, or give the new file"
    else:
        detail = f"valid until {last:%Y-%m-%d}"
    if soon:
        detail += f", only {days} more days: renew it before a long campaign"
    return Check(
        name=f"certificate: {name}", holds=valid and not soon, detail=detail, needed=not soon
    )


def _chromium() -> Check:
    """Whether there is a Chromium for the probes that load pages in a browser."""
    from probes.clients.chromium import browser_program  # noqa: PLC0415 - only this check needs it

    found = browser_program()
    return Check(
        name="Chromium",
        holds=found is not None,
        detail=found or "not installed (Debian: apt install chromium)",
        needed=False,
    )


def _descriptors() -> Check:
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return Check(name="open-file limit", holds=True, detail="no limit known", needed=False)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Check(
        name="open-file limit",
        holds=soft >= FEW_DESCRIPTORS,
        detail=f"{soft:,} (a campaign needs about two per concurrent attempt)",
    )


def _show(checks: list[Check]) -> None:
    for check in checks:
        word = "ok  " if check.holds else "FAIL" if check.needed else "none"
        say(f"{word}  {check.name}: {check.detail}")

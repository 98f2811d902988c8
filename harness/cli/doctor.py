"""``accredit doctor``: check whether this machine, and a campaign, are ready to measure."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from harness.campaign.assemble import Prepared
from harness.cli.compose import load_and_warn, measurement_context, prepare
from harness.cli.measure import SWAPPED, read_record
from harness.cli.printing import say, say_json
from harness.model.batch import Batch
from harness.model.marker import new_run
from harness.model.observation import Observation
from harness.ports.storage import WallClock

ROOMS = ("harness", "test_suites", "corpora", "probes", "reports")
OPTIONAL = {
    "scipy": "assess",
    "matplotlib": "report",
    "pytest": "pytest",
    "allure": "pytest",
    "quickjs": "pac",
}
FEW_DESCRIPTORS = 1024


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
    """Check this machine and, given a campaign, its origin, lines and sentinels. Exit 0, 3 or 4."""
    checks = list(machine_checks())
    machine_holds = all(check.holds or not check.needed for check in checks)
    if campaign is not None:
        prepared = prepare(campaign, swapped=swapped)
        load_and_warn(prepared.campaign.scheme)
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
    """Python, package names, optional libraries, open-file limit, and the instrument record."""
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
    for library, extra in OPTIONAL.items():
        holds = importlib.util.find_spec(library) is not None
        detail = "installed" if holds else f"pip install 'isp-accredit[{extra}]'"
        yield Check(name=f"library {library}", holds=holds, detail=detail, needed=False)
    yield _descriptors()
    yield from instrument_checks()


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

"""``accredit doctor``: says whether this machine, and this campaign, are ready to measure."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
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
    """One thing looked at: whether it holds, and what to do where it does not."""

    name: str
    holds: bool
    detail: str
    needed: bool = True


def doctor_command(
    campaign: Annotated[Path | None, typer.Argument(help="A campaign to try out.")] = None,
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
    """Python, room names, optional libraries, descriptors, and what a journal would record."""
    found = ".".join(map(str, sys.version_info[:3]))
    yield Check(name="Python 3.11 or newer", holds=sys.version_info >= (3, 11), detail=found)
    owners = packages_distributions()
    for room in ROOMS:
        others = sorted(set(owners.get(room, [])) - {"isp-accredit"})
        detail = f"also installed by {', '.join(others)}; use an environment of its own"
        yield Check(
            name=f"package {room!r} is ours alone",
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
    """What a journal would record of this machine; what is missing there bars nothing but TQ-13."""
    record = read_record(WallClock())
    for name, value in record.rows:
        yield Check(name=name, holds="not known" not in value, detail=value, needed=False)


def campaign_checks(prepared: Prepared) -> list[Check]:
    """Try only the sentinels of a campaign, every way, and say which preconditions hold."""
    from harness.judge.judge import judge  # noqa: PLC0415 - only a campaign needs it
    from harness.measure.observe import observe_batch  # noqa: PLC0415 - the same
    from harness.model.batch import ways  # noqa: PLC0415 - the same
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - the same

    async def look(folder: Path) -> list[Check]:
        instruments = replace(
            measurement_context(prepared, EvidenceFolder(folder), WallClock()),
            run=new_run(),
            seed=prepared.campaign.seed,
        )
        seen = []
        async with AsyncExitStack() as stack:
            await instruments.open(stack)
            for number, way in enumerate(ways(prepared.campaign), 1):
                batch = Batch(number=number, way=way, items=())
                seen += await observe_batch(batch, prepared.campaign, instruments)
        return [
            Check(
                name=f"{each.name} ({each.line}, {each.profile})",
                holds=each.held,
                detail=each.detail,
            )
            for each in judge(seen, prepared.campaign.service.block_page).preconditions
        ]

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(look(Path(folder)))


def _descriptors() -> Check:
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return Check(name="file descriptors", holds=True, detail="no limit known", needed=False)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Check(
        name="file descriptors",
        holds=soft >= FEW_DESCRIPTORS,
        detail=f"{soft} at once; a campaign uses about two an attempt in flight",
    )


def _show(checks: list[Check]) -> None:
    for check in checks:
        word = "ok  " if check.holds else "FAIL" if check.needed else "none"
        say(f"{word}  {check.name}: {check.detail}")

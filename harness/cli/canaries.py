"""``accredit plan canaries``: new agreed canaries for re-tests, as a list for the supplier."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import typer

from harness.cli.compose import open_pack
from harness.cli.fresh_items import RetestItems, retest_items
from harness.cli.given_times import utc_time
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.plan_step import SUPPLIER
from harness.cli.printing import say
from harness.cli.registry_session import HeldPlan, current_user, open_session
from harness.errors import UsageError
from harness.follow.next_step import next_step
from harness.follow.retest import is_of
from harness.model.action_plan import CanarySet
from harness.model.corpus import Item
from harness.model.event import CanariesMade
from harness.model.event_times import in_utc
from harness.ports.network import Origin
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from corpora.exporters import ListExporter

FOLDER = "canaries"
"""The folder of new canaries below the results folder."""

_CANARY = re.compile(r"([a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*)-(\d+)\.(canary\..+)")


class CanaryName(NamedTuple):
    """A canary's host in parts: ``drug-017.canary.example.org`` is drug, 17 and the rest."""

    name: str
    number: int
    zone: str


def canary_name(host: str) -> CanaryName | None:
    """The parts of a canary's host; ``None`` for any other host.

    This alone decides in which zone new canaries lie: in that of the missed ones.
    """
    found = _CANARY.fullmatch(host.lower())
    return CanaryName(found[1], int(found[2]), found[3]) if found else None


def new_canaries(items: RetestItems, known_ids: Iterable[str], retests: int) -> tuple[Item, ...]:
    """Make canaries like those that failed, enough for so many re-tests.

    Each has the category and the zone of missed items, and a number that none of the known items
    has. Raises UsageError if the missed items are no canaries.
    """
    models = _models(items)
    highest: defaultdict[str, int] = defaultdict(int)
    hosts = (item.host for corpus in items.packs.values() for item in corpus.items())
    for host in (*hosts, *(f"{name}.canary.x" for name in known_ids)):
        if (parts := canary_name(host)) is not None:
            highest[parts.name] = max(highest[parts.name], parts.number)
    made: list[Item] = []
    for code in items.codes:
        alike = [model for model in models if is_of(model.category, code)]
        if not alike:
            of = f" of {code}" if code else ""
            msg = (
                f"plan {items.plan.id}: its items{of} are no canaries, so none can be made; "
                "add a list of the same kind to 'corpora' of the campaign file"
            )
            raise UsageError(msg)
        for model in islice(cycle(alike), items.for_retests(retests)):
            name, _, zone = canary_name(model.host) or CanaryName("", 0, "")
            highest[name] += 1
            label = f"{name}-{highest[name]:03d}"
            host = f"{label}.{zone}"
            made.append(
                msgspec.structs.replace(
                    model, id=label, value=host, registrable=host, pair_id="", pack=""
                )
            )
    return tuple(made)


def _models(items: RetestItems) -> tuple[Item, ...]:
    """One canary for each category and zone: missed ones, or others of a category without any."""
    missed = set(items.finding.missed)
    found: dict[tuple[str, str], Item] = {}
    without: dict[tuple[str, str], Item] = {}
    for item in items.items:
        parts = canary_name(item.host) if item.kind == "host" else None
        if parts is not None and item.category in items.measured:
            target = found if item.id in missed else without
            target.setdefault((item.category, parts.zone), item)
    categories = {category for category, _ in found}
    others = {place: item for place, item in without.items() if place[0] not in categories}
    return tuple(item for _, item in sorted((found | others).items()))


clock: Clock = WallClock()
"""The clock of ``plan canaries``; tests replace it."""


def canaries_command(
    plan: Annotated[str, typer.Argument(help="The plan's id, such as P-0001.")],
    campaign: Annotated[Path, typer.Argument(help="The campaign file of the finding.")],
    form: Annotated[str, typer.Option("--format", help="See: accredit list exporters.")],
    out: Annotated[Path, typer.Option("--out", help="The list for the supplier: a new path.")],
    loaded_by: Annotated[
        str,
        typer.Option(
            help="When they are loaded, such as 2026-12-01T09:00; UTC if no zone is given."
        ),
    ],
    retests: Annotated[
        int, typer.Option(min=1, max=50, help="Make enough for so many re-tests.")
    ] = 1,
    *,
    results: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
    by: Annotated[str, typer.Option(help="Who does this; default: you.")] = "",
    supplier: SUPPLIER = "",
) -> None:
    """Make new agreed canaries for re-tests of a plan, and the list that the supplier loads."""
    from corpora.exporters import LIST_EXPORTERS  # noqa: PLC0415 - only this verb needs it

    export, actor = LIST_EXPORTERS.find(form), by or current_user()
    loaded = utc_time(loaded_by, "--loaded-by")
    registry = CampaignPaths(out=results, campaign="").registry
    if out.exists():
        msg = f"{out} exists already; give a new path"
        raise UsageError(msg)
    with open_session(registry, clock=clock) as session:
        held = session.plan(plan, supplier)
        items = retest_items(held.finding, held.plan, campaign, results, clock)
        _require_agreed(items)
        made = new_canaries(items, _ids_made(session.plans(supplier=held.supplier)), retests)
        event = CanariesMade(
            at=clock.now(), actor=actor, plan=plan, canaries=_canary_set(made, "-", "-", loaded)
        )
        session.check(held, event)
        folder = _free_folder(results, plan)
        sha256 = _write_pack(results / folder, made, plan, event.at)
        _export(export, _with_twins(made, items.prepared.origin), out)
        canaries = _canary_set(made, folder, sha256, loaded)
        made_event = msgspec.structs.replace(event, canaries=canaries)
        after = session.advance(plan, made_event, supplier=supplier)
    of = f" of {', '.join(items.codes)}" if any(items.codes) else ""
    say(
        f"{out}: {len(made)} new canaries{of}, as {form}; "
        f"send it to the supplier, who loads it by {in_utc(loaded)}",
        f"next: {next_step(after, held.finding, clock.now())}",
    )


def _ids_made(plans: Iterable[HeldPlan]) -> list[str]:
    """The ids of the canaries of all plans of a supplier."""
    sets = [canaries for held in plans for canaries in held.plan.canaries]
    return [item for canaries in sets for item in canaries.items]


def _export(export: ListExporter, items: Iterable[Item], out: Path) -> None:
    """Write the list. Raises UsageError if it cannot be written."""
    try:
        export(items, out)
    except OSError as error:
        msg = f"{out}: {error.strerror or error}"
        raise UsageError(msg) from None


def _require_agreed(items: RetestItems) -> None:
    plan = items.plan.id
    if items.is_census:
        msg = f"plan {plan}: a re-test tests the whole list again; new canaries are not needed"
        raise UsageError(msg)
    if not items.is_agreed:
        msg = (
            f"plan {plan}: its missed items are of no agreed list, so no canaries can replace "
            "them; add a list of the same kind to 'corpora' of the campaign file"
        )
        raise UsageError(msg)


def _canary_set(made: Iterable[Item], pack: str, sha256: str, loaded: datetime) -> CanarySet:
    ids = tuple(item.id for item in made)
    return CanarySet(pack=pack, sha256=sha256, items=ids, loaded_by=loaded)


def _free_folder(results: Path, plan: str) -> str:
    number = 1
    while (results / FOLDER / f"{plan}-{number}").exists():
        number += 1
    return f"{FOLDER}/{plan}-{number}"


def _write_pack(folder: Path, made: Iterable[Item], plan: str, at: datetime) -> str:
    """Write the canaries as a pack that the supplier may know; return its digest."""
    from corpora.pack_writer import PackDetails, write_pack  # noqa: PLC0415 - only this needs it

    rows = (
        {
            "id": item.id, "value": item.value, "kind": item.kind, "registrable": item.registrable,
            "labels": "|".join(item.labels), "phases": "|".join(item.phases),
            "stratum": item.stratum, "lang": item.lang, "sensitivity": item.sensitivity,
        }
        for item in made
    )  # fmt: skip
    details = PackDetails(
        name=f"canaries-{folder.name.lower()}",
        version="1.0.0",
        title=f"New canaries for re-tests of plan {plan}",
        created=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        audience="supplier",
    )
    write_pack(folder, rows, details)
    return open_pack(str(folder)).reference.sha256


def _with_twins(made: Iterable[Item], origin: Origin | None) -> list[Item]:
    from harness.measure.plain_twins import with_plain_twins  # noqa: PLC0415 - only this needs it

    return list(made) if origin is None else with_plain_twins(made, origin)

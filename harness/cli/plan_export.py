"""``accredit plan export``: the plans of one supplier in the form of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.paths import REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import clock
from harness.cli.printing import say
from harness.cli.registry_session import open_session
from harness.follow.replay import replay
from harness.model.action_plan import FollowUp


def export_command(
    supplier: Annotated[str, typer.Option(help="The supplier; nothing of others is written.")],
    out: Annotated[Path, typer.Option(help="The file to write, such as poam.json.")],
    form: Annotated[
        Literal["oscal"], typer.Option("--format", help="oscal: a POA&M of OSCAL 1.2, as JSON.")
    ] = "oscal",
    registry: REGISTRY_OPTION = "",
) -> None:
    """Write all plans of a supplier as a plan of action and milestones (OSCAL)."""
    from harness.store.atomic_write import write_document  # noqa: PLC0415 - keep the start light
    from reports.oscal.poam import write_poam  # noqa: PLC0415 - the same

    with open_session(chosen_registry(registry), clock=clock) as session:
        place = session.place_named(supplier)
        stream = session.stream_named(supplier)
        with session.registry.reading(stream) as access:
            head, state = access.head, replay(access.events())
    followed = [
        FollowUp(finding=state.findings[plan.finding], plan=plan) for plan in state.plans.values()
    ]
    assert head is not None  # stream_named has found it
    content = write_poam(place.name, followed, head)
    number = "1 plan" if len(followed) == 1 else f"{len(followed)} plans"
    say(f"{form}: {write_document(out, content)} ({number} of {place.name})")

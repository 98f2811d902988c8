"""``accredit decision``: propose, make, show and appeal against decisions on accreditation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from harness.cli.conclude import SCHEME
from harness.cli.decision_basis import (
    KEPT,
    is_kept,
    matter_of,
    proposal_for,
    read_campaign,
    record_decision,
    state_of,
    with_decisions,
)
from harness.cli.decision_making import WantedDecision, decide, recommend
from harness.cli.decision_view import (
    decisions_table,
    lines_of,
    proposal_lines,
    shown_decision,
)
from harness.cli.drawing import terminal
from harness.cli.paths import (
    OUT,
    REGISTRY_OPTION,
    chosen_registry,
    journal_folder,
    paths_of_journal,
)
from harness.cli.person_identity import IDENTITY, acting
from harness.cli.plan_step import BY, clock
from harness.cli.printing import say, say_data
from harness.cli.registry_session import Place, RegistrySession, current_user, open_session
from harness.cli.vouched_time import known_now
from harness.errors import UsageError
from harness.follow.decisions import standing
from harness.follow.derived_rows import DECISION
from harness.follow.identities import signed_event
from harness.follow.state import StreamState
from harness.follow.status_history import status_in
from harness.model.decision import FAVOURABLE, LENIENCE, HeldDecision, Status
from harness.model.decision_event import (
    DecisionAppealed,
    DecisionReviewed,
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

RESULTS = Annotated[Path, typer.Argument(help="The folder of a campaign's results.")]
VERSION = Annotated[str, typer.Option(help="The exact version; default: the only one on record.")]
DECISION_ID = Annotated[str, typer.Argument(help="The decision's id, such as D-0001.")]
SUPPLIER = Annotated[str, typer.Option(help="The supplier, if several have one of this id.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
REASON = Annotated[str, typer.Option(help="Why.")]
UNTIL = Annotated[str, typer.Option(help="The last day of an accreditation; default: 12 months.")]
WHITE_LABEL = Annotated[
    list[str] | None, typer.Option(help="A white label that it covers; default: all.")
]
CAUSE = Annotated[
    str, typer.Option("--because-of", help="Of a stop: an alarm, a plan, or a complaint's name.")
]
OUT_FOLDER = Annotated[Path, typer.Option(help="Where the registry is.")]


@app.callback()
def about_decisions() -> None:
    """Propose, make, show and appeal against decisions on accreditation."""


@app.command("propose")
def propose_command(
    results: RESULTS,
    version: VERSION = "",
    scheme: SCHEME = None,
    *,
    json: JSON = False,
    registry: REGISTRY_OPTION = "",
) -> None:
    """Say what the rules propose to decide about a campaign's service, and why.

    Exit 0: accredited, also with an action plan. Exit 1: anything else.
    """
    where = chosen_registry(registry, _out_of(results))
    with open_session(where, clock=clock) as session:
        campaign = read_campaign(results, scheme, clock, session)
        state = state_of(session, campaign.place.stream)
    matter = matter_of(campaign, version, state)
    proposal = proposal_for(matter, state, clock)
    if json:
        data = {**matter._asdict(), "campaign": campaign.assessment.campaign}
        say_data({**data, "proposal": msgspec.to_builtins(proposal)})
    else:
        say(*proposal_lines(matter, proposal))
    raise typer.Exit(0 if proposal.status in FAVOURABLE else 1)


@app.command("recommend")
def recommend_command(
    status: Annotated[
        Status, typer.Argument(help=f"One of: {', '.join(LENIENCE)}.", show_default=False)
    ],
    results: Annotated[Path, typer.Option(help="The campaign that was reviewed.")],
    reason: REASON,
    version: VERSION = "",
    scheme: SCHEME = None,
    by: BY = "",
    identity: IDENTITY = None,
    registry: REGISTRY_OPTION = "",
) -> None:
    """Review an evaluation, and recommend what to decide, as a person who took no part in it.

    An accreditation needs it: somebody else then decides (ISO/IEC 17065, 7.5 and 7.6). Who
    recommends it signs (--identity).
    """
    where = chosen_registry(registry, _out_of(results))
    with open_session(where, clock=clock) as session:
        actor = acting(session, by, identity)
        wanted = WantedDecision(status, reason, version, "", (), actor, identity=identity)
        campaign = read_campaign(results, scheme, clock, session)
        held = recommend(session, campaign.place, campaign, wanted, clock)
    said = held.recommendation
    say(
        f"recommended: {said.service} {said.version} by {said.scheme} {said.scheme_version}: "
        f"{said.status}, reviewed by {held.by}; somebody else decides"
    )


@app.command("make")
def make_command(
    status: Annotated[
        Status, typer.Argument(help=f"One of: {', '.join(LENIENCE)}.", show_default=False)
    ],
    results: Annotated[
        Path | None, typer.Option(help="The campaign that it rests on; needed to accredit.")
    ] = None,
    reason: REASON = "",
    version: VERSION = "",
    until: UNTIL = "",
    *,
    white_label: WHITE_LABEL = None,
    decided: Annotated[
        str, typer.Option("--of", help="Without --results: the decision that it replaces.")
    ] = "",
    cause: CAUSE = "",
    supplier: SUPPLIER = "",
    scheme: SCHEME = None,
    by: BY = "",
    identity: IDENTITY = None,
    registry: REGISTRY_OPTION = "",
    out: OUT_FOLDER = OUT,
) -> None:
    """Decide on accreditation, as a person who took no part in the evaluation or its review.

    A decision can be stricter than the rules propose, never more lenient. Without a campaign an
    accreditation can be suspended, withdrawn or terminated (--of D-0001). Who accredits signs
    (--identity).
    """
    if (results is None) == (not decided):
        msg = "give the campaign (--results FOLDER), or the decision that is replaced (--of D-0001)"
        raise UsageError(msg)
    place_in = _out_of(results) if results else out
    where = chosen_registry(registry, place_in)
    labels = tuple(white_label or ())
    with open_session(where, clock=clock) as session:
        campaign = read_campaign(results, scheme, clock, session) if results else None
        actor = acting(session, by, identity)
        wanted = WantedDecision(status, reason, version, until, labels, actor, cause, identity)
        place = campaign.place if campaign else place_of_decision(session, decided, supplier)
        held = decide(session, place, place_in, campaign or decided, wanted, clock)
    say(f"decision {held.decision.id}: {shown_decision(held, clock.now())}")


@app.command("list")
def list_command(
    supplier: Annotated[str, typer.Option(help="Only of this supplier.")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Include those that were replaced.")] = False,
    json: JSON = False,
    registry: REGISTRY_OPTION = "",
    out: OUT_FOLDER = OUT,
) -> None:
    """List the status of each service, version and scheme that was decided about."""
    now = known_now(chosen_registry(registry, out), out, clock)
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        only = session.stream_named(supplier) if supplier else ""
        found = [
            (place.name, held, state)
            for place, state in with_decisions(session, only)
            for held in (state.decisions.values() if every else standing(state.decisions))
        ]
    if json:
        say_data([_data(name, held, state, now) for name, held, state in found])
        return
    terminal().print(decisions_table(found, now) if found else "no decisions")


@app.command("show")
def show_command(
    decision: DECISION_ID,
    supplier: SUPPLIER = "",
    *,
    json: JSON = False,
    registry: REGISTRY_OPTION = "",
    out: OUT_FOLDER = OUT,
) -> None:
    """Show a decision: who decided what, on what basis, by how much thresholds are exceeded."""
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        place = place_of_decision(session, decision, supplier)
        state = state_of(session, place.stream)
    held, now = state.decisions[decision], known_now(chosen_registry(registry, out), out, clock)
    if json:
        say_data(_data(place.name, held, state, now))
        return
    say(*lines_of(place.name, held, state, now))
    basis = held.decision.proposal.basis
    if basis is not None:
        kept = "kept, unchanged" if is_kept(basis, out) else "MISSING OR CHANGED"
        say(f"its assessment in {out / KEPT}: {kept}")


@app.command("appeal")
def appeal_command(
    decision: DECISION_ID,
    appellant: Annotated[str, typer.Option(help="Who appeals.")],
    reason: REASON,
    supplier: SUPPLIER = "",
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: OUT_FOLDER = OUT,
) -> None:
    """Record an appeal against a decision. The decision stands until it is answered."""
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        appealed = DecisionAppealed(
            at=clock.now(),
            actor=by or current_user(),
            of=decision,
            appellant=appellant,
            reason=reason,
        )
        record_decision(session, place_of_decision(session, decision, supplier), lambda _: appealed)
    say(f"decision {decision}: the appeal of {appellant} is recorded")


@app.command("review")
def review_command(
    decision: DECISION_ID,
    reason: REASON,
    *,
    upheld: Annotated[bool, typer.Option("--uphold/--reject", help="What came of it.")],
    supplier: SUPPLIER = "",
    by: BY = "",
    identity: IDENTITY = None,
    registry: REGISTRY_OPTION = "",
    out: OUT_FOLDER = OUT,
) -> None:
    """Answer the appeal against a decision, as somebody who had no part in it.

    If it is upheld, the decision has to be made again.
    """
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        actor = acting(session, by, identity)
        reviewed = DecisionReviewed(
            at=clock.now(), actor=actor, of=decision, upheld=upheld, reason=reason
        )
        record_decision(
            session,
            place_of_decision(session, decision, supplier),
            lambda state: signed_event(reviewed, state.name, identity),
        )
    said = "upheld: measure again, and decide anew" if upheld else "rejected"
    say(f"decision {decision}: the appeal is {said}")


def place_of_decision(session: RegistrySession, decision: str, supplier: str) -> Place:
    """The stream that a decision is in. Raises UsageError if there is none, or are several."""
    stream = session.stream_about(DECISION, decision, supplier)
    names = {head.stream: head.name for head in session.registry.heads()}
    return Place(stream, names[stream])


def _data(supplier: str, held: HeldDecision, state: StreamState, now: datetime) -> dict[str, Any]:
    """A decision ready for JSON, with its status at a time."""
    return {
        "supplier": supplier,
        "id": held.decision.id,
        "status_now": status_in(held, state, now),
        "identity": held.identity,
        **msgspec.to_builtins(held),
    }


def _out_of(results: Path) -> Path:
    """The folder of results that a campaign's folder lies in."""
    return paths_of_journal(journal_folder(results)).out

"""``accredit recall``: judge decisions again when something proves wrong that they rested on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from harness import VERSION
from harness.cli.compose import load_and_warn
from harness.cli.decision_basis import KEPT, with_decisions
from harness.cli.declared_scheme import judging_scheme
from harness.cli.paths import OUT, REGISTRY_OPTION, CampaignPaths, chosen_registry
from harness.cli.plan_step import BY, clock
from harness.cli.printing import say, say_data
from harness.cli.recalled_evidence import rests_on
from harness.cli.registry_facts import appeals_in
from harness.cli.registry_session import (
    OWNERS,
    Place,
    RegistrySession,
    current_user,
    open_session,
)
from harness.cli.unchanged_campaign import open_unchanged
from harness.errors import HarnessError, UsageError
from harness.follow.decisions import standing
from harness.follow.recall import Recalled, changes_between, notice_about, review_name
from harness.model.decision import Basis, Decision, HeldDecision, Status
from harness.model.event import RecordAdded
from harness.model.outcome import Assessment
from harness.model.recall_event import RecallMade, Wrong
from harness.model.registry_record import Review
from harness.ports.storage import Journal
from harness.verdicts.corrected_labels import with_corrected_labels
from harness.verdicts.journal_view import JournalWithout

BECAUSE = Annotated[str, typer.Option(help="What proved wrong, in a sentence.")]
RULES = Annotated[str, typer.Option(help="Only decisions judged by this version of the rules.")]
NOTICES = Annotated[
    Path | None, typer.Option(help="Write a notice for each supplier into this new folder.")
]

REVIEW_WITHIN = timedelta(days=14)
"""How soon a decision has to be reviewed after a recall."""


class Standing(NamedTuple):
    """A decision that was not replaced, and the stream that it is in."""

    place: Place
    held: HeldDecision


def recall_command(
    because: BECAUSE,
    item: Annotated[list[str] | None, typer.Option(help="The id of a wrong item.")] = None,
    probe: Annotated[list[str] | None, typer.Option(help="A probe that proved wrong.")] = None,
    pack: Annotated[list[str] | None, typer.Option(help="A pack that proved wrong.")] = None,
    scheme: Annotated[str, typer.Option(help="Only decisions by this scheme.")] = "",
    rules: RULES = "",
    notices: NOTICES = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Record no reviews, and write no notices.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
) -> None:
    """Judge decisions again when something proves wrong. Those that change are listed.

    Corrected rules, schemes and labels are those of now; wrong items, probes and packs are left
    out. An accreditation that is affected is under review until it is decided anew on a campaign
    that begins after the recall; nothing that was measured with what was wrong decides any more.
    Exit 0: none is affected. Exit 1: some are.
    """
    if not because.strip():
        msg = "say what proved wrong (--because)"
        raise UsageError(msg)
    if notices is not None and notices.exists():
        msg = f"{notices}: exists already; notices are written into a new folder"
        raise UsageError(msg)
    wrong = Wrong(
        items=tuple(item or ()),
        probes=tuple(probe or ()),
        packs=tuple(pack or ()),
        scheme=scheme,
        rules=(rules,) if rules else (),
    )
    actor = by or current_user()
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        judged = {each: _recalled(each, wrong, out) for each in _standing(session)}
        found = {each: again for each, again in judged.items() if again is not None}
        affected = {each: again for each, again in found.items() if again.is_affected}
        if not dry_run:
            _remember(session, wrong, found, because, actor, out)
        for each, again in () if dry_run else affected.items():
            _record_review(session, each, again, because, actor)
    if notices is not None and affected and not dry_run:
        _write_notices(notices, affected.values(), because)
    _print(affected.values(), len(found), len(judged), json=json)
    raise typer.Exit(1 if affected else 0)


def _standing(session: RegistrySession) -> Iterator[Standing]:
    """The decision about each service, version and scheme that counts, of all suppliers.

    It is the last one; under a suspension, which rests on no campaign, the accreditation.
    """
    for place, state in with_decisions(session):
        for held in standing(state.decisions):
            about = [
                one for one in state.decisions.values() if one.decision.key == held.decision.key
            ]
            while len(about) > 1 and about[-1].decision.status is Status.SUSPENDED:
                about.pop()
            yield Standing(place, about[-1])


def _recalled(each: Standing, wrong: Wrong, out: Path) -> Recalled | None:
    """What a recall does to a decision; ``None`` if the decision did not rest on what was wrong."""
    decision = each.held.decision
    basis = decision.proposal.basis
    if basis is None or wrong.scheme not in ("", decision.scheme):
        return None
    if wrong.rules and basis.rules not in wrong.rules:
        return None
    supplier = each.place.name
    try:
        with closing(_journal_of(basis, out)) as journal:
            if not rests_on(journal, wrong):
                return None
            before = _kept_assessment(basis, out)
            after = _judged_again(journal, decision, wrong, out)
    except HarnessError as error:
        return Recalled(supplier=supplier, held=each.held, unknown=str(error))
    changes = changes_between(before, after)
    return Recalled(supplier=supplier, held=each.held, changes=changes)


def _journal_of(basis: Basis, out: Path) -> Journal:
    """The journal that a decision rests on. Raises UsageError if it is another one, or missing."""
    journal = open_unchanged(CampaignPaths(out=out, campaign=basis.campaign).journal)
    if journal.head.printed().hash != basis.journal:
        journal.close()
        msg = f"campaign {basis.campaign} in {out} is not the one that was decided on"
        raise UsageError(msg)
    return journal


def _kept_assessment(basis: Basis, out: Path) -> Assessment:
    """The assessment that was decided on. Raises HarnessError if it is missing or was changed."""
    from harness.store.assessments import decode_assessment  # noqa: PLC0415 - keep the start light
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - the same

    folder = out / KEPT
    body = EvidenceFolder(folder).read(f"sha256:{basis.assessment}")
    return decode_assessment(body, folder)


def _judged_again(journal: Journal, decision: Decision, wrong: Wrong, out: Path) -> Assessment:
    """Judge a campaign by what is right now; nothing that was judged before is used."""
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light

    folder = CampaignPaths(out=out, campaign=journal.header.campaign.campaign).journal
    declared = journal.header.campaign.scheme
    scheme = load_and_warn(declared) if wrong.scheme else judging_scheme(folder, journal.header)
    if scheme.id != decision.scheme:
        scheme = load_and_warn(decision.scheme)
    registry = CampaignPaths(out=out, campaign="").registry
    left = JournalWithout(journal, wrong.items, wrong.probes, wrong.packs)
    return conclude(with_corrected_labels(left, appeals_in(registry)), scheme, clock)


def _remember(
    session: RegistrySession,
    wrong: Wrong,
    found: Mapping[Standing, Recalled],
    because: str,
    actor: str,
    out: Path,
) -> None:
    """Record in the owner's stream what proved wrong, in the versions that decisions rest on.

    Where no decision rests on it, the version of now is the wrong one.
    """
    software, corpora = set[str](), set[str]()
    for each in found:
        basis = each.held.decision.proposal.basis
        with suppress(HarnessError):
            if basis is not None:
                with closing(_journal_of(basis, out)) as journal:
                    software.add(journal.header.instrument)
                    corpora |= {*journal.header.corpora}
    from harness.judge.rules.order import RULES_VERSION  # noqa: PLC0415 - heavy

    bases = [
        each.held.decision.proposal.basis for each, again in found.items() if again.is_affected
    ]
    judged = {basis.rules for basis in bases if basis is not None} - {RULES_VERSION}
    wrong = msgspec.structs.replace(
        wrong,
        software=tuple(sorted(software or {f"isp-accredit {VERSION}"})),
        corpora=tuple(sorted(corpora)),
        rules=wrong.rules or tuple(sorted(judged)),
        scheme_versions=tuple(sorted({each.held.decision.scheme_version for each in found})),
    )
    session.record(OWNERS, RecallMade(at=clock.now(), actor=actor, because=because, wrong=wrong))


def _record_review(
    session: RegistrySession, each: Standing, again: Recalled, because: str, actor: str
) -> None:
    """Have the decision reviewed; a recall on the same day for the same decision adds no second."""
    now, decision = clock.now(), each.held.decision
    review = Review(
        id=review_name(decision.id, f"{now:%Y-%m-%d}"),
        of=decision.service,
        trigger="recall",
        due=now + REVIEW_WITHIN,
        description=f"{because}: {again.step}"[:4000],
    )
    if session.registry.rows("review", stream=each.place.stream, key=review.key, state="open"):
        return
    session.record(each.place, RecordAdded(at=now, actor=actor, record=review))


def _write_notices(folder: Path, affected: Iterable[Recalled], because: str) -> None:
    try:
        folder.mkdir(parents=True)
        for number, again in enumerate(affected, 1):
            path = folder / f"{number:03d}-{again.held.decision.id}.txt"
            path.write_text(notice_about(again, because), encoding="utf-8")
    except OSError as error:
        msg = f"{folder}: notices cannot be written: {error.strerror or error}"
        raise UsageError(msg) from None


def _print(affected: Collection[Recalled], found: int, judged: int, *, json: bool) -> None:
    if json:
        data = {
            "decisions": judged,
            "rested_on_it": found,
            "affected": [
                {
                    **msgspec.to_builtins(again),
                    "decision": again.held.decision.id,
                    "step": again.step,
                }
                for again in affected
            ],
        }
        say_data(data)
        return
    say(f"{found} of {judged} decisions rested on it; {len(affected)} are affected")
    for again in affected:
        say(str(again), *(f"  {change}" for change in again.changes))
        if again.unknown:
            say(f"  it cannot be judged again: {again.unknown}")

"""What changes about decisions when something proves wrong that they rested on (TQ-08).

A rule, a probe, an item or a scheme was wrong: the campaigns of the decisions are judged again, by
what is right now, and their outcomes are compared with those that were decided on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.model.decision import FAVOURABLE, HeldDecision
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.person_names import shown_name


def review_name(decision: str, day: str = "") -> str:
    """How the review of a recalled decision is called; without its day, how each one begins."""
    return f"Recall of {decision}, {day}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeChange:
    """A binding outcome that is another one now; ``None`` where there is none."""

    id: str
    title: str
    before: Conformity | None
    after: Conformity | None

    @property
    def is_worse(self) -> bool:
        """Whether the requirement was met, and is not shown to be met any more."""
        return self.before is Conformity.CONFORMS

    def __str__(self) -> str:
        """Say which outcome changed, and how."""
        was, now = self.before or "not measured", self.after or "not measured"
        return f"{self.id} {self.title}: it was {was}, and is {now} now"


def changes_between(before: Assessment, after: Assessment) -> tuple[OutcomeChange, ...]:
    """The binding outcomes that differ, in the order of their ids."""
    was, now = _binding(before), _binding(after)
    return tuple(
        OutcomeChange(
            id=name,
            title=(now.get(name) or was[name]).requirement.title,
            before=was[name].conformity if name in was else None,
            after=now[name].conformity if name in now else None,
        )
        for name in sorted(was.keys() | now.keys())
        if name not in was or name not in now or was[name].conformity is not now[name].conformity
    )


def _binding(assessment: Assessment) -> dict[str, Outcome]:
    return {one.id: one for one in assessment.outcomes if one.requirement.binding}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A decision that rested on what proved wrong.

    ``changes`` are its outcomes that changed. ``unknown`` says why it cannot be judged again, or is
    empty: what is not known to stand does not stand.
    """

    supplier: str
    held: HeldDecision
    changes: tuple[OutcomeChange, ...] = ()
    unknown: str = ""

    @property
    def is_affected(self) -> bool:
        """Whether an outcome changed, or may have changed."""
        return bool(self.changes or self.unknown)

    @property
    def step(self) -> str:
        """What has to be done about the decision."""
        if self.unknown:
            return "measure the service again, and decide anew"
        is_worse = any(change.is_worse for change in self.changes)
        if is_worse and self.held.decision.status in FAVOURABLE:
            return "decide anew; until then the accreditation rests on outcomes that do not hold"
        return "decide anew"

    def __str__(self) -> str:
        """The decision in a sentence."""
        decision = self.held.decision
        about = f"{decision.service} {decision.version} by {decision.scheme}"
        return f"{self.supplier}, {decision.id}: {about} ({decision.status}): {self.step}"


def notice_about(recalled: Recalled, because: str) -> str:
    """The notice to the supplier, as plain text."""
    return "\n".join(_notice(recalled, because)) + "\n"


def _notice(recalled: Recalled, because: str) -> Iterator[str]:
    decision, basis = recalled.held.decision, recalled.held.decision.proposal.basis
    yield f"Recall of decision {decision.id}"
    yield ""
    yield f"To: {recalled.supplier}"
    scheme = f"{decision.scheme} {decision.scheme_version}"
    yield f"About: {decision.service} {decision.version}, by {scheme}"
    if decision.white_labels:
        yield f"White labels: {', '.join(decision.white_labels)}"
    by = shown_name(recalled.held.by)
    yield f"Decided: {decision.status}, by {by}, {recalled.held.at:%Y-%m-%d}"
    if basis is not None:
        yield f"Basis: campaign {basis.campaign}, journal {basis.journal}"
    yield ""
    yield f"Something that this decision rested on proved wrong: {because}"
    yield ""
    if recalled.unknown:
        yield f"The campaign cannot be judged again: {recalled.unknown}"
    else:
        yield "The campaign was judged again. These outcomes changed:"
        yield from (f"- {change}" for change in recalled.changes)
    yield ""
    yield f"What follows: {recalled.step}."

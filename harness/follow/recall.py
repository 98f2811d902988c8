"""What changes about decisions when something proves wrong that they rested on (TQ-08).

A rule, a probe, an item or a scheme was wrong: the campaigns of the decisions are judged again, by
what is right now, and their outcomes are compared with those that were decided on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from harness.model.decision import FAVOURABLE, HeldDecision
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.person_names import shown_name
from harness.model.recall_event import Wrong
from harness.model.registry_record import Review


def review_name(decision: str, day: str) -> str:
    """How the review of a recalled decision is called."""
    return f"Recall of {decision}, {day}"


_REVIEW = re.compile(r"Recall of (D-\d{4,}), ")


def recalled_decision(review: Review) -> str:
    """The id of the decision that was recalled by a review; empty for any other review."""
    found = _REVIEW.match(review.id) if review.trigger == "recall" else None
    return found[1] if found else ""


class Measured(NamedTuple):
    """What a campaign was measured with and judged by, as ``Wrong`` names it."""

    scheme: str
    scheme_version: str
    rules: str
    software: str
    corpora: tuple[str, ...]


def why_wrong(wrong: Wrong, measured: Measured) -> str:
    """Why a campaign that tried what proved wrong cannot be decided on, in a clause.

    Empty if it was measured or judged with a version in which it was put right.
    """
    if wrong.scheme and wrong.scheme != measured.scheme:
        return ""
    last = max(map(_number, wrong.software), default=())
    is_old = _number(measured.software) <= last
    is_same_pack = not wrong.corpora or bool(set(wrong.corpora) & set(measured.corpora))
    is_judged = not wrong.is_named and measured.rules in wrong.rules
    is_same_scheme = bool(wrong.scheme) and measured.scheme_version in wrong.scheme_versions
    tried, scheme = wrong.items or wrong.packs, f"{measured.scheme} {measured.scheme_version}"
    reasons = (
        (
            bool(wrong.probes) and is_old,
            f"its probe {' or '.join(wrong.probes)} proved wrong in {measured.software}",
        ),
        (bool(tried) and is_same_pack, f"{', '.join(tried)} proved wrong in its packs"),
        (is_judged, f"the rules {measured.rules} that judged it proved wrong"),
        (not wrong.is_named and is_same_scheme, f"the scheme {scheme} proved wrong"),
    )
    return next((why for holds, why in reasons if holds), "")


def _number(software: str) -> tuple[int, ...]:
    """The numbers of a version, such as ``isp-accredit 0.1.0``, for comparison."""
    return tuple(map(int, re.findall(r"[0-9]{1,9}", software)))


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
    """The binding outcomes that differ, in the order of their ids.

    What people judged does not rest on measurements, and an outcome on a line on which nothing is
    left is one that was not measured.
    """
    was, now = _binding(before), _binding(after)
    lines = {one.line for one in was.values()}
    by_people = {one.id for one in (*was.values(), *now.values()) if one.people is not None}
    was = {name: one for name, one in was.items() if name not in by_people}
    now = {name: one for name, one in now.items() if one.line in lines and name not in by_people}
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

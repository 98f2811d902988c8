"""Whether what people state comes from people whom the body knows by their keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from harness.errors import first_of
from harness.follow.identities import HOW_TO_SIGN, Identities, why_not_signed_by
from harness.model.outcome import Conformity, Outcome
from harness.model.people_answer import PeopleAnswer, PeopleEvidence
from harness.model.signature import BY_NAME_ONLY

SHOWN = 6
"""How many requirements a sentence names at most."""


def unidentified(
    outcomes: Iterable[Outcome], identities: Identities, now: datetime
) -> Iterator[str]:
    """Why binding outcomes that conform rest on people whom the body does not know, in sentences.

    Each reviewer has to sign with a key that is registered, open ``now``, and in that name.
    """
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for one in outcomes:
        if one.people is None or not one.requirement.binding:
            continue
        if one.conformity is Conformity.CONFORMS:
            for why in _unknown_people(one.people, identities, now):
                reasons[why].append(one.requirement.id)
    for why, requirements in reasons.items():
        named = first_of(list(dict.fromkeys(requirements)), SHOWN)
        yield f"{named}: {why}; to have them stated again: {HOW_TO_SIGN}"


def _unknown_people(people: PeopleEvidence, identities: Identities, now: datetime) -> Iterator[str]:
    names = [one.reviewer for one in people.answers if one.is_by_name_only]
    if names:
        yield f"{BY_NAME_ONLY} ({' and '.join(names)})"
    yield from filter(None, (_why_unknown(one, identities, now) for one in people.answers))


def _why_unknown(answer: PeopleAnswer, identities: Identities, now: datetime) -> str:
    if isinstance(answer.key, msgspec.UnsetType):
        return ""
    return why_not_signed_by(answer.reviewer, answer.key, identities, now)

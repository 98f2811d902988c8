"""Names that look like those of a decision, under which something is open or was stopped.

"Limited" for "Ltd", or a service with a number more, is another name, under which nothing that is
on record counts. Whoever decides should know what stands under the name that is nearly the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from harness.cli.registry_session import RegistrySession
from harness.follow.decisions import standing
from harness.follow.derived_rows import DECISION
from harness.follow.replay import replay
from harness.model.decision import Status
from harness.model.outcome import Assessment
from harness.model.stream import same_name

LEGAL_FORMS = frozenset(
    {"ag", "co", "company", "corp", "corporation", "gmbh", "inc", "incorporated", "limited", "llc"}
    | {"llp", "ltd", "plc", "the", "uk"}
)
"""Words that say nothing of who a supplier is."""

ALIKE = 0.85
"""The similarity from which two names look alike (2 * matching letters / all letters)."""

STOPS = frozenset({Status.SUSPENDED, Status.WITHDRAWN})

Names = tuple[str, str, str]
"""The names of a supplier, a service and a scheme."""


def similar_stops(assessment: Assessment, session: RegistrySession) -> tuple[str, ...]:
    """What is open or stopped under similar names, each in a sentence."""
    own = (assessment.supplier, assessment.service, assessment.scheme)
    return tuple(dict.fromkeys(_similar_stops(own, session)))


def _similar_stops(own: Names, session: RegistrySession) -> Iterator[str]:
    for held in session.plans(every=False):
        finding = held.finding
        names = (finding.supplier, finding.service, finding.scheme)
        if is_similar(own, names):
            yield (
                f"a similar name has an open finding: {finding.id}, {finding.requirement} "
                f"({finding.severity}) of {_shown(names)}"
            )
    for head in session.registry.heads():
        if not session.registry.rows(DECISION, stream=head.stream):
            continue
        with session.registry.reading(head.stream) as access:
            decisions = replay(access.events()).decisions
        for decision in (held.decision for held in standing(decisions)):
            names = (head.name, decision.service, decision.scheme)
            if decision.status in STOPS and is_similar(own, names):
                yield f"a similar name is {decision.status}: {decision.id} of {_shown(names)}"


def is_similar(one: Names, other: Names) -> bool:
    """Whether names are not the same, but each looks like the other."""
    if tuple(map(same_name, one)) == tuple(map(same_name, other)):
        return False
    return all(map(looks_like, one, other))


def looks_like(one: str, other: str) -> bool:
    """Whether two names look alike, without legal forms, numbers and punctuation."""
    first, second = _plain(one), _plain(other)
    return first == second or SequenceMatcher(None, first, second).ratio() >= ALIKE


def _plain(name: str) -> str:
    words = re.findall(r"[^\W\d_]+", same_name(name))
    return " ".join(word for word in words if word not in LEGAL_FORMS)


def _shown(names: Names) -> str:
    supplier, service, scheme = names
    return f"{service!r} of {supplier or 'no supplier'!r} by {scheme}"

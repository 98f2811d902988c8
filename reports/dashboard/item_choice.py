"""Which items of a campaign a page lists: by requirement, category, state, mechanism, id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from harness.model.hub_access import Viewer
from harness.store.hub.campaign_rows import read_outcomes
from harness.store.hub.item_rows import STATES, Selected
from harness.store.hub.repository import Reading
from reports.dashboard.addresses import checked
from reports.dashboard.campaign_bodies import OutcomeBody, read_outcome
from reports.dashboard.campaign_reading import FoundCampaign
from reports.dashboard.item_words import ALLOWED, BLOCKED, WORST_FIRST, names_hidden
from reports.words import STATES as STATE_WORDS
from reports.words import mechanism_name

MOST_OF_ONE = 100
"""How many outcomes of one requirement are read."""


class Choice(NamedTuple):
    """What an address asks for; empty fields mean any."""

    requirement: str = ""
    category: str = ""
    state: str = ""
    mechanism: str = ""
    profile: str = ""
    line: str = ""
    item: str = ""

    @classmethod
    def of(cls, values: Iterable[tuple[str, str]]) -> Choice:
        """What the values of an address ask for. Raises NotHere."""
        given = {name: checked(value).strip() for name, value in values if name in cls._fields}
        if given.get("state") not in STATES:
            given.pop("state", None)
        return cls(**given)

    @property
    def words(self) -> str:
        """The filter in words: "URL-04, let through, pupils"; empty without one."""
        named = (
            self.requirement,
            self.category,
            STATE_WORDS.get(self.state, self.state),
            mechanism_name(self.mechanism) if self.mechanism else "",
            self.profile,
            self.line,
            f"“{self.item}”" if self.item else "",
        )
        return ", ".join(filter(None, named))


class Found(NamedTuple):
    """The items to read, and the outcome that they count for; ``None`` selects none."""

    selected: Selected | None
    outcome: OutcomeBody | None


def chosen_items(reading: Reading, found: FoundCampaign, choice: Choice, viewer: Viewer) -> Found:
    """What to read for a choice."""
    outcome: OutcomeBody | None = None
    categories: tuple[str, ...] = (choice.category,) if choice.category else ()
    probes: tuple[str, ...] = ()
    if choice.requirement:
        bodies = _outcomes(reading, found, choice)
        outcome = bodies[0] if bodies else None
        named = dict.fromkeys(name for each in bodies for name in each.categories)
        categories = tuple(each for each in named if choice.category in {"", each})
        if not categories:
            return Found(None, outcome)
        probes = outcome.probes if outcome else ()
    wrong = outcome.missed if outcome else _wrong(found, choice)
    order = WORST_FIRST["allow" if wrong == BLOCKED else "block"]
    selected = Selected(
        stream=found.row.stream,
        campaign=found.row.campaign,
        states=(choice.state,) if choice.state else order,
        categories=categories,
        kinds=outcome.kinds if outcome else (),
        profile=choice.profile,
        line=choice.line,
        probes=probes,
        mechanism=choice.mechanism,
        item=choice.item,
        names_hidden=names_hidden(viewer),
    )
    return Found(selected, outcome)


def _outcomes(reading: Reading, found: FoundCampaign, choice: Choice) -> list[OutcomeBody]:
    wanted = found.outcomes._replace(
        requirement=choice.requirement, profile=choice.profile, line=choice.line
    )
    rows = read_outcomes(reading, wanted, MOST_OF_ONE)
    return [body for row in rows if (body := read_outcome(row.body)) is not None]


def _wrong(found: FoundCampaign, choice: Choice) -> str:
    """The state that speaks against the service, of items of a category."""
    if not choice.category or found.body is None:
        return ALLOWED
    expects = found.body.expects(choice.category, choice.profile)
    return BLOCKED if expects == "allow" else ALLOWED

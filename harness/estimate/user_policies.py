"""Which policy answers a user: concurrent users of one address, and users with the default policy.

POL-05 counts requests that were answered by another user's policy. It rests on items that were seen
to be blocked for one user and open for another when each was alone, as the policy declares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from harness.estimate.item_selection import ProfileSelection, Selection
from harness.estimate.outcome_groups import GroupResult, classify_results
from harness.estimate.profiles import MIN_ITEMS
from harness.estimate.rates import MeasuredMetric, of_required_kind
from harness.model.campaign import PHASES
from harness.model.metric import Metric
from harness.model.outcome import Witness
from harness.model.user import USER_KINDS, UserTrial
from harness.model.verdict import DELIVERED, State

NOT_TRIED = (
    "users of one address were not tried at the same time: this needs profiles of a line that "
    "share its proxy and send names of their own (username and password under 'by_profile'), and "
    "items that are blocked for one of them and open for another"
)
NO_DIFFERENCE = (
    "no item was seen to be blocked for one user and open for another, as the policy declares, "
    "when each was alone"
)
NOT_CONCURRENT = "no request was under way at the same time as another user's"
NOT_ALONE = "not answered as declared when its user was alone"
"""Why trials are left out; none may be."""

SHOWN_WITNESSES = 20

Wanted = dict[tuple[str, str], bool]
"""Whether an item is to be blocked, by profile and category."""


AloneKey = tuple[str, str, str]
"""Probe, item and profile."""


def identity_cross_talk(selection: Selection) -> MeasuredMetric:
    """Count requests of concurrent users of one address that another user's policy answered.

    All users of the line count together. A trial counts if the policy asks for the opposite for
    another user, and both users got what it asks for when they were alone; otherwise it is left
    out, and forbids conformity. One that was right, but beside no other user's request, shows
    nothing: it does not count.
    """
    wanted = _wanted(selection)
    alone = _alone(selection.users.trials)
    left_out: Counter[str] = Counter()
    wrong: list[UserTrial] = []
    right: Counter[str] = Counter()
    doubtful = untimely = 0
    for trial in selection.users.trials:
        opposites = [] if trial.is_alone else _opposites(trial, wanted)
        if not opposites:
            continue
        asked = wanted[trial.profile, trial.category]
        if not _differs_alone(opposites, trial, wanted, alone):
            left_out[NOT_ALONE] += 1
            continue
        got = _is_blocked(trial)
        if got is None:
            doubtful += 1
        elif got is not asked:
            wrong.append(trial)
        elif trial.is_concurrent:
            right[trial.profile] += 1
        else:
            untimely += 1
    n = len(wrong) + right.total()
    metric = Metric(
        name="identity_cross_talk",
        unit="items",
        value=float(len(wrong)) if n else None,
        k=len(wrong),
        n=n,
        indeterminate=doubtful,
        lower=float(len(wrong)) if n else None,
        upper=float(len(wrong) + doubtful) if n else None,
        method="requests of concurrent users, for items on which their policies differ"
        + (f"; {untimely} right ones at no other user's time do not count" if untimely else ""),
        alpha=selection.alpha,
        left_out=dict(left_out),
    )
    missing = [one.profile for one in selection.profile_selections() if not right[one.profile]]
    barred = _why_barred(missing, is_tried=bool(selection.users.trials), is_decided=n > 0)
    barred = NOT_CONCURRENT if untimely and not n else barred
    return MeasuredMetric(metric=metric, witnesses=tuple(_witnesses(wrong)), barred=barred)


def _why_barred(missing: list[str], *, is_tried: bool, is_decided: bool) -> str:
    """Why no conformity can be shown; empty if every profile of the line was compared."""
    if not is_tried:
        return NOT_TRIED
    if not is_decided:
        return NO_DIFFERENCE
    if missing:
        return f"not compared with another user of the same address: {', '.join(missing)}"
    return ""


def _wanted(selection: Selection) -> Wanted:
    categories = {one.category for one in selection.users.trials}
    return {
        (each.profile, category): expected == "block"
        for each in selection.profile_selections()
        for category in categories
        if (expected := each.expects(category)) in ("block", "allow")
    }


def _alone(trials: Iterable[UserTrial]) -> dict[AloneKey, bool | None]:
    """Whether an item was blocked when its user was alone; None if it was not always decided."""
    alone: dict[AloneKey, bool | None] = {}
    for trial in trials:
        if trial.is_alone:
            key, got = (trial.probe, trial.item, trial.profile), _is_blocked(trial)
            alone[key] = got if alone.get(key, got) is got else None
    return alone


def _opposites(trial: UserTrial, wanted: Wanted) -> list[str]:
    """The profiles for which the policy asks the opposite, if it decides for this user."""
    asked = wanted.get((trial.profile, trial.category))
    if asked is None:
        return []
    return [
        profile
        for (profile, category), other in wanted.items()
        if category == trial.category and other is not asked
    ]


def _differs_alone(
    opposites: list[str], trial: UserTrial, wanted: Wanted, alone: Mapping[AloneKey, bool | None]
) -> bool:
    """Whether the user, and one with the opposite policy, got what is asked when alone."""
    own, *others = (
        alone.get((trial.probe, trial.item, profile)) is wanted[profile, trial.category]
        for profile in (trial.profile, *opposites)
    )
    return own and any(others)


def _is_blocked(trial: UserTrial) -> bool | None:
    """Whether a trial was blocked; ``None`` if it was not decided."""
    state = State(trial.state)
    return True if state is State.BLOCKED else False if state in DELIVERED else None


def _witnesses(trials: Iterable[UserTrial]) -> Iterator[Witness]:
    """Yield the first trial against the service of each item and user; not all of them."""
    first: dict[tuple[str, str], UserTrial] = {}
    for trial in trials:
        first.setdefault((trial.item, trial.profile), trial)
    for trial in list(first.values())[:SHOWN_WITNESSES]:
        yield Witness(
            item=trial.item,
            value=trial.value,
            category=trial.category,
            state=trial.state,
            mechanism=trial.mechanism,
            rule=trial.rule,
            saw=(f"for {trial.profile}, while other users of the same address were active",),
        )


@of_required_kind
def default_policy_leaks(selection: Selection) -> MeasuredMetric:
    """Count items open to users with the default policy that the strictest declared policy blocks.

    The strictest policy is that of the youngest phase of users who are known; for devices off site
    it is that of the same profile on site. A category counts if at least ``MIN_ITEMS`` of its items
    were seen to be blocked there and none open; any other category of that policy is undecided.
    """
    is_declared = (selection.line, selection.profile) in selection.users.places
    references = _references(selection) if is_declared else ()
    codes = {
        code
        for one in references
        for code in {*selection.codes, *(result.category for result in one.results)}
        if one.expects(code) == "block"
    } & {
        result.category
        for results in (selection.results, *(one.results for one in references))
        for result in results
    }
    adverse: list[GroupResult] = []
    right = doubtful = 0
    for code in sorted(codes):
        here = [result for result in selection.results if result.category == code]
        found = classify_results(here, State.ALLOWED, State.BLOCKED)
        if not _is_enforced(code, references):
            doubtful += max(1, found.n + found.doubtful)
            continue
        adverse += found.adverse
        right += found.right
        doubtful += found.doubtful if found.n or found.doubtful else 1
    wrong = sum(result.items for result in adverse)
    n = wrong + right
    metric = Metric(
        name="default_policy_leaks",
        unit="items",
        value=float(wrong) if n else None,
        k=wrong,
        n=n,
        indeterminate=doubtful,
        lower=float(wrong) if n else None,
        upper=float(wrong + doubtful) if n else None,
        method=_compared_with(selection, references),
        alpha=selection.alpha,
    )
    leaks = tuple(result.as_adverse(State.ALLOWED) for result in adverse)
    return MeasuredMetric(
        metric=metric, adverse=leaks, barred=_why_no_default(selection, references)
    )


def _references(selection: Selection) -> tuple[ProfileSelection, ...]:
    """The known users whose policy the default is compared with."""
    places = selection.users.places
    known = [one for one in selection.everywhere() if (one.line, one.profile) not in places]
    if places.get((selection.line, selection.profile)) == ("off_site",):
        return tuple(one for one in known if one.profile == selection.profile)
    youngest = min((PHASES.index(one.phase) for one in known), default=0)
    return tuple(one for one in known if PHASES.index(one.phase) == youngest)


def _is_enforced(code: str, references: Iterable[ProfileSelection]) -> bool:
    """Whether known users were seen to get a category blocked, and never open."""
    results = [result for one in references for result in one.results if result.category == code]
    found = classify_results(results, State.ALLOWED, State.BLOCKED)
    return not found.wrong and found.right >= MIN_ITEMS


def _compared_with(selection: Selection, references: Iterable[ProfileSelection]) -> str:
    """The users compared with, and those whom the service does not serve, in words."""
    names = ", ".join(f"{one.profile} on {one.line}" for one in references) or "nobody"
    unserved = [USER_KINDS[kind] for kind in selection.users.not_offered]
    left = f"; declared not to be served: {', '.join(unserved)}" if unserved else ""
    return f"compared with {names}{left}"


def _why_no_default(selection: Selection, references: tuple[ProfileSelection, ...]) -> str:
    """Why no conformity can be shown; empty if all kinds of users were declared."""
    missing = [USER_KINDS[kind] for kind in selection.users.missing]
    if missing:
        return (
            f"not tried: {', '.join(missing)}; name them under 'users' of a line or profile, or "
            "under 'not_offered'"
        )
    return "" if references else "there are no known users whose policy could be compared with"

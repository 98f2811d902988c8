"""Metrics of a service's log: does it show who did what, when, and on which computer (LOG).

Requests count if the service is known to have answered them. An entry may still be on its way when
a log is read: a request without an entry counts only if the log was read ``READ_AFTER`` seconds
later. A log that was not read decides nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import structs

from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.interval_choice import TrialShare
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import (
    Readings,
    answered,
    barred,
    census,
    is_clock_known,
    part,
    rate,
    records_of,
    witness,
)
from harness.estimate.logged_fields import (
    CRITICAL,
    OTHERS,
    WrongField,
    case_of,
    computers,
    constant_error,
    is_recorded,
    is_unsure,
    shows_address,
    shows_download,
    shows_outcome,
    shows_search,
    shows_upload,
    wrong_fields,
    zone_hint,
)
from harness.estimate.rates import MeasuredMetric
from harness.model.condition import Condition
from harness.model.log_case import SECRETS
from harness.model.log_entry import LogEntry
from harness.model.metric import Metric, Part
from harness.model.outcome import Witness
from harness.model.service_log import LoggedRequest, RecordKeeping

UNKNOWN_CLOCK = "it is not known to be right to within 1 s"
AT_THE_TIME = "each request is on record at the time"
UNCHANGED = "what the log showed once, it still shows"
MARKED, UNMARKED = "requests with a mark", "requests without a mark"


def events_recorded(selection: Selection) -> MeasuredMetric:
    """Compute the share of requests for which the log says who, what, when and which computer.

    Requests with a mark of a test and requests without one must each be recorded, at the time: none
    may be put into the log afterwards, and what an import showed may not change.
    """
    requests = answered(selection, "ordinary")

    def group(words: str, *, is_plain: bool) -> Group:
        own = [one for one in requests if case_of(one).is_plain == is_plain]
        return Group(label=words, of_items=False, measure=lambda at: _rate(at, own))

    metric = worst_of_groups(
        selection, [group(MARKED, is_plain=False), group(UNMARKED, is_plain=True)]
    )
    measured = _recorded(selection, metric, requests)
    return replace(measured, conditions=_kept_as_made(selection, requests))


def bypass_attempts_recorded(selection: Selection) -> MeasuredMetric:
    """Compute the share of attempts to bypass the filter that the log shows with their address."""
    requests = [
        one if shows_address(one) else structs.replace(one, entries=_without_address(one.entries))
        for one in answered(selection, "ordinary")
        if one.case == "bypass"
    ]
    return _recorded(selection, _rate(selection, requests), requests)


def _without_address(entries: Sequence[LogEntry]) -> tuple[LogEntry, ...]:
    """Entries that do not show what was attempted are no record of the attempt."""
    return tuple(structs.replace(entry, url="") for entry in entries)


def wrong_log_fields(selection: Selection) -> MeasuredMetric:
    """Count the recorded requests with wrong fields, as far as these are more than may be wrong.

    No error is allowed in who, which computer, and blocked or allowed. Of the requests, at most
    ``MOST_WRONG`` may have another wrong field; they count if more are surely wrong, and are
    undecided if it is not sure that fewer are. So are requests whose entries do not tell. A
    constant error of the log's clock beyond what is declared makes each time wrong.
    """
    records = records_of(selection)
    ordinary = sorted(answered(selection, "ordinary"), key=lambda one: one.started)
    found = [one for one in ordinary if is_recorded(one, records)]
    error = constant_error(found)
    is_off = abs(error) > records.clock_error and is_clock_known(selection)
    other = _other_name(found, records)
    wrong = {one.item: wrong_fields(one, records, 0.0 if is_off else error, other) for one in found}
    fields = {item: {each.field for each in some} for item, some in wrong.items()}
    critical = [one for one in found if fields[one.item] & CRITICAL.keys()]
    others = [one for one in found if fields[one.item] & OTHERS.keys()]
    trials = TrialShare(bool(fields[one.item] & OTHERS.keys()) for one in found)
    bounds = trials.bounds(selection.alpha)
    surely = bounds.lower is not None and bounds.lower > MOST_WRONG
    perhaps = bounds.upper is not None and bounds.upper > MOST_WRONG
    more = [one for one in others if not fields[one.item] & CRITICAL.keys()]
    k = len(critical) + (len(more) if surely else 0)
    open_ones = max(1, len(more)) if perhaps and not surely else 0
    unsure = sum(is_unsure(one) for one in found if not wrong[one.item])
    metric = census(
        selection,
        "wrong_log_fields",
        k,
        len(found),
        min(open_ones + unsure, len(found) - k),
        method=f"{len(critical)} with a wrong person, computer or outcome; {len(others)} with "
        f"another wrong field, of {len(found)} requests (at most {MOST_WRONG:.1%} may be); "
        f"{_clock_words(error, records)}{_alone(selection, records)}",
        parts=_field_parts(selection, found, records, wrong),
    )
    if not critical and found:  # else a wrong field was seen that is never allowed
        metric = replace(metric, p_value=trials.p_above(MOST_WRONG))
    why = barred(selection) or _undeclared(selection, records, other)
    if not why and abs(error) > records.clock_error and not is_off:
        why = f"{_clock_words(error, records)}, or the clock of this machine is: {UNKNOWN_CLOCK}"
    witnesses = tuple(witness(one, map(str, wrong[one.item])) for one in (*critical, *more))
    return MeasuredMetric(metric=metric, witnesses=witnesses, barred=why)


def _clock_words(error: float, records: RecordKeeping) -> str:
    """The constant error of a log's clock, and what is tolerated."""
    most = records.clock_error
    return f"the log's clock is {error:+.1f} s off{zone_hint(error)} (at most {most:g} s may be)"


def _undeclared(selection: Selection, records: RecordKeeping, other_name: str) -> str:
    """What of the log cannot be compared because nobody declared what is true."""
    if missing := records.undeclared(selection.profile, selection.line):
        return f"what the log must show is not declared; add to service.records {missing}"
    if other_name:
        return (
            f"the log also shows {other_name}; if it is the same computer, add it to "
            f"service.records.computers.{selection.line}"
        )
    return ""


def _other_name(requests: Sequence[LoggedRequest], records: RecordKeeping) -> str:
    """A second name of a line's computer, which each request shows beside a declared one; or none.

    It is an address beside a declared name, or a name beside a declared address, always the same.
    """
    held = [
        (
            {one.client for one in request.entries} - {""},
            {one.device for one in request.entries} - {""},
        )
        for request in requests
    ]
    others = {frozenset(set(computers(one)) - records.names_of(one.line)) for one in requests}
    if len(others) != 1 or any(len(kind) > 1 for kinds in held for kind in kinds):
        return ""
    return next(iter(others.pop()), "")


def _alone(selection: Selection, records: RecordKeeping) -> str:
    """Say that everybody who was tried has one name, if so: others were not told apart."""
    campaign = selection.campaign
    profiles = campaign.profiles if campaign else ()
    lines = [line.name for line in campaign.lines] if campaign else []
    users = {records.users[name] for name in profiles if name in records.users}
    names = {records.names_of(line) for line in lines if records.names_of(line)}
    if len(users) > 1 or len(names) > 1:
        return ""
    return "; one user and one computer were tried, so others are not known to be told apart"


MOST_WRONG = 0.005
"""The share of requests that may have another wrong field (proposed by this project)."""


def log_classes_covered(selection: Selection) -> MeasuredMetric:
    """Compute the share of the classes of requests that the log shows as what they are.

    A class is covered if each recorded request of it shows what it must; whether all are recorded
    is for LOG-01.
    """
    requests, readings = answered(selection, "ordinary"), Readings(selection)
    parts, covered, witnesses, tried = [], 0, list[Witness](), 0
    for words, (belongs, shows) in CLASSES.items():
        own = [one for one in requests if belongs(one)]
        held = [one for one in own if one.entries]
        missing = [one for one in own if not one.entries and not readings.leave_open(one)]
        # Of a class with entries, those that are missing are for LOG-01.
        lacking = [one for one in held if not shows(one)] if held else missing
        decided = len(held or missing)
        tried += bool(decided)
        covered += bool(decided) and not lacking
        undecided = len(own) - len(held) - len(missing)
        parts.append(part(selection, words, len(lacking), decided, undecided))
        witnesses += [witness(one, (f"{words}: not shown as such",)) for one in lacking]
    total = len(CLASSES)
    metric = Metric(
        name="log_classes_covered",
        unit="share",
        value=covered / tried if tried else None,
        k=covered,
        n=tried,
        indeterminate=total - tried,
        lower=covered / total if tried else None,
        upper=(covered + total - tried) / total if tried else None,
        method="census of classes",
        alpha=selection.alpha,
        parts=tuple(parts),
    )
    return MeasuredMetric(metric=metric, witnesses=tuple(witnesses), barred=barred(selection))


Test = Callable[[LoggedRequest], bool]

CLASSES: dict[str, tuple[Test, Test]] = {
    "what was allowed": (lambda one: one.state == "allowed", shows_outcome),
    "what was blocked": (lambda one: one.state == "blocked", shows_outcome),
    "search terms": (lambda one: one.case == "search", shows_search),
    "downloads with name and size": (lambda one: one.case == "download", shows_download),
    "uploads": (lambda one: one.case == "upload", shows_upload),
}
"""The classes that LOG-04 names: which requests belong to them, and what an entry must show."""


def secrets_in_logs(selection: Selection) -> MeasuredMetric:
    """Count the secrets that the log holds, of those that recorded requests carried.

    A log that does not show these requests shows nothing about secrets.
    """
    sent = [one for one in answered(selection, "ordinary") if case_of(one).secrets]
    carriers_sent = {one.item for one in sent}
    recorded = {one.item for one in sent if one.entries}
    searched = any(one.searched for one in selection.logs.readings)
    found = {
        (secret.kind, secret.item): f"{secret.kind}, line {secret.line} of the log"
        for one in selection.logs.readings
        for secret in one.secrets
        if secret.item in carriers_sent
    }
    carriers = recorded | {item for _, item in found} if searched else frozenset()
    n = len(carriers) * len(SECRETS)
    metric = census(
        selection,
        "secrets_in_logs",
        len(found),
        n,
        len(sent) * len(SECRETS) - n,
        method="census of invented secrets, as they are and encoded",
    )
    by_item: defaultdict[str, list[str]] = defaultdict(list)
    for (_, item), words in found.items():
        by_item[item].append(words)
    witnesses = tuple(witness(one, by_item[one.item]) for one in sent if one.item in by_item)
    return MeasuredMetric(metric=metric, witnesses=witnesses, barred=barred(selection))


def _kept_as_made(selection: Selection, requests: Sequence[LoggedRequest]) -> tuple[Condition, ...]:
    """What differs between readings of a log, as conditions that do not hold; none if nothing."""
    words = {one.number: one.words for one in selection.logs.readings}
    found = []
    for name, verb, pairs in (
        (AT_THE_TIME, "repaired afterwards", [one.repaired for one in requests if one.repaired]),
        (UNCHANGED, "altered or removed", [one.altered for one in requests if one.altered]),
    ):
        for (first, later), number in sorted(Counter(pairs).items()):
            noun = "request" if number == 1 else "requests"
            detail = f"{number} {noun} {verb} between {words[first]} and {words[later]}"
            found.append(Condition(name=name, held=False, detail=detail))
    return tuple(found)


def _recorded(
    selection: Selection, metric: Metric, requests: Sequence[LoggedRequest]
) -> MeasuredMetric:
    records, readings = records_of(selection), Readings(selection)
    missing = [
        one
        for one in requests
        if not _is_on_record(one, records) and (one.entries or not readings.leave_open(one))
    ]
    witnesses = tuple(witness(one, (_lacking(one),)) for one in missing)
    return MeasuredMetric(metric=metric, witnesses=witnesses, barred=barred(selection))


def _lacking(request: LoggedRequest) -> str:
    if not request.entries:
        return f"no entry of the log shows {request.url}"
    if request.repaired is not None:
        return "repaired afterwards: import {} lacks it, import {} shows it".format(
            *request.repaired
        )
    if request.altered is not None:
        return "altered: import {1} lacks or changes what import {0} showed".format(
            *request.altered
        )
    return "the log does not say who, what, when and on which computer"


def _is_on_record(request: LoggedRequest, records: RecordKeeping) -> bool:
    """Whether a request was recorded at the time, and its record is as it was made."""
    is_as_made = request.repaired is None and request.altered is None
    return is_as_made and is_recorded(request, records)


def _rate(selection: Selection, requests: Sequence[LoggedRequest]) -> Metric:
    """The share of recorded requests; those whose log was read too early are undecided."""
    records, readings = records_of(selection), Readings(selection)
    found = (
        None if not one.entries and readings.leave_open(one) else _is_on_record(one, records)
        for one in sorted(requests, key=lambda one: one.started)
    )
    return rate(selection, selection.measure.metric, found)


def _field_parts(
    selection: Selection,
    found: Sequence[LoggedRequest],
    records: RecordKeeping,
    wrong: dict[str, tuple[WrongField, ...]],
) -> tuple[Part, ...]:
    """Each field with the requests that it could be compared for."""
    compared = {
        "person": [one for one in found if one.profile in records.users],
        "computer": [one for one in found if records.names_of(one.line)],
        "category": [one for one in found if one.state == "blocked"],
    }
    parts = []
    for field, words in (CRITICAL | OTHERS).items():
        if field == "category":
            continue  # blocks are few; whether each has a category is counted above
        own = compared.get(field, list(found))
        k = sum(any(each.field == field for each in wrong[one.item]) for one in own)
        parts.append(part(selection, words, k, len(own), 0))
    return tuple(parts)

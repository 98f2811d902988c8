"""The pages of alarms: what waits for a re-test, and one alarm with what it is and is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from harness.follow.due_dates import overdue_days
from harness.model.alarm import AlarmRule, AlarmState, RaisedAlarm
from harness.model.coverage import format_value
from harness.model.hub_access import Permission, Viewer
from harness.model.metric_spec import SPECS
from harness.model.person_names import shown_name
from harness.monitor.alarms import CONTROL, INSTRUMENT, ONE_SITE
from harness.store.hub.documents import (
    StoredDocument,
    count_documents,
    read_document,
    read_documents,
)
from harness.store.hub.repository import Reading, Repository
from harness.store.hub.run_outcomes import run_outcomes
from reports.dashboard.access import AnyViewer, NotHere, require, viewer_of
from reports.dashboard.act_forms import ACKNOWLEDGE
from reports.dashboard.acts import ActRefused, Acts
from reports.dashboard.addresses import address, name_in
from reports.dashboard.csv_answers import csv_answer
from reports.dashboard.follow_up_facts import ALARM, ALARMS, ENDED, OPEN, AlarmFacts
from reports.dashboard.form_values import typed
from reports.dashboard.forms import Form, Posted
from reports.dashboard.item_words import names_hidden
from reports.dashboard.pages.follow_up_pages import (
    MOST_ROWS,
    ROWS,
    TriedForm,
    done,
    next_url,
    place_of,
    require_stream,
)
from reports.dashboard.rendering import moment, page
from reports.dashboard.result_facts import CurrentFacts
from reports.dashboard.service_facts import REQUIREMENT, REQUIREMENTS, page_of, requirement_id
from reports.next_steps import ago, day
from reports.site.page_maker import counted
from reports.words import SEVERITIES, STATUSES, capitalised

MOST_FIGURES = 100
"""How many figures of runs the page of an alarm shows."""

_BETWEEN = re.compile(r"; (?![^()]*\))")
"""What divides the statements about several sites; what is in brackets stays together."""

STATE_WORDS = {
    AlarmState.RAISED: "Waits for its re-test",
    AlarmState.ACKNOWLEDGED: "Acknowledged, waits for its re-test",
    AlarmState.CONFIRMED: "Confirmed by re-test",
    AlarmState.NOT_CONFIRMED: "Not confirmed by re-test",
}
STATE_SIGNS = {
    AlarmState.RAISED: "insufficient",
    AlarmState.ACKNOWLEDGED: "insufficient",
    AlarmState.CONFIRMED: "does-not-conform",
    AlarmState.NOT_CONFIRMED: "conforms",
}
RULE_WORDS = {
    AlarmRule.MISS: "An item was missed, and the requirement allows no miss.",
    AlarmRule.EVIDENCE: (
        "Over several runs the evidence reached its limit: a service that conforms would raise "
        "such an alarm at most once in 20 years, however often and by however many requirements."
    ),
    AlarmRule.CHART: "A control chart shows that the figure became worse (Nelson's rules).",
    AlarmRule.UNDECIDED: "Several runs in a row could decide nothing.",
    AlarmRule.DISCONTINUED: "Five runs under tightened surveillance did not conform.",
}
CAUSES = (
    ("Our software or the scheme", INSTRUMENT),
    ("The test items", INSTRUMENT),
    ("One site only", ONE_SITE),
    ("Our line or the control page", CONTROL),
    ("A silent probe", ""),
)
"""What an alarm might be instead, each with how the sentence begins that rules it out."""

CSV_HEADER = (
    "supplier", "alarm", "service", "requirement", "profile", "rule", "state", "raised",
    "retest_by", "acknowledged_by", "statement",
)  # fmt: skip


class ListedAlarm(NamedTuple):
    """An alarm in a list: the path of its page, its facts, and how many days it is overdue."""

    path: str
    facts: AlarmFacts
    days_late: int


class Cause(NamedTuple):
    """Another cause that an alarm might have; ``shown`` is what rules it out, or empty."""

    name: str
    shown: str


class Figure(NamedTuple):
    """What one run showed of the requirement of an alarm."""

    site: str
    at: datetime
    campaign: str
    path: str
    line: str
    state: str
    value: str
    bounds: str


class _Seen(NamedTuple):
    """What the runs of an alarm showed, and the newest result of each site."""

    figures: list[Figure]
    sites: list[CurrentFacts]


def routes(repository: Repository, acts: Acts) -> APIRouter:
    """The routes of the pages of alarms."""
    router = APIRouter(include_in_schema=False)

    @router.get("/alarms")
    def list_alarms(request: Request, viewer: AnyViewer, after: str = "") -> Response:
        require(viewer, Permission.READ_ALARMS)
        with repository.reading(viewer) as reading:
            return _list_page(request, reading, after)

    @router.get("/alarms.csv")
    def alarms_as_csv(viewer: AnyViewer) -> Response:
        require(viewer, Permission.READ_ALARMS)
        with repository.reading(viewer) as reading:
            found = read_documents(
                reading, ALARM, (OPEN, ENDED), limit=MOST_ROWS, newest_first=True
            )
        return csv_answer("alarms", CSV_HEADER, map(_csv_row, found.documents))

    def shown(request: Request, stream: str, name: str, tried: TriedForm | None = None) -> Response:
        viewer = viewer_of(request)
        require_stream(viewer, stream, Permission.READ_ALARMS)
        with repository.reading(viewer) as reading:
            stored = read_document(reading, ALARM, stream, name)
            if stored is None:
                raise NotHere
            facts = ALARMS.decode(stored.body)
            figures = list(_figures(reading, stream, facts.alarm.raised))
            now = _sites_now(reading, stream, facts.alarm.raised)
        return _alarm_page(request, stored, facts, _Seen(figures, now), tried)

    @router.get("/alarms/{stream}/{name}")
    def show_alarm(request: Request, stream: str, name: str) -> Response:
        return shown(request, name_in(stream), name_in(name))

    @router.post("/alarms/{stream}/{name}/acknowledge")
    def acknowledge(request: Request, sent: Posted, stream: str, name: str) -> Response:
        viewer, stream, name = viewer_of(request), name_in(stream), name_in(name)
        require_stream(viewer, stream, Permission.ACKNOWLEDGE)
        tried = _acknowledge(acts, viewer, stream, name, sent)
        if tried is None:
            return done(address("alarms", stream, name), ACKNOWLEDGE.name)
        return shown(request, stream, name, tried)

    return router


def _acknowledge(
    acts: Acts, viewer: Viewer, stream: str, alarm: str, sent: Form
) -> TriedForm | None:
    values, errors = typed(ACKNOWLEDGE.fields, sent)
    if errors:
        return TriedForm(ACKNOWLEDGE.name, values, errors)
    try:
        acts.acknowledge(viewer, stream, alarm, values["note"])
    except ActRefused as refused:
        return TriedForm(ACKNOWLEDGE.name, values, refusal=str(refused))
    return None


def _list_page(request: Request, reading: Reading, after: str) -> Response:
    now, place = request.app.state.now(), place_of(after)
    waiting = read_documents(reading, ALARM, (OPEN,), limit=MOST_ROWS // ROWS).documents
    total = count_documents(reading, ALARM, (OPEN,))
    ended = read_documents(reading, ALARM, (ENDED,), limit=ROWS, after=place, newest_first=True)
    title = "No alarm waits for a re-test"
    if total:
        title = capitalised(counted(total, "alarm waits", "alarms wait")) + " for a re-test"
    return page(
        request,
        "alarm_list.html.j2",
        title,
        waiting=[_listed(each, now) for each in waiting],
        total=total,
        ended=[_listed(each, now) for each in ended.documents],
        next=next_url("alarms", ended.next),
        is_first=not after,
        state_names=STATE_WORDS,
        state_signs=STATE_SIGNS,
        severities=SEVERITIES,
        named=shown_name,
        day=day,
    )


def _listed(stored: StoredDocument, now: datetime) -> ListedAlarm:
    facts = ALARMS.decode(stored.body)
    path = address("alarms", stored.stream, stored.id)
    is_late = facts.alarm.is_overdue(now)
    days = overdue_days(facts.alarm.raised.retest_by, now) if is_late else 0
    return ListedAlarm(path, facts, days)


def _csv_row(stored: StoredDocument) -> Sequence[str]:
    facts = ALARMS.decode(stored.body)
    alarm, raised = facts.alarm, facts.alarm.raised
    return (
        facts.supplier,
        alarm.id,
        raised.service,
        raised.requirement,
        raised.profile,
        str(raised.rule),
        str(alarm.state),
        alarm.at.isoformat(),
        raised.retest_by.isoformat(),
        shown_name(alarm.acknowledged_by),
        raised.statement,
    )


def _figures(reading: Reading, stream: str, raised: RaisedAlarm) -> Iterator[Figure]:
    """The figures of the runs that an alarm rests on, oldest first for each site."""
    rows = run_outcomes(
        reading, stream, raised.runs, raised.requirement, raised.profile, limit=MOST_FIGURES
    )
    spec = SPECS.get(raised.metric)
    unit = spec.unit if spec is not None else ""
    for row in rows:
        yield Figure(
            site=row.site,
            at=row.at,
            campaign=row.campaign,
            path=address("campaigns", stream, row.campaign),
            line=row.line,
            state=row.state,
            value="nothing counted" if row.value is None else format_value(row.value, unit),
            bounds=(
                ""
                if row.lower is None or row.upper is None
                else f"{format_value(row.lower, unit)} to {format_value(row.upper, unit)}"
            ),
        )


def _sites_now(reading: Reading, stream: str, raised: RaisedAlarm) -> list[CurrentFacts]:
    """The newest result of what an alarm is about at each site, the worst first."""
    name = requirement_id(page_of(stream, raised.service), raised.requirement)
    stored = read_document(reading, REQUIREMENT, stream, name)
    currents = REQUIREMENTS.decode(stored.body).currents if stored is not None else ()
    return [one for one in currents if one.about.site and one.about.profile == raised.profile]


FAILS = "does-not-conform"


def causes_of(raised: RaisedAlarm) -> Iterator[Cause]:
    """What else an alarm might be, each with what the runs show against it, if they do."""
    for name, begins in CAUSES:
        shown = next(
            (each.partition(": ")[2] for each in raised.ruled_out if begins and _is(each, begins)),
            "",
        )
        yield Cause(name, shown)


def _is(sentence: str, begins: str) -> bool:
    return sentence.startswith(f"{begins}: ")


def required_words(raised: RaisedAlarm) -> str:
    """What was required of the figure, in words; empty if the alarm does not say so."""
    spec = SPECS.get(raised.metric)
    unit = spec.unit if spec is not None else ""
    sides = (("at least", raised.at_least), ("at most", raised.at_most))
    return " and ".join(
        f"{word} {format_value(limit, unit)}" for word, limit in sides if limit is not None
    )


def _alarm_page(
    request: Request,
    stored: StoredDocument,
    facts: AlarmFacts,
    seen: _Seen,
    tried: TriedForm | None,
) -> Response:
    viewer, now = viewer_of(request), request.app.state.now()
    alarm, raised = facts.alarm, facts.alarm.raised
    can_act = viewer.may(Permission.ACKNOWLEDGE) and alarm.state is AlarmState.RAISED
    return page(
        request,
        "alarm.html.j2",
        f"Alarm {alarm.id}: {raised.service}, {raised.requirement}",
        status=tried.status if tried else 200,
        facts=facts,
        alarm=alarm,
        raised=raised,
        state=STATE_WORDS[alarm.state],
        sign=STATE_SIGNS[alarm.state],
        rule=RULE_WORDS[raised.rule],
        required=required_words(raised),
        lead=_lead(facts, now),
        statements=_BETWEEN.split(raised.statement),
        figures=seen.figures,
        sites=seen.sites,
        showing=len({one.about.site for one in seen.sites if one.figure.state == FAILS}),
        ago=lambda at: ago(at, now),
        causes=list(causes_of(raised)),
        form=ACKNOWLEDGE if can_act else None,
        tried=tried,
        recorded=request.query_params.get("done") == ACKNOWLEDGE.name and tried is None,
        path=address("alarms", stored.stream, stored.id),
        service_path=address("services", stored.stream, raised.service),
        requirement_path=address(
            "services", stored.stream, raised.service, "requirements", raised.requirement
        ),
        campaign_of=lambda name: address("campaigns", stored.stream, name),
        plan_of=lambda name: address("plans", stored.stream, name),
        sees_items=viewer.may(Permission.READ_ITEMS),
        names_items=names_hidden(viewer),
        sees_command=viewer.may(Permission.ACKNOWLEDGE),
        severities=SEVERITIES,
        named=shown_name,
        moment=moment,
        day=day,
    )


def _lead(facts: AlarmFacts, now: datetime) -> str:
    """Where an alarm stands, and what is wanted."""
    alarm, answer = facts.alarm, facts.answer
    if alarm.state is AlarmState.CONFIRMED:
        confirmed = "A re-test of fixed size confirmed it."
        if facts.is_to_decide:
            return f"{confirmed} Decide on suspension, and follow its plan."
        if answer is None:
            return f"{confirmed} Follow its plan."
        status = STATUSES[answer.decision.status].lower()
        made = f"{answer.decision.id} of {day(answer.at)}: {status}"
        return f"{confirmed} It was decided since then, by {made}. Follow its plan."
    if alarm.state is AlarmState.NOT_CONFIRMED:
        return "A re-test of fixed size did not confirm it. Nothing is left to do."
    due = alarm.raised.retest_by
    late = overdue_days(due, now)
    when = f"by {day(due)}"
    if alarm.is_overdue(now):
        when = f"{late} days overdue, was due {day(due)}" if late else f"due today, {day(due)}"
    wanted = f"It waits for a re-test of fixed size, {when}: an alarm alone proves nothing."
    if alarm.needs_deciding:
        wanted = (
            f"{counted(alarm.left_open, 're-test', 're-tests')} left it open. It waits for one "
            f"that is large enough to decide, {when}."
        )
    if alarm.state is AlarmState.ACKNOWLEDGED:
        return wanted
    return f"{wanted} Please acknowledge it."

"""Trends: figures campaign by campaign, where lines end, and what is told beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.alarm import Alarm, AlarmRetest, AlarmRule, RaisedAlarm
from harness.model.event import PlanClosed, SoakMeasured
from harness.model.outcome import Assessment, Conformity
from harness.model.soak import SoakCampaign
from harness.model.surveillance_event import AlarmRaised, AlarmRetested, SurveillanceRun
from reports.site.private_pages import mechanism_table, private_files
from reports.site.stream_view import MeasuredCampaign, StreamView
from reports.site.trend_causes import Instrument, changes_of_instrument
from reports.site.trend_chart import MARGIN, PLOT, chart_of, frame_of, sign_of
from reports.site.trend_facts import Trend, TrendSeries, trends
from reports.site.trend_limits import control_limits
from test_suites.kit.campaigns.example import example_assessment, example_metric, example_outcome
from test_suites.kit.hubs.site_example import NOW, PERSON, example_views
from test_suites.kit.rooms import ROOT

GATEWAY, FILTER = example_views()
(TREND,) = trends(GATEWAY, NOW)


def series(code: str, trend: Trend = TREND) -> TrendSeries:
    (found,) = [one for one in trend.series if one.requirement == code]
    return found


def with_campaigns(*campaigns: MeasuredCampaign) -> Trend:
    (found,) = trends(GATEWAY._replace(campaigns=campaigns), NOW)
    return found


def campaign(number: int, assessment: Assessment | None) -> MeasuredCampaign:
    at = NOW - timedelta(days=30 * (10 - number))
    return MeasuredCampaign(f"c{number}", "SchoolShield Gateway", "becta-2008", at, assessment)


def measured(k: int, n: int = 100, **changes: Any) -> Assessment:
    metric = example_metric(k, n, lower=max(0.0, k / 100 - 0.05), upper=min(1.0, k / 100 + 0.05))
    return replace(example_assessment(outcomes=(example_outcome(metric=metric),)), **changes)


def test_each_campaign_is_a_point_with_its_state() -> None:
    assert [point.state for point in series("URL-04").points] == [
        "conforms", "conforms", "no-data", "conforms", "insufficient", "does-not-conform",
        "conforms", "conforms", "conforms",
    ]  # fmt: skip
    assert series("URL-04").last.measured == "99.2%"
    assert series("URL-04").last.required == "at least 90%"


def test_worst_last_result_comes_first() -> None:
    assert [one.requirement for one in TREND.series] == ["OVB-01", "URL-04"]


def test_a_line_ends_where_nothing_may_be_compared() -> None:
    points = series("URL-04").points

    cut = [point.campaign.name for point in points if point.is_cut]
    assert cut == ["PRIVATE-2026-03-30", "PRIVATE-2026-04-27", "PRIVATE-2026-09-21",
                   "PRIVATE-2026-11-16"]  # fmt: skip
    frame = frame_of(TREND, NOW)
    chart = chart_of(series("URL-04"), frame)
    joined = {(one.x, other.x) for one, other in chart.lines}
    place = frame.timeline.place
    for before, after in pairwise(points):
        ends = place(before.campaign.at), place(after.campaign.at)
        assert (ends in joined) is not (after.is_cut or before.value is None)
    assert len(joined) == 4


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"rules_version": "2027"}, ["Our software"]),
        ({"scheme_version": "2.0"}, ["Scheme"]),
        ({"corpora": ("canary 2.0.0 sha256:00",)}, ["Corpus"]),
        ({}, []),
    ],
)
def test_changes_of_the_instrument_cut_the_line(changes: dict[str, Any], what: list[str]) -> None:
    before, after = measured(98), measured(97, **changes)
    trend = with_campaigns(campaign(1, before), campaign(2, after))

    assert [one for one, _ in changes_of_instrument(*map(Instrument.of, (before, after)))] == what
    assert [point.is_cut for point in trend.series[0].points] == [False, bool(what)]
    breaking = [cause for cause in trend.causes if cause.breaks]
    assert [cause.what for cause in breaking] == what


def test_a_change_is_seen_across_a_campaign_without_assessment() -> None:
    trend = with_campaigns(
        campaign(1, measured(98)),
        campaign(2, None),
        campaign(3, measured(98, rules_version="2027")),
    )

    assert [point.is_cut for point in trend.series[0].points] == [False, True, True]
    assert chart_of(trend.series[0], frame_of(trend, NOW)).lines == ()


def test_too_long_without_a_campaign_is_no_data() -> None:
    near, far = campaign(5, measured(98)), campaign(9, measured(98))
    trend = with_campaigns(near, far)
    chart = chart_of(trend.series[0], frame_of(trend, NOW))

    assert chart.lines == ()
    (gap,) = chart.gaps
    assert gap.width > 50


def test_nothing_decided_is_not_the_same_as_no_data() -> None:
    undecided = example_outcome(
        Conformity.INSUFFICIENT, metric=example_metric(0, 0, indeterminate=7)
    )
    untried = example_outcome(Conformity.INSUFFICIENT, metric=example_metric(0, 0))
    for outcome, state in ((undecided, "insufficient"), (untried, "no-data")):
        trend = with_campaigns(campaign(1, example_assessment(outcomes=(outcome,))))
        (point,) = trend.series[0].points
        assert point.state == state
        marks = chart_of(trend.series[0], frame_of(trend, NOW)).marks
        assert len(marks) == (state == "insufficient")


def test_causes_and_consequences_are_told_in_order() -> None:
    assert [(cause.what, cause.detail) for cause in TREND.causes] == [
        ("Supplier version", "4.5"),
        ("Our software", "rules 2026.1 to 2026.2"),
        ("Supplier version", "4.6"),
        ("Incident", "PRIVATE incident"),
        ("Supplier version", "4.8"),
        ("Fix claimed", "P-0001, URL-04"),
        ("Corpus", "without canary 1.0.0; with canary 1.1.0"),
    ]
    assert [one.detail for one in TREND.consequences] == [
        "version 4.5: accredited (D-0001)",
        "F-0001: Material about taking or promoting illegal drugs is blocked",
        "version 4.5: suspended (D-0002)",
        "version 4.5: accredited (D-0003)",
        "F-0002: Ordinary harmless websites are not blocked",
    ]
    assert len(TREND.suspensions) == 1


def test_a_plan_that_is_closed_is_told_once() -> None:
    at, plan = NOW - timedelta(days=1), "P-0001"
    soak = SoakCampaign(campaign="PRIVATE-later", begun=at, conforms=True)
    measured = SoakMeasured(
        at=at, actor=PERSON, plan=plan, soak=soak, service=TREND.service, scheme=TREND.scheme
    )
    closed = PlanClosed(at=at, actor=PERSON, plan=plan)
    plans = GATEWAY.state.plans | {plan: replace(GATEWAY.state.plans[plan], ended=at)}
    view = GATEWAY._replace(
        events=(*GATEWAY.events, measured, closed), state=replace(GATEWAY.state, plans=plans)
    )

    (trend,) = trends(view, NOW)

    told = [(one.at, one.detail) for one in trend.consequences if one.what == "Plan"]
    assert told == [(at, "P-0001 closed (URL-04)")]


def test_letters_do_not_stand_on_each_other() -> None:
    letters = frame_of(TREND, NOW).letters
    for one in letters:
        for other in letters:
            assert one is other or one.row != other.row or abs(one.x - other.x) >= 6
    assert [letter.sign for letter in letters] == list("ABCDEFG")
    assert (sign_of(25), sign_of(26)) == ("Z", "A2")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 100), st.booleans(), st.booleans()), min_size=1,
                max_size=9))  # fmt: skip
def test_marks_stay_within_the_picture(found: list[tuple[int, bool, bool]]) -> None:
    trend = with_campaigns(
        *(
            campaign(n, measured(k, rules_version=f"{is_new}") if has_data else None)
            for n, (k, has_data, is_new) in enumerate(found)
        )
    )
    frame = frame_of(trend, NOW)
    for one in trend.series:
        chart = chart_of(one, frame)
        for mark in chart.marks:
            assert MARGIN <= mark.x <= 100 - MARGIN
            assert frame.top <= mark.y <= frame.bottom
        for level in chart.levels:
            assert frame.top <= level.y <= frame.bottom
        heights = [float(each.split(",")[1]) for band in chart.bands for each in band.split()]
        assert all(0 <= height <= PLOT for height in heights)
        assert all(frame.top <= w.y2 <= w.y1 <= frame.bottom for w in chart.whiskers)
        joined = {mark.x for pair in chart.lines for mark in pair}
        assert joined | {one.x for one in chart.whiskers} == {mark.x for mark in chart.marks}
        assert joined.isdisjoint(one.x for one in chart.whiskers)
        assert sum(point.state != "no-data" for point in one.points) == len(chart.marks)


def test_shares_of_mechanisms_add_up() -> None:
    table = mechanism_table(TREND.campaigns)

    assert table.names[0] == "a block page was shown"
    for row in table.rows:
        assert (not row.total) or sum(width for _, width in row.bars) == pytest.approx(100, abs=0.1)
    assert table.rows[0].cells[0] == "180 (77.6%)"
    assert set(table.rows[2].cells) == {"–"}  # noqa: RUF001 - a dash is meant
    assert mechanism_table([campaign(1, None)]).rows == ()


def pages(*views: StreamView) -> dict[str, bytes]:
    return private_files(views, NOW, for_whom="for x")


def test_every_drawn_figure_has_its_table() -> None:
    page = pages(GATEWAY)[f"trends/{TREND.page}.html"].decode()

    assert page.count('<svg class="trend" role="img"') == len(TREND.series)
    for one in TREND.series:
        for point in one.points:
            assert f'<td role="cell" data-label="Measured">{point.measured}</td>' in page
    assert page.count("<details>") == len(TREND.series)
    assert "style=" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (measured(98), "Every service conformed in its last campaign"),
        (None, "One service is not decided"),
        (
            example_assessment(outcomes=(example_outcome(Conformity.DOES_NOT_CONFORM),)),
            "One service does not conform",
        ),
    ],
)
def test_the_first_words_of_the_overview_rest_on_evidence(
    last: Assessment | None, said: str
) -> None:
    view = GATEWAY._replace(campaigns=(campaign(1, last),))

    assert f'<h1 id="title">{said}</h1>' in pages(view)["index.html"].decode()


def test_without_campaigns_the_overview_says_what_would_fill_it() -> None:
    index = pages(GATEWAY._replace(campaigns=()))["index.html"].decode()

    assert "No service was measured yet" in index
    assert "No campaign is in the registry yet" in index


def watched(*figures: tuple[int, str], site: str = "Hill School") -> StreamView:
    """A stream with a run of surveillance each day: blocked of 100, and the version of the rules."""
    runs = [
        MeasuredCampaign(
            f"{site} {n}", "SchoolShield Gateway", "surveillance", NOW - timedelta(days=60 - n),
            measured(k, rules_version=rules),
        )
        for n, (k, rules) in enumerate(figures)
    ]  # fmt: skip
    events = [
        SurveillanceRun(
            at=run.at, actor=PERSON, service=run.service, monitoring="m", site=site,
            schedule="daily", due=run.at, result="measured", campaign=run.name,
        )
        for run in runs
    ]  # fmt: skip
    return GATEWAY._replace(events=(*GATEWAY.events, *events), campaigns=tuple(runs))


def test_a_control_chart_has_limits_from_twenty_runs_with_one_instrument() -> None:
    usual = [(96 + n % 3, "1") for n in range(20)]
    cases = [(usual[:19], 0), (usual, 20), ([*usual, (60, "1")], 21), ([*usual, (60, "2")], 20)]
    for figures, judged in cases:
        (trend,) = trends(watched(*figures), NOW)
        (one,) = trend.series
        limits = control_limits(one.points, one.direction)

        assert judged == sum(each is not None for each in limits)
        drawn = chart_of(one, frame_of(trend, NOW)).controls
        assert (2 if judged else 0) == len(drawn)
        assert {judged} == {len(line.split()) for line in drawn} | {judged}
    assert all(each.lower > 0.9 for each in limits if each is not None)


def test_control_limits_say_what_is_usual_and_look_unlike_what_is_required() -> None:
    view = watched(*((96 + n % 3, "1") for n in range(20)))
    (trend,) = trends(view, NOW)
    page = pages(view)[f"trends/{trend.page}.html"].decode()

    assert "; usual are 90" in page
    assert "the thin dashes the limits of a control chart" in page
    assert 2 == page.count('<polyline class="control"')
    css = (ROOT / "reports/site/site.css").read_text(encoding="utf-8")
    assert "stroke-dasharray" in css[css.index(".trend .control") :].partition("}")[0]
    assert "stroke-dasharray" not in css[css.index(".trend .limit") :].partition("}")[0]
    short = watched((97, "1"))
    assert "thin dashes" not in pages(short)[f"trends/{trend.page}.html"].decode()


def test_runs_of_two_sites_are_two_lines_and_neither_is_missing_data() -> None:
    hill, dale = watched((97, "1"), (96, "1")), watched((80, "1"), (81, "2"), site="Dale School")
    both = tuple(sorted((*hill.campaigns, *dale.campaigns), key=lambda one: one.at))

    (trend,) = trends(hill._replace(events=(*hill.events, *dale.events), campaigns=both), NOW)

    assert {"Hill School", "Dale School"} == {one.place.site for one in trend.series}
    for one in trend.series:
        chart = chart_of(one, frame_of(trend, NOW))
        assert 2 == len(chart.marks)
        assert (one.place.site == "Hill School") is bool(chart.lines)
        assert () == chart.gaps
        assert f"at {one.place.site}, daily" in chart.says
    assert 1 == sum(cause.breaks for cause in trend.causes)


def test_a_change_that_all_sites_have_is_told_once() -> None:
    hill, dale = (
        watched((97, "1"), (97, "2"), site=site) for site in ("Hill School", "Dale School")
    )
    view = hill._replace(
        events=(*hill.events, *dale.events), campaigns=(*hill.campaigns, *dale.campaigns)
    )

    (trend,) = trends(view, NOW)

    assert ["rules 1 to 2"] == [cause.detail for cause in trend.causes if cause.breaks]


@pytest.mark.parametrize(
    ("conformity", "said"),
    [
        (Conformity.DOES_NOT_CONFORM, "A-0001 confirmed: re-test again"),
        (Conformity.CONFORMS, "A-0001 not confirmed: re-test again"),
        (Conformity.INSUFFICIENT, "A-0001 still open: re-test again"),
    ],
)
def test_an_alarm_follows_in_the_trend_of_its_scheme_and_of_its_retest(
    conformity: Conformity, said: str
) -> None:
    at = NOW - timedelta(days=1)
    raised = RaisedAlarm(
        number=1, service="schoolshield gateway", scheme="surveillance", requirement="URL-04",
        profile="pupils", rule=AlarmRule.EVIDENCE, sites=("Hill School", "Dale School"),
        of_sites=2, statement="PRIVATE", retest_by=NOW,
    )  # fmt: skip
    retest = AlarmRetest(
        campaign="again", scheme="becta-2008", begun=at, conformity=conformity, statement="PRIVATE"
    )
    about: dict[str, Any] = {
        "at": at,
        "actor": PERSON,
        "service": raised.service,
        "alarm": raised.id,
    }
    view = watched((97, "1"))
    state = replace(view.state, alarms={raised.id: Alarm(raised=raised, at=at, retests=(retest,))})
    events = AlarmRaised(raised=raised, **about), AlarmRetested(retest=retest, **about)
    view = view._replace(
        state=state, events=(*view.events, *events), campaigns=(*GATEWAY.campaigns, *view.campaigns)
    )

    for trend in trends(view, NOW):
        told = [one.detail for one in trend.consequences if one.what == "Alarm"]
        first = "A-0001 raised: URL-04 for pupils at Hill School, Dale School"
        assert sorted([first, said]) == sorted(told)
    other = tuple(each._replace(scheme="strict") for each in GATEWAY.campaigns)
    (trend,) = trends(view._replace(campaigns=other), NOW)
    assert [] == [one for one in trend.consequences if one.what == "Alarm"]


def test_a_site_that_failed_is_not_hidden_by_a_later_run_of_another() -> None:
    hill, dale = (watched((97, "1"), site=site) for site in ("Hill School", "Dale School"))
    failed = example_assessment(outcomes=(example_outcome(Conformity.DOES_NOT_CONFORM),))
    (bad,), (good,) = hill.campaigns, dale.campaigns
    view = hill._replace(
        events=(*hill.events, *dale.events),
        campaigns=(bad._replace(assessment=failed), good._replace(at=good.at + timedelta(hours=1))),
    )

    (trend,) = trends(view, NOW)

    assert (bad.name, good.at + timedelta(hours=1)) == (trend.last.name, trend.until)
    assert '<h1 id="title">One service does not conform</h1>' in pages(view)["index.html"].decode()

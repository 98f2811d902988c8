"""The numbers of a year: what passed, was visited and drawn, and what is missing."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from harness.model.any_event import AnyEvent
from harness.model.field_event import FieldEvent
from harness.model.outcome import Conformity
from harness.monitor.field_standing import FieldStanding, Tally, periods_of, standing
from test_suites.kit.campaigns.field_example import (
    DRAWN,
    added,
    committed,
    drawn,
    field_story,
    framed,
    schools,
    visited,
)

FAILS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT
DRAW = drawn([framed("Safe Net", sites=schools(12))])
(ONE,) = DRAW.services
BEFORE: tuple[FieldEvent, ...] = (committed(), DRAW)


def after(*events: FieldEvent) -> FieldStanding:
    return standing((*BEFORE, *events), "2026")


def test_the_numbers_of_a_year() -> None:
    found = standing(field_story([framed("Safe Net", sites=schools(12))]), "2026")

    assert (found.certificates, found.services_required, found.services_drawn) == (1, 1, 1)
    assert found.randomized == Tally(drawn=10, visited=8, passed=6, failed=1, insufficient=1)
    assert found.reactive == Tally(drawn=1, visited=1, failed=1)
    assert found.shortfalls == ("Safe Net 1: 2 of 10 drawn sites are not visited yet",)
    assert periods_of(field_story([framed("Safe Net")])) == ("2027", "2026")


@pytest.mark.parametrize("first", [FAILS, OPEN])
def test_a_second_visit_does_not_hide_what_the_first_one_showed(first: Conformity) -> None:
    site, later = ONE.sites[0], DRAWN + timedelta(days=11)
    visits = [
        visited(ONE, site, first),
        visited(ONE, site.upper(), campaign="again", begun=later),
    ]

    assert after(*visits).randomized.passed == 0
    assert after(*visits).randomized.visited == 1
    assert after(*reversed(visits)).randomized == after(*visits).randomized


def test_visits_that_would_be_refused_do_not_count() -> None:
    early = visited(ONE, ONE.sites[0], begun=DRAWN - timedelta(days=1))
    elsewhere = visited(ONE, "a school that was not drawn")
    twice = [visited(ONE, site, campaign="one") for site in ONE.sites]

    assert after(early, elsewhere).randomized == Tally(drawn=10)
    assert after(*twice).randomized == Tally(drawn=10, visited=1, passed=1)


def test_a_complaint_is_apart_from_the_draw_even_at_the_same_site() -> None:
    site = ONE.sites[0]
    found = after(added(ONE, site), visited(ONE, site, FAILS, "reactive"), visited(ONE, site))

    assert found.randomized == Tally(drawn=10, visited=1, passed=1)
    assert found.reactive == Tally(drawn=1, visited=1, failed=1)


def test_what_passed_with_a_limit_is_counted_beside() -> None:
    limit = "web filtering only"
    found = after(
        visited(ONE, ONE.sites[0], limited_to=limit), visited(ONE, ONE.sites[1]),
        visited(ONE, ONE.sites[2], FAILS, limited_to=limit),
    )  # fmt: skip

    assert (found.randomized.passed, found.randomized.limited) == (2, 1)


def test_too_few_sites_on_record_are_said_and_never_met_silently() -> None:
    few = drawn([framed("Safe Net", sites=schools(7))])
    visits = [visited(few.services[0], site) for site in few.services[0].sites]

    found = standing((committed(), few, *visits), "2026")

    assert found.randomized == Tally(drawn=7, visited=7, passed=7)
    assert found.shortfalls == ("Safe Net 1: 7 sites are on record, and 10 are required",)


def test_a_year_without_a_draw_has_no_numbers_and_says_so() -> None:
    complained = (committed(), added(ONE, "Library"))
    found = standing(complained, "2026")

    assert (found.drawn, found.certificates, found.services_drawn) == (None, 0, 0)
    assert found.shortfalls == (
        "no service was drawn for 2026",
        "Safe Net 1: 1 of 1 added sites are not visited yet",
    )
    assert found.services[0].certificate == ""
    assert standing((), "2026").shortfalls == ("no service was drawn for 2026",)


def test_events_are_read_back_as_they_were_stored() -> None:
    decoder = msgspec.json.Decoder(AnyEvent)
    for event in field_story([framed("Safe Net", sites=schools(3))]):
        assert decoder.decode(msgspec.json.encode(event)) == event
        assert event.about in ("field:2026", "field:2027")

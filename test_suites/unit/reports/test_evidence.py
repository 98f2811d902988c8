"""What was tried, where, and what happened to it."""

from __future__ import annotations

from dataclasses import replace

from harness.model.outcome import Conformity, LineUnderTest, Outcome, Precondition
from reports import evidence
from reports.words import category_name
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_requirement,
    example_witness,
)


def line(name: str, site: str = "", device: str = "", group: str = "") -> LineUnderTest:
    return LineUnderTest(
        name=name, type="explicit_proxy", site=site, place="", device=device, group=group
    )


def test_what_got_through_stands_first_with_its_counts() -> None:
    (first, *_) = evidence.must_block(example_assessment())

    assert (first.name, first.blocked, first.let_through) == ("Drugs and substance misuse", 80, 20)


def test_entries_of_a_test_list_have_its_name_and_real_ones_the_taxonomys() -> None:
    assessment = example_assessment()
    names = [each.name for each in evidence.must_block(assessment)]
    real = replace(assessment.outcomes[0], kind="real")

    assert "Child sexual abuse list (test entries)" in names
    kept = evidence.must_block(replace(assessment, outcomes=(real,)))
    assert "Child sexual abuse list (test entries)" not in [each.name for each in kept]


def test_profiles_and_lines_are_summed_and_the_least_certain_bound_is_shown() -> None:
    rate = next(each for each in example_assessment().rates if each.category == "ALW.HEAL")
    other = replace(rate, line="resolver", upper=0.08)
    (found,) = evidence.must_stay_open(example_assessment(rates=(rate, other)))

    assert (found.blocked, found.decided, found.upper) == (4, 480, "8%")


def test_what_the_policy_allows_is_not_listed_as_to_be_blocked() -> None:
    rate = example_assessment().rates[0]
    jobs = replace(rate, category="LOC.JOBS", blocked=3, allowed=97, expects="allow")
    pupils = replace(rate, category="LOC.SOCN", blocked=90, allowed=10, expects="block")
    staff = replace(pupils, profile="staff", blocked=1, allowed=99, expects="allow")
    chat = replace(rate, category="LOC.CHAT", blocked=5, allowed=95, expects="local")
    assessment = example_assessment(rates=(jobs, pupils, staff, chat))

    assert [(each.name, each.let_through) for each in evidence.must_block(assessment)] == [
        (category_name("LOC.SOCN"), 10)
    ]
    assert {(each.name, each.blocked) for each in evidence.must_stay_open(assessment)} == {
        (category_name("LOC.JOBS"), 3),
        (category_name("LOC.SOCN"), 1),
    }
    assert [each.name for each in evidence.left_open(assessment)] == [category_name("LOC.CHAT")]


def test_an_older_file_tells_what_stays_open_by_the_category() -> None:
    assessment = example_assessment()

    assert not any(rate.expects for rate in assessment.rates)
    assert len(evidence.must_block(assessment)) == 4
    assert len(evidence.must_stay_open(assessment)) == 1
    assert not evidence.left_open(assessment)


def test_only_preconditions_that_void_an_undecided_outcome_are_its_cause() -> None:
    alive = Precondition(name="alive", line="proxy", profile="ks2", held=True, detail="it answers")
    failed = replace(alive, name="before", held=False)
    voids = replace(failed, name="twins", line="*", voids=True)
    open_ = (example_outcome(Conformity.INSUFFICIENT),)

    def causes(*preconditions: Precondition, outcomes: tuple[Outcome, ...] = open_) -> list[str]:
        assessment = example_assessment(outcomes=outcomes, preconditions=preconditions)
        return [each.name for each in evidence.voiding_of(assessment)]

    assert causes(alive, failed) == []
    assert causes(failed) == ["before"]
    assert causes(alive, failed, voids) == ["twins"]
    assert causes(failed, outcomes=(example_outcome(Conformity.DOES_NOT_CONFORM),)) == []
    assert causes(replace(failed, profile="staff")) == []


def test_waits_are_told_with_and_without_the_filter() -> None:
    (*filtered, without) = evidence.waits(example_assessment())

    assert without.name == "without the filter"
    assert max(each.late_bar for each in (*filtered, without)) == 100
    assert all(each.half_bar <= each.late_bar for each in filtered)


def test_an_item_is_listed_once_for_each_place() -> None:
    outcome = example_outcome(Conformity.DOES_NOT_CONFORM, witnesses=(example_witness(),) * 2)
    found = evidence.items(example_assessment(outcomes=(outcome, replace(outcome, line="other"))))

    assert [each.place for each in found] == ["ks2 on proxy", "ks2 on other"]


def test_an_item_of_a_check_that_does_not_bind_counts_against_nobody() -> None:
    shown = example_outcome(
        requirement=example_requirement(binding=False), witnesses=(example_witness(),)
    )

    assert evidence.items(example_assessment(outcomes=(shown,))) == ()


def test_a_line_on_which_nothing_was_tried_is_not_left_out() -> None:
    lines = (line("proxy"), line("spare"))
    tried, spare = evidence.places(example_assessment(outcomes=(example_outcome(),), lines=lines))

    assert (tried.result, tried.conformity) == ("all 1 conform", Conformity.CONFORMS)
    assert (spare.result, spare.conformity, spare.items) == ("not tried", None, 0)


def test_lines_without_evidence_are_not_tried_however_they_ended() -> None:
    silent = example_outcome(Conformity.INSUFFICIENT, metric=example_metric(0, 0))
    (place,) = evidence.places(example_assessment(outcomes=(silent,), lines=(line("proxy"),)))

    assert place.result == "not tried"


def test_the_matrix_shows_what_was_tried_and_what_was_not() -> None:
    lines = (
        line("proxy", "North", "Laptop", "Pupils"),
        line("tablets", "North", "Tablet", "Pupils"),
        line("annexe", "South", "Laptop", "Pupils"),
    )
    outcomes = (
        example_outcome(Conformity.DOES_NOT_CONFORM),
        example_outcome(line="annexe"),
    )
    found = evidence.matrix(evidence.places(example_assessment(outcomes=outcomes, lines=lines)))

    assert found is not None
    assert found.columns == ("Laptop, Pupils", "Tablet, Pupils")
    (north, (laptop, tablet)), (south, (annexe, none)) = found.rows
    assert (north, south) == ("North", "South")
    assert [each.result for each in laptop] == ["1 of 1 failed"]
    assert [each.result for each in tablet] == ["not tried"]
    assert [each.result for each in annexe] == ["all 1 conform"]
    assert none == ()
    assert found.untried == 2


def test_two_lines_of_one_place_share_a_cell() -> None:
    lines = (line("proxy", "North"), line("resolver", "North"))
    found = evidence.matrix(evidence.places(example_assessment(lines=lines)))

    assert found is not None
    assert [each.line for each in found.rows[0][1][0]] == ["proxy", "resolver"]


def test_without_declared_places_there_is_no_matrix() -> None:
    assert evidence.matrix(evidence.places(example_assessment(lines=(line("proxy"),)))) is None


def test_one_means_is_a_sentence_and_several_are_not() -> None:
    assert evidence.means(example_assessment(mechanisms={"block_page": 9})) == (
        "A block page was shown: 9 of 9 times."
    )
    assert evidence.means(example_assessment()) == ""

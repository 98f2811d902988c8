"""Metrics of block pages, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.estimate.block_pages import (
    block_page_accessibility,
    block_page_defects,
    block_page_fields,
    clean_https_blocks,
    illegal_page_wording,
)
from harness.estimate.item_selection import Selection
from harness.estimate.rates import explicit_share
from harness.model.block_flaw import BlockFlaw
from harness.model.metric import Metric
from harness.model.probe import ProbeDeclaration
from harness.model.verdict import Mechanism, State, Verdict
from test_suites.kit.campaigns.memory_fold import named

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
F = BlockFlaw


def parts(metric: Metric) -> dict[str, tuple[int, int]]:
    return {part.group: (part.metric.k, part.metric.n) for part in metric.parts}


def test_a_field_counts_if_every_page_states_it(verdict: Make, select: Select) -> None:
    verdicts = [
        verdict("good", flaws=0),
        verdict("bad", flaws=F.NO_POLICY),
        verdict("bad", probe="web_https", flaws=F.NO_TIME | F.CACHEABLE),
        verdict("reset", mechanism=Mechanism.TCP_RESET, flaws=F.NO_PAGE),
        verdict("open", state=State.ALLOWED),
    ]
    selection = select(verdicts)
    measured = block_page_fields(selection)

    assert (measured.metric.value, measured.metric.k, measured.metric.n) == (3 / 5, 3, 5)
    assert parts(measured.metric)["the policy in force"] == (1, 2)
    assert parts(measured.metric)["the reason"] == (2, 2)
    assert named(measured, selection) == ("bad",)


@pytest.mark.parametrize("metric", [block_page_fields, block_page_defects, illegal_page_wording])
def test_without_a_page_that_was_read_there_is_no_value(
    verdict: Make, select: Select, metric: Callable[[Selection], object]
) -> None:
    verdicts = [
        verdict("old"),
        verdict("unread", flaws=F.UNREAD),
        verdict("kept back", flaws=F.WITHHELD),
        verdict("reset", flaws=F.NO_PAGE),
    ]
    found: Metric = metric(select(verdicts)).metric  # type: ignore[attr-defined]

    assert (found.value, found.lower, found.n) == (None, None, 0)
    assert found.indeterminate == 2
    assert found.left_out == {"block pages of which no text may be kept": 1}
    assert all(part.metric.tried == 0 for part in found.parts)


def test_defects_are_counted_by_item_and_kind(verdict: Make, select: Select) -> None:
    verdicts = [
        verdict("a", flaws=F.CACHEABLE | F.THIRD_PARTY | F.UNMARKED),
        verdict("b", flaws=F.UNMARKED),
        verdict("b", probe="web_markup", flaws=F.INJECTABLE),
        verdict("c", flaws=F.UNMARKED),
        verdict("c", probe="web_markup", flaws=0),
    ]
    selection = select(verdicts)
    measured = block_page_defects(selection)

    assert (measured.metric.value, measured.metric.k, measured.metric.n) == (2.0, 2, 3)
    assert parts(measured.metric) == {
        "a page that can be cached": (1, 3),
        "a page that shows markup of the address unescaped": (1, 2),
        "a page that contacts other sites": (1, 3),
    }
    assert named(measured, selection) == ("a", "b")
    assert {("web",), ("web_markup",)} == {one.probes for one in measured.adverse}


def test_an_injectable_page_is_known_by_requests_with_markup_alone(
    verdict: Make, select: Select
) -> None:
    metric = block_page_defects(select([verdict("a", flaws=F.UNMARKED)])).metric

    assert metric.value == 0.0
    assert parts(metric)["a page that shows markup of the address unescaped"] == (0, 0)


def test_wording_and_help_are_both_wanted(verdict: Make, select: Select) -> None:
    verdicts = [verdict("a", flaws=0), verdict("b", flaws=F.NO_HELP), verdict("c", flaws=0)]
    measured = illegal_page_wording(select(verdicts))

    assert (measured.metric.k, measured.metric.n) == (2, 3)
    assert parts(measured.metric) == {
        "the recommended wording": (3, 3),
        "where to find help": (2, 3),
    }


def test_an_https_block_is_clean_if_a_page_came_without_a_certificate_error(
    verdict: Make, select: Select
) -> None:
    https = {"probe": "web_https"}
    probes = {"web_https": ProbeDeclaration(needs="fetch", facts="web", only_scheme="https")}
    verdicts = [
        verdict("clean", flaws=F.NO_TIME, **https),
        verdict("warned", flaws=F.CERTIFICATE, **https),
        verdict("reset", flaws=F.NO_PAGE, **https),
        verdict("not managed", flaws=F.CERTIFICATE | F.UNMANAGED, **https),
        verdict("old", **https),
        verdict("http", flaws=F.NO_PAGE),
    ]
    selection = replace(select(verdicts), probes=probes)
    measured = clean_https_blocks(selection)

    assert (measured.metric.k, measured.metric.n, measured.metric.indeterminate) == (1, 3, 2)
    assert named(measured, selection) == ("warned", "reset")
    alone = clean_https_blocks(replace(select(verdicts[3:4]), probes=probes)).metric
    ((why, items),) = alone.left_out.items()
    assert ("authority" in why, items, alone.n) == (True, 1, 0)


def test_a_block_is_announced_by_what_was_seen_and_not_by_its_mechanism(
    verdict: Make, select: Select
) -> None:
    verdicts = [
        verdict("page 200", flaws=F.UNANNOUNCED),
        verdict("page 403", flaws=0),
        verdict("error 17", mechanism=Mechanism.DNS_NXDOMAIN, flaws=F.NO_PAGE),
    ]
    selection = select(verdicts)

    assert named(explicit_share(selection), selection) == ("page 200",)


def test_checks_count_pages_that_a_browser_loaded(verdict: Make, select: Select) -> None:
    verdicts = [
        verdict("a", flaws=0),
        verdict("a", probe="web_https", flaws=F.UNCHECKED | F.BLAMING),
        verdict("b", flaws=F.INACCESSIBLE),
        verdict("c", flaws=F.UNCHECKED | F.NO_BROWSER),
    ]
    selection = select(verdicts)
    measured = block_page_accessibility(selection)

    assert (measured.metric.k, measured.metric.n) == (2, 3)
    assert parts(measured.metric)["accessible (WCAG 2.1 AA)"] == (1, 2)
    assert measured.metric.left_out == {"no browser: Chromium is not installed": 1}
    assert named(measured, selection) == ("b",)


def test_a_page_that_failed_its_check_counts_although_another_trial_was_not_checked(
    verdict: Make, select: Select
) -> None:
    verdicts = [verdict("a", flaws=0), verdict("b", flaws=F.INACCESSIBLE | F.UNCHECKED)]
    selection = select(verdicts)
    measured = block_page_accessibility(selection)

    assert parts(measured.metric)["accessible (WCAG 2.1 AA)"] == (1, 2)
    assert named(measured, selection) == ("b",)


def test_without_a_loaded_page_the_probe_is_named(verdict: Make, select: Select) -> None:
    metric = block_page_accessibility(select([verdict("a", flaws=F.UNCHECKED)])).metric

    assert (metric.value, metric.n) == (None, 0)
    (why,) = metric.left_out
    assert "web_accessibility" in why

"""Recognition rates of block pages without a control, in many languages."""

from __future__ import annotations

import pytest

from harness.interop.page import read_page
from harness.judge.composite_measurements import judge_without_control
from harness.model.verdict import State
from test_suites.calibration.kept_pages import KeptPage, own_pages, recorded_pages

ORDINARY = own_pages("ordinary_pages.toml", blocked=False)
NOTICES = own_pages("block_notices.toml", blocked=True)
RECORDED = recorded_pages()
LEAST_RATE = 0.85


def _is_blocked(page: KeptPage) -> bool:
    return judge_without_control(read_page(page.line).trials[0]).state is State.BLOCKED


def _language(page: KeptPage) -> str:
    return page.name.partition(". ")[2].partition(":")[0]


def test_the_pages_are_in_many_languages() -> None:
    assert len(ORDINARY) >= 140
    assert len({_language(page) for page in ORDINARY}) >= 30
    assert len(NOTICES) >= 80
    assert len({_language(page) for page in NOTICES}) >= 55


@pytest.mark.parametrize("page", ORDINARY, ids=[page.name for page in ORDINARY])
def test_no_page_about_blocking_is_recognised_as_a_block(page: KeptPage) -> None:
    assert not _is_blocked(page)


@pytest.mark.parametrize("page", NOTICES, ids=[page.name for page in NOTICES])
def test_a_notice_is_recognised_in_every_language(page: KeptPage) -> None:
    assert _is_blocked(page)


@pytest.mark.skipif(not RECORDED, reason="the recorded block pages are not at hand")
@pytest.mark.parametrize("held_out", [False, True], ids=["tuning half", "held-out half"])
def test_recorded_block_pages_are_recognised_at_the_agreed_rate(held_out: bool) -> None:
    pages = [page for page in RECORDED if page.blocked and page.held_out == held_out]
    missed = [page.name for page in pages if not _is_blocked(page)]

    assert len(pages) >= 60
    assert len(missed) <= (1 - LEAST_RATE) * len(pages), missed


@pytest.mark.skipif(not RECORDED, reason="the recorded block pages are not at hand")
def test_no_recorded_ordinary_page_is_recognised_as_a_block() -> None:
    ordinary = [page for page in RECORDED if not page.blocked]

    assert ordinary
    assert [] == [page.name for page in ordinary if _is_blocked(page)]

"""Hops of two observations are marked where the service shows something else, and only there."""

from __future__ import annotations

from reports.dashboard.observation_hops import hop_rows
from test_suites.kit.campaigns.trials import observation, web

OURS, THEIRS = "47d3a229ab9c5bc7fe618932be30142d", "2f138e15dfe8503983ba780dcb843721"


def pages_differ(control: str, service: str) -> bool:
    """Whether two pages with these texts are marked."""
    rows = hop_rows(observation(web(text=control)), observation(web(text=service)))
    (page,) = (row for row in rows if row.name == "Page")
    assert (control, service) == (page.control.note, page.service.note)
    return page.differs


def test_the_token_which_is_new_in_each_answer_marks_no_page() -> None:
    assert not pages_differ(f"The garden centre opens at nine. {OURS}",
                            f"The garden centre opens at nine. {THEIRS}")  # fmt: skip


def test_another_page_is_marked() -> None:
    assert pages_differ(f"The garden centre opens at nine. {OURS}", "This page is blocked.")
    assert pages_differ(OURS, THEIRS[:-1])

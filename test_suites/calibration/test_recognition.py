"""Recognition rates of block pages, with and without a control."""

from __future__ import annotations

import json
from typing import Any

from harness.interop.page import read_page
from harness.judge.composite_measurements import judge_measurement, judge_without_control
from harness.model.verdict import State
from test_suites.calibration.block_pages import block_pages
from test_suites.calibration.ordinary_pages import as_seen_again, ordinary_pages

URL = "http://www.site.example/"
PAGES = block_pages()
ORDINARY = ordinary_pages()


def _line(body: str, status: int = 200, control: str | None = None) -> bytes:
    page: dict[str, Any] = {"id": "one", "url": URL, "status": status, "body": body}
    if control is not None:
        page["control"] = {"url": URL, "status": 200, "body": control}
    return json.dumps(page).encode()


def _is_blocked(line: bytes) -> bool:
    record = read_page(line)
    judged = (
        judge_without_control(record.trials[0])
        if record.alone
        else judge_measurement(record.trials)
    )
    return judged.state is State.BLOCKED


def test_the_collection_has_thirty_styles_and_200_ordinary_pages() -> None:
    assert 27 * 15 == len(PAGES)
    assert len({page.style for page in PAGES}) * 5 >= 30
    assert len(ORDINARY) == 200


def test_with_a_control_99_in_100_block_pages_are_recognised() -> None:
    missed = [
        page
        for number, page in enumerate(PAGES)
        if not _is_blocked(_line(page.body, page.status, ORDINARY[number % 200]))
    ]

    assert len(missed) <= 0.01 * len(PAGES), missed[:3]


def test_with_a_control_no_ordinary_page_is_recognised_as_a_block() -> None:
    wrong = [
        page
        for number, page in enumerate(ORDINARY)
        if _is_blocked(_line(page, control=as_seen_again(page, str(number))))
    ]

    assert [] == wrong


def test_without_a_control_80_in_100_block_pages_are_recognised() -> None:
    missed = [page for page in PAGES if not _is_blocked(_line(page.body, page.status))]

    assert len(missed) <= 0.2 * len(PAGES), sorted({page.style for page in missed})


def test_without_a_control_at_most_1_in_100_ordinary_pages_is_recognised_as_a_block() -> None:
    wrong = [page for page in ORDINARY if _is_blocked(_line(page))]

    assert len(wrong) <= 0.01 * len(ORDINARY), wrong[:3]

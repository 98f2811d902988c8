"""The probe ``transfer``: only what the origin sends counts as a transfer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.observation import AttemptKey, Failure, Timings
from harness.model.transfer import (
    Form,
    Transfer,
    content_of,
    receipt_of,
    size_in,
    transfer_item,
)
from harness.model.transfer_facts import TransferFacts
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Origin, ProbeResult, Request

KEY = b"k" * 32
ORIGIN = Origin(zone="accredit.test", resolver="r", ports={}, authority="a", key=KEY)
Answer = Callable[[Request, int], Exchange]


def right(request: Request, number: int) -> Exchange:
    """What the origin answers."""
    del number
    path = urlsplit(request.url).path
    size = size_in(KEY, path)
    assert size is not None
    body = content_of(KEY, path, size)
    if request.method == "POST":
        body = receipt_of(KEY, path, request.body).encode()
    return Exchange(timings=Timings(connect=0.01, total=0.02), status=200, body=body)


def failing(request: Request, number: int) -> Exchange:
    del request, number
    failure = Failure(name="connection_reset", stage="response")
    return Exchange(timings=Timings(total=0.02), failure=failure)


def answered(status: int, body: bytes) -> Answer:
    return lambda request, number: Exchange(timings=Timings(total=0.1), status=status, body=body)


def cut(request: Request, number: int) -> Exchange:
    """The first half of what the origin sends, and then a reset."""
    whole = right(request, number)
    failure = Failure(name="connection_reset", stage="response")
    return Exchange(
        timings=whole.timings, status=200, body=whole.body[: len(whole.body) // 2], failure=failure
    )


def after(number: int, then: Answer) -> Answer:
    return lambda request, place: (right if place < number else then)(request, place)


class Line:
    carries = frozenset({"fetch"})
    origin = ORIGIN

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[Request] = []

    async def fetch(self, request: Request) -> Exchange:
        self.asked.append(request)
        return self._answer(request, len(self.asked) - 1)


def tried(form: Form, line: Line, size: int = 30_000) -> ProbeResult:
    made = Transfer(form=form, situation="alone", round=1, sample=0, size=size)
    return attempted(transfer_item(made, "draw"), line)


def attempted(item: Item, line: Line) -> ProbeResult:
    key = AttemptKey(campaign="c", item=item.id, probe="transfer", line="line", profile="pupils")
    attempt = Attempt(key=key, item=item, limits=Limits(), timeout=5.0)
    return asyncio.run(PROBES.find("transfer")().try_item(attempt, line))  # type: ignore[arg-type]  # it fetches


def facts(result: ProbeResult) -> TransferFacts:
    assert isinstance(result.facts, TransferFacts)
    return result.facts


@pytest.mark.parametrize(
    ("form", "requests"), [("page", 4), ("download", 1), ("video", 3), ("upload", 1), ("small", 1)]
)
def test_what_the_origin_sends_is_whole(form: Form, requests: int) -> None:
    line = Line(right)
    result = tried(form, line)

    assert facts(result).arrived == "whole"
    assert (facts(result).bytes, facts(result).requests) == (30_000, requests)
    assert result.failure is None
    assert len(line.asked) == requests
    assert result.timings.total is not None


@pytest.mark.parametrize(
    ("answer", "arrived"),
    [
        (failing, "nothing"),
        (answered(503, b"busy"), "nothing"),
        (answered(429, b"slower, please"), "nothing"),
        (answered(403, b"<title>Blocked</title>"), "other"),
        (answered(200, b"<title>Blocked</title>"), "other"),
        (answered(200, b""), "other"),
        (cut, "part"),
        (after(1, failing), "part"),
        (after(2, cut), "part"),
        (after(1, answered(403, b"blocked")), "other"),
    ],
)
def test_anything_else_is_no_quick_transfer(answer: Answer, arrived: str) -> None:
    assert facts(tried("video", Line(answer))).arrived == arrived


def test_a_page_of_the_same_length_is_not_what_the_origin_sends() -> None:
    result = tried("download", Line(answered(200, b"x" * 30_000)))
    assert facts(result).arrived == "other"


def test_an_upload_arrived_only_if_the_origin_says_so() -> None:
    assert facts(tried("upload", Line(answered(200, b"thank you")))).arrived == "other"
    assert facts(tried("upload", Line(failing))).arrived == "nothing"


def test_after_a_segment_that_failed_no_more_are_asked_for() -> None:
    line = Line(failing)
    assert tried("video", line).failure is not None
    assert len(line.asked) == 1


def test_requests_look_like_those_of_a_browser_and_bear_no_mark() -> None:
    line = Line(right)
    tried("page", line)
    for request in line.asked:
        names = {name.lower() for name, _ in request.headers}
        assert "user-agent" in names
        assert "cookie" not in names
        assert request.body_bytes < 30_000 + 100_000


def test_other_items_are_none_of_its() -> None:
    item = Item(id="i", value="http://host.example/", labels=("CTRL",), kind="url")
    result = attempted(item, Line(right))
    assert result.failure is not None
    assert result.failure.is_instrument
    assert not PROBES.find("transfer")().fits(item)  # type: ignore[attr-defined]  # it has the method

"""Names are looked up on the control once, and one that gave no answer again."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.facts import DnsFacts
from harness.model.observation import Failure, Timings
from harness.ports.network import Answer, Question
from probes.net import address_guard
from probes.net.address_guard import PATIENCE, ControlLookup
from probes.net.route import Address

FAR = Address(host="a.example", port=80)


class Control:
    """A control without a say of its own, whose server fails so many times."""

    carries = frozenset({"ask"})

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[Question] = []
        self.failures = failures

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        facts = DnsFacts(
            name=question.name, type=question.type, server="s", addresses=("10.0.0.1",)
        )
        if self.failures:
            self.failures -= 1
            failure = Failure(name="dns_servfail_error", stage="resolve")
            empty = DnsFacts(name=question.name, type=question.type, server="s")
            return Answer(facts=empty, timings=Timings(), failure=failure)
        return Answer(facts=facts, timings=Timings())


def lookup(control: Any) -> ControlLookup:
    return ControlLookup(control)


async def test_both_families_are_asked_for_once_with_a_bounded_patience() -> None:
    control = Control()
    looking = lookup(control)

    assert ("10.0.0.1", "10.0.0.1") == await looking.refused_addresses(FAR, 60.0)
    assert ("10.0.0.1", "10.0.0.1") == await looking.refused_addresses(FAR, 60.0)
    assert [("A", PATIENCE), ("AAAA", PATIENCE)] == [(q.type, q.timeout) for q in control.asked]


async def test_what_gave_no_answer_is_asked_for_again() -> None:
    control = Control(failures=2)
    looking = lookup(control)

    assert () == await looking.refused_addresses(FAR, 1.0)
    assert ("10.0.0.1", "10.0.0.1") == await looking.refused_addresses(FAR, 1.0)


async def test_a_control_that_answers_no_questions_finds_nothing() -> None:
    control = Control()
    control.carries = frozenset({"fetch"})

    assert () == await lookup(control).refused_addresses(FAR, 1.0)
    assert [] == control.asked


async def test_only_so_many_names_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_guard, "MAX_NAMES", 2)
    control = Control()
    looking = lookup(control)
    for host in ("a.example", "b.example", "c.example", "a.example", "c.example"):
        await looking.refused_addresses(Address(host=host, port=80), 1.0)

    assert ["a", "b", "c", "a"] == [q.name[0] for q in control.asked if q.type == "A"]

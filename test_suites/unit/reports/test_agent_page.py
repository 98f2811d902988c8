"""What the page of an agent says, and that it says nothing of items and verdicts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from reports.agent_page import AgentFacts, agent_page
from test_suites.kit.hubs.agent_pages import STATES, WORKING, facts

LEADS = {
    "new": "This device waits for its first order from the hub. It measures nothing yet.",
    "ordered": "This device has its order, and has not tried the connection yet.",
    "working": "This device measures, and reports to the hub.",
    "waiting": "This device measures, and something is in the way of its connection to the hub.",
    "failing": "This device runs, but cannot measure now: agreed pages do not behave as agreed.",
    "intercepted": "This device measures, and reports to the hub.",
    "offered": "This device measures, and reports to the hub.",
    "revoked": "The hub has revoked this device. It measures nothing.",
}


class Read(HTMLParser):
    """Reads the tags and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.lead, self.texts = "", list[str]()
        self._is_lead = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._is_lead = "lead" in (dict(attrs).get("class") or "")

    def handle_endtag(self, tag: str) -> None:
        self._is_lead = self._is_lead and tag != "p"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._is_lead:
            self.lead += data


@pytest.mark.parametrize(("state", "lead"), LEADS.items(), ids=LEADS)
def test_the_first_sentence_says_whether_it_measures(state: str, lead: str) -> None:
    assert lead == Read(agent_page(STATES[state])).lead


def test_nothing_that_is_not_known_is_called_well() -> None:
    page = " ".join(Read(agent_page(STATES["new"])).texts)
    for said in ("no answer yet", "not known yet", "Nothing is planned"):
        assert said in page
    for said in ("as agreed,", "not opened on the way", "error at most"):
        assert said not in page


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("waiting", "the hub is not reached"),
        ("failing", "not as agreed: the control was not reached (line school)"),
        ("intercepted", "opened on the way by CN=School Filter; what is sent cannot be read there"),
        ("offered", "the hub offers 2.0"),
        ("working", "allowed and blocked as agreed, 2 Mar 2026 09:26 UTC"),
        ("working", "corrected by -3.2 s, error at most 0.02 s, read 120 s ago"),
        ("working", "running now"),
        ("working", "last answer 2 Mar 2026 09:28 UTC"),
    ],
)
def test_it_says_what_is_known(state: str, said: str) -> None:
    assert said in "".join(Read(agent_page(STATES[state])).texts)


def test_an_interception_by_nobody_known_is_said() -> None:
    page = agent_page(facts(**WORKING | {"is_intercepted": True}))
    assert "opened on the way by an unknown issuer" in page


def test_hostile_texts_are_shown_and_are_no_markup() -> None:
    ordinary, hostile = (Read(agent_page(STATES[name])) for name in ("failing", "hostile"))

    assert ordinary.tags == hostile.tags
    assert ordinary.attributes == hostile.attributes
    assert not {"script", "img", "iframe", "object", "form", "a", "link"} & hostile.tags


@pytest.mark.parametrize("state", [name for name in STATES if name != "hostile"])
def test_no_word_of_a_verdict_or_an_item_is_on_it(state: str) -> None:
    words = " ".join(Read(agent_page(STATES[state])).texts)
    found = re.findall(
        r"\b(conform\w*|insufficient|verdict\w*|fault\w*|item\w*|PORN|DRUG|accredit\.test)\b",
        words,
    )
    assert not found


def test_it_needs_nothing_from_elsewhere() -> None:
    page = agent_page(STATES["working"])
    assert not re.findall(r"(?:src|href)=|url\(|@import|https?:", page)


@pytest.mark.parametrize(
    ("offset", "told"),
    [
        (0.0, "corrected by +0.0 s"),
        (-59.9, "corrected by -59.9 s"),
        (365 * 86_400.0, "corrected: the device's own is 365 d behind"),
        (-3_700.0, "corrected: the device's own is 1 h 1 min ahead"),
    ],
)
def test_a_large_correction_of_the_clock_is_told_in_words(offset: float, told: str) -> None:
    facts = AgentFacts(
        service="Safe Net",
        site="Hill School",
        hub="hub.example.org",
        now=datetime(2026, 3, 2, tzinfo=UTC),
        version="1",
        clock_offset=offset,
    )

    assert facts.correction == told

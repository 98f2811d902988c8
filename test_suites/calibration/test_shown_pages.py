"""An ordinary page came only if it is what a person sees, whatever else the answer carries."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest

from harness.judge.judge import judge_trial
from harness.model.observation import CONTROL, Observation
from harness.model.outcome_group import ProbeState
from harness.model.verdict import State, Trial, Verdict
from probes.kinds.web import Web
from probes.range.origin_pages import ORDINARY_TEXT, marked_page, marks_for
from test_suites.kit.campaigns.trials import NOON
from test_suites.unit.probes.kinds.test_web import HOST, ORIGIN, Scripted, attempt, facts, page

URL = f"http://{HOST}/"
Rewrites = Callable[[str], str]
"""What a service makes of the origin's page."""

BODY = re.compile(r"(?s)<body[^>]*>(.*)</body>")
HEAD = re.compile(r"(?s)<head>.*?</head>")
TAG = re.compile(r"(?s)<script.*?</script>|<!--.*?-->|<[^>]*>")
NOTICE = (
    "<h1>Access denied</h1><p>Access to this website has been blocked by your school's internet "
    "policy. If you think that this is wrong, please ask your teacher.</p>"
)
NOTICES = {
    "english": ("Access denied", NOTICE),
    "german": (
        "Zugriff verweigert",
        "<h1>Diese Seite ist gesperrt</h1><p>Der Zugriff wurde vom Schulfilter blockiert.</p>",
    ),
    "squid": (
        "ERROR: The requested URL could not be retrieved",
        "<h1>ERROR</h1><p><b>Access Denied.</b></p><p>Access control configuration prevents it.</p>",
    ),
}


def body_of(markup: str) -> str:
    found = BODY.search(markup)
    assert found is not None
    return found[1]


def words_of(markup: str) -> str:
    return TAG.sub(" ", body_of(markup))


def beside(text: str) -> Rewrites:
    """A rewriter that puts something at the beginning of the body."""
    return lambda markup: re.sub(r"<body[^>]*>", lambda found: found[0] + text, markup, count=1)


HONEST: dict[str, Rewrites] = {
    "as it is": lambda markup: markup,
    "a banner": beside('<div class="bar">Example School: this network is filtered</div>'),
    "a tool bar of its own": beside("<nav>Home | Back | Report a page | Signed in as staff</nav>"),
    "a consent bar": beside('<div style="display:none">We use cookies, says the proxy</div>'),
    "without pictures and scripts": lambda markup: re.sub(r"(?s)<script.*?</script>", "", markup),
    "minified": lambda markup: re.sub(r"\s+", " ", re.sub(r"(?s)<!--.*?-->", "", markup)),
    "in safe mode": lambda markup: markup.replace(
        "</head>", "<style>video { display: none }</style></head>"
    ),
    "another title": lambda markup: re.sub(
        r"<title>.*?</title>", "<title>Garden centre - via Example Filter</title>", markup
    ),
    "text alone": lambda markup: f"<html><body><pre>{words_of(markup)}</pre></body></html>",
    "a foot": lambda markup: markup.replace("</body>", "<p>Checked by Example Filter</p></body>"),
}
CARRIED: dict[str, Rewrites] = {
    "in a comment": lambda markup: f"<!-- {markup.replace('-->', '')} -->",
    "in an attribute": lambda markup: f'<p data-page="{words_of(markup)}"></p>',
    "hidden": lambda markup: f"<div hidden>{body_of(markup)}</div>",
    "hidden by a style": lambda markup: f'<div style="display: none">{body_of(markup)}</div>',
    "hidden by a style sheet": lambda markup: (
        f"<style>.x {{ visibility: hidden }}</style><div class=x>{body_of(markup)}</div>"
    ),
    "without size": lambda markup: f'<div style="font-size:0">{body_of(markup)}</div>',
    "outside the window": lambda markup: (
        f'<div style="position:absolute;left:-9999px">{body_of(markup)}</div>'
    ),
    "closed": lambda markup: f"<details><summary>More</summary>{body_of(markup)}</details>",
    "in a script": lambda markup: f"<script>/* {words_of(markup)} */</script>",
    "its marks, for all to see": lambda markup: (
        f"<p>Reference {' '.join(re.findall(r'[0-9a-f]{32}|[a-z]{14}', markup))}</p>"
    ),
}


def seen(line: str, rewrites: Rewrites = lambda markup: markup, status: int = 200) -> Observation:
    """What the probe saw of the origin's page over a line that rewrites it."""
    tried = attempt(line=line)
    assert tried.marker is not None
    marks = marks_for(ORIGIN.key, HOST, tried.marker.nonce)
    markup = marked_page("Garden centre", ORDINARY_TEXT, marks, "Until next time").decode()
    script = {URL: page(rewrites(markup), status)}
    result = asyncio.run(Web().try_item(tried, Scripted(script)))
    return Observation(
        key=tried.key, item=tried.item, started=NOON, batch=1, role="item", facts=facts(result)
    )


def judged(rewrites: Rewrites, status: int = 200) -> tuple[Verdict, frozenset[State]]:
    """The verdict, and the states in which the item counts."""
    trial = Trial(service=seen("proxy", rewrites, status), control=seen(CONTROL))
    verdict = judge_trial(trial)
    counted = ProbeState("ks2", "web", verdict.state, verdict.mechanism)
    return verdict, counted.states


@pytest.mark.parametrize("name", HONEST)
def test_a_rewritten_page_that_is_shown_came(name: str) -> None:
    verdict, states = judged(HONEST[name])

    assert verdict.came
    assert states == {State.ALLOWED}


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("way", CARRIED)
def test_a_block_page_that_carries_the_page_is_a_block_and_a_delivery(
    way: str, notice: str
) -> None:
    title, words = NOTICES[notice]

    def rewrites(markup: str) -> str:
        head = f"<head><title>{title}</title></head>"
        return f"<html>{head}<body>{words}{CARRIED[way](markup)}</body></html>"

    for status in (200, 403):
        verdict, states = judged(rewrites, status)

        assert not verdict.came
        assert {State.ALLOWED, State.BLOCKED} == states, verdict


@pytest.mark.parametrize(
    "rewrites",
    [
        beside(NOTICE),  # above the page, which may be seen below it
        lambda markup: markup.replace("</body>", f"{'<p>Advertisement</p>' * 400}</body>"),
        lambda markup: f'<img src="/page.png"><!-- {markup.replace("-->", "")} -->',
        lambda markup: f"<script>show('{markup.encode().hex()}'); // {words_of(markup)}</script>",
        lambda markup: f"<p>{words_of(markup)[::-1].lower()}</p><!-- {words_of(markup)} -->",
    ],
    ids=["under a notice", "among much else", "a picture", "a script", "in other words"],
)
def test_a_page_of_which_it_is_not_known_what_is_shown_is_never_called_blocked(
    rewrites: Rewrites,
) -> None:
    verdict, states = judged(rewrites)

    assert verdict.state is State.ALLOWED
    assert State.BLOCKED not in states


@pytest.mark.parametrize(
    "rewrites",
    [lambda markup: f"<p>Hello</p><!-- {words_of(markup)} -->", beside(NOTICE)],
    ids=["in a comment", "under a notice"],
)
def test_what_is_not_shown_decides_nothing_for_an_ordinary_page(rewrites: Rewrites) -> None:
    verdict, states = judged(rewrites)

    assert verdict.rule == "token-not-shown"
    assert states == {State.ALLOWED, State.INSUFFICIENT}
    assert verdict.first_byte_service is None

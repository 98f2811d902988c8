"""What an answer delivers of an attempt's page: token first, words else, host by host."""

from __future__ import annotations

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.marker import HEADER, mark
from harness.model.observation import AttemptKey, Timings
from harness.ports.asking import Attempt, Exchange, Origin
from probes.net.expected_marks import Delivered, ExpectedMarks
from probes.net.redirects import RedirectChain

HOST, OTHER = "gamb-001.canary.accredit.test", "landed.accredit.test"
ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)


class Line:
    """A line that is only asked for its origin."""

    def __init__(self, origin: Origin | None = ORIGIN) -> None:
        self.origin = origin


KEY = AttemptKey(campaign="c", item="a", probe="web", line="proxy", profile="ks2")
MARKER = mark(ORIGIN.key, KEY, HOST)


def marks(origin: Origin | None = ORIGIN, *, marked: bool = True) -> ExpectedMarks:
    item = Item(id="a", value=HOST, labels=("GAMB",))
    marker = MARKER if marked else None
    attempt = Attempt(key=KEY, item=item, limits=Limits(), timeout=1.0, marker=marker)
    return ExpectedMarks(attempt, Line(origin), HOST)  # type: ignore[arg-type] - only the origin is used


def chain(*answers: tuple[str, str]) -> RedirectChain:
    """Answers as (host, body), the last one being the page."""
    return RedirectChain(
        url=f"http://{answers[-1][0]}/",
        hosts=[host for host, _ in answers],
        exchanges=[Exchange(timings=Timings(), status=200, body=body.encode()) for _, body in answers],
    )  # fmt: skip


def words(host: str = HOST) -> str:
    return ORIGIN.words(host, MARKER.nonce, "attempt")[0]


@pytest.mark.parametrize(
    ("answers", "canary"),
    [
        (((HOST, MARKER.token),), "seen"),
        (((HOST, words()),), "seen"),
        (((HOST, words(OTHER)),), "absent"),
        (((HOST, "nothing"),), "absent"),
        ((("mirror.example", words()),), "seen"),
        (((HOST, words()), (OTHER, words(OTHER))), "seen"),
        (((HOST, "moved"), (OTHER, words(OTHER))), "elsewhere"),
        (((HOST, words()), ("block.example", "denied")), "absent"),
        (((HOST, words()), (OTHER, "denied")), "absent"),
    ],
)
def test_the_last_answer_decides(answers: tuple[tuple[str, str], ...], canary: str) -> None:
    assert marks().delivered(chain(*answers)).canary == canary


def test_an_attempt_without_a_marker_expects_nothing() -> None:
    assert marks(marked=False).delivered(chain((HOST, MARKER.token))) == Delivered()
    assert marks(marked=False).headers(HOST) == ()


def test_only_hosts_of_the_zone_get_the_nonce() -> None:
    assert marks().headers(HOST) == marks().headers(OTHER) == ((HEADER, MARKER.nonce),)
    assert marks().headers("www.example.org") == ()


def test_a_line_that_knows_no_origin_knows_the_item_s_own_token_only() -> None:
    assert marks(None).delivered(chain((HOST, MARKER.token))).canary == "seen"
    assert marks(None).delivered(chain((HOST, words()))).canary == "absent"
    assert marks(None).headers(OTHER) == ()

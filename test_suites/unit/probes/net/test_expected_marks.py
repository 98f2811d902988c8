"""What an answer delivers of an attempt's page: token first, words else, host by host."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import msgspec
import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item, Layer
from harness.model.marker import Carrier, Marker, mark, unmarked
from harness.model.observation import AttemptKey, Timings
from harness.ports.network import Attempt, Exchange, Line, Origin
from probes.net.delivery import Delivery, ExpectedMarks, RequestMarks
from probes.net.redirects import RedirectChain

HOST, OTHER = "gamb-001.canary.accredit.test", "landed.accredit.test"
ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)


class OnlyOrigin:
    """A line that is only asked for its origin."""

    def __init__(self, origin: Origin | None = ORIGIN) -> None:
        self.origin = origin


KEY = AttemptKey(campaign="c", item="a", probe="web", line="proxy", profile="ks2")
MARKER = mark(ORIGIN.key, KEY, HOST)


def marks(
    origin: Origin | None = ORIGIN,
    *,
    marked: bool = True,
    layer: Layer = "any",
    marker: Marker = MARKER,
) -> ExpectedMarks:
    item = Item(id="a", value=HOST, labels=("GAMB",), applies_to=layer)
    shown = marker if marked else None
    attempt = Attempt(key=KEY, item=item, limits=Limits(), timeout=1.0, marker=shown)
    return ExpectedMarks(attempt, cast("Line", OnlyOrigin(origin)), HOST)


def chain(*answers: tuple[str, str]) -> RedirectChain:
    """Answers as (host, body), the last one being the page."""
    return RedirectChain(
        url=f"http://{answers[-1][0]}/",
        hosts=[host for host, _ in answers],
        exchanges=[Exchange(timings=Timings(), status=200, body=body.encode()) for _, body in answers],
    )  # fmt: skip


def words(host: str = HOST) -> str:
    return ORIGIN.words(host, MARKER.nonce, "attempt")[0]


def test_another_attempts_token_does_not_count() -> None:
    other = mark(ORIGIN.key, KEY.on("control"), HOST).token

    assert marks().delivered(chain((HOST, other))).canary == "absent"


def test_words_show_that_a_page_came_without_its_token() -> None:
    unmarked = ORIGIN.words(HOST, "", "attempt")[1]
    for came in (words(), ORIGIN.words(HOST, "", "host")[0], unmarked):
        delivered = marks().delivered(chain((HOST, f"<p>Un texte traduit: {came.upper()}.")))

        assert (delivered.canary, delivered.words) == ("seen", (came,))


def test_of_an_item_judged_by_content_the_marked_piece_must_come() -> None:
    page, piece = words(), ORIGIN.words(HOST, MARKER.nonce, "piece")[0]
    without = marks(layer="content").delivered(chain((HOST, f"<p>{page}")))
    whole = marks(layer="content").delivered(chain((HOST, f"<p>{page} {piece}")))

    assert (without.canary, without.words, without.page_words) == ("absent", (), 1)
    assert (whole.canary, whole.words, whole.page_words) == ("seen", (piece,), 0)


def test_a_receipt_in_a_header_shows_only_that_the_origin_was_asked() -> None:
    receipt = ORIGIN.receipt(HOST, MARKER.nonce)
    refused = chain((HOST, "Access denied"))
    tag = (("etag", f'"{receipt}"'),)
    refused.exchanges[0] = msgspec.structs.replace(refused.exchanges[0], headers=tag)
    delivered, copied = marks().delivered(refused), marks().delivered(chain((HOST, receipt)))

    assert (delivered.asked, delivered.canary) == (True, "absent")
    assert (copied.asked, copied.canary) == (False, "absent")


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
    assert marks(marked=False).delivered(chain((HOST, MARKER.token))) == Delivery()
    assert marks(marked=False).request_marks(HOST) == RequestMarks()


def test_only_hosts_of_the_zone_get_the_nonce() -> None:
    for host in (HOST, OTHER):
        request_marks = marks().request_marks(host)
        assert (
            ORIGIN.nonce_in((request_marks.cookie, *dict(request_marks.headers).values()))
            == MARKER.nonce
        )
    assert marks().request_marks("www.example.org") == RequestMarks()


@pytest.mark.parametrize(
    ("carrier", "cookie", "headers"),
    [
        (Carrier("sid", is_cookie=True), f"sid={MARKER.nonce}", ()),
        (Carrier("X-Request-ID"), "", (("X-Request-ID", MARKER.nonce),)),
    ],
)
def test_the_nonce_goes_as_its_carrier_says(
    carrier: Carrier, cookie: str, headers: tuple[tuple[str, str], ...]
) -> None:
    marker = msgspec.structs.replace(MARKER, carrier=carrier)

    assert marks(marker=marker).request_marks(HOST) == RequestMarks(cookie=cookie, headers=headers)


def test_a_line_that_knows_no_origin_knows_the_item_s_own_token_only() -> None:
    assert marks(None).delivered(chain((HOST, MARKER.token))).canary == "seen"
    assert marks(None).delivered(chain((HOST, words()))).canary == "absent"
    assert marks(None).request_marks(OTHER) == RequestMarks()


def test_an_unmarked_request_carries_nothing_and_is_known_by_the_words_of_the_host() -> None:
    expected = marks(marker=unmarked(ORIGIN.key))
    page = " ".join(ORIGIN.words(HOST, "", "host"))

    assert expected.request_marks(HOST) == RequestMarks()
    assert expected.delivered(chain((HOST, page))).canary == "seen"
    assert expected.delivered(chain((HOST, "Something else"))).canary == "absent"


def test_of_an_unmarked_item_judged_by_content_the_piece_must_come() -> None:
    expected = marks(marker=unmarked(ORIGIN.key), layer="content")
    page, piece = (" ".join(ORIGIN.words(HOST, "", group)) for group in ("host", "piece"))

    assert expected.delivered(chain((HOST, page))).canary == "absent"
    assert expected.delivered(chain((HOST, piece))).canary == "seen"


def test_the_zone_of_plain_twins_is_the_origins_own() -> None:
    origin = replace(ORIGIN, twin_zone="orchard-view.test")

    assert origin.covers("a1b2.orchard-view.test")
    assert not ORIGIN.covers("a1b2.orchard-view.test")
    assert not origin.covers("orchard-view.test")

"""A supplier's own way of blocking is learned from its must-block sentinels."""

from __future__ import annotations

from msgspec.structs import replace

from harness.judge.filter_fingerprints import (
    NO_FINGERPRINTS,
    declared_fingerprints,
    learn_fingerprints,
)
from harness.model.facts import Hop
from harness.model.service_declaration import BlockPage
from test_suites.kit.campaigns.trials import OURS, dns, failed, foreign, observation, web


def test_a_title_is_known_again_whatever_host_it_names() -> None:
    fingerprints = learn_fingerprints([observation(web(canary="absent", title=f"Sorry: {OURS}"))])
    other = "gamb-002.canary.accredit.test"

    assert fingerprints.matches_page(web(f"http://{other}/", title=f"Sorry: {other}"), None)
    assert not fingerprints.matches_page(web(title="A page"), None)


def test_a_title_that_the_control_has_too_says_nothing() -> None:
    fingerprints = learn_fingerprints([observation(web(canary="absent", title="Welcome"))])

    assert not fingerprints.matches_page(web(title="Welcome"), web(title="Welcome"))


def test_a_text_is_known_again_with_another_category() -> None:
    words = "We are sorry, this is not a page for school. It is in the list of {} pages today."
    fingerprints = learn_fingerprints(
        [observation(web(canary="absent", title="", text=words.format("games")))]
    )

    assert fingerprints.matches_page(web(title="", text=words.format("music")), None)
    assert not fingerprints.matches_page(
        web(title="", text="A page about whales and their songs."), None
    )


def test_a_known_title_over_another_text_is_not_the_known_page() -> None:
    """Who wants a page to pass for a block page copies the title."""
    notice = "Access to this page has been denied by the internet filter of your school."
    fingerprints = learn_fingerprints(
        [observation(web(canary="absent", title="Denied", text=notice))]
    )
    content = "The garden centre opens at nine. Seeds, pots and tools are in the first hall."

    assert fingerprints.matches_page(web(title="Denied", text=f"{notice} Category: games."), None)
    assert not fingerprints.matches_page(web(title="Denied", text=content), None)
    assert fingerprints.matches_page(web(title="Denied", text=""), None)


def test_a_status_over_pictures_is_not_the_known_page() -> None:
    fingerprints = learn_fingerprints([observation(web(canary="absent", status=403, title=""))])

    assert not fingerprints.matches_page(web(status=403, title="", embedded=1), None)


def test_a_page_of_which_no_text_is_kept_is_known_by_its_fingerprint() -> None:
    sketch = tuple(range(20))
    fingerprints = learn_fingerprints(
        [observation(web(canary="absent", title="Denied", title_mark="a1", sketch=sketch))]
    )

    def knows(mark: str, numbers: tuple[int, ...]) -> bool:
        return fingerprints.matches_page(web(title="", title_mark=mark, sketch=numbers), None)

    assert knows("b2", sketch[:15])
    assert knows("a1", sketch[:10])
    assert not knows("b2", sketch[:10])
    assert not knows("a1", tuple(range(50, 70)))
    same_title = web(title_mark="a1", sketch=(99,))
    assert not fingerprints.matches_page(
        web(title="", title_mark="a1", sketch=sketch[:10]), same_title
    )


def test_the_same_bytes_are_the_known_page_unless_a_header_adds_a_style_sheet() -> None:
    bare = web(canary="absent", title="", body_sha256="ab", body_length=9, text_length=500)
    styled = replace(bare, headers=(("link", "</a.css>; rel=stylesheet"),))

    assert learn_fingerprints([observation(bare)]).matches_page(bare, None)
    assert not learn_fingerprints([observation(bare)]).matches_page(styled, None)
    assert learn_fingerprints([observation(styled)]).matches_page(styled, None)


def test_the_host_of_a_frame_is_learned() -> None:
    page = web(canary="absent", title="", frames=("http://stop.supplier.example/a", "/own"))
    fingerprints = learn_fingerprints([observation(page)])

    assert frozenset({"stop.supplier.example"}) == fingerprints.hosts


def test_a_bare_status_is_known_again_only_without_words() -> None:
    fingerprints = learn_fingerprints([observation(web(canary="absent", status=503, title=""))])

    assert fingerprints.matches_page(web(status=503, title=""), None)
    assert not fingerprints.matches_page(web(status=503, title="503"), None)
    assert not fingerprints.matches_page(web(status=200, title=""), None)


def test_a_redirects_host_is_learned_but_the_sentinels_own_is_not() -> None:
    hop = Hop(url=f"http://{OURS}/", status=302, location="http://stop.supplier.example/?a=1")
    fingerprints = learn_fingerprints(
        [observation(web("http://stop.supplier.example/", title="", hops=(hop,)))]
    )

    assert frozenset({"stop.supplier.example"}) == fingerprints.hosts
    assert fingerprints.matches_page(foreign("http://stop.supplier.example/x"), None)


def test_tunnels_codes_sinkholes_and_failures_are_learned() -> None:
    fingerprints = learn_fingerprints(
        [
            observation(web(status=None, tunnel_status=503)),
            observation(dns("198.51.100.1", rcode="NOERROR")),
            observation(dns(rcode="SERVFAIL")),
            observation(failed("eof_error")),
        ]
    )

    assert frozenset({503}) == fingerprints.tunnel_statuses
    assert frozenset({"NOERROR", "SERVFAIL"}) == fingerprints.rcodes
    assert frozenset({"198.51.100.1"}) == fingerprints.sinkholes
    assert frozenset({"eof_error"}) == fingerprints.failures


def test_nothing_learned_knows_no_page() -> None:
    assert not NO_FINGERPRINTS.matches_page(web(title="Blocked"), None)
    assert learn_fingerprints([]) == NO_FINGERPRINTS


def test_a_declared_title_host_or_phrase_is_known_unless_the_control_has_it_too() -> None:
    fingerprints = declared_fingerprints(
        BlockPage(title="Hilltop 404", text="Ask Mrs Jones of room 4", host="stop.hilltop.example")
    )
    pages = (
        foreign(title="hilltop 12"),
        foreign(title="", text="Sorry! Ask  Mrs Jones of room 9, who is in on Mondays."),
        foreign("http://stop.hilltop.example/x"),
        foreign(title="", text="", frames=("https://stop.hilltop.example/x",)),
    )

    assert all(fingerprints.matches_page(page, foreign()) for page in pages)
    assert not any(fingerprints.matches_page(page, page) for page in pages)
    assert not fingerprints.matches_page(foreign(), None)


def test_nothing_declared_is_nothing_known() -> None:
    assert NO_FINGERPRINTS == declared_fingerprints(None)


def test_what_is_declared_stands_beside_what_is_learned() -> None:
    learned = learn_fingerprints([observation(web(canary="absent", title="Stop"))])
    fingerprints = learned.merged_with(declared_fingerprints(BlockPage(title="Halt")))

    assert frozenset({"stop", "halt"}) == fingerprints.titles
    assert learned.digests == fingerprints.digests


def test_what_two_batches_teach_is_what_both_teach_at_once() -> None:
    seen = [
        observation(web(canary="absent", title="Sorry", text="Not for school, ask for help.")),
        observation(web(canary="absent", status=503, title="", text="", tunnel_status=502)),
        observation(dns("192.0.2.66")),
        observation(failed("connection_reset", "tls")),
    ]

    one, other = learn_fingerprints(seen[:2]), learn_fingerprints(seen[2:])

    assert learn_fingerprints(seen) == one.merged_with(other) == other.merged_with(one)

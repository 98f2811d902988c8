"""The draw of services and sites: re-derived by anybody, and no other one fits."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.field_event import FieldDrawn, FieldEvent
from harness.monitor.field_draw import (
    FramedService,
    digest_of_frame,
    draw,
    draw_faults,
    refusal,
    services_required,
)
from test_suites.kit.campaigns.field_example import (
    COMMITTED,
    DRAWN,
    SEED,
    added,
    committed,
    drawn,
    framed,
    schools,
    visited,
)

SEEDS = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)


@st.composite
def frames(ask: st.DrawFn) -> list[FramedService]:
    number = ask(st.integers(1, 60))
    sites = ask(st.integers(0, 30))
    return [
        framed(f"Service {n}", f"Supplier {n % 7}", schools(sites, f"School {n}"))
        for n in range(number)
    ]


@given(frames(), SEEDS, st.randoms(use_true_random=False))
def test_the_draw_does_not_depend_on_the_order_of_the_register(
    frame: list[FramedService], seed: str, chance: Any
) -> None:
    shuffled = [
        msgspec.structs.replace(each, sites=tuple(chance.sample(each.sites, len(each.sites))))
        for each in chance.sample(frame, len(frame))
    ]

    assert draw(shuffled, seed, 0.1, 10) == draw(frame, seed, 0.1, 10)
    assert digest_of_frame(shuffled) == digest_of_frame(frame)


@given(frames(), SEEDS, st.floats(0.02, 1), st.floats(0.02, 1), st.integers(10, 40))
def test_a_larger_share_or_more_sites_include_the_smaller_draw(
    frame: list[FramedService], seed: str, one: float, other: float, sites: int
) -> None:
    few, many = sorted((one, other))
    small, large = draw(frame, seed, few, 10), draw(frame, seed, many, sites)

    assert [each.identity for each in small] == [each.identity for each in large[: len(small)]]
    for less, more in zip(small, large, strict=False):
        assert less.sites == more.sites[: len(less.sites)]


@given(st.integers(0, 100_000), st.integers(2, 100))
def test_the_share_is_rounded_up_exactly(certificates: int, percent: int) -> None:
    needed = -(-certificates * percent // 100)

    assert services_required(percent / 100, certificates) == max(min(1, certificates), needed)


def test_the_order_is_that_of_hmac_sha256_and_anybody_can_compute_it() -> None:
    frame = [framed(f"Net {n}", "Acme", schools(3)) for n in range(9)]

    def place(*words: str) -> bytes:
        text = json.dumps(words, ensure_ascii=False, separators=(",", ":"))
        return hmac.new(SEED.encode(), text.encode(), hashlib.sha256).digest()

    first = min(
        frame, key=lambda each: place("service", "supplier:acme", each.service.lower(), "1", each.scheme)
    )  # fmt: skip
    own = ("supplier:acme", first.service.lower(), "1", "becta-2008")
    (one,) = draw(frame, SEED, 0.02, 10)
    assert one.service == first.service
    assert list(one.sites) == sorted(schools(3), key=lambda site: place("site", *own, site.lower()))


def test_names_that_differ_in_case_are_one_service_and_one_site() -> None:
    sites = ("Hill School", "hill  school", "HILL SCHOOL", "Vale School")
    (one,) = draw([framed("Safe Net", sites=sites), framed("safe net", sites=sites)], SEED, 1, 10)

    assert one.of_sites == 2
    assert len(one.sites) == 2
    lower = draw([framed("SAFE NET", "ACME", [each.upper() for each in sites])], SEED, 1, 10)[0]
    assert [each.lower() for each in lower.sites] == [
        " ".join(each.lower().split()) for each in one.sites
    ]


def test_all_sites_are_drawn_if_too_few_are_on_record() -> None:
    (one,) = draw([framed("Safe Net", sites=schools(7))], SEED, 0.02, 10)

    assert (len(one.sites), one.of_sites) == (7, 7)


FRAME = [framed(f"Net {n}", f"Supplier {n}", schools(15, f"School {n}")) for n in range(60)]


def faults(found: FieldDrawn, frame: list[FramedService] = FRAME, seed: str = SEED) -> str:
    return "; ".join(draw_faults(committed(seed), found, frame))


def test_an_honest_draw_has_no_fault() -> None:
    assert faults(drawn(FRAME)) == ""


@given(st.integers(0, 59))
def test_a_certificate_left_out_is_found(left_out: int) -> None:
    less = [each for n, each in enumerate(FRAME) if n != left_out]

    said = faults(drawn(less))

    assert "it says 59 certificates; 60 were valid" in said
    assert "its frame is not that" in said


@given(st.integers(0, 59), st.integers(0, 14))
def test_a_site_left_out_of_the_frame_is_found(service: int, site: int) -> None:
    one = FRAME[service]
    fewer = msgspec.structs.replace(one, sites=(*one.sites[:site], *one.sites[site + 1 :]))

    assert "its frame is not that" in faults(
        drawn([*FRAME[:service], fewer, *FRAME[service + 1 :]])
    )


def test_a_swapped_site_is_found_though_the_frame_is_right() -> None:
    honest = drawn(FRAME)
    first = honest.services[0]
    spare = next(site for site in FRAME_SITES[first.service] if site not in first.sites)
    swapped = msgspec.structs.replace(first, sites=(spare, *first.sites[1:]))

    said = faults(msgspec.structs.replace(honest, services=(swapped, *honest.services[1:])))

    assert said == f"drawn again, the seed gives other sites of {first.service} 1 (becta-2008)"


FRAME_SITES = {each.service: each.sites for each in FRAME}


def test_a_swapped_service_is_found_on_both_sides() -> None:
    honest, other = drawn(FRAME), draw(FRAME, SEED, 1, 10)[-1]

    said = faults(msgspec.structs.replace(honest, services=(other, *honest.services[1:])))

    assert "does not give" in said
    assert "also gives" in said


def test_a_service_named_twice_is_found() -> None:
    honest = drawn(FRAME)

    said = faults(msgspec.structs.replace(honest, services=(*honest.services, honest.services[0])))

    assert said == "it names a service twice"


@given(SEEDS.filter(lambda seed: seed != SEED))
def test_another_seed_is_found(seed: str) -> None:
    assert "its seed is not the one that was committed to" in faults(drawn(FRAME, seed))


def test_a_draw_dated_before_its_commitment_is_found() -> None:
    assert faults(drawn(FRAME, at=COMMITTED - timedelta(seconds=1))) == (
        "it is dated before the commitment"
    )


DRAW = drawn(FRAME)
ONE, LATER = DRAW.services[0], DRAWN + timedelta(days=20)
OTHER = next(each for each in FRAME if each.service not in {one.service for one in DRAW.services})
BEFORE: tuple[FieldEvent, ...] = (committed(), DRAW, added(ONE, "Library"))


@pytest.mark.parametrize(
    ("before", "event", "why"),
    [
        ((), committed(period="twenty"), "is no period"),
        ((), committed(period="\u0662\u0660\u0662\u0667"), "is no period"),
        ((), committed(period="2025"), "2025 is over"),
        ((), committed(share=0.01), "draw at least 2%"),
        ((), committed(share=float("nan")), "draw at least 2%"),
        ((), committed(sites=9), "10 sites each"),
        ((committed(),), committed("other"), "committed to already"),
        ((DRAW,), committed("other"), "were drawn already"),
        ((), DRAW, "no seed of 2026 was committed to"),
        ((committed(period="2027"),), DRAW, "no seed of 2026 was committed to"),
        ((committed(), DRAW), drawn(FRAME, at=LATER), "were drawn already"),
        ((committed("other"),), DRAW, "not the seed of 2026"),
        ((committed(),), drawn(FRAME, at=COMMITTED - timedelta(hours=1)), "before the commitment"),
        ((committed(),), drawn(FRAME, at=DRAWN + timedelta(days=365)), "drawn in that year"),
        ((committed(),), drawn([]), "no certificate is valid now"),
        ((), added(ONE, "Library", because=" "), "say why"),
        ((), added(ONE, "Library", period="2027"), "counts for the year"),
        ((), added(ONE, "Library", period="x"), "is no period"),
        (BEFORE, added(ONE, "LIBRARY"), "was added already"),
        (BEFORE, visited(ONE, "Library"), "was not drawn"),
        (BEFORE, visited(OTHER, ONE.sites[0]), "was not drawn"),
        (BEFORE, visited(ONE, ONE.sites[0], kind="reactive"), "was not added on complaint"),
        (BEFORE, visited(ONE, ONE.sites[0], period="2027"), "was not drawn"),
        (BEFORE, visited(ONE, ONE.sites[0], begun=DRAWN), "before the site was chosen"),
        (BEFORE, visited(ONE, "Library", kind="reactive", begun=DRAWN), "before the site was"),
        (BEFORE, visited(ONE, ONE.sites[0], begun=LATER), "dated in the future"),
        (
            (*BEFORE, visited(ONE, ONE.sites[0], campaign="Field")),
            visited(ONE, ONE.sites[1], campaign="field"),
            "a campaign of its own",
        ),
        (
            (*BEFORE, visited(ONE, ONE.sites[0], journal="a" * 64)),
            visited(ONE, ONE.sites[1], journal="a" * 64),
            "a campaign of its own",
        ),
    ],
)  # fmt: skip
def test_what_cannot_follow_is_refused_with_a_reason(
    before: tuple[FieldEvent, ...], event: FieldEvent, why: str
) -> None:
    assert why in refusal(before, event)


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ((), committed()),
        ((committed("other", period="2027"),), committed()),
        ((), committed(period="2031", share=1.0, sites=50)),
        ((committed(),), DRAW),
        ((), added(ONE, "Library")),
        (BEFORE, added(OTHER, "Library")),
        (BEFORE, visited(ONE, ONE.sites[0].upper())),
        (BEFORE, visited(ONE, "library", kind="reactive", begun=DRAWN + timedelta(days=3))),
        ((*BEFORE, visited(ONE, ONE.sites[0])), visited(ONE, ONE.sites[0], campaign="again")),
    ],
)
def test_what_can_follow_is_not_refused(before: tuple[FieldEvent, ...], event: FieldEvent) -> None:
    assert refusal(before, event) == ""


def test_a_kind_of_event_that_is_not_known_is_refused() -> None:
    assert "not a known kind" in refusal((), FieldEvent(at=DRAWN, actor="a", period="2026"))


def test_the_share_of_a_frame_is_at_least_what_was_committed_to() -> None:
    for number in range(1, 120):
        frame = [framed(f"Net {n}") for n in range(number)]
        assert len(draw(frame, SEED, 0.02, 10)) == max(1, math.ceil(number / 50))

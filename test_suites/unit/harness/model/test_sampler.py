"""An order that a seed makes: the same for everybody who knows it, and for nobody else."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from harness.model.sampler import Smallest, order_key, ordering


@given(st.text(), st.text())
def test_the_place_is_the_keyed_digest(seed: str, text: str) -> None:
    key = seed.encode()[:64]

    plain = hashlib.blake2b(text.encode(), key=key, digest_size=16).digest()

    assert ordering(seed)(text) == order_key(seed, text) == plain


KEYED = st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["a", "b", "c", ""])))


@given(KEYED, st.one_of(st.none(), st.integers(1, 6)))
def test_the_smallest_are_kept(offered: list[tuple[int, str]], size: int | None) -> None:
    smallest = Smallest[str](size)
    for key, value in offered:
        smallest.offer(key, value)

    assert [key for key, _ in smallest.kept()] == sorted(key for key, _ in offered)[:size]


@given(KEYED, st.integers(1, 3))
def test_of_a_unit_the_smallest_alone_is_kept(offered: list[tuple[int, str]], size: int) -> None:
    smallest = Smallest[str](size, lambda value: value)
    for key, value in offered:
        smallest.offer(key, value)

    best = {value: min(key for key, one in offered if one == value) for _, value in offered}
    own = [(key, value) for key, value in offered if not value]
    units = [(key, value) for value, key in best.items() if value]
    assert [key for key, _ in smallest.kept()] == sorted(key for key, _ in own + units)[:size]


def test_a_unit_that_comes_often_leaves_room_for_others() -> None:
    smallest = Smallest[str](2, lambda value: value)
    for key, value in [(1, "a"), (2, "a"), (3, "a"), (4, "a"), (9, "b")]:
        smallest.offer(key, value)

    assert smallest.kept() == [(1, "a"), (9, "b")]

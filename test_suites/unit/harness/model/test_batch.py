"""A batch is a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from harness.model.batch import AGAIN, Batch, Way, is_tried, turn_of
from harness.model.corpus import Item, ItemKind


def test_a_batch_cannot_change() -> None:
    way = Way(probe="web", lines=("proxy",), profile="ks2", round=1)
    batch = Batch(number=1, way=way, items=())

    with pytest.raises(FrozenInstanceError):
        batch.number = 2  # type: ignore[misc]


def test_a_round_is_the_same_when_it_is_tried_again() -> None:
    assert [1, 2, 100, 1, 2] == [turn_of(one) for one in (1, 2, 100, 1 + AGAIN, 2 + AGAIN)]


@pytest.mark.parametrize(
    ("value", "kind", "probes"),
    [
        ("http://a.test/x", "url", {"web", "dns"}),
        ("HTTPS://b.test/x", "url", {"web_https", "dns"}),
        ("c.test", "host", {"web", "web_https", "dns"}),
        ("d.test/x", "url", {"web", "web_https", "dns"}),
        ("", "host", set()),
    ],
)
def test_a_url_is_tried_by_the_probe_of_its_own_scheme(
    value: str, kind: ItemKind, probes: set[str]
) -> None:
    item = Item(id="i", value=value, labels=("DRUG",), kind=kind)

    assert {probe for probe in ("web", "web_https", "dns") if is_tried(item, probe)} == probes

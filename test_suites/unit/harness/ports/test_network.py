"""The seams hold values; the marker key never shows; a probe says what it can try."""

from __future__ import annotations

import dataclasses
import re
from types import SimpleNamespace
from typing import Any, ClassVar

from msgspec.structs import replace

from harness.model.corpus import Item
from harness.model.observation import Timings
from harness.model.probe import ProbeDeclaration
from harness.ports.network import Attempt, Exchange, Line, Origin, ProbeResult, fits, left_by


def test_an_origin_never_prints_its_key() -> None:
    origin = Origin(
        zone="accredit.test", resolver="r", ports={}, authority="a", key=b"\x01secret\x02" * 3
    )

    assert "secret" not in repr(origin)


def test_an_exchange_without_an_answer_has_no_status() -> None:
    assert Exchange(timings=Timings()).status is None


class Plain:
    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(needs="fetch", facts="web")

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        raise NotImplementedError


class Choosy(Plain):
    def fits(self, item: Item) -> bool:
        return item.host.startswith("www.")


def test_a_probe_may_choose_among_the_items_of_its_kinds() -> None:
    one, other = (Item(id="i", value=host, labels=("GAMB",)) for host in ("a.test", "www.a.test"))
    vector = Item(id="v", value="www.", labels=("GAMB",), kind="vector")

    assert [True, True, False] == [fits(Plain(), item) for item in (one, other, vector)]
    assert [False, True, False] == [fits(Choosy(), item) for item in (one, other, vector)]


def test_a_line_may_say_what_its_packets_leave_by() -> None:
    bound: Any = SimpleNamespace(left_by="eth1")
    free: Any = SimpleNamespace()

    assert ("eth1", "") == (left_by(bound), left_by(free))


def test_the_twin_of_an_item_on_the_origin_has_another_name() -> None:
    origin = Origin(
        zone="accredit.test", resolver="r", ports={}, authority="a", key=b"k",
        twin_zone="orchard-view.test",
    )  # fmt: skip
    item = Item(
        id="i", value="http://DRUG-1.canary.accredit.test:81/Page", labels=("DRUG",), kind="url"
    )

    twin = origin.twin_of(item)

    assert twin is not None
    assert (twin.id, twin.labels) == (item.id, item.labels)
    assert re.fullmatch(r"http://[a-z0-9]+\.orchard-view\.test:81/Page", twin.value)
    assert origin.twin_of(replace(item, value="http://elsewhere.test/")) is None
    assert origin.twin_of(replace(item, value="")) is None
    assert dataclasses.replace(origin, twin_zone="").twin_of(item) is None

"""Pictures of series as markup, kept in memory while they do not change.

Making a picture takes longer than all else of a page. A picture depends on its series, on the time
axis and letters of its page, and on nothing of who looks at it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from reports.dashboard.figure_charts import Drawing, drawing_of, drawn_series
from reports.dashboard.rendering import fragment
from reports.dashboard.service_facts import RequirementSummary, ServicePageFacts
from reports.dashboard.service_reading import FoundPage, HeldSeries
from reports.next_steps import ago
from reports.site.trend_chart import Frame

MOST_KEPT = 300
"""How many pictures are kept in memory; each takes about 20 KB."""

MOST_DOTS = 40
"""A small picture of more figures shows no dots of those that conform."""

ROWS, FEW_ROWS = 12, 5
"""How many figures the table below a large picture has, and below a small one."""

NOTHING_TOLD: Mapping[str, RequirementSummary] = {}


class Pictures(NamedTuple):
    """The pictures of a page, and what they share."""

    drawing: Drawing
    pictures: tuple[Markup, ...]


class _Key(NamedTuple):
    stream: str
    service: str
    digest: bytes
    frame: Frame
    is_large: bool
    told: RequirementSummary | None
    age: str


_kept: OrderedDict[_Key, Markup] = OrderedDict()
_lock = threading.Lock()


def pictures_of(
    found: FoundPage,
    held: Sequence[HeldSeries],
    now: datetime,
    told: Mapping[str, RequirementSummary] = NOTHING_TOLD,
) -> Pictures:
    """The pictures of some series of a service: the first large, the others small.

    ``told`` are the requirements by their series that is drawn: their worst newest result stands
    beside the picture in place of the newest one of the series.
    """
    page: ServicePageFacts = found.page
    drawing = drawing_of(page, [each.facts for each in held], now)
    made = [
        _picture(
            found, each, drawing, (told.get(each.id), ago(_last(each, told), now)), is_large=not at
        )
        for at, each in enumerate(held)
    ]
    return Pictures(drawing, tuple(made))


def _last(held: HeldSeries, told: Mapping[str, RequirementSummary]) -> datetime:
    """When the figure beside a picture was measured."""
    one = told.get(held.id)
    return one.current.figure.at if one is not None else held.facts.newest[-1].at


def _picture(
    found: FoundPage,
    held: HeldSeries,
    drawing: Drawing,
    beside: tuple[RequirementSummary | None, str],
    *,
    is_large: bool,
) -> Markup:
    """A picture; ``beside`` are the requirement whose figure stands there, and its age in words."""
    service, (told, age) = found.service, beside
    name = service.facts.service
    key = _Key(service.stream, name, held.digest, drawing.frame, is_large, told, age)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    drawn = drawn_series(held.id, held.facts, service.facts.service, drawing.frame)
    made = fragment(
        "service_charts.html.j2",
        "picture",
        service,
        drawn,
        drawing.frame,
        shows_dots=is_large or len(held.facts.figures) <= MOST_DOTS,
        most=ROWS if is_large else FEW_ROWS,
        told=told,
        age=age,
    )
    with _lock:
        _kept[key] = made
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return made

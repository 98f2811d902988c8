"""The picture of the architecture, made from the imports: ``docs/images/architecture.svg``.

``python -m test_suites.documentation.architecture_picture`` rewrites it.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from test_suites.kit.rooms import ROOT, modules, syntax

PICTURE = ROOT / "docs/images/architecture.svg"
USED_BY_ALL = frozenset({"ports", "model"})
"""Lines to these would hide the others."""

BELOW_ALL = frozenset({"errors", "untrusted"})
NOT_DRAWN = BELOW_ALL | {"test_suites"}
WIDTH, ROW, BOX, HEIGHT = 980, 74, 112, 34


def layers() -> tuple[tuple[str, ...], ...]:
    """The rooms from top to bottom, as the first import contract has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    rows = (row.replace("harness.", "").split(" | ") for row in declared)
    return tuple(tuple(row) for row in rows if not NOT_DRAWN.issuperset(row))


LAYERS = layers()


def room_of(module: str) -> str:
    """The room that a module belongs to; empty for what is not drawn."""
    first, _, rest = module.partition(".")
    name = rest.partition(".")[0] if first == "harness" else first
    return "" if name in BELOW_ALL else name


def imports() -> set[tuple[str, str]]:
    """Which room imports which."""
    found = set()
    for path in modules("harness", "corpora", "probes", "reports"):
        here = room_of(".".join(Path(path).with_suffix("").parts))
        found |= {(here, room_of(name)) for name in _imported(path)}
    drawn = {room for layer in LAYERS for room in layer}
    return {(one, other) for one, other in found if {one, other} <= drawn and one != other}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def picture() -> str:
    """The picture as SVG: a row a layer, and a line from each room to those that it imports."""
    places = {}
    for row, layer in enumerate(LAYERS):
        gap = WIDTH / len(layer)
        for column, room in enumerate(layer):
            places[room] = (round(gap * (column + 0.5)), 24 + row * ROW)
    lines = []
    for one, other in sorted(imports()):
        if other in USED_BY_ALL and (one, other) != ("ports", "model"):
            continue
        (x1, y1), (x2, y2) = places[one], places[other]
        lines.append(
            f'<path d="M{x1} {y1 + HEIGHT} C{x1} {y1 + ROW} {x2} {y2 - ROW + HEIGHT} {x2} {y2}" '
            'fill="none" stroke="#8a94a6" stroke-width="1" opacity=".55"/>'
        )
    boxes = [
        f'<rect x="{x - BOX // 2}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="6" '
        f'fill="#eef3fb" stroke="#33507c"/><text x="{x}" y="{y + 22}" text-anchor="middle">{room}'
        "</text>"
        for room, (x, y) in places.items()
    ]
    height = 24 + len(LAYERS) * ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="14" role="img">'
        "<title>Rooms from top to bottom, and which imports which</title>"
    )
    return "\n".join([head, *lines, *boxes, "</svg>"]) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")

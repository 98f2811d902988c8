"""Print tables and panels on the terminal; text in them cannot control the terminal.

The library that draws them (rich) interprets markup and emoji names in texts; here it does not. A
table that is too wide for the terminal is printed as a list.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from harness.cli.printing import columns_of, encodable, shown, wrapped
from harness.untrusted.visible_text import visible

LEAST_TEXT = 24
"""Columns that the widest column of a table needs if it is wrapped."""

MOST_NAMES = 3
"""How many first cells of a row may name it in a list."""


def styled(text: str, style: str = "") -> Text:
    """A text as one escaped line of a table or panel, in a style."""
    return Text(encodable(shown(text), sys.stdout.encoding), style=style)


class Terminal(Console):
    """A console that ignores markup and escapes control and invisible characters.

    A string is printed as one line, wrapped on a terminal; tables and panels may have several.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Print strings as wrapped lines, and tables so that they fit the width."""
        for item in objects or ("",):
            if isinstance(item, str) or (isinstance(item, Text) and not item.spans):
                super().print(self._wrapped(item), **options | {"soft_wrap": True})
            elif isinstance(item, Table):
                self._print_table(item)
            else:
                super().print(item, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """The string as one line, without markup, emoji codes or highlighting."""
        style_options = {
            name: options[name] for name in ("style", "justify", "overflow") if name in options
        }
        printable = encodable(shown(text), self.encoding)
        return super().render_str(
            printable, emoji=False, markup=False, highlight=False, **style_options
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments to print, with control characters escaped also in text styled elsewhere."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text, keep="\n"), segment.style)

    def _wrapped(self, item: str | Text) -> Text:
        """A text in lines that are as wide as the terminal; whole where there is none."""
        text = self.render_str(item) if isinstance(item, str) else item.copy()
        text.plain = "\n".join(wrapped(text.plain, columns_of(self.file)))
        return text

    def _print_table(self, table: Table) -> None:
        """Print a table; its widest column is wrapped, or it becomes a list, as the width asks."""
        widths = [self._natural_width(column) for column in table.columns]
        widest = widths.index(max(widths))
        natural = self.measure(table, options=self.options.update(width=10**6)).maximum
        spare = self.width - (natural - widths[widest])
        if natural <= self.width or spare >= min(LEAST_TEXT, widths[widest]):
            for number, column in enumerate(table.columns):
                column.no_wrap = number != widest
            table.columns[widest].overflow = "fold"
            super().print(table)
            return
        for line in _as_list(table):
            self.print(line)

    def _natural_width(self, column: Column) -> int:
        parts = [*column.cells, column.header]
        return max(cell_len(_plain(part)) for part in parts)


def _as_list(table: Table) -> Iterator[str | Text]:
    """The rows of a table, each as a line that names it and a line of its other cells."""
    titles = [_plain(column.header) if table.show_header else "" for column in table.columns]
    rows = [tuple(map(_plain, row)) for row in zip(*(c.cells for c in table.columns), strict=True)]
    most = min(len(titles), MOST_NAMES + 1)
    names = next((n for n in range(1, most) if len({row[:n] for row in rows}) == len(rows)), 1)
    for row in rows:
        if name := "  ".join(filter(None, row[:names])):
            yield name
        pairs = [*zip(titles[names:], row[names:], strict=True)]
        told = [
            f"{title}: {cell}" if title and len(pairs) > 1 else cell
            for title, cell in pairs
            if cell not in {"", "-"}
        ]
        if told:
            yield f"  {'; '.join(told)}"


def _plain(cell: RenderableType) -> str:
    """The text of a cell or a title."""
    return cell.plain if isinstance(cell, Text) else str(cell)


def terminal(*, to_stderr: bool = False) -> Terminal:
    """A console on standard output or standard error."""
    return Terminal(stderr=to_stderr, markup=False, emoji=False, highlight=False)


def silent() -> Console:
    """A console that prints nothing, for work whose progress is not shown."""
    return Console(quiet=True)

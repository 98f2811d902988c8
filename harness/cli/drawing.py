"""Tables and panels on the terminal: every text in them is shown as it is, and steers nothing.

The library that draws them reads markup and names of emoji in texts; here it reads none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from harness.cli.printing import shown
from harness.untrusted.visible_text import visible


def styled(text: str, style: str = "") -> Text:
    """A text as one line of a table or panel, in a style."""
    return Text(shown(text), style=style)


class Terminal(Console):
    """A console that reads no markup, and escapes whatever does not show itself.

    A string is one line; tables and panels may have several.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """The string as one line, without markup, emoji codes or highlighting."""
        kept = {name: options[name] for name in ("style", "justify", "overflow") if name in options}
        return super().render_str(shown(text), emoji=False, markup=False, highlight=False, **kept)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """What is drawn; of text that others styled, at least nothing steers the terminal."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text, keep="\n"), segment.style)


def terminal(*, to_stderr: bool = False, soft_wrap: bool = False) -> Terminal:
    """A console on standard output, or on standard error. With ``soft_wrap`` no line is broken."""
    return Terminal(
        stderr=to_stderr, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False
    )

"""Print tables and panels on the terminal; text in them cannot control the terminal.

The library that draws them (rich) interprets markup and emoji names in texts; here it does not.
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
    """A text as one escaped line of a table or panel, in a style."""
    return Text(shown(text), style=style)


class Terminal(Console):
    """A console that ignores markup and escapes control and invisible characters.

    A string is printed as one line; tables and panels may have several.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """The string as one line, without markup, emoji codes or highlighting."""
        style_options = {
            name: options[name] for name in ("style", "justify", "overflow") if name in options
        }
        return super().render_str(
            shown(text), emoji=False, markup=False, highlight=False, **style_options
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


def terminal(*, to_stderr: bool = False, soft_wrap: bool = False) -> Terminal:
    """A console on standard output or standard error. With ``soft_wrap`` long lines stay whole."""
    return Terminal(
        stderr=to_stderr, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False
    )

"""The one way to the terminal: what is printed is shown as it is, and steers nothing.

Text from outside (titles, headers, names of files, error messages) may hold escape sequences,
line breaks that fake a line, invisible characters, or markup of the library that draws tables.
Every text is one line with such characters escaped; JSON keeps its meaning. A house test lets no
other module print.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text
from typer.core import TyperGroup

from harness.passwords import without_passwords
from harness.visible import visible, visible_json


def shown(text: str) -> str:
    """A text as one line that may be printed: escaped, and without passwords in URLs."""
    return visible(without_passwords(text))


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


def say(*lines: str, to_stderr: bool = False) -> None:
    """Print lines, each as one line whatever is in it."""
    stream = sys.stderr if to_stderr else sys.stdout
    for line in lines:
        stream.write(_encodable(shown(line), stream) + "\n")


def say_json(encoded: str | bytes, *, to_stderr: bool = False) -> None:
    """Print JSON that is encoded already, in the form it has."""
    stream = sys.stderr if to_stderr else sys.stdout
    text = encoded.decode() if isinstance(encoded, bytes) else encoded
    stream.write(visible_json(text, ascii_only=not _is_unicode(stream)) + "\n")


class Verbs(TyperGroup):
    """The command line, whose complaints about wrong words quote them escaped."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the words that belong to no verb."""
        with _escaped_complaints():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the words of a verb, and run it."""
        with _escaped_complaints():
            return super().invoke(ctx)


@contextmanager
def _escaped_complaints() -> Iterator[None]:
    """Escape the message of a complaint of the library that reads the command line."""
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)
        if isinstance(message, str) and hasattr(error, "format_message"):
            error.message = shown(message)  # type: ignore[attr-defined]  # typer exports no type
        raise


def _encodable(text: str, stream: TextIO) -> str:
    """The text with what the stream's encoding does not have escaped."""
    if _is_unicode(stream):
        return text
    return text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().replace("_", "-").startswith("utf")

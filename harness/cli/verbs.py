"""The group of verbs, whose complaints about a wrong command line quote its words escaped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

from harness.cli.printing import shown


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

"""Groups of verbs: they import a verb's module when it is used, and quote wrong words escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from harness.cli.printing import shown


class Verbs(TyperGroup):
    """A group of verbs whose complaints about wrong words quote them escaped."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the words that belong to no verb."""
        with _escaped_complaints():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the words of a verb, and run it."""
        with _escaped_complaints():
            return super().invoke(ctx)


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: ``module:attribute`` in ``harness.cli`` (a function or a group), and its help."""

    place: str
    help: str


class LazyVerbs(Verbs):
    """A group that knows its verbs by name and help, and imports the module of the one used."""

    verbs: ClassVar[Mapping[str, Verb]] = {}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the verb that was asked for; a misspelt name is compared with all of them."""
        self.commands = dict.fromkeys(self.verbs, TyperCommand(None))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all verbs, in the order in which help shows them."""
        del ctx
        return list(self.verbs)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a verb. None if there is no such verb."""
        del ctx
        if cmd_name not in self.verbs:
            return None
        module, _, attribute = self.verbs[cmd_name].place.partition(":")
        found = getattr(import_module(f"harness.cli.{module}"), attribute)
        group = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            group.add_typer(found, name=cmd_name, help=self.verbs[cmd_name].help)
            return typer.main.get_group(group).commands[cmd_name]
        group.command(cmd_name)(found)
        return typer.main.get_command(group)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs and their short help, without importing one of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in self.verbs.items()])


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

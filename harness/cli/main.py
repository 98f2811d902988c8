"""The command ``accredit``: one verb a file, assembled here.

``harness.cli.process`` runs it as a process, and says what its exit codes mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from harness.cli.printing import say, shown
from harness.errors import UsageError


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


class MainVerbs(LazyVerbs):
    """All verbs of ``accredit``."""

    verbs: ClassVar[Mapping[str, Verb]] = {
        "demo": Verb(
            "demo:demo_command",
            "Show the whole job on this machine: no network, no root.",
        ),
        "init": Verb("initialise:init_command", "Write a commented campaign file to start from."),
        "doctor": Verb(
            "doctor:doctor_command",
            "Check this machine and, given a campaign, its origin, lines and sentinels.",
        ),
        "run": Verb("conclude:run_command", "Measure, conclude, open action plans and report."),
        "measure": Verb(
            "measure:measure_command",
            "Measure the service of a campaign into a journal.",
        ),
        "conclude": Verb("conclude:conclude_command", "Assess a journal against a scheme."),
        "compare": Verb(
            "compare:compare_command",
            "Compare two campaigns by the items that both tried (exact McNemar test).",
        ),
        "judge": Verb(
            "judge:judge_command",
            "Judge other people's measurements: a JSON line in, a JSON verdict out.",
        ),
        "bundle": Verb("bundle:app", "Hand a campaign over, signed; import and export data."),
        "journal": Verb("journal:app", "Check what was measured."),
        "report": Verb(
            "conclude:report_command", "Write a self-contained document from a journal."
        ),
        "retest": Verb("retest:retest_command", "Re-test a plan whose fix is claimed."),
        "plan": Verb("plan:app", "Follow action plans until a re-test conforms."),
        "registry": Verb("registry:app", "Check the log of findings and plans."),
        "list": Verb("list_plugins:list_command", "List available plug-ins."),
        "scheme": Verb("scheme:app", "Read and check minimum specifications."),
        "corpus": Verb("corpus:app", "Read, check, import and export corpora."),
        "range": Verb("range:app", "Run the loopback range."),
    }


app = typer.Typer(
    name="accredit",
    cls=MainVerbs,
    help="Accreditation tests for filtered internet services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def about(
    *,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Accreditation tests for filtered internet services."""
    if show_version:
        say(f"isp-accredit {version('isp-accredit')}")
        raise typer.Exit


def invoke(arguments: Sequence[str]) -> int:
    """Carry out one command line; gives its exit code.

    What the line itself has wrong is said, with exit code 2. Whatever a command raises goes up.
    """
    command = typer.main.get_command(app)
    try:
        with command.make_context("accredit", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except typer.Abort:
        msg = "stopped: a question was not answered"
        raise UsageError(msg) from None
    except TyperException as error:
        show = getattr(error, "show", None)
        if show is None:  # nothing that typer says of a command line
            raise
        show()
        return int(getattr(error, "exit_code", 2))
    return 0

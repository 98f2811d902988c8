"""The command ``accredit``: the table of verbs, the group that imports them on demand, ``invoke``.

``MainVerbs`` lists each verb with its module and short help. ``harness.cli.process`` runs
``invoke`` as a process and defines the exit codes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from harness import VERSION
from harness.cli.paths import registry_variables
from harness.cli.printing import say, shown, wrapped_on_stderr
from harness.errors import UsageError


class Verbs(TyperGroup):
    """A group of verbs that escapes unknown words when its error messages quote them."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Parse the words before the verb."""
        with _escaped_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Parse the words of a verb and run it."""
        with _escaped_errors():
            return super().invoke(ctx)


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: where it is defined, and its short help.

    ``target`` is ``module:attribute`` in ``harness.cli``: a function, or a group of commands.
    """

    target: str
    help: str
    is_recording: bool = False
    """Whether its words, and the names of user and registry, become text of the registry."""
    is_brief: bool = False
    """Whether the help of all verbs names it without its own help."""


class LazyVerbs(Verbs):
    """A group that lists its verbs without importing them, and imports only the one in use."""

    verbs: ClassVar[Mapping[str, Verb]] = {}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the requested verb; the error for a misspelt name suggests the closest one."""
        self.commands = dict.fromkeys(self.verbs, TyperCommand(None))
        found = super().resolve_command(ctx, args)
        if (verb := self.verbs.get(args[0])) is not None and verb.is_recording:
            named = [f"{name}={value}" for name in NAMED if (value := os.environ.get(name))]
            _require_utf_8([*args, *named])
        return found

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all verbs, in the order in which help shows them."""
        del ctx
        return list(self.verbs)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a verb. None if there is no such verb."""
        del ctx
        if cmd_name not in self.verbs:
            return None
        verb = self.verbs[cmd_name]
        module, _, attribute = verb.target.partition(":")
        command = getattr(import_module(f"harness.cli.{module}"), attribute)
        return _command_of(cmd_name, verb.help, command)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete the name of a verb or an option, without importing any verb."""
        verbs: dict[str, Any] = {
            name: TyperCommand(name, help=verb.help) for name, verb in self.verbs.items()
        }
        named = TyperGroup(name=self.name, commands=verbs, params=self.params)
        return named.shell_complete(ctx, incomplete)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs and their short help, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in self.verbs.items()])


@lru_cache(maxsize=256)
def _command_of(name: str, told: str, command: Callable[..., Any] | typer.Typer) -> Any:
    """What runs a verb: a function, or a group of commands."""
    group = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    if isinstance(command, typer.Typer):
        group.add_typer(command, name=name, help=told)
        return typer.main.get_group(group).commands[name]
    group.command(name)(command)
    return typer.main.get_command(group)


NAMED = ("LOGNAME", "USER", "LNAME", "USERNAME", *registry_variables())
"""The environment variables that name the user (``getpass.getuser``) or a registry."""


def _require_utf_8(words: Iterable[str]) -> None:
    """Raise UsageError for a word that held bytes which are not UTF-8."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            msg = f"{word!r} holds bytes that are not UTF-8; write names and paths in UTF-8"
            raise UsageError(msg) from None


@contextmanager
def _escaped_errors() -> Iterator[None]:
    """Escape the messages of errors that the command-line library raises."""
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)
        if isinstance(message, str) and hasattr(error, "format_message"):
            error.message = shown(message)  # type: ignore[attr-defined]  # typer exports no type
        raise


class MainVerbs(LazyVerbs):
    """All verbs of ``accredit``."""

    groups: ClassVar[Mapping[str, Mapping[str, Verb]]] = {
        "Set up": {
            "demo": Verb(
                "demo:demo_command",
                "Run a complete example on this machine: no network, no root.",
            ),
            "init": Verb(
                "campaign_questions:init_command",
                "Write a commented campaign file: asks, or takes options.",
            ),
            "doctor": Verb(
                "doctor:doctor_command",
                "Check this machine, and a campaign's lines and sentinels.",
            ),
            "submission": Verb(
                "submission:app",
                "Check and record what a supplier declares of a service.",
                is_recording=True,
                is_brief=True,
            ),
            "origin": Verb(
                "origin:app", "Prepare and serve an origin on a host of your own.", is_brief=True
            ),
            "device": Verb(
                "device:app",
                "Record devices; check one while it starts or wakes up.",
                is_brief=True,
            ),
            "identity": Verb(
                "identity:app",
                "Make keys with which people sign; register whose they are.",
                is_recording=True,
                is_brief=True,
            ),
        },
        "Measure": {
            "run": Verb("run:run_command", "Measure, conclude, open action plans, and report."),
            "measure": Verb(
                "measure:measure_command",
                "Measure the service of a campaign into a journal.",
            ),
            "check": Verb(
                "check:check_command",
                "A school's own check of its filter, from this laptop.",
            ),
            "speed": Verb(
                "speed:speed_command",
                "Measure bandwidth, throughput, delay and failures, and filtering under load.",
                is_brief=True,
            ),
            "availability": Verb(
                "availability:app",
                "Check whether the service is up and filters; list outages.",
                is_brief=True,
            ),
            "watch": Verb(
                "watch:watch_command",
                "Poll events, such as a page whose content changes, until the service follows "
                "them.",
                is_brief=True,
            ),
            "log": Verb(
                "log:app",
                "Make requests that the service's log must show, and read it.",
                is_brief=True,
            ),
            "mail": Verb(
                "mail:app", "Send mails through the service, and read which arrived.", is_brief=True
            ),
            "alerts": Verb(
                "alerts:app",
                "Play sessions that must raise alerts, and receive these.",
                is_brief=True,
            ),
            "assess": Verb(
                "assess:app",
                "Record what two reviewers state of documents, each alone.",
                is_brief=True,
            ),
        },
        "Judge and report": {
            "conclude": Verb("conclude:conclude_command", "Assess a journal against a scheme."),
            "report": Verb(
                "conclude:report_command", "Write a self-contained document from a journal."
            ),
            "compare": Verb(
                "compare:compare_command",
                "Compare two campaigns by the items that both tried.",
            ),
            "judge": Verb(
                "judge:judge_command",
                "Judge other people's measurements: reads JSON lines, prints one JSON verdict a "
                "line.",
                is_brief=True,
            ),
            "expect": Verb(
                "expect:app", "Pin known differences, so that only new ones fail.", is_brief=True
            ),
            "bundle": Verb(
                "bundle:app",
                "Make, verify and send signed bundles; import and export.",
                is_brief=True,
            ),
            "journal": Verb("verify:journal_app", "Check journals.", is_brief=True),
            "witness": Verb(
                "witness:app", "Have somebody else sign how far journals had come.", is_brief=True
            ),
        },
        "Follow up": {
            "plan": Verb(
                "plan:app", "Follow action plans until a re-test conforms.", is_recording=True
            ),
            "retest": Verb("retest:retest_command", "Re-test a plan whose fix was claimed."),
        },
        "Accredit": {
            "decision": Verb(
                "decision:app", "Propose and record decisions on accreditation.", is_recording=True
            ),
            "certificate": Verb(
                "certificate:app",
                "Issue certificates, list their statuses, check them.",
                is_recording=True,
            ),
            "registry": Verb(
                "registry:app",
                "Keep records of suppliers; check and export registries.",
                is_recording=True,
            ),
            "recall": Verb(
                "recall:recall_command",
                "Judge decisions again when something proves wrong.",
                is_recording=True,
                is_brief=True,
            ),
            "site": Verb(
                "site:app",
                "Write register, trends and plans as pages without a server.",
                is_brief=True,
            ),
        },
        "Watch": {
            "monitor": Verb(
                "monitor:app",
                "Monitor services by schedule: runs, alarms, field checks.",
                is_recording=True,
            ),
            "hub": Verb(
                "hub:app",
                "Keep a hub: invite agents of sites, see where they stand.",
                is_recording=True,
            ),
            "serve": Verb(
                "serve:serve_command",
                "Serve the pages of a hub, and answer its agents.",
                is_recording=True,
            ),
        },
        "Build": {
            "scheme": Verb("scheme:app", "Read and check minimum specifications."),
            "corpus": Verb("corpus:app", "Read, check, import and export corpora."),
            "range": Verb(
                "range:app", "Run a test range on loopback: origin and reference filter."
            ),
            "seed": Verb(
                "seed:app",
                "Commit to the seed of a sample, reveal it, and verify it.",
                is_recording=True,
                is_brief=True,
            ),
            "list": Verb("list_plugins:list_command", "List available plug-ins.", is_brief=True),
        },
    }
    verbs: ClassVar[Mapping[str, Verb]] = {
        name: verb for group in groups.values() for name, verb in group.items()
    }

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the groups of verbs: on one screen, without importing any of them."""
        del ctx
        formatter.write_paragraph()
        width = max(map(len, self.verbs))
        for title, group in self.groups.items():
            formatter.write_heading(title)
            with formatter.indentation():
                described = [(name, verb) for name, verb in group.items() if not verb.is_brief]
                formatter.write_dl([(f"{name:{width}}", verb.help) for name, verb in described])
                if named := ", ".join(name for name, verb in group.items() if verb.is_brief):
                    formatter.write_text(f"More: {named}.")
        formatter.write_text("accredit COMMAND --help says what a command does.")


app = typer.Typer(
    name="accredit",
    cls=MainVerbs,
    help="Accreditation tests for filtered internet services.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def about(
    *,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Accreditation tests for filtered internet services."""
    if show_version:
        say(f"isp-accredit {VERSION}")
        raise typer.Exit


COMPLETION = "_ACCREDIT_COMPLETE"
"""The variable by which a shell asks for completions, as the script of Typer sets it."""


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code.

    A wrong command line is reported on standard error and returns 2. Errors that a command raises
    are not caught.
    """
    command = typer.main.get_command(app)
    if question := os.environ.get(COMPLETION):
        from typer.completion import shell_complete  # noqa: PLC0415 - only shells ask

        return (
            shell_complete(command, {}, "accredit", COMPLETION, question) and UsageError.exit_code
        )
    try:
        with _context(command, arguments) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except typer.Abort:
        msg = "stopped: the question was not answered"
        raise UsageError(msg) from None
    except TyperException as error:
        show = getattr(error, "show", None)
        if show is None:  # not an error in the command line
            raise
        _wrap(error)
        show()
        return int(getattr(error, "exit_code", 2))
    return 0


def _context(command: Any, arguments: Sequence[str]) -> Any:
    """Parse the words before the verb; installing or showing completion ends here."""
    try:
        return command.make_context("accredit", list(arguments))
    except SystemExit as ended:
        raise typer.Exit(UsageError.exit_code if ended.code else 0) from None
    except typer.Exit as ended:
        raise typer.Exit(UsageError.exit_code if ended.exit_code else 0) from None


def _wrap(error: Exception) -> None:
    """Wrap the message of a wrong command line at the width of the terminal."""
    label, message = "Error: ", getattr(error, "message", None)
    if isinstance(message, str):
        lines = wrapped_on_stderr(f"{label}{message}")
        error.message = "\n".join(lines)[len(label) :]  # type: ignore[attr-defined]  # as above

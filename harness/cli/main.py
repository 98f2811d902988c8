"""The command ``accredit``: one verb a file, assembled here.

``harness.cli.process`` runs it as a process, and says what its exit codes mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, ClassVar

import typer
from typer.exceptions import TyperException

from harness.cli.printing import say
from harness.cli.verbs import LazyVerbs, Verb
from harness.errors import UsageError


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
        "run": Verb("run:run_command", "Measure, conclude, open action plans and report."),
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
        "report": Verb("report:report_command", "Write a self-contained document from a journal."),
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

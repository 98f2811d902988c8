"""The command ``accredit``: one verb a file, assembled here.

``harness.cli.process`` runs it as a process, and says what its exit codes mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from harness.cli import bundle, corpus, journal, plan, registry, scheme
from harness.cli.compare import compare_command
from harness.cli.conclude import conclude_command
from harness.cli.demo import demo_command
from harness.cli.doctor import doctor_command
from harness.cli.initialise import init_command
from harness.cli.judge import judge_command
from harness.cli.listing import list_command
from harness.cli.measure import measure_command
from harness.cli.printing import say
from harness.cli.range import app as range_app
from harness.cli.report import report_command
from harness.cli.retest import retest_command
from harness.cli.run import run_command
from harness.cli.verbs import Verbs
from harness.errors import UsageError

app = typer.Typer(
    name="accredit",
    cls=Verbs,
    help="Accreditation tests for filtered internet services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo_command)
app.command("init")(init_command)
app.command("doctor")(doctor_command)
app.command("run")(run_command)
app.command("measure")(measure_command)
app.command("conclude")(conclude_command)
app.command("compare")(compare_command)
app.command("judge")(judge_command)
app.add_typer(bundle.app, name="bundle", help="Hand a campaign over, signed; take and give data.")
app.add_typer(journal.app, name="journal", help="Check what was measured.")
app.command("report")(report_command)
app.command("retest")(retest_command)
app.add_typer(plan.app, name="plan", help="Follow action plans until a re-test conforms.")
app.add_typer(registry.app, name="registry", help="Check the log of findings and plans.")
app.command("list")(list_command)
app.add_typer(scheme.app, name="scheme", help="Read and check minimum specifications.")
app.add_typer(corpus.app, name="corpus", help="Read, check, import and export corpora.")
app.add_typer(range_app, name="range", help="Run the loopback range.")


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

"""The command ``accredit``: one verb a file, assembled here.

Exit codes: 0 conforms, 1 does not conform, 2 wrong use, 3 insufficient, 4 instrument trouble.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from harness.cli import bundle, corpus, plan, scheme
from harness.cli.compare import compare_command
from harness.cli.conclude import conclude_command
from harness.cli.demo import demo_command
from harness.cli.doctor import doctor_command
from harness.cli.initialise import init_command
from harness.cli.judge import judge_command
from harness.cli.listing import list_command
from harness.cli.measure import measure_command
from harness.cli.printing import Verbs, say
from harness.cli.range import app as range_app
from harness.cli.report import report_command
from harness.cli.retest import retest_command
from harness.cli.run import run_command
from harness.errors import HarnessError

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""

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
app.command("report")(report_command)
app.command("retest")(retest_command)
app.add_typer(plan.app, name="plan", help="Follow action plans until a re-test conforms.")
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


def run() -> None:
    """Run the command line; our own errors become one clear message and an exit code."""
    try:
        app()
    except HarnessError as error:
        complain(str(error))
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        complain(f"this verb needs {error.name!r}: pip install 'isp-accredit[{extra}]'")
        sys.exit(2)
    except KeyboardInterrupt:
        complain("stopped; the journal is whole, and the same command goes on from there")
        sys.exit(INTERRUPTED)


EXTRAS = {
    "scipy": "assess",
    "sqlalchemy": "assess",
    "psycopg": "postgresql",
    "jinja2": "report",
    "matplotlib": "report",
    "pandas": "report",
    "pytest": "pytest",
    "allure": "pytest",
}
"""Which extra brings a library that a verb misses."""


def complain(message: str) -> None:
    """One line per fault on standard error."""
    say(*(f"accredit: {line}" for line in message.split("\n")), to_stderr=True)


if __name__ == "__main__":
    run()

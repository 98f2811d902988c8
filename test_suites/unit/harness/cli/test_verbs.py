"""A wrong command line is quoted escaped."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.verbs import Verbs
from harness.errors import UsageError


@pytest.mark.parametrize(
    "words",
    [["\x1b[31m"], ["plan", "\x1b[31m"], ["plan", "list", "\x1b[31m"], ["plan", "list", "--\x1b"]],
)  # fmt: skip
def test_words_that_are_no_verb_are_quoted_escaped(words: list[str], runner: CliRunner) -> None:
    result = runner.invoke(app, words)

    assert 2 == result.exit_code
    assert "\x1b" not in result.output
    assert "\\x1b" in result.output


def test_other_errors_pass_as_they_are() -> None:
    verbs = typer.Typer(cls=Verbs)

    @verbs.command()
    def fail() -> None:
        raise UsageError("as it is")

    verbs.command("other")(fail)
    assert "as it is" == str(CliRunner().invoke(verbs, ["fail"]).exception)

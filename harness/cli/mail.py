"""``accredit mail``: receive the mails that a service delivers."""

from __future__ import annotations

import typer

from harness.cli.mail_receiver import receive_command

app = typer.Typer(no_args_is_help=True)
app.command("receive")(receive_command)


@app.callback()
def mail() -> None:
    """Send mails through the service's relay, and read what arrives."""

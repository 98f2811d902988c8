"""Runs the receivers of alerts or mails as a process of their own, and sends them mail."""

from __future__ import annotations

import os
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from test_suites.kit.processes.warm_start import COMMAND, Started
from test_suites.kit.rooms import ROOT


class Receiving:
    """The receivers in a process of their own; ``mail`` and ``web`` are their addresses."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.mail = self.web = ""
        assert process.stderr is not None
        self.stderr = process.stderr
        for line in self.stderr:
            self.mail = self.mail or line.partition("receiving mail at ")[2].strip()
            self.web = self.web or line.partition("receiving requests at ")[2].strip()
            if "stop with SIGTERM" in line:
                return
        raise AssertionError("it ended")

    def send_mail(self, text: str = "hello", trust: ssl.SSLContext | None = None) -> None:
        """Send a mail; with ``trust``, over TLS to a server whose certificate is right."""
        message = EmailMessage()
        message["Subject"] = "Alert"
        message.set_content(text)
        host, _, port = self.mail.rpartition(":")
        with smtplib.SMTP(host.strip("[]"), int(port), "a.test", timeout=60) as smtp:
            if trust is not None:
                smtp.starttls(context=trust)
            smtp.send_message(message, "s@a.test", ["dsl@school.test"])

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what was printed last."""
        _, printed = self.process.communicate(timeout=60)
        return self.process.returncode, printed


@contextmanager
def run_receivers(
    verb: tuple[str, ...], *words: str | Path, shell: tuple[str, ...] = ()
) -> Iterator[Receiving]:
    """Run ``accredit alerts receive`` or ``accredit mail receive`` until the context ends."""
    process = Started(
        [*shell, sys.executable, "-c", COMMAND.format(before=""), *verb, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"XDG_STATE_HOME": "/dev/null"},
    )
    try:
        yield Receiving(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)

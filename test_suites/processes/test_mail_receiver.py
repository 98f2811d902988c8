"""Receiving mails as a process: TLS, signals, exit codes, and what a stop leaves."""

from __future__ import annotations

import signal
import smtplib
import ssl
from functools import partial
from pathlib import Path

import pytest

from harness.model.received_mail import ReceivedMail
from probes.range.authority import Authority
from probes.receivers.spool import MAILS, read_spool
from test_suites.kit.processes.running import accredit
from test_suites.processes.receiving import run_receivers

VERB = ("mail", "receive")
receiving = partial(run_receivers, VERB)


def received(spool: Path) -> list[ReceivedMail]:
    """The mails in a file, without the receiver's own notes that it works."""
    return [each for each in read_spool(spool, MAILS) if not each.is_note]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_mails_are_received_until_a_signal_ends_it_in_order(number: int, tmp_path: Path) -> None:
    spool = tmp_path / "mails.jsonl"
    with receiving(spool, "--mail", "127.0.0.1:0") as receiver:
        receiver.send_mail("see 31-402713-8841")
        (mail,) = received(spool)
        with pytest.raises(smtplib.SMTPNotSupportedError):
            receiver.send_mail(trust=ssl.create_default_context())
        receiver.process.send_signal(number)
        code, printed = receiver.end()

    assert (0, "accredit mail: stopped; received 1\n") == (code, printed)
    assert ("dsl@school.test",) == mail.to
    assert ("31-402713-8841",) == mail.references
    first, *_, last = read_spool(spool, MAILS)
    assert first.is_note, "it notes that it works, when it starts"
    assert last.is_note, "and when it ends"


def test_tls_is_offered_with_a_certificate(tmp_path: Path) -> None:
    authority = Authority()
    pem = tmp_path / "mail.pem"
    pem.write_bytes(authority.pem_with_key(authority.leaf("mail.accredit.test")))
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    trust.check_hostname = False  # it is reached by its address
    spool = tmp_path / "mails.jsonl"
    words = (spool, "--mail", "127.0.0.1:0", "--certificate", pem)
    with receiving(*words) as receiver:
        receiver.send_mail(trust=trust)
        receiver.send_mail()
        receiver.process.kill()
        receiver.end()

    assert 2 == len(received(spool)), "what was acknowledged survives kill -9"


def test_it_ends_after_the_given_time_and_refuses_the_file_of_another_receiver(
    tmp_path: Path,
) -> None:
    alerts = tmp_path / "alerts"
    at = ("--mail", "127.0.0.1:0", "--seconds", "0.1")
    assert 0 == accredit("alerts", "receive", alerts, *at).returncode
    ended = accredit(*VERB, alerts, *at)

    assert (2, True) == (ended.returncode, "holds received alerts, not mails" in ended.stderr)
    with receiving(tmp_path / "mails", *at) as receiver:
        assert (0, "accredit mail: stopped; received 0\n") == receiver.end()

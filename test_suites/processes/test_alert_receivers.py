"""Receiving alerts as a process: addresses, signals, exit codes, and what a stop leaves."""

from __future__ import annotations

import signal
import smtplib
import socket
from functools import partial
from pathlib import Path

import httpx
import pytest

from harness.model.received_alert import ReceivedAlert
from probes.receivers.spool import ALERTS, read_spool
from test_suites.kit.processes.running import accredit
from test_suites.processes.receiving import run_receivers

VERB = ("alerts", "receive")


def received(spool: Path) -> list[ReceivedAlert]:
    """The alerts in a file, without the receiver's own notes that it works."""
    return [each for each in read_spool(spool, ALERTS) if not each.is_note]


receiving = partial(run_receivers, VERB)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_alerts_are_received_until_a_signal_ends_it_in_order(number: int, tmp_path: Path) -> None:
    spool = tmp_path / "alerts.jsonl"
    with receiving(spool, "--mail", "127.0.0.1:0", "--web", "127.0.0.1:0") as receivers:
        receivers.send_mail()
        answered = httpx.post(receivers.web + "hook", json={"title": "T"}, trust_env=False)
        assert 200 == answered.status_code
        assert ["mail", "web"] == [alert.channel for alert in received(spool)]
        receivers.process.send_signal(number)
        code, printed = receivers.end()

    assert (0, "accredit alerts: stopped; received 1 by mail, 1 by the webhook\n") == (
        code,
        printed,
    )
    assert [("dsl@school.test",), ("/hook",)] == [alert.to for alert in received(spool)]
    first, *_, last = read_spool(spool, ALERTS)
    assert first.is_note, "it notes that it works, when it starts"
    assert last.is_note, "and when it ends"


def test_it_ends_after_the_given_time(tmp_path: Path) -> None:
    with receiving(tmp_path / "a", "--web", "[::1]:0", "--seconds", "0.1") as receivers:
        assert receivers.web.startswith("http://[::1]:")
        assert not receivers.mail
        code, printed = receivers.end()

    assert (0, True) == (code, "received 0 by mail, 0 by the webhook" in printed)


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    spool = tmp_path / "alerts.jsonl"
    with receiving(spool, "--mail", "127.0.0.1:0") as receivers:
        for number in range(20):
            receivers.send_mail(f"alert {number}")
        receivers.process.kill()
        receivers.end()

    assert [f"alert {number}" for number in range(20)] == [each.text for each in received(spool)]
    with receiving(spool, "--mail", "127.0.0.1:0", "--seconds", "0.1") as again:
        assert 0 == again.end()[0]


def test_a_full_disk_refuses_alerts_for_now_and_says_so_once(tmp_path: Path) -> None:
    spool = tmp_path / "alerts.jsonl"
    limited = ("bash", "-c", 'ulimit -f 1; exec "$@"', "-")  # a file of at most 1 KiB
    with receiving(
        spool, "--mail", "127.0.0.1:0", "--web", "127.0.0.1:0", shell=limited
    ) as receivers:
        receivers.send_mail()
        for _ in range(2):
            with pytest.raises(smtplib.SMTPDataError, match="451"):
                receivers.send_mail("x" * 2000)
            refused = httpx.post(receivers.web, content=b"y" * 2000, trust_env=False)
            assert 503 == refused.status_code
        receivers.send_mail("small")
        receivers.process.terminate()
        code, printed = receivers.end()

    assert (0, 1) == (code, printed.count("cannot be written"))
    assert ["hello", "small"] == [alert.text for alert in received(spool)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --mail HOST:PORT, --web HOST:PORT, or both"),
        (("--mail", "127.0.0.1"), "--mail"),
        (("--mail", "localhost:0"), "--mail: 'localhost' is no IP address"),
        (("--mail", ":0"), "--mail"),
        (("--web", "127.0.0.1:70000"), "--web"),
        (("--web", "127.0.0.1:x"), "--web"),
        (("--web", "192.0.2.1:0"), "--web 192.0.2.1:0: cannot be listened on"),
        (("--web", "127.0.0.1:0", "--seconds", "nan"), "--seconds"),
        (("--web", "127.0.0.1:0", "--seconds", "-1"), "--seconds"),
    ],
)
def test_a_wrong_call_ends_with_2_and_one_sentence(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    ended = accredit(*VERB, tmp_path / "alerts", *words)

    assert 2 == ended.returncode, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_and_a_file_that_is_no_spool_end_with_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = accredit(*VERB, tmp_path / "alerts", "--mail", at)
    assert (2, True) == (ended.returncode, "already in use; give another address" in ended.stderr)

    (tmp_path / "other").write_text("a,b\n")
    ended = accredit(*VERB, tmp_path / "other", "--mail", "127.0.0.1:0")
    assert (2, True) == (ended.returncode, "is no file of received alerts" in ended.stderr)

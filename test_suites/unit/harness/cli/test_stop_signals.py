"""Signals stop a command as Ctrl-C does, and leave the process as it was."""

from __future__ import annotations

import signal
import threading

import pytest

from harness.cli.process import StopSignals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_interrupts_and_is_named(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    with StopSignals() as stops, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)

    assert 128 + number == stops.exit_code
    assert number.name in stops.name
    assert before is signal.getsignal(number)


def test_another_thread_touches_no_signal() -> None:
    seen = []

    def enter() -> None:
        with StopSignals() as stops:
            seen.append(stops.exit_code)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert [130] == seen

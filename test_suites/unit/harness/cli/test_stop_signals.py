"""Signals stop a command as Ctrl-C does, and leave the process as it was."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from harness.cli.long_running import stopped_by_signals
from harness.cli.process import StopSignals

STOPPING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@pytest.fixture
def handled() -> Iterator[None]:
    """No signal is ignored, as they are in what was started by nohup or in the background."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number in STOPPING:
        is_python = number == signal.SIGINT
        signal.signal(number, signal.default_int_handler if is_python else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("number", STOPPING)
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


@pytest.mark.usefixtures("handled")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_no_signal_is_lost_while_the_main_thread_begins_to_wait(number: signal.Signals) -> None:
    """The handler runs while the main thread holds the lock of the event that it waits for."""
    before, stop = signal.getsignal(number), threading.Event()

    with stopped_by_signals(stop):
        with stop._cond:  # type: ignore[attr-defined]
            signal.raise_signal(number)
        assert stop.wait(50)

    assert before is signal.getsignal(number)

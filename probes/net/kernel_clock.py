"""What the Linux kernel says of its own clock: offset and largest error (``adjtimex(2)``).

Whoever keeps the clock (chrony, ntpd, systemd-timesyncd, PTP) tells the kernel; the kernel lets
the largest error grow by 500 microseconds a second until it is told again, and marks the clock as
not synchronised when that passes 16 seconds. Reading needs no right.
"""

from __future__ import annotations

import ctypes
import os
import sys

from harness.model.instrument_record import ClockState

STA_UNSYNC, STA_NANO = 0x0040, 0x2000
TIME_ERROR = 5


class Timex(ctypes.Structure):
    """``struct timex`` up to the fields that are read; the rest is room that the kernel fills."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    )


def kernel_clock() -> ClockState:
    """The state of this machine's clock; with a problem where the kernel does not vouch for it."""
    if sys.platform != "linux":
        return ClockState(problem="only Linux is asked for it")
    timex = Timex()
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError) as error:
        return ClockState(problem=f"adjtimex is not there: {error}")
    if state < 0:
        return ClockState(problem=f"adjtimex failed: {os.strerror(ctypes.get_errno())}")
    return clock_state(state, timex.status, timex.offset, timex.maxerror)


def clock_state(state: int, status: int, offset: int, maxerror: int) -> ClockState:
    """A clock from what ``adjtimex`` returned; ``maxerror`` is in microseconds.

    ``offset`` is in nanoseconds if the status says so, else in microseconds. A largest error of
    exactly 0 is nobody's measurement: it only lasts until the kernel's next second.
    """
    if state == TIME_ERROR or status & STA_UNSYNC:
        return ClockState(
            problem="the clock is not synchronised; start chrony or another NTP client"
        )
    if maxerror <= 0:
        return ClockState(problem="the kernel was told no largest error of the clock")
    seconds = offset / (1e9 if status & STA_NANO else 1e6)
    return ClockState(offset=seconds, bound=abs(seconds) + maxerror / 1e6)

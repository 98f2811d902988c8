"""Other people's lines are read up to limits, and the message says how far that was."""

from __future__ import annotations

import io
from itertools import count

import pytest

from harness.errors import UsageError
from harness.interop.record import LineLimits, bounded_lines

LINES = b"a\nbb\nccc"


def read(limits: LineLimits, step: float = 0.0) -> tuple[list[bytes], str]:
    """What came, and the message where it ended too soon."""
    moments = count(0.0, step) if step else iter(lambda: 0.0, 1.0)
    came: list[bytes] = []
    try:
        came.extend(bounded_lines(io.BytesIO(LINES), "x", limits, lambda: next(moments)))
    except UsageError as error:
        return came, str(error)
    return came, ""


def test_within_the_limits_all_is_read() -> None:
    limits = LineLimits(line_bytes=3, total_bytes=8, rows=3, seconds=0)

    assert ([b"a\n", b"bb\n", b"ccc"], "") == read(limits)


@pytest.mark.parametrize(
    ("limits", "step", "came", "said"),
    [
        (LineLimits(line_bytes=2), 0, 1, "x:2: this line has more than 2 bytes; 1 lines and 2"),
        (LineLimits(total_bytes=7), 0, 2, "x:3: more than 7 bytes; 2 lines and 5 bytes were read"),
        (LineLimits(rows=1), 0, 1, "x:2: more than 1 lines; 1 lines and 2 bytes were read"),
        (LineLimits(seconds=1.5), 1, 1, "x:2: stopped after 1.5 seconds; 1 lines and 2 bytes"),
    ],
)
def test_each_limit_says_how_far_it_came(
    limits: LineLimits, step: float, came: int, said: str
) -> None:
    lines, message = read(limits, step)

    assert came == len(lines)
    assert message.startswith(said)


def test_a_line_is_never_read_far_beyond_its_limit() -> None:
    stream = io.BytesIO(b"a" * 1000)
    with pytest.raises(UsageError):
        list(bounded_lines(stream, "x", LineLimits(line_bytes=10)))

    assert 11 == stream.tell()

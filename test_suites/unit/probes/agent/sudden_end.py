"""Let everything that changes a disk fail from a moment on, as when a process is killed.

After that moment nothing works, so that no clean-up of the code under test takes place either.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock


class Killed(BaseException):
    """The process ended here."""


class _Countdown:
    """Counts changes of the disk; raises Killed at the last one, and at all after it."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def until_killed(self, real: Callable[..., Any], half: Callable[..., None]) -> Any:
        """The same change, of which ``half`` is made if the process ends there."""

        def change(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                half(*arguments)
            if self._left <= 0:
                raise Killed
            return real(*arguments, **named)

        return change

    def never_after(self, real: Callable[..., Any]) -> Any:
        """The same change, which is not counted, and not made after the end."""

        def change(*arguments: Any, **named: Any) -> Any:
            if self._left <= 0:
                raise Killed
            return real(*arguments, **named)

        return change


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """Raise Killed at the change of the disk with that number, and at all later ones.

    A copy that is interrupted leaves a half file, a removal that is interrupted half a folder.
    """
    countdown = _Countdown(step)
    places = [
        (Path, "rename", _nothing),
        (Path, "replace", _nothing),
        (Path, "mkdir", _nothing),
        (os, "fsync", _nothing),
        (shutil, "copyfileobj", _half_copy),
        (shutil, "rmtree", _half_removed),
    ]
    with ExitStack() as patched:
        for owner, name, half in places:
            change = countdown.until_killed(getattr(owner, name), half)
            patched.enter_context(mock.patch.object(owner, name, change))
        unlink = countdown.never_after(Path.unlink)
        patched.enter_context(mock.patch.object(Path, "unlink", unlink))
        yield


def _nothing(*_: Any) -> None:
    """Of a rename there is no half."""


def _half_copy(reading: Any, writing: Any, *_: Any) -> None:
    writing.write(reading.read()[:10])


def _half_removed(folder: Path, *_: Any) -> None:
    for path in sorted(Path(folder).glob("*"))[:1]:
        os.unlink(path)  # noqa: PTH108 - Path.unlink is replaced here

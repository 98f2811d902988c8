"""Keeps the details of an unexpected error in a file that only the user can read."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from harness.untrusted.passwords import without_passwords

STATE = "XDG_STATE_HOME"
"""The environment variable that names the folder for such files (XDG Base Directory 0.8)."""


def write_crash_log(error: BaseException) -> Path | None:
    """Write the traceback of ``error``; gives the file, or ``None`` where no folder takes one.

    The command line is left out, for it may hold a password.
    """
    now = datetime.now(UTC)
    text = "\n".join((
        f"isp-accredit {version('isp-accredit')}, Python {platform.python_version()}",
        f"{platform.platform()}, {now:%Y-%m-%dT%H:%M:%SZ}",
        without_passwords("".join(traceback.format_exception(error))),
    ))  # fmt: skip
    name = f"error-{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(folder / name, flags, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError:
            continue
        return folder / name
    return None


def _folders() -> tuple[Path, ...]:
    state = os.environ.get(STATE, "")
    own = Path(state) if Path(state).is_absolute() else Path.home() / ".local/state"
    return own / "accredit", Path(tempfile.gettempdir())

"""Run the command as a process: crash logs, standard streams, stop signals and exit codes.

Exit codes: 0 conforms, 1 does not conform, 2 wrong use, 3 insufficient, 4 instrument trouble or
an unexpected error, and 128 plus the number of the signal that stopped it. Python's own exit code
for an unexpected error is 1, which would mean "does not conform"; so every error is caught here and
reported.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import platform
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from harness import VERSION
from harness.cli.printing import say
from harness.errors import EXTRAS, PATH_ERRORS, HarnessError, InstrumentError
from harness.store.private_folder import state_folder
from harness.untrusted.passwords import without_passwords


def write_crash_log(error: BaseException) -> Path | None:
    """Write the traceback of ``error``; return the file, or ``None`` if no folder can be written.

    The command line is left out, because it may hold a password.
    """
    now = datetime.now(UTC)
    text = "\n".join((
        f"isp-accredit {VERSION}, Python {platform.python_version()}",
        f"{platform.platform()}, {now:%Y-%m-%dT%H:%M:%SZ}",
        without_passwords("".join(traceback.format_exception(error))),
    ))  # fmt: skip
    name = f"error-{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    for folder in _log_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(folder / name, flags, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError:
            continue
        return folder / name
    return None


def _log_folders() -> tuple[Path, ...]:
    return state_folder(), Path(tempfile.gettempdir())


STDOUT, STDERR = 1, 2


class _Output(io.FileIO):
    """A standard stream that drops output it cannot write, and keeps the reason."""

    reason: OSError | None = None
    """Why output was dropped; ``None`` if the reader of a pipe closed it, which is no error."""

    def write(self, text: Any, /) -> Any:
        """Write or drop the text; the command continues in both cases."""
        try:
            return super().write(text)
        except BrokenPipeError:
            _redirect_to_null(self.fileno())
        except OSError as error:
            self.reason = error
            _redirect_to_null(self.fileno())
        return memoryview(text).nbytes


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Replace the process's standard streams while the context lasts; those of a test stay."""
    for number in (0, STDOUT, STDERR):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    before = sys.stdout, sys.stderr
    if sys.stdout is sys.__stdout__:
        sys.stdout = _guarded(STDOUT)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _guarded(STDERR)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def flush_output() -> None:
    """Flush standard output. Raises InstrumentError if some of it was dropped."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Output) and raw.reason:
        msg = (
            f"cannot write standard output: {raw.reason.strerror}; write it elsewhere and run again"
        )
        raise InstrumentError(msg)


def print_error(message: str) -> None:
    """Print an error on standard error, one line for each line of the message."""
    say(*(f"accredit: {line}" for line in message.split("\n")), to_stderr=True)


def _guarded(number: int) -> io.TextIOWrapper:
    """A stream in the terminal's encoding; characters that it lacks are escaped."""
    raw = _Output(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=output_encoding(),
        errors="backslashreplace",
        line_buffering=raw.isatty() or number == STDERR,
    )


C_LOCALES = frozenset({"C", "POSIX"})
UTF_8_BY_COERCION = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})
"""What Python sets as LC_CTYPE where the locale is C (PEP 538)."""


def output_encoding() -> str:
    """The encoding of the terminal: ASCII in the locale C, else what Python found.

    Python writes UTF-8 in that locale (PEP 538 and 540), although nothing says that the terminal
    can show it. ``PYTHONIOENCODING`` and ``PYTHONUTF8`` are obeyed.
    """
    environment = os.environ
    found = getattr(sys.__stdout__, "encoding", None) or "utf-8"
    if environment.get("PYTHONIOENCODING") or environment.get("PYTHONUTF8"):
        return found
    kind, general = environment.get("LC_CTYPE", ""), environment.get("LANG", "")
    if kind in UTF_8_BY_COERCION and general in C_LOCALES:
        kind = ""
    locale = environment.get("LC_ALL", "") or kind or general
    return "ascii" if locale in C_LOCALES else found


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _redirect_to_null(number: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


STOP_SIGNALS = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


class StopSignals:
    """Record which signal stopped the command; a context manager, effective in the main thread."""

    def __init__(self) -> None:
        self._received: signal.Signals | None = None
        self._before: list[tuple[signal.Signals, signal.Handlers]] = []

    @property
    def name(self) -> str:
        """The signal's name, as a person knows it."""
        received = self._received or signal.SIGINT
        return "Ctrl-C (SIGINT)" if received is signal.SIGINT else received.name

    @property
    def exit_code(self) -> int:
        """The exit code that shells expect after this signal."""
        return 128 + (self._received or signal.SIGINT)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for each in STOP_SIGNALS:
                before = signal.getsignal(each)
                if before is not signal.SIG_IGN:  # as under nohup
                    self._before.append((each, before))  # type: ignore[arg-type]  # a handler
                    signal.signal(each, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each, before in self._before:
            signal.signal(each, before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._received = signal.Signals(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts it with "&"
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)


WRONG_USE, TROUBLE = 2, 4

SYSTEM_ERRORS = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
    errno.EMFILE, errno.ENFILE, errno.ENOMEM,
})  # fmt: skip
"""Errors of the system rather than ours: no space, no permission, too many open files."""


def run() -> None:
    """Run the command line of this process and exit with its code.

    The last garbage collection, which would visit every object only to end, is avoided; it takes a
    sixth of a short command.
    """
    code = exit_code_of(_commands)
    gc.freeze()
    sys.exit(code)


def exit_code_of(command: Callable[[], int]) -> int:
    """Run ``command``, which returns an exit code or raises, and return the exit code.

    An exception becomes a message on standard error, one line for each fault.
    """
    with guarded_streams(), StopSignals() as stops:
        try:
            code = command()
            flush_output()
        except KeyboardInterrupt:
            print_error(f"stopped by {stops.name}")
            code = stops.exit_code
        except BaseException as error:  # noqa: BLE001 - whatever it is, it must not exit with 1
            code = _report_error(_single_error(error), stops)
        return code


def _commands() -> int:
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"isp-accredit {VERSION}\n")
        return 0
    if page := kept_help(sys.argv[1:]):
        sys.stdout.write(page)
        return 0
    from harness.cli.main import invoke  # noqa: PLC0415 - a failing import is explained as well

    return invoke(sys.argv[1:])


HELP = Path(__file__).parent / "help.md"
"""The help of every command as its code says it; a test compares the two."""
HELP_WIDTH = 80
"""Columns; no wider terminal gets wider help."""


def kept_help(words: Sequence[str]) -> str:
    """What ``accredit COMMAND --help`` prints, without importing the command.

    Empty where other words are given, or the terminal has less than 80 columns: then the command
    itself lays out its help.
    """
    is_asked = words[-1:] in (["-h"], ["--help"]) and "TERMINAL_WIDTH" not in os.environ
    if not is_asked or shutil.get_terminal_size().columns < HELP_WIDTH:
        return ""
    heading = " ".join(("\n## accredit", *words[:-1]))
    _, _, page = HELP.read_text(encoding="utf-8").partition(f"{heading}\n\n```text\n")
    return page.partition("```\n")[0]


def _report_error(error: BaseException, stops: StopSignals) -> int:
    """Print what went wrong and return the exit code."""
    if isinstance(error, HarnessError):
        print_error(str(error))
        return stops.exit_code if error.is_stop else error.exit_code
    if isinstance(error, ModuleNotFoundError):
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is not None:
            print_error(f"this verb needs {error.name!r}: pip install 'isp-accredit[{extra}]'")
            return WRONG_USE
    if isinstance(error, OSError) and error.errno in SYSTEM_ERRORS:
        where = f"{error.filename}: " if error.filename else ""
        print_error(f"{where}{error.strerror or error}; fix this and run the command again")
        return TROUBLE
    if isinstance(error, OSError) and error.errno in PATH_ERRORS and error.filename:
        print_error(f"{error.filename}: {error.strerror}; give another path")
        return WRONG_USE
    print_error(unexpected_message(error))
    return TROUBLE


def unexpected_message(error: BaseException) -> str:
    """One line on an unexpected error; the traceback is written to a file that it names."""
    summary = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    log = write_crash_log(error)
    details = f"details: {log}" if log else "the details could not be written to any folder"
    return f"unexpected error in accredit, not in the service: {summary}; {details}"


def _single_error(error: BaseException) -> BaseException:
    """The only error of an exception group, else the error itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    run()

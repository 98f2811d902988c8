"""Write files atomically: a crash leaves the old content or the new, never a mixture."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from harness.errors import PATH_ERRORS, HarnessError, InstrumentError, UsageError


def write_all(descriptor: int, text: bytes) -> None:
    """Write every byte and wait until they are on the disk. Raises OSError (a full disk)."""
    view = memoryview(text)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


PRIVATE = 0o600
"""The mode of files that only the user can read: journals, assessments and reports."""


def write_whole(path: Path, text: bytes, mode: int = 0o644) -> None:
    """Write ``text`` to ``path`` through a temporary file and a rename. Raises OSError.

    Returns when both the bytes and the name are on the disk.
    """
    target, temporary = _places(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        write_all(descriptor, text)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    sync_folder(target.parent)


def write_new(path: Path, content: bytes) -> None:
    """Write a new file that only the user can read, whole or not at all.

    Raises FileExistsError if there is something at the path, which stays as it is; else OSError, or
    UsageError for a device.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "File exists", str(path))
    target, temporary = _places(path)
    temporary.unlink(missing_ok=True)  # of a process that was killed
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(descriptor, content)
        _rename_to_new(temporary, target)
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def _rename_to_new(temporary: Path, target: Path) -> None:
    """Give a file its name. Raises FileExistsError if somebody else took it meanwhile."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        temporary.replace(target)


def sync_file(path: Path) -> None:
    """Wait until a file that another library wrote is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(directory: Path) -> None:
    """Wait until the names in ``directory`` are on the disk; only then is a rename durable."""
    sync_file(directory)


def write_whole_unsynced(path: Path, text: bytes) -> None:
    """Like ``write_whole``, but without waiting for the disk. Raises OSError.

    The file survives the end of the process but not a power cut: for data that can be checked and
    made again. Only the user can read it.
    """
    target, temporary = _places(path)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(text)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_document(path: Path, content: bytes, mode: int = 0o644) -> Path:
    """Write ``content`` to ``path``; an existing file stays if writing fails.

    The file has ``mode`` afterwards, whatever an existing one had.

    Raises UsageError where the path cannot be that of a file, else InstrumentError, with the
    system's reason.
    """
    try:
        make_folder(path.parent)
        write_whole(path, content, mode)
    except OSError as error:
        raise _not_written(path, error) from None
    return path


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write ``lines`` one by one; an existing file stays until the last one is written.

    Returns their number. Raises as ``write_document`` does.
    """
    written = 0
    try:
        make_folder(path.parent)
        target, temporary = _places(path)
    except OSError as error:
        raise _not_written(path, error) from None
    try:
        with temporary.open("wb") as file:
            for line in lines:
                file.write(line + b"\n")
                written += 1
        sync_file(temporary)
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise _not_written(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)
    return written


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, if they are missing. Raises OSError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(folder)) from None


def _places(path: Path) -> tuple[Path, Path]:
    """The file to replace, which is what a link leads to, and the temporary file beside it.

    Raises IsADirectoryError for an empty path, or ``/``, OSError for a circular link, and
    UsageError for a device, a pipe, or the output of this process (``/dev/stdout``), which a rename
    would remove or cut off.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if not target.name:
        raise IsADirectoryError(errno.EISDIR, "Is a directory", str(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    is_other = path.exists() and not (path.is_file() or path.is_dir())
    top = path.absolute().parts[1:3]
    is_special = top[:1] in (("dev",), ("proc",)) and top != ("dev", "shm")  # files in memory
    if is_other or is_special:
        raise UsageError(f"{path}: is not a regular file; give another path")
    return target, target.with_name(f"{target.name}.{os.getpid()}.tmp")


def _not_written(path: Path, error: OSError) -> HarnessError:
    """The error to raise where the system refuses to write a file."""
    msg = f"{path}: cannot be written: {error.strerror or error}"
    if error.errno in PATH_ERRORS:
        return UsageError(f"{msg}; give another path")
    return InstrumentError(msg)

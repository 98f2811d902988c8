"""``accredit hub backup``: write everything that a hub is into one file, while it may be serving.

The registry is read first, at one moment, and the files after it. Whatever the registry names at
that moment was on the disk before it was recorded, and files are only added: so everything that
the backup's registry names is in the backup. A file that came later is merely not named yet.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from harness import VERSION
from harness.cli.hub_backup_files import UPKEEP, HubFiles
from harness.cli.hub_file import read_hub, read_keys
from harness.cli.long_running import alone_in
from harness.cli.printing import say, warn
from harness.errors import InstrumentError, UsageError
from harness.ports.storage import Clock, WallClock
from harness.store.atomic_write import sync_folder

if TYPE_CHECKING:
    from harness.store.backup_archive import ArchiveWriter, BackupManifest
    from harness.store.hub.table_copy import RegistryCopy
    from harness.store.registry.streams import Registry

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""

NAMED = "accredit-hub-{at:%Y%m%dT%H%M%SZ}.tar"
OWN_NAME = re.compile(r"accredit-hub-\d{8}T\d{6}Z\.tar", re.ASCII)
"""The names of archives in a folder, by their time in UTC; only these are removed by ``--keep``."""

EMPTY = "nothing was backed up: is ACCREDIT_DATABASE_URL set as for 'accredit serve'?"

PARTIAL = ".partial"


def backup_command(
    out: Annotated[
        Path, typer.Option("--out", help="The new file, or a folder for files named by time.")
    ],
    hub: Annotated[Path, typer.Option("--hub", help="The folder of the hub.")] = Path("hub"),
    keep: Annotated[
        int, typer.Option(min=0, help="In a folder: keep only so many backups; 0 keeps all.")
    ] = 0,
) -> None:
    """Write a backup: registry, results, monitoring files and keys. The hub may be serving."""
    if keep and not out.is_dir():
        msg = f"{out}: --keep is for a folder of backups"
        raise UsageError(msg)
    path = out / NAMED.format(at=clock.now()) if out.is_dir() else out
    manifest = back_up(hub, path, clock)
    removed = _remove_old(out, keep) if keep else 0
    say(
        f"{path}: {manifest.members:,} files, {manifest.size:,} bytes, "
        f"{sum(head.events for head in manifest.streams):,} events",
        *([f"removed {removed} older backups"] if removed else []),
    )
    warn(f"{path} holds the private keys of the hub: keep it as safe as them")


def back_up(folder: Path, path: Path, clock: Clock) -> BackupManifest:
    """Write the backup of a hub to a new file, whole or not at all; return what it holds.

    Raises UsageError, InstrumentError.
    """
    from harness.store.backup_archive import ArchiveWriter  # noqa: PLC0415 - keep the start light
    from harness.store.hub.table_copy import snapshot  # noqa: PLC0415 - sqlalchemy is heavy

    hub = read_hub(folder)
    files = HubFiles(hub, warn)
    files.require_elsewhere(path)
    with (
        alone_in(folder / UPKEEP),
        _new_file(path) as stream,
        tempfile.TemporaryFile(dir=path.parent) as listing,
    ):
        writer = ArchiveWriter(stream, listing)
        with (
            _opened(hub.registry) as registry,
            snapshot(registry, path.with_name(f"{path.name}.registry{PARTIAL}")) as copy,
        ):
            _require_something(copy, registry.where)
            manifest = _add_rows(writer, copy, clock.now(), files, folder)
        for name, source in files:
            if not writer.add_file(name, source):
                warn(f"{source}: was removed meanwhile; it is not in the backup")
        return writer.finish(manifest)


def _opened(where: Path | str) -> Registry:
    """The registry of a hub. Raises UsageError if there is none: a backup makes none."""
    from harness.store.registry.opening import (  # noqa: PLC0415 - sqlalchemy is heavy
        NoRegistry,
        open_registry,
    )

    try:
        open_registry(where).close()
    except NoRegistry as error:
        raise UsageError(f"{str(error).partition(';')[0]}; {EMPTY}") from None
    return open_registry(where, create=True)  # which brings its tables up to date


def _require_something(copy: RegistryCopy, where: str) -> None:
    """Raise UsageError for a registry without a row."""
    if not any(copy.counts().values()):
        raise UsageError(f"{where}: the registry is empty; {EMPTY}")


def _add_rows(
    writer: ArchiveWriter, copy: RegistryCopy, now: datetime, files: HubFiles, folder: Path
) -> BackupManifest:
    """Write the rows of all tables; return the manifest as far as it is known then."""
    from harness.store.backup_archive import FORMAT, BackupManifest  # noqa: PLC0415 - as above

    counts = copy.counts()
    for name in counts:
        for number, rows in enumerate(copy.rows(name), 1):
            writer.add(f"registry/{name}/{number:06}.jsonl", rows, now)
    return BackupManifest(
        format=FORMAT,
        made=now,
        version=VERSION,
        schema=copy.schema,
        hub=read_keys(folder).public.id,
        monitoring=files.monitoring,
        named=files.named,
        tables=counts,
        streams=copy.heads(),
    )


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that only the user can read, and that gets its name once it is whole.

    What a process that was killed left is written over. Raises UsageError, InstrumentError.
    """
    if os.path.lexists(path):
        msg = f"{path}: exists already; a backup is written to a new file"
        raise UsageError(msg)
    partial = path.with_name(path.name + PARTIAL)
    partial.unlink(missing_ok=True)
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
            sync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path}: the backup cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from None


def _remove_old(folder: Path, keep: int) -> int:
    """Remove all but the newest backups of a folder; return how many."""
    named = (path for path in folder.iterdir() if OWN_NAME.fullmatch(path.name))
    old = sorted(named, key=lambda path: path.name)[:-keep]
    for path in old:
        path.unlink()
    return len(old)

"""``accredit hub restore``: make a hub again from its backup, in a new folder.

Everything is unpacked and verified in a folder beside the new one, which then gets its name: an
interrupted restore leaves no hub. Nobody is signed in afterwards; accounts and tokens are kept.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer
from ruamel.yaml import YAML

from harness.cli.hub_file import FILE, read_hub
from harness.cli.paths import CampaignPaths, chosen_registry
from harness.cli.printing import say
from harness.errors import InstrumentError, UsageError
from harness.store.atomic_write import sync_folder, write_whole
from harness.store.private_folder import WriterLock, make_private
from harness.untrusted.passwords import is_database
from harness.untrusted.regular_file import open_regular

if TYPE_CHECKING:
    from harness.store.backup_archive import BackupManifest, Member, Readable
    from harness.store.hub.table_copy import RowLoader

PLACES = ("hub", "files", "results", "named", "registry")
"""The folders in a backup."""

ROWS = "registry"
MOST_ROWS = 256 * 1024 * 1024
"""The most bytes of rows in one file of a backup."""

SUFFIX = ".restoring"


def restore_command(
    backup: Annotated[Path, typer.Argument(help="The file that 'hub backup' wrote.")],
    to: Annotated[Path, typer.Option("--to", help="The new folder.")],
    registry: Annotated[
        str, typer.Option(help="PostgreSQL: the URL of an empty database; default: a file.")
    ] = "",
) -> None:
    """Restore a hub into a new folder. Start it with: accredit serve --hub DIR/hub."""
    manifest, where = restore(backup, to, registry)
    events = sum(head.events for head in manifest.streams)
    say(
        f"{to}: restored the hub of {manifest.made:%Y-%m-%d %H:%M} UTC: "
        f"{manifest.members:,} files, {events:,} events in {len(manifest.streams)} streams",
        f"registry: {where}",
        "everybody has to sign in again",
    )


def restore(backup: Path, to: Path, registry: str = "") -> tuple[BackupManifest, str]:
    """Restore a backup; return what it holds, and where the registry is.

    Raises UsageError for a file that is no backup or was damaged, and for a folder or a database
    that holds something; InstrumentError for trouble with the disk.
    """
    from harness.store.hub.table_copy import loading  # noqa: PLC0415 - sqlalchemy is heavy
    from harness.store.registry.opening import open_registry  # noqa: PLC0415 - the same

    where = _registry_at(registry, to / "results")
    _require_new(to)
    with _beside(to) as partial:
        manifest = _unpack(backup, partial)
        _rewrite(partial, manifest)
        is_file = not is_database(where)
        target = partial / "results/registry.sqlite" if is_file else where
        with open_registry(target, create=True) as opened, _taken_back(partial, to):
            with loading(opened, str(backup)) as loader:
                _load(loader, partial / ROWS, manifest, str(backup))
                shutil.rmtree(partial / ROWS, ignore_errors=True)
                if not is_file:  # before the database is changed for good
                    _place(partial, to)
            shown = str(to / "results/registry.sqlite") if is_file else opened.where
        if is_file:
            _place(partial, to)
    return manifest, shown


def _registry_at(named: str, results: Path) -> str:
    """Where the registry goes. Raises UsageError for a file elsewhere."""
    held = chosen_registry(named, results)
    if (
        not is_database(str(held))
        and Path(held) != CampaignPaths(out=results, campaign="").registry
    ):
        msg = f"{held}: a file of SQLite goes to the restored results; name only a database URL"
        raise UsageError(msg)
    if not is_database(str(held)) and Path(held) != results / "registry.sqlite":
        msg = f"the environment names the registry {held}; unset that to restore into a file"
        raise UsageError(msg)
    return str(held)


def _require_new(folder: Path) -> None:
    """Raise UsageError unless a folder is absent or empty."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        msg = f"{folder}: is not empty; restore into a new folder"
        raise UsageError(msg)
    if not folder.resolve().parent.is_dir():
        msg = f"{folder}: the folder above it does not exist"
        raise UsageError(msg)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A private folder beside the new one, which is removed unless it gets that name.

    What an interrupted restore left there is removed first. Raises InstrumentError.
    """
    partial = folder.resolve().with_name(folder.resolve().name + SUFFIX)
    try:
        make_private(partial)
        lock = WriterLock(partial)
        lock.take()
        try:
            for path in partial.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif not path.name.startswith("lock"):
                    path.unlink()
            yield partial
        finally:
            lock.release()
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        msg = f"{folder}: cannot be restored here: {error.strerror or error}"
        raise InstrumentError(msg) from None


def _place(partial: Path, folder: Path) -> None:
    for name in ("lock", "lock.pid"):
        (partial / name).unlink(missing_ok=True)
    if hasattr(os, "sync"):  # one wait for the disk, in place of one for each file
        os.sync()
    partial.rename(folder.resolve())  # an empty folder is replaced
    sync_folder(folder.resolve().parent)


@contextmanager
def _taken_back(partial: Path, folder: Path) -> Iterator[None]:
    """Take the name of the new folder back if an error occurs, as where rows are not committed."""
    try:
        yield
    except BaseException:
        if not partial.exists():
            folder.resolve().rename(partial)
        raise


def _unpack(backup: Path, folder: Path) -> BackupManifest:
    """Write the files of a backup below a folder, and verify all. Raises UsageError, OSError."""
    from harness.store.backup_archive import BackupManifest, read_archive  # noqa: PLC0415 - light

    try:
        stream = open_regular(backup)
    except OSError as error:
        raise UsageError(f"{backup}: {error.strerror or error}") from None
    with stream:
        for each in read_archive(stream, str(backup)):
            if isinstance(each, BackupManifest):
                return _checked(each, backup)
            _write(folder, each, backup)
    raise UsageError(f"{backup}: not a backup, or damaged: it is cut off")


def _write(folder: Path, member: Member, backup: Path) -> None:
    if member.name.partition("/")[0] not in PLACES or "/" not in member.name:
        msg = f"{backup}: not a backup, or damaged: {member.name[:200]!r} belongs to none"
        raise UsageError(msg)
    path = folder / member.name
    for parent in reversed(path.relative_to(folder).parents):
        (folder / parent).mkdir(mode=0o700, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        msg = f"{backup}: not a backup, or damaged: {member.name[:200]!r} is in it twice"
        raise UsageError(msg) from None
    with os.fdopen(descriptor, "wb") as file:
        _copy(member.content, file)
    os.utime(path, (member.mtime, member.mtime))


def _copy(source: Readable, target: IO[bytes]) -> None:
    while chunk := source.read(1024 * 1024):
        target.write(chunk)


def _checked(manifest: BackupManifest, backup: Path) -> BackupManifest:
    """A manifest that this version can restore. Raises UsageError."""
    from harness.store.registry.opening import SCHEMA  # noqa: PLC0415 - sqlalchemy is heavy

    if manifest.schema != SCHEMA:
        msg = (
            f"{backup}: its registry has tables of version {manifest.schema!r}, and this Accredit "
            f"{SCHEMA!r}; restore it with Accredit {manifest.version}, then migrate"
        )
        raise UsageError(msg)
    return manifest


def _load(loader: RowLoader, rows: Path, manifest: BackupManifest, backup: str) -> None:
    """Write the rows, and compare them with the manifest. Raises UsageError."""
    for name in manifest.tables:
        folder = rows / name
        if name != Path(name).name or not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.stat().st_size > MOST_ROWS:
                raise UsageError(f"{backup}: {name}/{path.name} is too large")
            loader.load(name, path.read_bytes())
    heads = loader.finish()
    counts = {name: number for name, number in loader.counts.items() if number}
    expected = {name: number for name, number in manifest.tables.items() if number}
    if counts != expected or heads != tuple(sorted(manifest.streams, key=lambda one: one.stream)):
        raise UsageError(f"{backup}: its rows are not those that its manifest names")


def _rewrite(folder: Path, manifest: BackupManifest) -> None:
    """Let hub.yaml name the files where they are now. Raises UsageError."""
    path = folder / "hub" / FILE
    read_hub(folder / "hub")  # faults are told with their lines
    yaml = YAML()
    yaml.width = 1000
    document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"))
    _rename(document, {old: f"../{new}" for old, new in manifest.named.items()})
    document["monitoring"] = f"../{manifest.monitoring}"
    document["out"] = "../results"
    text = StringIO()
    yaml.dump(document, text)
    write_whole(path, text.getvalue().encode(), mode=0o600)
    (folder / "results").mkdir(mode=0o700, exist_ok=True)


def _rename(value: Any, names: dict[str, str]) -> None:
    """Replace texts in a document of YAML."""
    places = value.items() if isinstance(value, dict) else enumerate(value)
    for place, each in list(places):
        if isinstance(each, str):
            value[place] = names.get(each, each)
        elif isinstance(each, dict | list):
            _rename(each, names)

"""Check before the first packet what a command needs after it: folders, space, the registry.

A campaign may take hours; what would stop it at the end is found here, with exit code 2.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from harness.campaign.assemble import Prepared
from harness.cli.paths import CampaignPaths
from harness.errors import UsageError
from harness.model.batch import ways
from harness.model.service_declaration import Service
from harness.ports.storage import Clock, WallClock
from harness.store.private_folder import make_private

BYTES_PER_ATTEMPT = 1024
"""Space that an attempt may need: its observation, its share of the evidence and of the report.

The demo needs about 350 bytes for each.
"""
SPARE_BYTES = 16 * 1024 * 1024
"""Space for the report, the registry and what is written once."""


def require_writable(paths: CampaignPaths, prepared: Prepared) -> None:
    """Raise UsageError if a campaign's results cannot be written, or do not fit on the disk."""
    home = paths.home
    try:
        make_private(home)
        for folder in (home, paths.journal, paths.evidence, paths.verdicts):
            if folder.is_dir():
                with tempfile.TemporaryFile(dir=folder):
                    pass
        for file in (*home.glob("assessment-*.json"), *home.glob("report-*")):
            _require_writable_file(file)
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE}:
            return  # measuring copes with few open files
        where = error.filename or home
        raise UsageError(_unwritable(Path(where), error)) from None
    attempts = len(prepared.items) * sum(1 + len(way.lines) for way in ways(prepared.campaign))
    written = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    needed = SPARE_BYTES + max(0, attempts * BYTES_PER_ATTEMPT - written)
    free = shutil.disk_usage(home).free
    if free < needed:
        msg = (
            f"{home}: {_mebibytes(free)} are free, and this campaign may need "
            f"{_mebibytes(needed)}; free some space, or choose another --out"
        )
        raise UsageError(msg)


def require_registry(paths: CampaignPaths, service: Service, clock: Clock | None = None) -> None:
    """Raise UsageError if the registry cannot take the events that follow from a campaign.

    Raises ModuleNotFoundError if its database needs an extra, and InstrumentError if it was
    changed. The registry is made if there is none.
    """
    from harness.cli.registry_session import current_user, place_of  # noqa: PLC0415 - keep it light
    from harness.model.event import StreamOpened  # noqa: PLC0415 - the same
    from harness.model.event_times import require_times  # noqa: PLC0415 - the same
    from harness.model.registry_record import Service as ServiceRecord  # noqa: PLC0415 - the same
    from harness.model.registry_record import require_valid  # noqa: PLC0415 - the same
    from harness.store.registry.opening import open_registry  # noqa: PLC0415 - sqlalchemy is heavy

    where, now = paths.registry, (clock or WallClock()).now()
    place = place_of(service.supplier, service.name)
    require_valid(ServiceRecord(id=service.name))
    try:
        with open_registry(where, create=True) as registry, registry.writing(place.stream) as held:
            opened = StreamOpened(at=now, actor=current_user(), name=place.name)
            require_times(held.head, [opened], now)
            if held.head is None:  # so that the first assessment can print a head
                held.append(opened)
        if isinstance(where, Path):
            _require_writable_file(where)
    except OSError as error:
        raise UsageError(_unwritable(Path(where), error)) from None


def _require_writable_file(path: Path) -> None:
    """Raise OSError if a file exists that cannot be written."""
    if path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


def _unwritable(where: Path, error: OSError) -> str:
    return f"{where}: cannot be written: {error.strerror or error}; choose another --out"


def _mebibytes(count: int) -> str:
    return f"{count / 1024 / 1024:,.1f} MiB"


def set_aside(paths: CampaignPaths, clock: Clock | None = None) -> Path | None:
    """Rename the folder of a campaign, so that it is measured anew; None if there is none.

    Nothing is deleted: the new name ends with the time. Raises UsageError if it cannot be renamed.
    """
    if not paths.home.exists():
        return None
    kept = paths.home.with_name(
        f"{paths.campaign}-until-{(clock or WallClock()).now():%Y%m%dT%H%M%SZ}"
    )
    try:
        paths.home.rename(kept)
    except OSError as error:
        raise UsageError(_unwritable(paths.home, error)) from None
    return kept

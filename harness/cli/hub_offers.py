"""The version of the software that a hub offers to its agents: keep it, and read its parts."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.fleet.messages import PART_BYTES, FetchPart, FilePart, Update
from harness.store.atomic_write import write_whole
from harness.store.private_folder import make_private
from harness.untrusted.regular_file import open_regular, read_bounded

WHEEL = re.compile(r"isp_accredit-([A-Za-z0-9.!+]{1,60})-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-\w+\.whl")
MOST_WHEEL = 256 * 1024 * 1024
OFFER = "offer.json"
_OFFERS = msgspec.json.Decoder(Update)


class Offers:
    """The offered wheel in the folder of a hub; an earlier one stays for agents that fetch it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def offer(self, wheel: Path, *, is_required: bool) -> Update:
        """Offer a wheel from now on. Raises UsageError if it is none of Accredit."""
        named = WHEEL.fullmatch(wheel.name)
        if named is None:
            msg = f"{wheel}: not a wheel of Accredit: isp_accredit-VERSION-py3-none-any.whl"
            raise UsageError(msg)
        try:
            content = read_bounded(wheel, MOST_WHEEL)
        except OSError as error:
            msg = f"{wheel}: {error.strerror or error}"
            raise UsageError(msg) from None
        _require_version(wheel, named[1])
        digest = hashlib.sha256(content).hexdigest()
        update = Update(version=named[1], sha256=digest, size=len(content), is_required=is_required)
        make_private(self._folder)
        write_whole(self._folder / f"{digest}.whl", content, mode=0o600)
        write_whole(self._folder / OFFER, msgspec.json.encode(update) + b"\n", mode=0o600)
        return update

    def withdraw(self) -> bool:
        """Offer nothing from now on; return whether something was offered."""
        is_offered = (self._folder / OFFER).exists()
        (self._folder / OFFER).unlink(missing_ok=True)
        return is_offered

    def offered(self) -> Update | None:
        """What is offered now."""
        try:
            return _OFFERS.decode(read_bounded(self._folder / OFFER, PART_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            msg = f"{self._folder / OFFER}: cannot be read: {error}"
            raise UsageError(msg) from None

    def part(self, asked: FetchPart) -> FilePart | None:
        """A part of a wheel; ``None`` if there is no such wheel."""
        path = self._folder / f"{asked.sha256}.whl"
        if not path.is_file():
            return None
        size = path.stat().st_size
        with open_regular(path) as stream:
            stream.seek(min(asked.offset, size))
            data = stream.read(PART_BYTES)
        return FilePart(sha256=asked.sha256, offset=asked.offset, size=size, data=data)


def _require_version(wheel: Path, version: str) -> None:
    """Raise UsageError for a wheel whose metadata is not of Accredit in that version."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            lines = archive.read(f"isp_accredit-{version}.dist-info/METADATA").decode().splitlines()
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        msg = f"{wheel}: not a wheel: {error}"
        raise UsageError(msg) from None
    head = lines[: lines.index("")] if "" in lines else lines
    if "Name: isp-accredit" not in head or f"Version: {version}" not in head:
        msg = f"{wheel}: its metadata names another project or version"
        raise UsageError(msg)

"""Read and write the file that describes a canary origin to a campaign.

``accredit range up`` and ``accredit origin init`` write it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from harness.errors import UsageError
from harness.ports.network import Origin
from harness.untrusted.regular_file import read_bounded

LIMIT_BYTES = 1024 * 1024

Port = Annotated[int, Meta(ge=1, le=65535)]


class OriginFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The format of the file: JSON, with the marker key in hexadecimal digits.

    ``authority`` is empty if public authorities have certified the origin.
    """

    zone: str
    resolver: str
    ports: dict[str, Port]
    authority: str
    key: Annotated[str, Meta(pattern="^[0-9a-f]{32,128}$")]
    address: str = "127.0.0.1"
    log: str = ""
    services: dict[str, Any] = {}
    twin_zone: str = ""


def read_origin(path: Path) -> Origin:
    """Read an origin file. Raises UsageError with the reason if it is missing or wrong."""
    try:
        declared = msgspec.json.decode(read_bounded(path, LIMIT_BYTES), type=OriginFile)
    except FileNotFoundError:
        msg = f"{path}: no such origin file; start an origin with 'accredit range up --out {path}'"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{path}: not an origin file: {error.strerror or error}"
        raise UsageError(msg) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path}: not an origin file: {error}"
        raise UsageError(msg) from None
    return Origin(
        zone=declared.zone,
        resolver=declared.resolver,
        ports={int(port): real for port, real in declared.ports.items()},
        authority=str(path.parent / declared.authority) if declared.authority else "",
        key=bytes.fromhex(declared.key),
        address=declared.address,
        log=str(path.parent / declared.log) if declared.log else "",
        services=declared.services,
        twin_zone=declared.twin_zone,
    )


def write_origin(origin: Origin, path: Path) -> None:
    """Write an origin file, readable by its owner only because it holds the marker key.

    The file is replaced at once, so a process that waits for it never reads a part.
    """
    declared = OriginFile(
        zone=origin.zone,
        resolver=origin.resolver,
        ports={str(port): real for port, real in origin.ports.items()},
        authority=origin.authority,
        key=origin.key.hex(),
        address=origin.address,
        log=origin.log,
        services=origin.services,
        twin_zone=origin.twin_zone,
    )
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(declared), indent=2) + b"\n")
    unfinished.replace(path)

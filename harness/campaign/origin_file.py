"""Read and write the file that describes a canary origin to a campaign.

``accredit range up`` and ``accredit origin init`` write it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from harness.errors import UsageError
from harness.model.origin_zone import OriginZone
from harness.ports.network import Origin
from harness.untrusted.regular_file import read_bounded

LIMIT_BYTES = 1024 * 1024

LOOPBACK = "127.0.0.1"

Port = Annotated[int, Meta(ge=1, le=65535)]


class OriginFile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The format of the file: JSON, with the marker key in hexadecimal digits.

    ``authority`` is empty if public authorities have certified the origin. A public origin names
    its ``zones`` and the zone of its plain ``twins``; the range ``zone``, ``address``,
    ``address_6`` (IPv6, if it listens there) and ``twin_zone``.
    """

    zone: str = ""
    resolver: str
    ports: dict[str, Port]
    authority: str
    key: Annotated[str, Meta(pattern="^[0-9a-f]{32,128}$")]
    address: str = ""
    address_6: str = ""
    log: str = ""
    services: dict[str, Any] = {}
    twin_zone: str = ""
    zones: tuple[OriginZone, ...] = ()
    twins: OriginZone | None = None


_ORIGINS = msgspec.json.Decoder(OriginFile)


def read_origin(path: Path) -> Origin:
    """Read an origin file. Raises UsageError with the reason if it is missing or wrong."""
    try:
        declared = _ORIGINS.decode(read_bounded(path, LIMIT_BYTES))
    except FileNotFoundError:
        msg = (
            f"{path}: no such origin file; 'accredit origin init' writes one, and so does "
            "'accredit range up'"
        )
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{path}: not an origin file: {error.strerror or error}"
        raise UsageError(msg) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path}: not an origin file: {error}"
        raise UsageError(msg) from None
    first = _first_zone(declared, path)
    return Origin(
        zone=first.zone,
        resolver=declared.resolver,
        ports={int(port): real for port, real in declared.ports.items()},
        authority=str(path.parent / declared.authority) if declared.authority else "",
        key=bytes.fromhex(declared.key),
        address=first.addresses[0],
        address_6=declared.address_6,
        log=str(path.parent / declared.log) if declared.log else "",
        services=declared.services,
        twin_zone=declared.twins.zone if declared.twins else declared.twin_zone,
        zones=declared.zones,
        twins=declared.twins,
    )


def _first_zone(declared: OriginFile, path: Path) -> OriginZone:
    """Return the first zone. Raises UsageError if there is none, or one without an address."""
    zones = declared.zones or (
        OriginZone(zone=declared.zone, addresses=(declared.address or LOOPBACK,)),
    )
    named = (*zones, declared.twins) if declared.twins else zones
    for zone in named:
        if not zone.zone or not zone.addresses:
            msg = f"{path}: not an origin file: each of its zones needs a name and an address"
            raise UsageError(msg)
    return zones[0]


def write_origin(origin: Origin, path: Path) -> None:
    """Write an origin file, readable by its owner only because it holds the marker key.

    The file is replaced at once, so a process that waits for it never reads a part.
    """
    is_range = not origin.zones
    declared = OriginFile(
        zone=origin.zone if is_range else "",
        resolver=origin.resolver,
        ports={str(port): real for port, real in origin.ports.items()},
        authority=origin.authority,
        key=origin.key.hex(),
        address=origin.address if is_range else "",
        address_6=origin.address_6 if is_range else "",
        log=origin.log,
        services=origin.services,
        twin_zone=origin.twin_zone if is_range else "",
        zones=origin.zones,
        twins=origin.twins,
    )
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(declared), indent=2) + b"\n")
    unfinished.replace(path)

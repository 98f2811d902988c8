"""Checks of what a hub needs on the disk: files, modes, certificate, space, libraries."""

from __future__ import annotations

import os
import shutil
import ssl
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec
from cryptography import x509

from harness.cli.hub_file import KEYS, PEM_BYTES, HubFile, read_keys
from harness.errors import EXTRAS, HarnessError, lacking
from harness.untrusted.passwords import is_database
from harness.untrusted.regular_file import read_bounded

SOON = timedelta(days=14)
"""A certificate that is valid for less time gets a warning."""

LEAST_FREE, LITTLE_FREE = 1024**3, 5 * 1024**3
"""Bytes of free space: with less the hub stops soon, with less somebody should look."""

OLD_UPLOAD = timedelta(days=2)
"""An upload that is not complete after this time is left over."""

OTHERS = 0o077


class HubCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check: what was found, and what to do if it is not well."""

    name: str
    level: Literal["ok", "warning", "error"]
    detail: str


def ok(name: str, detail: str) -> HubCheck:
    """A check that found nothing wrong."""
    return HubCheck(name=name, level="ok", detail=detail)


def warning(name: str, detail: str) -> HubCheck:
    """A check that found what somebody should look at."""
    return HubCheck(name=name, level="warning", detail=detail)


def error_of(name: str, error: HarnessError | str) -> HubCheck:
    """A check that found a fault."""
    detail = "; ".join(str(error).splitlines())
    return HubCheck(name=name, level="error", detail=detail)


def file_checks(hub: HubFile, now: datetime) -> Iterator[HubCheck]:
    """The checks of files and libraries."""
    yield _keys(hub)
    yield from _folders(hub)
    yield _monitoring(hub)
    yield from _certificate(hub, now)
    yield _space(hub)
    yield from _libraries(hub)
    yield _unfinished(hub, now)


def _keys(hub: HubFile) -> HubCheck:
    path, name = hub.folder / KEYS, "keys"
    try:
        identity = read_keys(hub.folder).public.id
    except HarnessError as error:
        return error_of(name, error)
    if stat.S_IMODE(path.stat().st_mode) & OTHERS:
        return error_of(name, f"{path}: others can read it; chmod 600, and think of new keys")
    return ok(name, identity)


def _folders(hub: HubFile) -> Iterator[HubCheck]:
    for name, folder in (("folder", hub.folder), ("results", hub.results)):
        if not folder.is_dir():
            level = error_of if name == "folder" else warning
            yield level(name, f"{folder}: does not exist yet; 'accredit serve' makes it")
        elif not os.access(folder, os.W_OK | os.X_OK):
            yield error_of(name, f"{folder}: cannot be written; give it to the user of the hub")
        elif stat.S_IMODE(folder.stat().st_mode) & OTHERS:
            yield warning(name, f"{folder}: others can look into it; chmod 700")
        else:
            yield ok(name, str(folder))


def _monitoring(hub: HubFile) -> HubCheck:
    name = "monitoring file"
    try:
        declared = hub.read_monitoring()
    except HarnessError as error:
        return error_of(name, error)
    number = sum(1 for _ in declared.schedules())
    absent = sorted({
        str(path)
        for _, each in declared.schedules()
        if not (path := declared.campaign_path(each)).is_file()
    })  # fmt: skip
    if absent:
        return error_of(name, f"{absent[0]}: the campaign file is missing; put it there")
    return ok(name, f"{declared.path}: {number} schedules")


def _certificate(hub: HubFile, now: datetime) -> Iterator[HubCheck]:
    name = "certificate"
    if not hub.certificates:
        yield warning(name, "none is named: agents cannot see whether TLS is opened on the way")
        return
    path = hub.folder / hub.certificates[0]
    try:
        first = x509.load_pem_x509_certificates(read_bounded(path, PEM_BYTES))[0]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds none in PEM"
        yield error_of(name, f"{path}: cannot be read: {reason}")
        return
    begins, ends = first.not_valid_before_utc, first.not_valid_after_utc
    if not begins <= now <= ends:
        yield error_of(name, f"{path}: valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}; renew it")
    elif ends - now < SOON:
        yield warning(name, f"{path}: ends on {ends:%Y-%m-%d}; renew it")
    else:
        yield ok(name, f"{path}: valid until {ends:%Y-%m-%d}")
    if hub.key:
        yield _key_of(path, hub.folder / hub.key)


def _key_of(certificate: Path, key: Path) -> HubCheck:
    name = "key of the certificate"
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate, key, password=""
        )
        is_open = bool(stat.S_IMODE(key.stat().st_mode) & 0o007)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "strerror", None) or type(error).__name__
        return error_of(name, f"{key}: is not the key of {certificate}: {reason}")
    if is_open:
        return warning(name, f"{key}: everybody can read it; chmod 600")
    return ok(name, str(key))


def _space(hub: HubFile) -> HubCheck:
    name, folder = "free space", hub.results if hub.results.is_dir() else hub.folder
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:,.1f} GiB at {folder}"
    if free < LEAST_FREE:
        return error_of(name, f"{detail}; make room: accredit hub expire, or a larger disk")
    return warning(name, f"{detail}; make room soon") if free < LITTLE_FREE else ok(name, detail)


def _libraries(hub: HubFile) -> Iterator[HubCheck]:
    needed = [library for library, extra in EXTRAS.items() if extra == "hub"]
    if is_database(str(hub.registry)):
        needed.append("psycopg")
    for library in needed:
        name, absent = f"library {library}", lacking(library)
        yield ok(name, "installed") if absent is None else error_of(name, absent[1])


def _unfinished(hub: HubFile, now: datetime) -> HubCheck:
    name = "uploads"
    parts = list((hub.folder / "uploads").glob("*/*.part"))
    old = [path for path in parts if now.timestamp() - _changed(path) > OLD_UPLOAD.total_seconds()]
    if old:
        return warning(name, f"{len(old)} were begun and not finished for two days; they expire")
    return ok(name, f"{len(parts)} are coming in")


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # complete meanwhile
        return float("inf")

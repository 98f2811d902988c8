"""The bundles that people sent to a hub: what is known of each, in the table ``hub_uploads``.

Each function works within a transaction of the registry (``Registry.transaction``). The files are
in folders (``harness.store.uploads``); a row says what became of one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from harness.model.hub_access import Viewer
from harness.store.hub.hub_tables import UPLOADS


class UploadState(StrEnum):
    """What became of an upload so far."""

    RECEIVING = "receiving"
    """Not all bytes are here."""
    WAITING = "waiting"
    """The file is whole; others come first."""
    VERIFYING = "verifying"
    """Its signature, its bytes and its journal are checked."""
    JUDGING = "judging"
    """Its journal is judged again."""
    RECORDING = "recording"
    """Its journal is put to the results, and the campaign is recorded."""
    RECORDED = "recorded"
    """The campaign is recorded."""
    SELF_TEST = "self-test"
    """It was signed by the supplier's own key: judged and kept, and no evidence."""
    REFUSED = "refused"
    """Nothing of it was recorded; ``reason`` says why."""


FINAL = frozenset({UploadState.RECORDED, UploadState.SELF_TEST, UploadState.REFUSED})
"""The states that do not change any more."""

LOOKED_AT = frozenset({UploadState.VERIFYING, UploadState.JUDGING, UploadState.RECORDING})
"""The states while somebody looks at the file."""

OPEN = frozenset(UploadState) - FINAL - {UploadState.RECEIVING}
"""The states of files that are whole, and have to be looked at."""


class StoredUpload(NamedTuple):
    """A row of the table."""

    id: str
    person: str
    actor: str
    sees: str
    stream: str
    name: str
    sha256: str
    size: int
    received: int
    state: str
    done: int
    total: int
    changes: int
    cut_off: int
    reason: str
    campaign: str
    service: str
    scheme: str
    signer: str
    result: str
    at: datetime
    changed: datetime

    @property
    def is_final(self) -> bool:
        """Whether nothing of it will change."""
        return self.state in FINAL

    def may_see(self, stream: str) -> bool:
        """Whether the person who sent it saw the stream of a supplier then."""
        streams = _STREAMS.decode(self.sees)
        return streams is None or stream in streams


_STREAMS = msgspec.json.Decoder(tuple[str, ...] | None)


def sees(viewer: Viewer) -> str:
    """The streams that a viewer sees, as a row keeps them."""
    streams = None if viewer.streams is None else sorted(viewer.streams)
    return msgspec.json.encode(streams).decode()


def new_upload(
    upload_id: str, viewer: Viewer, name: str, file: tuple[str, int], now: datetime
) -> StoredUpload:
    """An upload that begins; ``file`` is its SHA-256 and its size in bytes."""
    return StoredUpload(
        id=upload_id, person=viewer.person, actor=viewer.name or viewer.person, sees=sees(viewer),
        stream="", name=name, sha256=file[0], size=file[1], received=0,
        state=UploadState.RECEIVING.value, done=0, total=0, changes=1, cut_off=0, reason="",
        campaign="", service="", scheme="", signer="", result="", at=now, changed=now,
    )  # fmt: skip


def add(connection: Connection, upload: StoredUpload) -> None:
    """Keep a new upload."""
    connection.execute(insert(UPLOADS).values(upload._asdict()))


def of_person(connection: Connection, person: str, upload_id: str) -> StoredUpload | None:
    """An upload of a person; ``None`` if there is none, or it is another person's."""
    matches = and_(UPLOADS.c.id == upload_id, UPLOADS.c.person == person)
    return _first(connection, matches)


def with_file(connection: Connection, person: str, sha256: str) -> StoredUpload | None:
    """The last upload of a file by a person that was not refused."""
    is_same = and_(UPLOADS.c.person == person, UPLOADS.c.sha256 == sha256)
    return _first(connection, and_(is_same, UPLOADS.c.state != UploadState.REFUSED.value))


def page_of(
    connection: Connection, person: str, before: StoredUpload | None, limit: int
) -> tuple[StoredUpload, ...]:
    """The uploads of a person, newest first, from the one after ``before``."""
    matches: ColumnElement[bool] = UPLOADS.c.person == person
    if before is not None:
        is_same_time = and_(UPLOADS.c.at == before.at, UPLOADS.c.id < before.id)
        matches = and_(matches, or_(UPLOADS.c.at < before.at, is_same_time))
    asked = select(UPLOADS).where(matches).order_by(UPLOADS.c.at.desc(), UPLOADS.c.id.desc())
    return tuple(_stored(row) for row in connection.execute(asked.limit(limit)))


def in_states(
    connection: Connection, states: Collection[UploadState], person: str = ""
) -> tuple[StoredUpload, ...]:
    """The uploads in some states, of everybody or of a person, oldest first."""
    asked = select(UPLOADS).where(UPLOADS.c.state.in_(_values(states)))
    if person:
        asked = asked.where(UPLOADS.c.person == person)
    asked = asked.order_by(UPLOADS.c.at, UPLOADS.c.id)
    return tuple(_stored(row) for row in connection.execute(asked))


def next_open(connection: Connection, leave: Collection[str] = ()) -> StoredUpload | None:
    """The oldest upload that has to be looked at, but for those with the ids in ``leave``."""
    matches = and_(UPLOADS.c.state.in_(_values(OPEN)), UPLOADS.c.id.not_in(sorted(leave)))
    asked = select(UPLOADS).where(matches).order_by(UPLOADS.c.at, UPLOADS.c.id).limit(1)
    row = connection.execute(asked).first()
    return None if row is None else _stored(row)


def count(connection: Connection, person: str, states: Collection[UploadState]) -> int:
    """How many uploads of a person are in some states."""
    matches = and_(UPLOADS.c.person == person, UPLOADS.c.state.in_(_values(states)))
    return int(connection.scalar(select(func.count()).select_from(UPLOADS).where(matches)) or 0)


def change(connection: Connection, upload_id: str, now: datetime, **values: Any) -> None:
    """Change an upload. A final one stays as it is."""
    matches = and_(UPLOADS.c.id == upload_id, UPLOADS.c.state.not_in(_values(FINAL)))
    counted = {"changes": UPLOADS.c.changes + 1, "changed": now}
    connection.execute(update(UPLOADS).where(matches).values(values | counted))


def _values(states: Collection[UploadState]) -> list[str]:
    return sorted(state.value for state in states)


def _first(connection: Connection, matches: ColumnElement[bool]) -> StoredUpload | None:
    asked = select(UPLOADS).where(matches).order_by(UPLOADS.c.at.desc(), UPLOADS.c.id.desc())
    row = connection.execute(asked.limit(1)).first()
    return None if row is None else _stored(row)


def _stored(row: Any) -> StoredUpload:
    return StoredUpload(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name

"""Write the documents of the public register, which a hub's public pages are made from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.hub_history import HubStream
from harness.cli.site_views import kept_of
from harness.model.stream import OWNER
from harness.store.hub.projection import Document, replace_documents
from harness.store.hub.repository import Repository
from harness.store.hub.row_security import PUBLIC_KIND
from reports.site.register_documents import field_document, service_documents
from reports.site.stream_view import StreamView

if TYPE_CHECKING:
    from datetime import datetime

    from harness.cli.registry_session import RegistrySession


def published_documents(stream: HubStream) -> Iterator[Document]:
    """The documents of a supplier's stream, for the maker of rows."""
    return register_documents(stream.view, stream.results)


def register_documents(view: StreamView, results: Path) -> Iterator[Document]:
    """The documents of a supplier's stream: one for each service version that was accredited.

    The assessments that decisions rest on are read from ``results``, if ``view`` has none.
    """
    if not view.kept:
        view = view._replace(kept=kept_of(view.state, results))
    for document, service in service_documents(view):
        yield Document(
            kind=PUBLIC_KIND,
            id=document.id,
            service=service.name,
            state=service.status.value,
            at=service.since,
            body=document.body,
        )


def keep_field_checks(session: RegistrySession, now: datetime) -> None:
    """Write the document about checks in the field anew, if the owner's stream says something new.

    Raises InstrumentError.
    """
    from harness.cli.field_records import field_events  # noqa: PLC0415 - keep the start light

    document = field_document(field_events(session), OWNER)
    held = Repository(session.registry).public_documents(document.id)
    if [row.body for row in held] == [document.body]:
        return
    made = Document(
        kind=PUBLIC_KIND, id=document.id, service="", state="", at=now, body=document.body
    )
    with session.registry.transaction(is_writing=True) as connection:
        replace_documents(connection, OWNER, PUBLIC_KIND, [made])

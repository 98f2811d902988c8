"""Write the rows that pages read: campaigns, outcomes, items, documents, and how far they reach.

Only what makes rows from the registry writes here; pages read through the repository.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, insert

from harness.store.hub.hub_tables import DOCUMENTS


class Document(NamedTuple):
    """Facts for one page or one row of a list; ``body`` is JSON, ``state`` what lists filter by."""

    kind: str
    id: str
    service: str
    state: str
    at: datetime
    body: str


def replace_documents(
    connection: Connection, stream: str, kind: str, documents: Iterable[Document]
) -> None:
    """Write all documents of a kind of a stream anew."""
    table = DOCUMENTS
    connection.execute(delete(table).where(and_(table.c.stream == stream, table.c.kind == kind)))
    if values := [{"stream": stream, **each._asdict()} for each in documents]:
        connection.execute(insert(table), values)

"""Lists of documents, page by page, of what a viewer may see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.model.hub_access import Role, Viewer
from harness.store.hub.documents import (
    DocumentPlace,
    StoredDocument,
    count_documents,
    read_document,
    read_documents,
)
from harness.store.hub.hub_tables import METADATA
from harness.store.hub.projection import Document, replace_documents
from harness.store.hub.repository import Repository
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
EVERY = Viewer(role=Role.ASSESSOR, person="a", name="A", streams=None)
ONE = Viewer(role=Role.SUPPLIER, person="s", name="S", streams=frozenset({"supplier:a"}))

MOST = 25
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["supplier:a", "supplier:b"]),
        st.integers(0, 30),
        st.sampled_from(["open", "ended"]),
        st.integers(0, 4),
    ),
    max_size=MOST,
    unique_by=lambda row: row[:2],
)


def fill(registry: Registry, rows: list[tuple[str, int, str, int]]) -> None:
    with registry.transaction(is_writing=True) as connection:
        METADATA.create_all(connection)
        for stream in ("supplier:a", "supplier:b"):
            made = [
                Document("plan", f"P-{n:04d}", "Safe Net", state, BEGAN + timedelta(days=day), "{}")
                for of, n, state, day in rows
                if of == stream
            ]
            replace_documents(connection, stream, "plan", made)
            replace_documents(connection, stream, "other", [])


def walked(
    repository: Repository, viewer: Viewer, size: int, *, newest_first: bool
) -> list[StoredDocument]:
    """All documents that are open, by following the pages."""
    found: list[StoredDocument] = []
    place: DocumentPlace | None = None
    while True:
        with repository.reading(viewer) as reading:
            page = read_documents(
                reading, "plan", ("open",), limit=size, after=place, newest_first=newest_first
            )
        found += page.documents
        assert len(found) <= MOST, "a page comes again"
        if page.next is None:
            return found
        place = page.next


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, size=st.integers(1, 6), newest_first=st.booleans())
def test_each_document_is_on_one_page_in_order_and_none_of_others(
    tmp_path: Path, rows: list[tuple[str, int, str, int]], size: int, *, newest_first: bool
) -> None:
    with open_registry(tmp_path / "registry.sqlite", create=True) as registry:
        fill(registry, rows)
        repository = Repository(registry)
        for viewer in (EVERY, ONE):
            expected = sorted(
                (BEGAN + timedelta(days=day), stream, f"P-{n:04d}")
                for stream, n, state, day in rows
                if state == "open" and viewer.sees(stream)
            )
            found = walked(repository, viewer, size, newest_first=newest_first)
            with repository.reading(viewer) as reading:
                count = count_documents(reading, "plan", ("open",))

            ordered = expected[::-1] if newest_first else expected
            assert ordered == [(each.at, each.stream, each.id) for each in found]
            assert len(expected) == count


def test_a_document_of_another_supplier_is_not_there(tmp_path: Path) -> None:
    with open_registry(tmp_path / "registry.sqlite", create=True) as registry:
        fill(registry, [("supplier:a", 1, "open", 1), ("supplier:b", 1, "ended", 1)])
        with Repository(registry).reading(ONE) as reading:
            own = read_document(reading, "plan", "supplier:a", "P-0001")

            assert own is not None
            assert "supplier:a" == own.stream
            assert read_document(reading, "plan", "supplier:b", "P-0001") is None
            assert read_document(reading, "plan", "supplier:a\0", "P-0001") is None
            assert read_document(reading, "alarm", "supplier:a", "P-0001") is None
            assert 0 == count_documents(reading, "plan", ("open",), service="Calm Net")

"""The columns of the registry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from harness.store.registry.tables import UtcDateTime

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


def test_times_are_kept_as_utc_and_never_naive() -> None:
    column, dialect = UtcDateTime(), sqlite.dialect()

    down = column.process_bind_param(NOW, dialect)

    assert down == datetime(2026, 3, 2, 8, 0, 0, 123456)  # noqa: DTZ001 - as SQLite keeps it
    assert column.process_result_value(down, dialect) == NOW
    assert column.process_result_value(down, dialect).tzinfo is UTC  # type: ignore[union-attr]
    assert column.process_bind_param(None, dialect) is None
    assert column.process_result_value(None, dialect) is None
    with pytest.raises(ValueError, match="without a time zone"):
        column.process_bind_param(datetime(2026, 3, 2), dialect)  # noqa: DTZ001 - the mistake

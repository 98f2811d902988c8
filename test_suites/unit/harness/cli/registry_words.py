"""What the tests of ``accredit registry`` share; their fixtures are in ``conftest.py``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACME = ("--supplier", "Acme")
Accredit = Callable[..., str]

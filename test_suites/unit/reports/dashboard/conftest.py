"""The pages of plans, decisions and alarms over a real registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from test_suites.follow_up_desk import FollowUpDesk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FollowUpDesk]:
    made = FollowUpDesk(tmp_path / "out")
    yield made
    made.close()

"""A finding is a value that keeps the items it was opened for."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from harness.model.action_plan import Finding


def test_a_finding_cannot_be_rewritten() -> None:
    finding = Finding(
        id="F-1",
        campaign="c",
        requirement="URL-01",
        title="t",
        severity="Crit",
        scheme="s",
        scheme_version="1",
        profile="ks2",
        line="proxy",
        statement="x",
        missed=("a",),
        categories=("PORN",),
        sampled=60,
        opened=datetime(2026, 11, 24, tzinfo=UTC),
    )

    with pytest.raises(FrozenInstanceError):
        finding.missed = ()  # type: ignore[misc]

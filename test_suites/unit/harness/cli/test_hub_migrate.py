"""``accredit hub migrate`` brings a file up to date; roles are for PostgreSQL alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from harness.cli.hub_uploads import looking_at_uploads
from harness.errors import UsageError
from test_suites.kit.campaigns.fake_runs import wait_for
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.upload_desk import ASSESSOR, UploadDesk


def test_a_file_is_brought_up_to_date_as_often_as_one_likes(tmp_path: Path) -> None:
    example = HubExample(tmp_path).make()

    for _ in range(2):
        assert "up to date" in example.accredit("hub", "migrate", "--hub", str(example.hub))
    with pytest.raises(UsageError, match="--role is for PostgreSQL"):
        example.accredit("hub", "migrate", "--hub", str(example.hub), "--role", "site_hub")


def test_uploads_are_looked_at_in_a_thread_until_the_end(tmp_path: Path) -> None:
    example = HubExample(tmp_path).make()
    with example.running(lambda _: None) as hub:
        desk = UploadDesk(example, hub)
        sent = desk.send(ASSESSOR, b"PK\x05\x06" + b"\x00" * 18)
        with looking_at_uploads(desk.uploads, desk.ingest, desk.told.append, lambda: None):

            def state() -> str:
                found = desk.uploads.find(ASSESSOR, sent.id)
                return found.state if found is not None else ""

            wait_for(lambda: state() == "refused")
        assert not [one for one in threading.enumerate() if one.name == "uploads"]

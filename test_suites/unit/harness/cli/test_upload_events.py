"""The events of an upload tell each step, until the end, to few readers at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.upload_ingest import Ended
from harness.store.hub.upload_store import StoredUpload, UploadState
from reports.dashboard import upload_events
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.upload_desk import ASSESSOR, AppClient, UploadDesk
from test_suites.unit.harness.cli.test_upload_api import CONTENT, UPLOADS, begun


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[UploadDesk]:
    example = HubExample(tmp_path).make()
    with example.running() as hub:
        yield UploadDesk(example, hub)


def events(client: AppClient, upload: str, last: str = "") -> tuple[int, list[dict[str, Any]]]:
    """The status, and the events with their numbers and data."""
    headers = {"Last-Event-ID": last} if last else {}
    answer = client.ask("GET", f"{UPLOADS}/{upload}/events", headers=headers)
    found = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            found.append({"id": int(fields["id"]), "event": fields["event"], "comment": ""}
                         | json.loads(fields["data"]) | {"number": int(fields["id"])})  # fmt: skip
    return answer.status_code, found


def test_events_tell_each_step_until_the_end(
    desk: UploadDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next step is taken each time that the state was read."""
    client = desk.client("ama")
    upload = begun(client)
    find = desk.uploads.find
    taken: list[str] = []
    steps: list[Callable[[StoredUpload], object]] = [
        lambda held: desk.uploads.receive(ASSESSOR, held.id, 0, CONTENT[:50]),
        lambda held: desk.uploads.receive(ASSESSOR, held.id, 50, CONTENT[50:]),
        lambda held: desk.uploads.tell(held, UploadState.VERIFYING, 0, Ended()),
        lambda held: desk.uploads.tell(held, UploadState.JUDGING, 2, Ended(campaign="a\nb")),
        lambda held: desk.uploads.end(held, Ended(UploadState.REFUSED, "why\n\ndata: x")),
    ]
    monkeypatch.setattr(upload_events, "LOOK_EVERY", 0.0)

    def stepping(viewer: Any, name: str) -> Any:
        held = find(viewer, name)
        if held is not None and 0 < len(taken) <= len(steps):
            monkeypatch.setattr(desk.uploads, "find", find)
            steps[len(taken) - 1](held)
            monkeypatch.setattr(desk.uploads, "find", stepping)
        taken.append(name)
        return find(viewer, name)

    monkeypatch.setattr(desk.uploads, "find", stepping)
    status, found = events(desk.client("ama"), upload)
    monkeypatch.undo()

    assert 200 == status
    assert ["receiving", "waiting", "verifying", "judging", "refused"] == [
        each["event"] for each in found
    ]
    assert [50, len(CONTENT)] == [each["received"] for each in found][:2]
    assert (2, 4, "a\nb") == tuple(found[3][name] for name in ("done", "total", "campaign"))
    assert "why\n\ndata: x" == found[-1]["reason"]
    numbers = [each["number"] for each in found]
    assert sorted(set(numbers)) == numbers
    assert (200, found[-1:]) == events(client, upload, str(numbers[-2]))
    assert (204, []) == events(client, upload, str(numbers[-1]))
    for odd in ("x", "-1", "1" * 10):
        assert 400 == events(client, upload, odd)[0]


def test_who_reads_too_much_at_once_is_refused(
    desk: UploadDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client("ama")
    upload = begun(client)
    monkeypatch.setitem(upload_events._waiting, ASSESSOR.person, upload_events.MOST_READERS)
    assert 429 == events(client, upload)[0]
    monkeypatch.setattr(upload_events, "LONGEST", 0.0)
    monkeypatch.setitem(upload_events._waiting, ASSESSOR.person, 0)
    assert (200, []) == events(client, upload)


def test_a_reader_who_waits_gets_signs_of_life(
    desk: UploadDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client("ama")
    upload = begun(client)
    monkeypatch.setattr(upload_events, "BEAT_EVERY", 0.0)
    monkeypatch.setattr(upload_events, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(upload_events, "LONGEST", 0.2)
    answer = client.ask("GET", f"{UPLOADS}/{upload}/events")
    assert ": still connected\n\n" in answer.text
    assert answer.text.startswith("retry: 2000\n\n")
    assert "text/event-stream" in answer.headers["content-type"]

"""The API and the pages of uploads: parts, limits, events, and who may see what."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli import hub_uploads
from harness.cli.upload_ingest import Ended
from harness.store.hub.upload_store import UploadState
from reports.dashboard import upload_events
from reports.dashboard.upload_port import MOST_PART, MOST_SIZE
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.upload_desk import (
    ASSESSOR,
    CSRF,
    AppClient,
    UploadDesk,
)

UPLOADS = "/api/v1/uploads"
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[UploadDesk]:
    example = HubExample(tmp_path).make()
    with example.running() as hub:
        yield UploadDesk(example, hub)


def announced(content: bytes = CONTENT, **changes: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"name": "autumn.zip", "size": len(content), "sha256": digest} | changes


def begun(client: AppClient, content: bytes = CONTENT) -> str:
    answer = client.ask("POST", UPLOADS, json=announced(content))
    assert 201 == answer.status_code, answer.text
    return str(answer.json()["id"])


def part(client: AppClient, upload: str, offset: int, data: bytes) -> httpx.Response:
    headers = {"Upload-Offset": str(offset)}
    return client.ask("PATCH", f"{UPLOADS}/{upload}", content=data, headers=headers)


def test_a_bundle_comes_in_parts_and_is_whole(desk: UploadDesk) -> None:
    client = desk.client("ama")
    upload = begun(client)
    again = client.ask("POST", UPLOADS, json=announced())
    assert (200, upload) == (again.status_code, again.json()["id"])
    first = part(client, upload, 0, CONTENT[:4000])
    assert (200, 4000, "receiving") == (
        first.status_code, first.json()["received"], first.json()["state"],
    )  # fmt: skip
    head = client.ask("HEAD", f"{UPLOADS}/{upload}")
    assert ("4000", str(len(CONTENT)), b"") == (
        head.headers["upload-offset"], head.headers["upload-length"], head.content,
    )  # fmt: skip
    last = part(client, upload, 4000, CONTENT[4000:])

    assert (200, "waiting", len(CONTENT)) == (
        last.status_code, last.json()["state"], last.json()["received"],
    )  # fmt: skip
    found = desk.uploads.find(ASSESSOR, upload)
    assert found is not None
    assert CONTENT == desk.uploads.path(found).read_bytes()


def test_a_part_at_another_offset_is_answered_with_what_is_held(desk: UploadDesk) -> None:
    client = desk.client("ama")
    upload = begun(client)
    part(client, upload, 0, CONTENT[:100])
    for offset in (0, 99, 101, 5000):
        answer = part(client, upload, offset, b"x" * 50)
        assert (409, 100, "100") == (
            answer.status_code, answer.json()["received"], answer.headers["upload-offset"],
        )  # fmt: skip


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.binary(min_size=1, max_size=400),
    sends=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 120)), max_size=12),
)
def test_whatever_comes_in_whatever_order_makes_the_file(
    desk: UploadDesk, content: bytes, sends: list[tuple[int, int]]
) -> None:
    client = desk.client("ama")
    upload = str(client.ask("POST", UPLOADS, json=announced(content)).json()["id"])
    for offset, length in sends:
        answer = part(client, upload, offset, content[offset : offset + length])
        assert answer.status_code in (200, 409)
    while (state := client.ask("GET", f"{UPLOADS}/{upload}").json())["state"] == "receiving":
        at = state["received"]
        assert 200 == part(client, upload, at, content[at : at + 90]).status_code
    found = desk.uploads.find(ASSESSOR, upload)
    assert found is not None
    assert content == desk.uploads.path(found).read_bytes()


def test_nobody_is_told_of_the_uploads_of_others(
    desk: UploadDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_events, "LONGEST", 0.0)
    upload = begun(desk.client("ama"))
    for name, expected in (("tom", 404), ("ravi", 404), ("grace", 404), ("", 401), ("x", 401)):
        client = desk.client(name)
        asked = [
            client.ask("GET", f"{UPLOADS}/{upload}"),
            client.ask("HEAD", f"{UPLOADS}/{upload}"),
            client.ask("GET", f"{UPLOADS}/{upload}/events"),
            part(client, upload, 0, b"x"),
            client.ask("GET", f"{UPLOADS}?before={upload}"),
        ]
        assert [expected] * 5 == [each.status_code for each in asked]
        unknown = client.ask("GET", f"{UPLOADS}/{'0' * 32}")
        assert unknown.content == asked[0].content
    assert [] == desk.client("tom").ask("GET", UPLOADS).json()["uploads"]
    for path in ("/uploads", f"/uploads/{upload}"):
        assert 404 == desk.client(session="grace").ask("GET", path).status_code
        assert 303 == desk.client().ask("GET", path).status_code
    assert 404 == desk.client(session="tom").ask("GET", f"/uploads/{upload}").status_code


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(upload=st.text(min_size=1) | st.binary(min_size=1).map(lambda each: each.hex()))
def test_an_id_of_chance_is_nobodys(desk: UploadDesk, upload: str) -> None:
    quoted = quote(upload.encode(errors="surrogatepass"), safe="")
    if upload in (".", ".."):  # which are no part of a path
        return
    assert 404 == desk.client("ama").ask("GET", f"{UPLOADS}/{quoted}").status_code


def test_what_is_too_large_or_is_none_is_refused(desk: UploadDesk) -> None:
    client = desk.client("ama")
    for changes in (
        {"size": 0}, {"size": MOST_SIZE + 1}, {"sha256": "x" * 64}, {"sha256": "A" * 64},
        {"name": ""}, {"name": "x" * 201}, {"size": "many"},
    ):  # fmt: skip
        assert 422 == client.ask("POST", UPLOADS, json=announced(**changes)).status_code
    form = client.ask("POST", UPLOADS, content=json.dumps(announced()))
    assert form.status_code in (415, 422)
    upload = begun(client)
    long = part(client, upload, 0, bytes(MOST_PART + 1))
    assert (413, "at most") == (long.status_code, long.json()["detail"][11:18])
    assert 422 == part(client, upload, 0, bytes(len(CONTENT) + 1)).status_code
    packed = client.ask(
        "PATCH", f"{UPLOADS}/{upload}", content=b"x",
        headers={"Upload-Offset": "0", "Content-Encoding": "gzip"},
    )  # fmt: skip
    assert 415 == packed.status_code
    for offset in ("-1", "x", "", str(10**30)):
        headers = {"Upload-Offset": offset}
        answer = client.ask("PATCH", f"{UPLOADS}/{upload}", content=b"x", headers=headers)
        assert 422 == answer.status_code
    assert 0 == client.ask("GET", f"{UPLOADS}/{upload}").json()["received"]


def test_another_file_than_was_announced_is_refused_and_removed(desk: UploadDesk) -> None:
    client = desk.client("ama")
    upload = begun(client)
    answer = part(client, upload, 0, bytes(len(CONTENT)))

    assert 422 == answer.status_code
    assert "another SHA-256" in answer.json()["detail"]
    assert "refused" == client.ask("GET", f"{UPLOADS}/{upload}").json()["state"]
    assert [] == [each for each in (desk.example.hub / "sent").rglob("*") if each.is_file()]
    assert upload != begun(client)


def test_a_session_needs_its_form_token_to_change_something(desk: UploadDesk) -> None:
    client = desk.client(session="ama")
    assert 403 == client.ask("POST", UPLOADS, json=announced()).status_code
    wrong = client.ask("POST", UPLOADS, json=announced(), headers={"X-CSRF-Token": "x" * 4})
    assert 403 == wrong.status_code
    right = client.ask("POST", UPLOADS, json=announced(), headers={"X-CSRF-Token": CSRF})
    assert 201 == right.status_code
    assert 200 == client.ask("GET", UPLOADS).status_code


def test_the_list_goes_on_where_the_last_page_ended(desk: UploadDesk) -> None:
    client = desk.client("ama")
    made = [begun(client, CONTENT + bytes([number])) for number in range(7)]
    found: list[str] = []
    following: str | None = ""
    while following is not None:
        answer = client.ask("GET", f"{UPLOADS}?limit=3&before={following}").json()
        found += [each["id"] for each in answer["uploads"]]
        following = answer["next"]

    assert sorted(made, reverse=True) == found  # all at the same time, so by their ids


def test_one_person_may_not_fill_the_hub(desk: UploadDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = desk.client("ama")
    monkeypatch.setattr(hub_uploads, "MOST_UNFINISHED", 3)
    ids = [begun(client, CONTENT + bytes([number])) for number in range(5)]
    states = [client.ask("GET", f"{UPLOADS}/{each}").json() for each in ids]
    assert 2 == [each["state"] for each in states].count("refused")
    assert "left unfinished" in next(each["reason"] for each in states if each["reason"])
    monkeypatch.setattr(hub_uploads, "MOST_OPEN", 1)
    desk.send(ASSESSOR, b"waits")
    assert 429 == client.ask("POST", UPLOADS, json=announced(b"more")).status_code
    monkeypatch.undo()
    usage = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert 507 == client.ask("POST", UPLOADS, json=announced(b"more")).status_code


def test_old_self_tests_keep_their_result_and_lose_their_file(
    desk: UploadDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_uploads, "SELF_TESTS", 2)
    sent = []
    for number in range(4):
        upload = desk.send(ASSESSOR, bytes([number]) * 9)
        desk.example.clock.at = desk.example.clock.at.replace(minute=number + 1)
        desk.uploads.end(upload, Ended(UploadState.SELF_TEST, result="conforms"))
        sent.append(upload)

    assert [False, False, True, True] == [desk.uploads.path(each).exists() for each in sent]


def test_the_answers_are_described(desk: UploadDesk) -> None:
    document = desk.client().ask("GET", "/openapi.json").json()
    paths = document["paths"]
    assert {"get", "post"} == set(paths[UPLOADS])
    assert {"get", "patch"} == set(paths[UPLOADS + "/{upload_id}"])
    shown = document["components"]["schemas"]["UploadShown"]["properties"]
    assert {"received", "state", "reason", "result"} <= set(shown)


def bomb(kind: str) -> bytes:
    """An archive that unpacks to more than it is."""
    content = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if kind == "compressed" else zipfile.ZIP_STORED
    with zipfile.ZipFile(content, "w", packing) as archive:
        archive.writestr("statement.dsse.json", bytes(2_000_000 if kind == "compressed" else 2000))
        if kind == "overlapping":
            for number in range(50):
                info = archive.infolist()[0]
                other = zipfile.ZipInfo(f"{number}")
                other.header_offset, other.file_size = info.header_offset, info.file_size
                other.compress_size, other.CRC = info.compress_size, info.CRC
                archive.filelist.append(other)
        if kind == "many":
            for number in range(10_001):
                archive.writestr(f"{number}", b"")
        archive._didModify = True  # type: ignore[attr-defined]  # so that the directory is written
    return content.getvalue()


@pytest.mark.parametrize(
    ("kind", "words"),
    [("compressed", "is compressed"), ("overlapping", "overlap"), ("many", "a bundle has at most")],
)
def test_bombs_are_refused(desk: UploadDesk, tmp_path: Path, kind: str, words: str) -> None:
    from test_suites.kit.campaigns.sent_bundles import SentBundles  # noqa: PLC0415 - of this test alone

    desk.trust(SentBundles(tmp_path / "keys"))
    client = desk.client("ama")
    content = bomb(kind)
    upload = begun(client, content)
    for at in range(0, len(content), 200_000):
        part(client, upload, at, content[at : at + 200_000])
    desk.look()
    done = client.ask("GET", f"{UPLOADS}/{upload}").json()
    assert "refused" == done["state"]
    assert words in done["reason"]
    assert done["reason"].endswith("nothing was stored")


def test_a_disk_that_refuses_is_a_trouble_of_the_hub(
    desk: UploadDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client("ama")
    upload = begun(client)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.store.uploads.write_all", full)
    answer = part(client, upload, 0, CONTENT[:100])
    assert 503 == answer.status_code
    assert str(desk.example.folder) not in answer.text
    monkeypatch.undo()
    assert 0 == client.ask("GET", f"{UPLOADS}/{upload}").json()["received"]
    assert 200 == part(client, upload, 0, CONTENT[:100]).status_code


def test_what_a_killed_process_had_received_whole_is_looked_at(desk: UploadDesk) -> None:
    """It ended after the last part was on the disk, and before that was kept."""
    client = desk.client("ama")
    upload = begun(client)
    digest = hashlib.sha256(CONTENT).hexdigest()
    files = desk.uploads._files(ASSESSOR.person)
    files.receive(digest, len(CONTENT), 0, CONTENT)
    assert len(CONTENT) == client.ask("GET", f"{UPLOADS}/{upload}").json()["received"]
    assert "waiting" == part(client, upload, len(CONTENT), b"").json()["state"]
    other = begun(client, CONTENT + b"x")
    files._append(hashlib.sha256(CONTENT + b"x").hexdigest(), 0, CONTENT + b"x")
    desk.uploads.recover()
    assert "waiting" == client.ask("GET", f"{UPLOADS}/{other}").json()["state"]

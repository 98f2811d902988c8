"""The pages of uploads: a form that works without script, and what became of each bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.cli.hub_uploads import RESERVE
from reports.dashboard.pages import uploads
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.upload_desk import ASSESSOR, CSRF, AppClient, UploadDesk

PATH = f"/uploads?csrf={CSRF}"
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[UploadDesk]:
    example = HubExample(tmp_path).make()
    with example.running() as hub:
        yield UploadDesk(example, hub)


def sent_form(client: AppClient, content: bytes, csrf: str = CSRF, **more: Any) -> httpx.Response:
    files = {"bundle": ("autumn.zip", content, "application/zip")}
    return client.ask("POST", f"/uploads?csrf={csrf}", files=files, data=more)


def test_a_form_sends_a_file_without_script(desk: UploadDesk) -> None:
    client = desk.client(session="ama")
    page = client.ask("GET", "/uploads")
    assert (200, True) == (page.status_code, 'type="file"' in page.text)
    assert f'action="/uploads?csrf={CSRF}"' in page.text
    answer = sent_form(client, CONTENT)
    assert 303 == answer.status_code
    found = client.ask("GET", answer.headers["location"])
    assert "Waiting" in found.text
    assert answer.headers["location"] == sent_form(client, CONTENT).headers["location"]
    listed = client.ask("GET", "/uploads")
    assert "autumn.zip" in listed.text
    desk.look()
    refused = client.ask("GET", answer.headers["location"])
    assert "The bundle was refused: this hub trusts no signing key" in refused.text
    assert "nothing was stored." in refused.text
    assert [] == [*(desk.example.hub / "sent/incoming").iterdir()]


def test_a_form_from_elsewhere_or_of_another_kind_is_refused(desk: UploadDesk) -> None:
    client = desk.client(session="ama")
    for csrf in ("", "x", "é"):
        assert 403 == sent_form(client, CONTENT, csrf).status_code
    assert 415 == client.ask("POST", "/uploads", data={"csrf": CSRF}).status_code
    none = client.ask("POST", PATH, files={"x": ("a", b"1")})
    assert 422 == none.status_code
    assert 422 == sent_form(client, b"").status_code
    many = {f"bundle{number}": (f"{number}", b"1") for number in range(3)}
    assert 400 == client.ask("POST", PATH, files=many).status_code
    assert 400 == sent_form(client, CONTENT, note="x" * 5000).status_code
    broken = client.ask(
        "POST", PATH, content=b"--x\r\nbroken",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )  # fmt: skip
    assert 422 == broken.status_code
    assert (
        404 == desk.client(session="grace").ask("POST", "/uploads", data={"csrf": CSRF}).status_code
    )
    assert 403 == desk.client().ask("POST", PATH).status_code
    assert () == desk.uploads.page(ASSESSOR, None, 9)


def test_a_form_that_is_too_large_ends_early(
    desk: UploadDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client(session="ama")
    monkeypatch.setattr("reports.dashboard.pages.uploads.MOST_SIZE", 1000)
    assert 413 == sent_form(client, bytes(100_000)).status_code

    async def pieces() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="bundle"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(1000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    unsaid = client.ask("POST", PATH, content=pieces(), headers=headers)
    assert 413 == unsaid.status_code


def test_a_person_sends_few_files_at_once_and_none_to_a_full_disk(
    desk: UploadDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client(session="ama")
    monkeypatch.setitem(uploads._sending, ASSESSOR.person, uploads.MOST_AT_ONCE)
    assert 429 == sent_form(client, CONTENT).status_code
    monkeypatch.setitem(uploads._sending, ASSESSOR.person, 0)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": RESERVE})())
    assert 507 == sent_form(client, CONTENT).status_code
    monkeypatch.undo()
    assert 303 == sent_form(client, CONTENT).status_code
    assert 0 == uploads._sending[ASSESSOR.person]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>.zip", "../../etc/passwd", "=1+1", ""])
def test_names_of_files_are_shown_and_never_used(desk: UploadDesk, name: str) -> None:
    client = desk.client(session="ama")
    files = {"bundle": (name or "x", CONTENT, "application/zip")}
    answer = client.ask("POST", PATH, files=files)
    assert 303 == answer.status_code
    for path in ("/uploads", answer.headers["location"]):
        assert "<script>alert" not in client.ask("GET", path).text
    kept = [each for each in (desk.example.hub / "sent").rglob("*") if each.is_file()]
    assert [f"{hashlib.sha256(CONTENT).hexdigest()}.zip"] == [each.name for each in kept]

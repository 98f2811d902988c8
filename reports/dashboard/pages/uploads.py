"""The pages of uploads: send a signed bundle by a form, and see what became of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from harness.model.hub_access import Permission
from harness.store.hub.upload_store import StoredUpload, UploadState
from reports.dashboard.access import AnyViewer, Refusal, require
from reports.dashboard.addresses import address
from reports.dashboard.rendering import page
from reports.dashboard.request_bodies import FILE_WITHIN, bounded, require_length
from reports.dashboard.upload_api import called, own_upload
from reports.dashboard.upload_port import MOST_NAME, MOST_SIZE, TakesUploads

PATH = "/uploads"
PAGE = 25
FRAMING = 64 * 1024
"""The most bytes of a form beside its file."""

LONGEST_FIELD = 4096
MOST_AT_ONCE = 4
"""How many forms of one person may come at once."""

_sending: Counter[str] = Counter()

SIGNS = dict.fromkeys(UploadState, "no-data") | {
    UploadState.RECORDED: "conforms",
    UploadState.SELF_TEST: "information",
    UploadState.REFUSED: "does-not-conform",
}
"""The signs of the states."""

WORDS = {
    "receiving": "Not complete",
    "waiting": "Waiting",
    "verifying": "Being verified",
    "judging": "Being judged again",
    "recording": "Being recorded",
    "recorded": "Recorded",
    "self-test": "Self-test, not evidence",
    "refused": "Refused",
}
"""What the states are called."""


def upload_pages(uploads: TakesUploads) -> APIRouter:
    """The routes of the pages."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PATH)
    async def overview(
        request: Request, viewer: AnyViewer, before: Annotated[str, Query(max_length=64)] = ""
    ) -> HTMLResponse:
        require(viewer, Permission.UPLOAD)
        last = await own_upload(uploads, viewer, before) if before else None
        found = await called(uploads.page, viewer, last, PAGE + 1)
        following = found[PAGE - 1].id if len(found) > PAGE else ""
        return page(
            request, "uploads.html.j2", "Uploads", uploads=found[:PAGE], following=following,
            signs_of=SIGNS, words_of=WORDS, most=MOST_SIZE, is_first=not before,
        )  # fmt: skip

    @routes.post(PATH)
    async def send(request: Request, viewer: AnyViewer) -> Response:
        require(viewer, Permission.UPLOAD)
        require_length(request, MOST_SIZE + FRAMING)
        await called(uploads.require_room, 2 * int(request.headers.get("content-length", "0")))
        with one_of_few(viewer.person):
            form = await _form(request)
        try:
            file = form.get("bundle")
            if not isinstance(file, UploadFile) or not file.size:
                words = "Choose the bundle that 'accredit bundle make' wrote, and send it again."
                raise Refusal(422, "No file was sent", words)
            name = " ".join((file.filename or "bundle").split())[:MOST_NAME]
            upload = await called(uploads.take_file, viewer, name, file.file)
        finally:
            await form.close()
        return RedirectResponse(f"{PATH}/{upload.id}", 303)

    @routes.get(PATH + "/{upload_id}")
    async def one(request: Request, viewer: AnyViewer, upload_id: str) -> HTMLResponse:
        require(viewer, Permission.UPLOAD)
        upload = await own_upload(uploads, viewer, upload_id)
        return page(
            request, "upload.html.j2", f"{upload.name}: {WORDS[upload.state].lower()}",
            upload=upload, sign=SIGNS[UploadState(upload.state)], word=WORDS[upload.state],
            campaign_url=_campaign_url(upload),
        )  # fmt: skip

    return routes


def _campaign_url(upload: StoredUpload) -> str:
    """The address of the campaign's page, once it is recorded."""
    if upload.state != UploadState.RECORDED:
        return ""
    return address("campaigns", upload.stream, upload.campaign)


@contextmanager
def one_of_few(person: str) -> Iterator[None]:
    """Count the files that a person sends at the moment. Raises Refusal if there are too many."""
    if _sending[person] >= MOST_AT_ONCE:
        words = f"You send {MOST_AT_ONCE} files at the moment. Wait until one has come."
        raise Refusal(429, "Too many files at once", words)
    _sending[person] += 1
    try:
        yield
    finally:
        _sending[person] -= 1


async def _form(request: Request) -> FormData:
    """Read a form; its file is on the disk, not in memory. Raises Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Refusal(415, "This cannot be read", "Send the form as multipart/form-data.")
    try:
        async with asyncio.timeout(FILE_WITHIN):
            return await bounded(request, MOST_SIZE + FRAMING).form(
                max_files=1, max_fields=4, max_part_size=LONGEST_FIELD
            )
    except HTTPException as error:
        words = "The form has one file and a few short fields. Use the form of this page."
        raise Refusal(error.status_code, "This form cannot be read", words) from None
    except TimeoutError:
        words = "Nothing was stored. Send it again, or use 'accredit bundle send', which resumes."
        raise Refusal(408, "The file did not come in time", words) from None

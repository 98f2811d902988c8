"""The API of uploads: send a signed bundle in parts, and follow what becomes of it.

``docs/reference/hub-uploads.md`` describes it. A part belongs at the offset where the file ends; at
another one it is answered with 409 and the number of bytes that are held, and nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, ParamSpec, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from harness.errors import InstrumentError
from harness.model.hub_access import Permission, Viewer
from harness.store.hub.upload_store import StoredUpload
from reports.dashboard.access import AnyViewer, NotHere, Refusal, require
from reports.dashboard.request_bodies import read_body
from reports.dashboard.upload_events import KIND, events_response
from reports.dashboard.upload_port import (
    MOST_NAME,
    MOST_PART,
    MOST_SIZE,
    FileAnnounced,
    TakesUploads,
    UploadRefused,
)

PATH = "/api/v1/uploads"
PAGE, MOST_PAGE = 50, 200
STATUS = {"too-large": 413, "busy": 429, "no-room": 507, "faulty": 422}
"""The HTTP status of a refusal, by its reason."""

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

BYTES = "application/octet-stream"
OFFSET, LENGTH = "Upload-Offset", "Upload-Length"


class NewUpload(BaseModel):
    """A bundle that is to be sent."""

    name: str = Field(min_length=1, max_length=MOST_NAME, description="The name of the file.")
    size: int = Field(ge=1, le=MOST_SIZE, description="Its size in bytes.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Its SHA-256, in small letters.")


class UploadShown(BaseModel):
    """An upload. ``received`` of ``size`` bytes are held, ``done`` of ``total`` steps complete.

    ``state`` is receiving, waiting, verifying, judging, recording, recorded, self-test or refused;
    ``reason`` says why it was refused, or what else is worth knowing.
    """

    id: str
    name: str
    size: int
    sha256: str
    state: str
    received: int
    done: int
    total: int
    reason: str
    campaign: str
    service: str
    scheme: str
    signed_by: str
    result: str
    at: datetime
    changed: datetime


class UploadPage(BaseModel):
    """Uploads, newest first; ``next`` is what ``before`` has to be for those after them."""

    uploads: list[UploadShown]
    next: str | None


def shown(upload: StoredUpload) -> UploadShown:
    """An upload as it is answered."""
    return UploadShown(
        id=upload.id, name=upload.name, size=upload.size, sha256=upload.sha256,
        state=upload.state, received=upload.received, done=upload.done, total=upload.total,
        reason=upload.reason, campaign=upload.campaign, service=upload.service,
        scheme=upload.scheme, signed_by=upload.signer, result=upload.result, at=upload.at,
        changed=upload.changed,
    )  # fmt: skip


def sender(viewer: AnyViewer) -> Viewer:
    """The viewer, who may send bundles. Raises Refusal."""
    require(viewer, Permission.UPLOAD)
    return viewer


Sender = Annotated[Viewer, Depends(sender)]


def upload_routes(uploads: TakesUploads) -> APIRouter:
    """The routes of the API."""
    routes = APIRouter(prefix=PATH, tags=["uploads"])
    _add_lists(routes, uploads)
    _add_parts(routes, uploads)

    @routes.get(
        "/{upload_id}/events",
        summary="Follow an upload by server-sent events, until it ended",
        response_class=Response,
        responses={200: {"content": {KIND: {}}}, 204: {"description": "Nothing more to say"}},
    )
    async def follow(request: Request, viewer: Sender, upload_id: str) -> Response:
        upload = await own_upload(uploads, viewer, upload_id)
        return await events_response(
            request, uploads, viewer, upload, lambda each: shown(each).model_dump_json()
        )

    return routes


def _add_lists(routes: APIRouter, uploads: TakesUploads) -> None:
    @routes.post(
        "",
        status_code=201,
        summary="Begin an upload, or find that of the same file",
        responses={200: {"model": UploadShown, "description": "That of the same file"}},
    )
    async def begin(
        request: Request, response: Response, viewer: Sender, file: NewUpload
    ) -> UploadShown:
        _require_json(request)
        announced = FileAnnounced(file.name, file.size, file.sha256)
        upload, is_new = await called(uploads.begin, viewer, announced)
        response.status_code = 201 if is_new else 200
        response.headers["Location"] = f"{PATH}/{upload.id}"
        return shown(upload)

    @routes.get("", summary="Your uploads, newest first")
    async def listed(
        viewer: Sender,
        before: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_PAGE)] = PAGE,
    ) -> UploadPage:
        last = await own_upload(uploads, viewer, before) if before else None
        found = await called(uploads.page, viewer, last, limit + 1)
        page = found[:limit]
        return UploadPage(
            uploads=[shown(each) for each in page],
            next=page[-1].id if len(found) > limit else None,
        )


def _add_parts(routes: APIRouter, uploads: TakesUploads) -> None:
    path = "/{upload_id}"

    @routes.get(path, summary="What became of an upload, and how many bytes are held")
    @routes.head(path, include_in_schema=False)
    async def state(response: Response, viewer: Sender, upload_id: str) -> UploadShown:
        upload = await own_upload(uploads, viewer, upload_id)
        response.headers.update(_offsets(upload))
        return shown(upload)

    @routes.patch(
        path,
        summary="Send a part, at the offset in Upload-Offset",
        response_model=UploadShown,
        openapi_extra={"requestBody": {"required": True, "content": {BYTES: {}}}},
        responses={409: {"model": UploadShown, "description": "Another offset is next"}},
    )
    @routes.put(path, include_in_schema=False)
    async def part(
        request: Request,
        viewer: Sender,
        upload_id: str,
        upload_offset: Annotated[int, Header(ge=0, le=MOST_SIZE)],
    ) -> Response:
        await own_upload(uploads, viewer, upload_id)
        data = await read_body(request, MOST_PART)
        answer = await called(uploads.receive, viewer, upload_id, upload_offset, data)
        if answer is None:
            raise NotHere
        content = shown(answer.upload).model_dump(mode="json")
        return JSONResponse(content, 200 if answer.is_taken else 409, _offsets(answer.upload))


def _offsets(upload: StoredUpload) -> dict[str, str]:
    return {OFFSET: str(upload.received), LENGTH: str(upload.size)}


def _require_json(request: Request) -> None:
    """Raise Refusal for another type: a form of another site cannot send JSON unasked."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "This cannot be read", "Send application/json.")


async def own_upload(uploads: TakesUploads, viewer: Viewer, upload_id: str) -> StoredUpload:
    """An upload of the viewer. Raises NotHere for any other id."""
    is_id = _ID.fullmatch(upload_id) is not None
    found = await called(uploads.find, viewer, upload_id) if is_id else None
    if found is None:
        raise NotHere
    return found


async def called(
    function: Callable[Arguments, Answer], *args: Arguments.args, **named: Arguments.kwargs
) -> Answer:
    """Call a method of the port in a thread, and return its answer. Raises Refusal."""
    try:
        return await run_in_threadpool(function, *args, **named)
    except UploadRefused as error:
        words = f"{error.words[:1].upper()}{error.words[1:]}."
        raise Refusal(STATUS[error.reason], "The upload was not taken", words) from None
    except InstrumentError:
        words = "The hub cannot keep or read uploads now. Try again in a few minutes."
        raise Refusal(503, "The hub cannot answer now", words) from None

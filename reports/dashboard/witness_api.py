"""The API of a hub as a witness: sign heads, and find what was signed.

``docs/reference/witness.md`` describes it. Requests and answers are those of
``harness.fleet.witness``; they hold hashes and numbers, no names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from harness.errors import InstrumentError, UsageError
from harness.fleet import witness
from harness.model.hub_access import Permission, Viewer
from reports.dashboard.access import AnyViewer, Refusal, SignInNeeded, require
from reports.dashboard.request_bodies import read_body

PATH = "/api/v1/witness"
JSON = "application/json"
Read = TypeVar("Read")


class SignsHeads(Protocol):
    """A witness. Its methods block, and may be called from several threads."""

    def sign(self, viewer: Viewer, request: witness.Request) -> witness.Answers:
        """Sign heads for somebody. Raises InstrumentError."""

    def find(self, question: witness.Question) -> witness.Answers:
        """What was signed about chains. Raises InstrumentError."""


def witness_routes(signer: SignsHeads) -> APIRouter:
    """The routes of the API."""
    routes = APIRouter(prefix=PATH, tags=["witness"])
    body = {"requestBody": {"required": True, "content": {JSON: {}}}}

    @routes.post("", summary="Have heads signed", response_class=Response, openapi_extra=body)
    async def sign(request: Request, viewer: AnyViewer) -> Response:
        require(viewer, Permission.UPLOAD)
        wanted = await _read(request, witness.read_request)
        return await _answered(lambda: signer.sign(viewer, wanted))

    @routes.post(
        "/find",
        summary="Find what was signed about chains",
        response_class=Response,
        openapi_extra=body,
    )
    async def find(request: Request, viewer: AnyViewer) -> Response:
        if viewer.is_public:
            raise SignInNeeded
        wanted = await _read(request, witness.read_question)
        return await _answered(lambda: signer.find(wanted))

    return routes


async def _read(request: Request, read: Callable[[bytes, object], Read]) -> Read:
    """The body of a request. Raises Refusal: a form of another site cannot send JSON unasked."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refusal(415, "This cannot be read", "Send application/json.")
    raw = await read_body(request, witness.MOST_BYTES)
    try:
        return read(raw, "the body")
    except UsageError as error:
        raise Refusal(422, "This cannot be read", f"{error}.") from None


async def _answered(sign: Callable[[], witness.Answers]) -> Response:
    try:
        answers = await run_in_threadpool(sign)
    except InstrumentError:
        words = "The hub cannot keep or read what it signs now. Try again in a few minutes."
        raise Refusal(503, "The hub cannot answer now", words) from None
    return Response(msgspec.json.encode(answers), media_type=JSON)

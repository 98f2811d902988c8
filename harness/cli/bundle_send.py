"""``accredit bundle send``: send a bundle to a hub, and wait for what becomes of it.

It goes on where an earlier call, or a connection, was cut off. The hub verifies the bundle and
judges it again; the command follows that by server-sent events.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from harness.cli.hub_connection import HUB, TOKEN_FILE, hub_address, read_token, trusting
from harness.cli.printing import is_terminal, say
from harness.cli.witness_options import AUTHORITY
from harness.errors import InstrumentError, UsageError
from harness.untrusted.regular_file import open_regular

if TYPE_CHECKING:
    import httpx

UPLOADS = "/api/v1/uploads"
PART = 4 * 1024**2
"""Bytes of a part."""

TRIES = 8
"""How often in a row a request may fail before the command gives up."""

TIMEOUT = 60.0
LONGEST_PAUSE = 30.0
LONGEST_WORDS = 500
DONE, REFUSED = ("recorded", "self-test"), "refused"
CONFLICT, NOTHING, UNKNOWN = 409, 204, (401, 403, 404)
LATER = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which the same request may succeed."""

pause: Callable[[float], None] = time.sleep
"""Waits some seconds; tests replace it."""


class UploadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a hub says of an upload."""

    id: str
    size: int
    state: str
    received: int
    done: int = 0
    total: int = 0
    reason: str = ""
    campaign: str = ""
    result: str = ""


class RefusalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Why a hub did not carry out a request."""

    detail: str


_UPLOADS = msgspec.json.Decoder(UploadAnswer)
_REFUSALS = msgspec.json.Decoder(RefusalAnswer)


def send_command(
    bundle: Annotated[Path, typer.Argument(help="The bundle.")],
    hub: HUB,
    token_file: TOKEN_FILE,
    authority: AUTHORITY = None,
) -> None:
    """Send a bundle to a hub, and wait until it is recorded; give it again to resume.

    Exit 0 if the campaign is recorded, or the bundle is a self-test; exit 2 if it was refused.
    """
    import httpx  # noqa: PLC0415 - only a send needs it

    address, token = hub_address(hub), read_token(token_file)
    with httpx.Client(
        base_url=address,
        headers={"Authorization": f"Bearer {token}"},
        timeout=TIMEOUT,
        verify=trusting(authority),
    ) as client:
        ended = _Sending(client, bundle, address).send()
    if ended.state == REFUSED:
        msg = f"{bundle}: the hub refused it: {ended.reason}"
        raise UsageError(msg)
    note = f" ({ended.reason})" if ended.reason else ""
    kind = "recorded" if ended.state == DONE[0] else "self-test, which is no evidence"
    say(f"{bundle}: {kind}{note}: campaign {ended.campaign}, {ended.result}")


class _Sending:
    """Sends one bundle. A request that fails on the way is made again."""

    def __init__(self, client: httpx.Client, bundle: Path, hub: str) -> None:
        self._client, self._bundle, self._hub = client, bundle, hub
        self._told = ""

    def send(self) -> UploadAnswer:
        """Send what the hub lacks; return what became of the upload at last."""
        size, sha256 = self._measured()
        announced = {"name": self._bundle.name, "size": size, "sha256": sha256}
        upload = self._answer("POST", UPLOADS, json=announced)
        while upload.state == "receiving":
            upload = self._send_part(upload)
        return self._followed(upload)

    def _measured(self) -> tuple[int, str]:
        try:
            with open_regular(self._bundle) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                return file.tell(), digest
        except OSError as error:
            msg = f"{self._bundle}: {error.strerror or error}"
            raise UsageError(msg) from None

    def _send_part(self, upload: UploadAnswer) -> UploadAnswer:
        with open_regular(self._bundle) as file:
            file.seek(upload.received)
            data = file.read(PART)
        if not data and upload.received < upload.size:
            msg = f"{self._bundle}: was cut while it was sent; send the whole file"
            raise UsageError(msg)
        answer = self._answer(
            "PATCH", f"{UPLOADS}/{upload.id}", content=data, offset=upload.received
        )
        self._tell(f"sent {100 * answer.received // max(1, answer.size) // 10 * 10} %")
        return answer

    def _followed(self, upload: UploadAnswer) -> UploadAnswer:
        """Follow an upload until it ended."""
        last, failed = "", 0
        while upload.state not in (*DONE, REFUSED):
            before = upload
            try:
                for number, answer in self._events(upload.id, last):
                    last, upload, failed = number, answer, 0
                    self._tell(f"{answer.state}, step {answer.done} of {answer.total}")
            except _AgainError as error:
                failed = self._wait(failed, error)
            if upload == before:
                upload = self._answer("GET", f"{UPLOADS}/{upload.id}")
        return upload

    def _events(self, upload_id: str, last: str) -> Iterator[tuple[str, UploadAnswer]]:
        """The events of an upload with their numbers. Raises _AgainError if they are cut off."""
        import httpx  # noqa: PLC0415 - see the command

        headers = {"Last-Event-ID": last} if last else {}
        number = last
        try:
            with self._client.stream(
                "GET", f"{UPLOADS}/{upload_id}/events", headers=headers
            ) as answer:
                if answer.status_code == NOTHING:
                    return
                if not answer.is_success:
                    answer.read()
                    self._require(answer)
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        number = value
                    elif name == "data":
                        yield number, _UPLOADS.decode(value)
        except httpx.HTTPError as error:
            raise _AgainError(str(error)) from None
        except msgspec.MsgspecError:
            raise self._strange() from None

    def _answer(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, object] | None = None,
        content: bytes | None = None,
        offset: int | None = None,
    ) -> UploadAnswer:
        """The answer to a request; one that fails on the way is made again."""
        failed = 0
        while True:
            try:
                return self._once(method, path, json, content, offset)
            except _AgainError as error:
                failed = self._wait(failed, error)

    def _once(
        self,
        method: str,
        path: str,
        json: dict[str, object] | None,
        content: bytes | None,
        offset: int | None,
    ) -> UploadAnswer:
        import httpx  # noqa: PLC0415 - see the command

        headers = {} if offset is None else {"Upload-Offset": str(offset)}
        try:
            answer = self._client.request(method, path, json=json, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise _AgainError(str(error) or type(error).__name__) from None
        if answer.status_code != CONFLICT:
            self._require(answer)
        try:
            return _UPLOADS.decode(answer.content)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._strange() from None

    def _require(self, answer: httpx.Response) -> None:
        """Raise an error for a refusal: _AgainError where the same request may succeed later."""
        if answer.is_success:
            return
        try:
            words = _REFUSALS.decode(answer.content).detail[:LONGEST_WORDS]
        except (msgspec.MsgspecError, UnicodeDecodeError):
            words = f"HTTP status {answer.status_code}"
        if answer.status_code in LATER:
            raise _AgainError(words)
        if answer.status_code in UNKNOWN:
            msg = f"{self._hub}: the token is unknown there, ended, or may not send bundles"
            raise UsageError(msg)
        msg = f"{self._bundle}: the hub did not take it: {words}"
        raise UsageError(msg)

    def _strange(self) -> UsageError:
        return UsageError(f"{self._hub}: this is no hub of Accredit; check the address")

    def _wait(self, failed: int, error: _AgainError) -> int:
        """Wait before a request is made again. Raises InstrumentError after too many."""
        if failed + 1 >= TRIES:
            msg = f"{self._hub}: cannot be reached: {error}; give the same command to resume"
            raise InstrumentError(msg)
        pause(min(LONGEST_PAUSE, 2.0**failed))
        return failed + 1

    def _tell(self, line: str) -> None:
        """Say how it goes on a terminal, each line once."""
        if line != self._told and is_terminal():
            say(line)
        self._told = line


class _AgainError(Exception):
    """A request failed on the way, or the hub cannot answer now."""

"""Visit a page in Chromium over a line, and record what a pupil would see.

The page's scripts run, and redirects of any kind are followed, until the page is quiet. Its title,
text and markup are read in a script world of our own, which the page cannot change. Marks go to the
hosts that they are meant for, and to no other.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from harness.model.observation import Failure
from probes.clients.chromium import Chromium
from probes.net.browser_profiles import Headers
from probes.net.browser_relay import ADDRESS, VisitConnections
from probes.net.net_errors import CERTIFICATE, error_in, shown_error
from probes.net.redirects import url_host
from probes.net.route import Address
from probes.net.url_target import DEFAULT_PORTS

Message = dict[str, Any]

QUIET_SHARE = 0.4
"""The part of the remaining time that a loaded page may take until it is quiet."""
READING_SECONDS = 3.0
"""Seconds beyond a visit's time for reading the page and the screenshot; less than the harness
gives an attempt before it blames the instrument."""
LOOK_PAUSE = 0.2
"""Seconds between two looks at whether the wanted page is shown."""
SCREENSHOT_TRIES, SCREENSHOT_PAUSE = 10, 0.1
"""How often a screenshot is tried while the browser draws the page, and the seconds between."""
MOST_TEXT, MOST_MARKUP = 30_000, 1_000_000
"""Characters of text and markup that are read of each frame."""
MOST_FRAMES = 16
ERROR_PAGE = "chrome-error:"
INTERRUPTED = "is interrupted by another navigation"
"""What playwright says if a script leads elsewhere while a page is loading."""

_READ = f"""(() => {{
  const texts = [document.body ? document.body.innerText : ''];
  const look = root => {{
    for (const each of root.querySelectorAll('*')) {{
      if (!each.shadowRoot) continue;
      for (const child of each.shadowRoot.children) texts.push(child.innerText || '');
      look(each.shadowRoot);
    }}
  }};
  look(document);
  const root = document.documentElement;
  return {{
    title: document.title.slice(0, {MOST_TEXT}),
    text: texts.join('\\n').slice(0, {MOST_TEXT}),
    markup: root ? root.outerHTML.slice(0, {MOST_MARKUP}) : '',
  }};
}})()"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownResponse:
    """A response that the page's own address got, or an address that it led to."""

    url: str
    status: int
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFrame:
    """What a frame shows after its scripts ran; the first is the page itself."""

    title: str = ""
    text: str = ""
    markup: str = ""


@dataclass(slots=True, kw_only=True)
class ShownPage:
    """What a visit brought. ``url`` is the last address.

    ``net_error`` is the error of which the browser shows its page, such as
    ``ERR_NAME_NOT_RESOLVED``; ``failure`` is why, if the relay knows. ``is_late``: the page was
    still loading when the time was up; ``is_complete``: its last response was whole. ``chain`` are
    the certificates of its server in DER.
    """

    url: str
    responses: list[ShownResponse] = field(default_factory=list)
    frames: list[ShownFrame] = field(default_factory=list)
    net_error: str = ""
    failure: Failure | None = None
    is_late: bool = False
    is_complete: bool = False
    chain: tuple[bytes, ...] = ()
    screenshot: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitOptions:
    """What is visited, and what it may take. ``deadline`` is a ``perf_counter`` time.

    ``cookies`` are those to set, as playwright takes them; ``marks`` are further headers by host.
    With ``takes_picture`` there is a screenshot. ``body_bytes`` are kept of the last response.
    ``is_shown`` says whether the wanted page is shown; until it is, the visit goes on.
    """

    url: str
    deadline: float
    body_bytes: int
    cookies: tuple[Mapping[str, str], ...] = ()
    marks: Callable[[str], Headers] = lambda _: ()
    takes_picture: bool = False
    is_shown: Callable[[Sequence[ShownFrame]], bool] = lambda _: True


async def visit_page(
    chromium: Chromium, connections: VisitConnections, options: VisitOptions
) -> ShownPage:
    """Visit a page in a context of its own. Network trouble is in the result, never raised.

    Raises playwright's Error if the browser fails.
    """
    context = await chromium.new_context()
    chromium.relay.admit(connections)
    try:
        visit = _Visit(context, connections, options)
        return await visit.run()
    finally:
        chromium.relay.dismiss(connections)
        await asyncio.shield(asyncio.ensure_future(_closed(context)))


async def _closed(context: Any) -> None:
    playwright: Any = import_module("playwright.async_api")
    with suppress(playwright.Error):
        await context.close()


class _Visit:
    def __init__(self, context: Any, connections: VisitConnections, options: VisitOptions) -> None:
        self._context, self._connections, self._options = context, connections, options
        self._responses: list[Any] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._signed_in: set[str] = set()
        self._reason = ""
        self._failed_url = self._latest_error = ""
        self._is_complete = False
        self._errors: tuple[type[Exception], type[Exception]] = browser_errors()

    @property
    def _remaining(self) -> float:
        return max(self._options.deadline - perf_counter(), 0.001)

    async def run(self) -> ShownPage:
        if self._options.cookies:
            await self._context.add_cookies(list(self._options.cookies))
        self._page = await self._context.new_page()
        self._context.on("page", lambda page: self._start(_closed(page)))
        self._page.on("response", self._note_response)
        self._page.on("requestfailed", self._note_failure)
        self._session = await self._context.new_cdp_session(self._page)
        self._session.on("Fetch.requestPaused", lambda message: self._start(self._go_on(message)))
        self._session.on("Fetch.authRequired", lambda message: self._start(self._sign_in(message)))
        await self._session.send("Network.enable")
        await self._session.send(
            "Fetch.enable", {"handleAuthRequests": True, "patterns": [{"urlPattern": "*"}]}
        )
        shown = ShownPage(url=self._options.url)
        await self._load(shown)
        async with asyncio.timeout(self._remaining + READING_SECONDS):
            await self._read(shown)
        return shown

    async def _load(self, shown: ShownPage) -> None:
        error, late = self._errors
        try:
            await self._page.goto(
                self._options.url, wait_until="load", timeout=self._remaining * 1000
            )
            quiet = self._remaining * QUIET_SHARE * 1000
            with suppress(late):  # a page that never rests is read as it is
                await self._page.wait_for_load_state("networkidle", timeout=quiet)
            await self._wait_until_shown()
        except late:
            shown.is_late = True
        except error as problem:
            shown.net_error = error_in(str(problem))
            if INTERRUPTED in str(problem):
                with suppress(late):
                    await self._page.wait_for_load_state("load", timeout=self._remaining * 1000)
            elif not shown.net_error and not self._responses:
                raise
        if shown.net_error == "ERR_ABORTED":
            shown.net_error = ""  # a download, or an answer without a page
        if not shown.net_error and self._page.url.startswith(ERROR_PAGE):
            shown.net_error = self._latest_error

    async def _wait_until_shown(self) -> None:
        """Wait for the wanted page until the time is up."""
        while perf_counter() < self._options.deadline:
            if self._options.is_shown([each async for each in self._frames()]):
                return
            await asyncio.sleep(LOOK_PAUSE)

    async def _read(self, shown: ShownPage) -> None:
        """Read the page, or show the browser's own page for an error."""
        if shown.is_late:
            await self._guarded(self._session.send("Page.stopLoading"))
            if not self._responses:
                return
        shown.url = self._failed_url or shown.url
        if shown.net_error:
            shown.failure = self._connections.failure_at(endpoint_of(shown.url))
            await self._show_error(shown)
        elif not self._page.url.startswith("about:"):
            shown.url = self._page.url
        shown.responses = [each async for each in self._answers(keeps_body=not shown.net_error)]
        shown.is_complete = self._is_complete
        shown.chain = await self._chain(shown)
        if not shown.net_error:
            shown.frames = [each async for each in self._frames()]
        if self._options.takes_picture:
            shown.screenshot = await self._screenshot()

    async def _screenshot(self) -> bytes:
        """Return a screenshot; none if the browser cannot take it, as before its first picture."""
        error, _ = self._errors
        for _ in range(SCREENSHOT_TRIES):
            with suppress(error):
                taken: bytes = await self._page.screenshot(timeout=READING_SECONDS * 1000)
                return taken
            await asyncio.sleep(SCREENSHOT_PAUSE)
        return b""

    async def _show_error(self, shown: ShownPage) -> None:
        """Show what a browser without a relay in between would show; nothing is sent for it."""
        found = shown_error(shown.failure) if shown.failure is not None else None
        if found is None or shown.net_error.startswith(CERTIFICATE):
            return
        shown.net_error, self._reason = found
        error, _ = self._errors
        with suppress(error):
            await self._page.goto(shown.url, timeout=READING_SECONDS * 1000)

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Any) -> None:
        error, _ = self._errors
        with suppress(error):  # the page has gone meanwhile
            await work

    def _note_response(self, response: Any) -> None:
        if self._is_of_page(response.request):
            self._responses.append(response)
            self._failed_url = ""

    def _note_failure(self, request: Any) -> None:
        if self._is_of_page(request) and not self._reason:
            self._failed_url = str(request.url)
            self._latest_error = error_in(str(request.failure))

    def _is_of_page(self, request: Any) -> bool:
        error, _ = self._errors
        try:
            return bool(request.is_navigation_request()) and request.frame == self._page.main_frame
        except error:  # a request of a service worker has no frame
            return False

    async def _go_on(self, message: Message) -> None:
        """Let a request go on, with the marks for its host."""
        request = message["request"]
        sent: Message = {"requestId": message["requestId"]}
        if self._reason:
            await self._session.send("Fetch.failRequest", sent | {"errorReason": self._reason})
            return
        marks = self._options.marks(url_host(request["url"]))
        if marks:
            headers = [*request["headers"].items(), *marks]
            sent["headers"] = [{"name": name, "value": value} for name, value in headers]
        await self._session.send("Fetch.continueRequest", sent)

    async def _sign_in(self, message: Message) -> None:
        """Sign in to the relay, once; to nobody else."""
        asked, number = message["authChallenge"], message["requestId"]
        is_relay = asked.get("source") == "Proxy" and number not in self._signed_in
        self._signed_in.add(number)
        answer: Message = {"response": "CancelAuth"}
        if is_relay and f"//{ADDRESS}:" in asked.get("origin", ""):
            answer = {
                "response": "ProvideCredentials",
                "username": self._connections.username,
                "password": self._connections.password,
            }
        sent = {"requestId": number, "authChallengeResponse": answer}
        await self._session.send("Fetch.continueWithAuth", sent)

    async def _answers(self, *, keeps_body: bool) -> AsyncIterator[ShownResponse]:
        error, _ = self._errors
        for place, response in enumerate(self._responses, 1):
            headers: Headers = ()
            body = b""
            with suppress(error, TimeoutError):
                headers = _read_headers(await response.headers_array())
                if keeps_body and place == len(self._responses):
                    async with asyncio.timeout(READING_SECONDS / 3):
                        body = (await response.body())[: self._options.body_bytes]
                    self._is_complete = True
            yield ShownResponse(
                url=str(response.url), status=int(response.status), headers=headers, body=body
            )

    async def _frames(self) -> AsyncIterator[ShownFrame]:
        """Read the frames of the page, the page itself first."""
        error, _ = self._errors
        with suppress(error):
            tree = (await self._session.send("Page.getFrameTree"))["frameTree"]
            for frame in _in_order(tree)[:MOST_FRAMES]:
                with suppress(error):
                    yield await self._frame(frame)

    async def _frame(self, frame: str) -> ShownFrame:
        world = await self._session.send(
            "Page.createIsolatedWorld", {"frameId": frame, "worldName": "reading"}
        )
        asked = {
            "expression": _READ,
            "contextId": world["executionContextId"],
            "returnByValue": True,
            "timeout": READING_SECONDS * 500,
        }
        found = (await self._session.send("Runtime.evaluate", asked))["result"].get("value") or {}
        return ShownFrame(
            **{name: clean_text(found.get(name, "")) for name in ("title", "text", "markup")}
        )

    async def _chain(self, shown: ShownPage) -> tuple[bytes, ...]:
        parts = urlsplit(shown.url)
        if parts.scheme != "https":
            return ()
        error, _ = self._errors
        with suppress(error):
            asked = {"origin": f"{parts.scheme}://{parts.netloc}"}
            names = (await self._session.send("Network.getCertificate", asked))["tableNames"]
            return tuple(map(base64.b64decode, names))
        return ()


def endpoint_of(url: str) -> Address:
    """Return host and port of a URL that a browser has read."""
    parts = urlsplit(url)
    return Address(
        host=(parts.hostname or "").lower(),
        port=parts.port or DEFAULT_PORTS.get(parts.scheme, 80),
    )


def clean_text(value: object) -> str:
    """Return a string of JavaScript as text: lone surrogates, which are no characters, replaced."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _in_order(tree: Message) -> list[str]:
    """Return the ids of a frame and those inside it."""
    inner = (each for child in tree.get("childFrames", ()) for each in _in_order(child))
    return [str(tree["frame"]["id"]), *inner]


def _read_headers(found: Iterable[Mapping[str, str]]) -> Headers:
    return tuple((each["name"].lower(), clean_text(each["value"])) for each in found)


def browser_errors() -> tuple[type[Exception], type[Exception]]:
    """Return the types of playwright's errors, and of those about time."""
    playwright: Any = import_module("playwright.async_api")
    return playwright.Error, playwright.TimeoutError

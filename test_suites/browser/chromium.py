"""A page in headless Chromium, driven by its DevTools protocol over a WebSocket."""

from __future__ import annotations

import base64
import itertools
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from test_suites.kit.processes.product import which

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LISTENS = b"DevTools listening on "


class Page:
    """One page of a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.said: list[str] = []
        """What went wrong in the page, and what the browser refused."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._receive()
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result

    async def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self._socket.receive_json()
        if message.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
            self.said.append(str(message["params"]))
        return message

    async def run(self, script: str) -> Any:
        """Evaluate a script in the page, wait for its promise, and return the plain value."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def resize(self, width: int, scheme: str = "light", media: str = "") -> None:
        """Set the width in CSS pixels, the colour scheme, and the medium (``print`` or screen)."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", media=media, features=features)

    async def show(self, path: Path, width: int = 1280, scheme: str = "light") -> None:
        """Load a file, and wait until it is complete."""
        await self.resize(width, scheme)
        await self.open(path.as_uri())

    async def open(self, url: str) -> None:
        """Load an address, and wait until it is complete."""
        navigation = {"id": 0, "method": "Page.navigate", "params": {"url": url}}
        await self._socket.send_json(navigation)
        await self.loaded()

    async def loaded(self) -> None:
        """Wait until a page is complete that is being loaded."""
        while (await self._receive()).get("method") != "Page.loadEventFired":
            pass

    async def text(self) -> str:
        """All text that is laid out, in the page and in its frames, one document a line."""
        shown = await self.call("DOMSnapshot.captureSnapshot", computedStyles=[])
        strings = shown["strings"]
        return "\n".join(
            "".join(strings[each] for each in document["layout"]["text"] if each >= 0)
            for document in shown["documents"]
        )

    async def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        answer = await self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        return base64.b64decode(answer["data"])


@contextmanager
def chromium(*flags: str) -> Iterator[str]:
    """Host and port of the protocol of a new browser, whose profile is deleted afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = (f"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank")
        command = [which("chromium") or "chromium", *FLAGS, *flags, *options]
        log = Path(folder, "said")
        with log.open("wb") as said:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        try:
            yield _address(process, log)
        finally:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Host and port of the protocol, which the browser prints."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)  # its end is the news that would come first
        for line in log.read_bytes().splitlines(keepends=True):
            if line.startswith(LISTENS) and line.endswith(b"\n"):
                return line.removeprefix(LISTENS).decode().split("/")[2]
        assert process.returncode is None, "chromium ended before it listened"


@asynccontextmanager
async def page_of(address: str) -> AsyncIterator[Page]:
    """A page of a running browser, with cookies and a cache of its own."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://{address}/json/version") as answer:
            whole = (await answer.json())["webSocketDebuggerUrl"]
        async with session.ws_connect(whole, max_msg_size=0) as commands:
            browser = Page(commands)
            context = await browser.call("Target.createBrowserContext")
            target = await browser.call("Target.createTarget", url="about:blank", **context)
            opened = session.ws_connect(
                f"ws://{address}/devtools/page/{target['targetId']}", max_msg_size=0
            )
            async with opened as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log"):
                    await page.call(f"{domain}.enable")
                yield page
            await browser.call("Target.disposeBrowserContext", **context)


@asynccontextmanager
async def browser_page(*flags: str) -> AsyncIterator[Page]:
    """A page of a browser of its own."""
    with chromium(*flags) as address:
        async with page_of(address) as page:
            yield page

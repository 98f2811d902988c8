"""Steps ``device`` and ``recorded-device``: ask for a URL as a certain device and browser does.

``device windows-chrome https://{host}/`` has the handshake, HTTP/2 settings and headers of
``probes.net.device_profiles``; over HTTP the headers are all there is. ``recorded-device
https://{host}/ {"name": ...}`` has those of a recording (``accredit device record``). The
certificate is not verified: the page's token proves who sent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from harness.errors import known
from harness.ports.network import Request
from harness.ports.streams import ByteStream
from probes.net.browser import can_browse
from probes.net.browser_profiles import COOKIE, BrowserProfile, SentHeaders
from probes.net.client_hello import hello_body, read_hello
from probes.net.curl_transfer import CurlTransfer, Dress, dress_as
from probes.net.device_profiles import DEVICES
from probes.net.device_recording import read_recording
from probes.net.ja4 import ja4
from probes.net.raw_http1 import read_answer
from probes.net.tls_facts import is_complete
from probes.techniques.placeholders import Piece, pieces_of
from probes.techniques.run import NotCarriedError, StepRun, TechniqueRun
from probes.techniques.steps import step
from probes.techniques.url_step import WrittenUrl, read_url

MOST_HELLO = 16384
"""The most bytes that are kept of what is sent first, to read the ClientHello."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """How a device asks: its name, its handshake, its headers, and the URL's template."""

    name: str
    dress: Dress
    headers: BrowserProfile
    url: tuple[Piece, ...]


@step("device")
def read_device(text: str) -> StepRun:
    """Read the name of a device, and the template of a URL."""
    name, _, url = text.strip().partition(" ")
    if name not in DEVICES:
        msg = f"unknown device {name!r}; {known(DEVICES)}"
        raise ValueError(msg)
    device = DEVICES[name]
    shown = f"{name}, handshake of curl_cffi's {device.handshake}"
    return _asking(
        _Asker(
            name=shown,
            dress=partial(dress_as, device.handshake),
            headers=device.headers,
            url=_url_of(url),
        )
    )


@step("recorded-device")
def read_recorded_device(text: str) -> StepRun:
    """Read the template of a URL, and a recording as JSON."""
    url, _, recorded = text.strip().partition(" ")
    recording = read_recording(recorded)
    return _asking(
        _Asker(
            name=f"{recording.name}, as recorded",
            dress=recording.dress,
            headers=recording.profile,
            url=_url_of(url),
        )
    )


def _url_of(text: str) -> tuple[Piece, ...]:
    if not text.startswith(("http://", "https://")):
        msg = f"{text[:60]!r} is no URL: begin with 'http://' or 'https://'"
        raise ValueError(msg)
    return pieces_of(text)


def _asking(asker: _Asker) -> StepRun:
    async def run(run: TechniqueRun) -> None:
        url = read_url(run.text(asker.url))
        run.host, run.port = str(url.host), url.port
        sent = _headers(run, asker.headers, url.scheme)
        run.tunnel_headers = sent.tunnel
        if url.scheme == "https":
            await _ask_securely(run, asker, url, sent)
        else:
            await _ask_plainly(run, asker, url, sent)

    return run


def _headers(run: TechniqueRun, profile: BrowserProfile, scheme: str) -> SentHeaders:
    """Return the browser's headers with the marks of the attempt, where the browser has them."""
    lines = [line.partition(": ") for line in run.values["marks"].split("\r\n") if line]
    cookie = next((value for name, _, value in lines if name == COOKIE), "")
    more = tuple((name, value) for name, _, value in lines if name != COOKIE)
    return profile.headers(scheme, cookie, more)


async def _ask_plainly(
    run: TechniqueRun, asker: _Asker, url: WrittenUrl, sent: SentHeaders
) -> None:
    """Ask by HTTP, in absolute form at a proxy. Raises what a stream raises."""
    stream = await run.open(url.port, plain=True)
    target, headers = (url.text, sent.proxied) if run.is_proxied else (url.path, sent.direct)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    request = f"GET {target} HTTP/1.1\r\nHost: {url.authority}\r\n{lines}{run.authorization}\r\n"
    data = request.encode("utf-8", "surrogateescape")
    run.note("device", run.where, f"as {asker.name}: {request}")
    run.recorder.stage = "request"
    await stream.write(data)
    run.recorder.stage = "response"
    await read_answer(stream, run.recorder)


async def _ask_securely(
    run: TechniqueRun, asker: _Asker, url: WrittenUrl, sent: SentHeaders
) -> None:
    """Ask by HTTPS. Raises NotCarriedError where curl-impersonate does not run."""
    if not can_browse():
        raise NotCarriedError("this machine has no curl_cffi, which makes browsers' handshakes")
    stream = _Watched(await run.open(url.port))
    request = Request(url=url.text, headers=sent.direct, timeout=run.remaining)
    transfer = CurlTransfer(request=request, dress=asker.dress, authorities=None)
    await transfer.over(stream, run.recorder)
    named = "\r\n".join(f"{name}: {value}" for name, value in sent.direct)
    shown = f"as {asker.name}: ClientHello {stream.fingerprint}; GET {url.text}\r\n{named}\r\n"
    run.note("device", run.where, shown)


class _Watched:
    """A byte stream that keeps the ClientHello which is sent over it."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._sent = bytearray()
        self.read, self.start_tls, self.close = stream.read, stream.start_tls, stream.close

    async def write(self, data: bytes) -> None:
        """Send data, and keep the first bytes."""
        if len(self._sent) < MOST_HELLO and not is_complete(bytes(self._sent)):
            self._sent += data
        await self._stream.write(data)

    @property
    def fingerprint(self) -> str:
        """The JA4 fingerprint of what was sent first."""
        try:
            return ja4(read_hello(hello_body(bytes(self._sent))))
        except ValueError as error:
            return f"not read: {error}"

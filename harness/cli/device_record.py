"""``accredit device record`` and ``pack``: record real devices, and ask like them."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from corpora.device_pack import write_device_pack
from harness.cli.alert_receivers import listening_address, require_signals
from harness.cli.given_times import seconds_of
from harness.cli.printing import say, say_at_once, warn
from harness.errors import UnfinishedError, UsageError
from harness.store.atomic_write import write_new
from harness.untrusted.regular_file import read_bounded
from probes.net.browser import can_browse
from probes.net.device_recording import DeviceRecording, read_recording
from probes.range.authority import Authority
from probes.receivers.device_check import repeated
from probes.receivers.device_recorder import RecorderServer, SeenRequest, recording_of

LONGEST_NAME = 80
"""Characters of a device's name: one line of a report."""

MOST_BYTES = 1 << 20
"""The largest file that is read as a recording."""


def record_command(
    name: Annotated[str, typer.Argument(help="What the device is, such as 'Year 9 iPad'.")],
    *,
    at: Annotated[
        str, typer.Option(help="The name or address by which the device reaches this machine.")
    ],
    listen: Annotated[str, typer.Option(help="HOST:PORT to listen at.")] = "0.0.0.0:8443",
    out: Annotated[Path, typer.Option(help="The file for the recording.")] = Path("device.json"),
    lasts: Annotated[str, typer.Option("--for", help="How long to wait: 90s, 10m.")] = "10m",
    chain: Annotated[
        Path | None, typer.Option(help="A certificate chain (PEM) that the device trusts.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The key of that chain (PEM).")] = None,
) -> None:
    """Record a device's TLS handshake, HTTP/2 settings and headers while it opens a page here."""
    require_signals("device record")
    if not name.strip() or len(name) > LONGEST_NAME:
        raise UsageError(f"NAME: give the device a name of at most {LONGEST_NAME} characters")
    if os.path.lexists(out):
        msg = f"--out {out}: there is a file already; choose another name"
        raise UsageError(msg)
    address = listening_address(listen, "--listen")
    seconds = seconds_of(lasts, "--for ")
    recorder = _Recorder(name.strip(), at, _context(at, chain, key))
    recording = asyncio.run(recorder.run(address.host, address.port, seconds))
    if recording is None:
        msg = "the device opened no page over HTTPS, so there is nothing to keep; try again"
        raise UnfinishedError(msg)
    write_new(out, msgspec.json.format(msgspec.json.encode(recording), indent=2) + b"\n")
    say(f"{out}: {recording.name}")
    if recording.may_be_opened:
        warn(
            "the handshake is not that of the browser which the headers name: a filter that opens "
            "TLS may be on the way; record on a network without it"
        )
    for sentence in _check(recording):
        say(sentence)
    say(f"next: accredit device pack {out} --out our-devices")


def pack_command(
    recordings: Annotated[list[Path], typer.Argument(help="Files of accredit device record.")],
    out: Annotated[Path, typer.Option(help="The folder for the pack; it must not exist.")],
) -> None:
    """Write a pack whose items ask for pages as recorded devices do (DEV-01)."""
    found = [_read(path) for path in recordings]
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f'two recordings are called {twice!r}; change "name" in one of the files'
        raise UsageError(msg)
    texts = {one.name: msgspec.json.encode(one).decode() for one in found}
    count = write_device_pack(out, texts, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    say(f"{out}: {count} items for {len(found)} devices; next: add 'pack: ./{out}' to 'corpora'")


class _Recorder:
    """Waits until a device has opened both pages, a signal ends it, or the time is over."""

    def __init__(self, name: str, at: str, context: ssl.SSLContext) -> None:
        self._name, self._at, self._context = name, at, context
        self._seen: list[SeenRequest] = []
        self._stop = asyncio.Event()

    async def run(self, host: str, port: int, seconds: float) -> DeviceRecording | None:
        """Record; None if nothing came over HTTPS. Raises UsageError for a taken address."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        loop.call_later(seconds, self._stop.set)
        server = RecorderServer(host, port, self._context, self._keep, self._page)
        try:
            await server.__aenter__()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            msg = f"--listen {host}:{port}: cannot be listened on: {reason}; give another address"
            raise UsageError(msg) from None
        try:
            where = f"{self._at}:{server.port}"
            say_at_once(f"on the device, open https://{where}/ and go past a warning")
            say_at_once(f"then open http://{where}/ there; Ctrl-C ends the recording")
            await self._stop.wait()
        finally:
            await server.__aexit__()
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        return recording_of(self._name, day, self._seen)

    def _keep(self, seen: SeenRequest) -> None:
        """Keep a request for the page; end after one with TLS and one without."""
        if seen.path != "/" or len(self._seen) >= MOST_PAGES:
            return
        self._seen.append(seen)
        how = "HTTP" if seen.hello is None else f"HTTPS, HTTP/{2 if seen.http2 else 1}"
        agent = next((value for name, value in seen.headers if name.lower() == "user-agent"), "")
        say_at_once(f"recorded over {how}: {agent[:120]}")
        if {one.hello is None for one in self._seen} == {True, False}:
            self._stop.set()

    def _page(self, port: int) -> str:
        link = f"http://{self._at}:{port}/"
        return (
            "<!doctype html><meta charset=utf-8><title>Recorded</title>"
            f'<p>This device was recorded. Now open <a href="{link}">{link}</a>.</p>'
        )


MOST_PAGES = 100


def _context(at: str, chain: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return the context with the given certificate, or one made for the name."""
    if (chain is None) != (key is None):
        raise UsageError("give both --chain and --key, or neither")
    if chain is None or key is None:
        return Authority().context(at)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        msg = f"--chain {chain}, --key {key}: no certificate with its key: {error}"
        raise UsageError(msg) from None
    return context


def _check(recording: DeviceRecording) -> list[str]:
    """Say whether the device can be repeated exactly, and what differs if not."""
    if not can_browse():
        return ["this machine has no curl_cffi, so the recording was not tried"]
    differences = recording.differences(asyncio.run(repeated(recording)))
    if not differences:
        return ["its handshake, HTTP/2 settings and headers can be repeated exactly"]
    return ["it can be repeated, but not exactly:", *(f"  {each}" for each in differences)]


def _read(path: Path) -> DeviceRecording:
    """Read a recording. Raises UsageError with the file and the reason."""
    try:
        return read_recording(read_bounded(path, MOST_BYTES))
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None
    except ValueError as error:
        msg = f"{path}: {error}"
        raise UsageError(msg) from None

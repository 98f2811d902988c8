"""Check a recording: ask like the device, record that, and compare the two."""

from __future__ import annotations

from harness.errors import UsageError
from harness.ports.network import Request
from probes.net.browser import can_browse
from probes.net.curl_transfer import CurlTransfer
from probes.net.device_recording import DeviceRecording
from probes.net.dialling import dial_stream
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.route import Address, Route, client_tls_context
from probes.range.authority import Authority
from probes.receivers.device_recorder import RecorderServer, SeenRequest, recording_of

HOST = "recorder.accredit.test"
LOOPBACK = "127.0.0.1"
PATIENCE = 30.0


async def repeated(recording: DeviceRecording) -> DeviceRecording:
    """Return what a recorder on loopback records of a request like the device's.

    Raises UsageError where curl-impersonate does not run, or cannot make the request.
    """
    if not can_browse():
        raise UsageError("a recording is repeated by curl_cffi, which this machine does not have")
    seen: list[SeenRequest] = []
    recorder = ExchangeRecorder(1 << 16)
    context = Authority().context(HOST)
    async with RecorderServer(LOOPBACK, 0, context, seen.append, lambda _: "repeated") as server:
        there = Address(host=LOOPBACK, port=server.port)
        dialled = await dial_stream(
            Route(address=there, trust=client_tls_context("")), there, PATIENCE
        )
        assert dialled.opened is not None, dialled.failure
        request = Request(
            url=f"https://{HOST}/",
            headers=recording.profile.headers("https").direct,
            timeout=PATIENCE,
        )
        transfer = CurlTransfer(request=request, dress=recording.dress, authorities=None)
        await transfer.over(dialled.opened, recorder)
    found = recording_of(recording.name, recording.recorded, seen)
    if found is None:
        failure = recorder.exchange().failure
        msg = f"{recording.name}: the handshake cannot be repeated: {failure}"
        raise UsageError(msg)
    return found

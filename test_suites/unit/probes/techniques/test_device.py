"""A page is asked for as a device does: its handshake, its headers, and the marks of the attempt."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from harness.model.campaign import Limits
from harness.model.technique import GROUPS
from probes.kinds.techniques import Techniques
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.net.device_profiles import DEVICES
from probes.net.device_recording import DeviceRecording, RecordedHello, RecordedHttp2
from probes.range.testbed import RangeTestbed
from probes.techniques import device_step
from probes.techniques.steps import read_statement
from test_suites.unit.probes.conftest import HEAD_END
from test_suites.unit.probes.techniques.conftest import HOST, Try, attempt_of, facts_of

CHROME, SAFARI = "t13d1517h2_8daaf6152771_cb7bf5808d99", "t13d2013h2_a09f3c656075_7f0f34a4126d"
"""JA4 of the ClientHello of Chrome 152, and of Safari 27."""

RECORDED = DeviceRecording(
    name="Tablet 7",
    recorded="2026-11-29",
    hello=RecordedHello(
        ciphers=(0x1301, 0x1302, 0x1303, 0xC02B), extensions=(0, 10, 13, 16, 43, 51),
        groups=(29, 23), shares=(29,), signatures=(0x0403, 0x0804), protocols=("h2", "http/1.1"),
    ),
    http2=RecordedHttp2(settings=((3, 100), (4, 65535)), window=1000, fields="mpas"),
    headers=(("user-agent", "Tablet/7 (school)"), ("accept", "*/*")),
)  # fmt: skip


def test_each_device_is_a_class_of_its_group() -> None:
    assert set(DEVICES) == set(GROUPS["device"].classes)


@pytest.mark.parametrize(
    ("device", "fingerprint", "agent"),
    [
        ("windows-chrome", CHROME, "Windows NT 10.0; Win64; x64) AppleWebKit"),
        ("chromeos-chrome", CHROME, "CrOS x86_64"),
        ("windows-edge", CHROME, "Edg/152"),
        ("ipados-safari", SAFARI, "Macintosh; Intel Mac OS X 10_15_7"),
        ("ios-safari", SAFARI, "iPhone; CPU iPhone OS"),
    ],
)
async def test_the_page_comes_to_a_device_with_its_own_handshake(
    over_control: Try, device: str, fingerprint: str, agent: str
) -> None:
    facts = facts_of(await over_control(f"device {device} https://{{host}}/"))

    assert facts.canary == "seen"
    (sent,) = facts.sent
    assert sent.step == "device"
    assert sent.data.startswith(
        f"as {device}, handshake of curl_cffi's {DEVICES[device].handshake}"
    )
    assert f"ClientHello {fingerprint}; GET https://{HOST}/" in sent.data
    assert agent in sent.data


@pytest.mark.parametrize("device", list(DEVICES))
async def test_over_http_the_headers_are_the_devices(over_proxy: Try, device: str) -> None:
    facts = facts_of(await over_proxy(f"device {device} http://{{host}}/"))

    assert facts.canary == "absent"
    assert facts.status == 403
    (sent,) = facts.sent
    assert f"GET http://{HOST}/ HTTP/1.1" in sent.data
    agent = dict(DEVICES[device].headers.http)["User-Agent"]
    assert f"User-Agent: {agent}"[:120] in sent.data


async def test_a_proxy_is_asked_with_the_devices_own_headers(bed: RangeTestbed, serve: Any) -> None:
    heads: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(HEAD_END))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    options = ExplicitProxyOptions(proxy=f"http://127.0.0.1:{await serve(refuse)}")
    async with ExplicitProxy("proxy", options, bed.origin, Limits()) as line:
        tried = attempt_of(bed.origin, line, "device windows-firefox https://{host}/")
        facts = facts_of(await Techniques().try_item(tried, line))

    assert (facts.canary, facts.tunnel_status) == ("absent", 403)
    first, *lines = heads[0].decode().split("\r\n")
    assert first == f"CONNECT {HOST}:443 HTTP/1.1"
    assert lines[0].endswith("Firefox/155.0")
    assert lines[1:4] == [
        "Proxy-Connection: keep-alive",
        "Connection: keep-alive",
        f"Host: {HOST}:443",
    ]


async def test_a_recorded_device_is_repeated(over_control: Try, bed: RangeTestbed) -> None:
    recorded = msgspec.json.encode(RECORDED).decode()
    facts = facts_of(await over_control(f"recorded-device https://{{host}}/ {recorded}"))

    assert facts.canary == "seen"
    assert "as Tablet 7, as recorded: ClientHello t13d0406h2_" in facts.sent[0].data
    assert "user-agent: Tablet/7 (school)" in facts.sent[0].data
    assert [one.over for one in bed.log.arrivals(HOST) if one.over != "dns"] == ["https"]


async def test_without_curl_it_is_not_carried(
    over_control: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_step, "can_browse", lambda: False)
    facts = facts_of(await over_control("device macos-safari https://{host}/"))

    assert "curl_cffi" in facts.obstacle


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("device windows-chrom https://{host}/", "unknown device 'windows-chrom'"),
        ("device windows-chrome ftp://{host}/", "is no URL"),
        ("device windows-chrome", "is no URL"),
        ("recorded-device https://{host}/ {", "not a recorded device"),
        ('recorded-device https://{host}/ {"name": "x"}', "missing required field"),
        (
            "recorded-device https://{host}/ "
            + json.dumps(
                {"name": "x", "recorded": "", "hello": {"ciphers": [1], "extensions": []}}
            ),
            "none of the recorded cipher suites",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(statement: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_statement(statement)

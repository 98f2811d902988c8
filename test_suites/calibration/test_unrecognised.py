"""Requests of the test cannot be distinguished from those of a browser."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.marker import carrier_for
from harness.model.outcome import Conformity
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign

BLOCKED = "copper-meadow.accredit.test"
PAGE = b"<title>Access denied</title><p>The school's filter has blocked this page.</p>"
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"
BROWSER = re.compile(r"^user-agent: mozilla/5\.0 \((windows nt|x11; cros|macintosh)", re.MULTILINE)


def tells_of_a_test(head: str) -> bool:
    """What made every request of the test known, and would again."""
    lines = head.lower().split("\r\n")
    told = "\n".join(line for line in lines[1:] if not line.startswith("host:"))
    closes = re.search(r"^(proxy-)?connection: close", told, re.MULTILINE)
    return bool("accredit" in told or "canary" in told or closes or not BROWSER.search(told))


class _Asked(socketserver.StreamRequestHandler):
    server: TwoFaced

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(65536)
            if not line:
                return
            head += line
        text = head.decode("latin-1")
        self.server.heard.append(text)
        host = text.split("/", 3)[2]
        if host == BLOCKED or tells_of_a_test(text):
            self.wfile.write(REFUSAL % (len(PAGE), PAGE))
            return
        first, _, rest = text.partition("\r\n")
        asked = f"GET / {first.rpartition(' ')[2]}\r\n{rest}".encode("latin-1")
        with socket.create_connection(self.server.origin, timeout=5) as far:
            far.sendall(asked)
            while chunk := far.recv(65536):
                self.wfile.write(chunk)


class TwoFaced(socketserver.ThreadingTCPServer):
    """A proxy that filters what looks like a test, and nothing else but the sentinel."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        self.origin = ("127.0.0.1", port)
        self.heard: list[str] = []
        super().__init__(("127.0.0.1", 0), _Asked)


@pytest.fixture
def two_faced(world: RangeTestbed) -> Iterator[TwoFaced]:
    with TwoFaced(world.origin.ports[80]) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("lane", ["portable", "auto"])
def test_a_service_cannot_recognise_the_test_by_its_requests(
    two_faced: TwoFaced, world: RangeTestbed, origin_file: Path, tmp_path: Path, lane: str
) -> None:
    proxy = f"http://127.0.0.1:{two_faced.server_address[1]}"
    campaign = write_campaign(
        tmp_path / "there",
        origin=origin_file,
        lines=[{"name": "proxy", "type": "explicit_proxy", "options": {"proxy": proxy}}],
        categories=["DRUG"],
        sample=30,
    )
    found = rehearse(campaign, lane)

    assert len(found.items(State.ALLOWED, "DRUG", "proxy")) == 30
    assert found.assessment.conformity is Conformity.DOES_NOT_CONFORM
    assert not [head for head in two_faced.heard if tells_of_a_test(head)]
    journal = open_journal(found.journal)
    carrier = carrier_for(world.origin.key, journal.header.run)
    journal.close()
    assert all(
        f"\r\n{carrier.name}" in head or f"{carrier.name}=" in head for head in two_faced.heard
    )


def test_the_hostile_service_recognises_earlier_versions_of_the_test() -> None:
    """The hostile service works: it recognises the requests of earlier versions."""
    before = (
        "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0)"
    )

    assert not tells_of_a_test(before)
    assert tells_of_a_test(f"{before}\r\nX-Accredit-Attempt: 0\r\n")
    assert tells_of_a_test(f"{before}\r\nConnection: close\r\n")
    assert tells_of_a_test(before.replace("Windows NT 10.0", "compatible; accredit"))

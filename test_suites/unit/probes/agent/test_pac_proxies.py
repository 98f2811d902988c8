"""The agent follows a PAC file on its way to the hub, as a browser would."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.fleet.identity import Identity
from probes.agent.pac_proxies import BAD_SECONDS, KEPT_SECONDS, PacProxies
from probes.agent.proxy_server import Credentials, ProxyServer
from probes.agent.uplink import HubUplink
from probes.agent.uplink_error import UplinkError
from test_suites.kit.hubs.fake_hub import FakeHub
from test_suites.kit.processes.product import free_port

HUB = "https://hub.accredit.test/agent/v1/time"
Pac = Callable[[str], str]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def urls(servers: tuple[ProxyServer | None, ...]) -> list[str]:
    return [server.url if server is not None else "direct" for server in servers]


def test_choices_come_in_the_order_of_the_file(pac: Pac) -> None:
    answer = "PROXY a:8080; HTTPS b; SOCKS5 c; DIRECT; HTTP d"
    proxies = PacProxies(pac(f'return "{answer}";'))

    assert ["http://a:8080", "https://b:443", "direct", "http://d:80"] == urls(proxies.servers(HUB))


def test_the_file_is_asked_for_the_host_alone(pac: Pac) -> None:
    body = 'return url == "https://hub.accredit.test/" && host == "hub.accredit.test" ? "PROXY y:1" : "PROXY n:1";'

    assert ["http://y:1"] == urls(PacProxies(pac(body)).servers(HUB))


def test_names_are_resolved_for_the_file(pac: Pac) -> None:
    body = 'return isInNet(host, "10.0.0.0", "255.0.0.0") ? "DIRECT" : "PROXY p:1";'
    asked: list[str] = []

    def resolve(name: str) -> str | None:
        asked.append(name)
        return "10.1.2.3"

    assert ["direct"] == urls(PacProxies(pac(body), resolve=resolve).servers(HUB))
    assert ["hub.accredit.test"] == asked


def test_a_proxy_that_was_out_of_reach_comes_last_for_five_minutes(pac: Pac) -> None:
    clock = Clock()
    proxies = PacProxies(pac('return "PROXY a:1; PROXY b:1";'), monotonic=clock)
    first, _ = proxies.servers(HUB)
    proxies.is_out_of_reach(first)

    assert ["http://b:1", "http://a:1"] == urls(proxies.servers(HUB))
    clock.now += BAD_SECONDS + 1
    assert ["http://a:1", "http://b:1"] == urls(proxies.servers(HUB))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('return "SOCKS5 s:1";', "leads to SOCKS5 s:1; the agent speaks with HTTP and HTTPS"),
        ('throw "no";', "cannot be used"),
        ("for (;;) {}", "cannot be used"),
        ('return "NONSENSE";', "names no choice"),
        (
            'var i; for (i = 0; i < 999; i++) dnsResolve("h" + i); return "DIRECT";',
            "wants more than 50 names",
        ),
    ],
)
def test_a_file_of_no_use_is_said(pac: Pac, body: str, said: str) -> None:
    with pytest.raises(UplinkError, match=said):
        PacProxies(pac(body), resolve=lambda _: None).servers(HUB)


def test_what_is_no_pac_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pac"
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        PacProxies(str(path))
    path.write_text("<html>", encoding="utf-8")
    with pytest.raises(UsageError, match="is not a PAC file"):
        PacProxies(str(path))
    with pytest.raises(UsageError, match="no name or password in it"):
        PacProxies("http://name:Frogs@wpad/proxy.pac")


def test_without_the_extra_it_says_what_to_install(
    pac: Pac, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "quickjs", None)

    with pytest.raises(UsageError, match=r"^the agent's PAC file needs 'quickjs'"):
        PacProxies(pac('return "DIRECT";'))


@contextmanager
def web_server(answers: list[tuple[int, bytes]]) -> Iterator[str]:
    """Serve answers, one after the other; gives the URL of the PAC file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/proxy.pac"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def script(answer: str) -> tuple[int, bytes]:
    return 200, f'function FindProxyForURL(url, host) {{ return "{answer}"; }}'.encode()


def test_a_file_is_fetched_and_kept_for_an_hour(pac: Pac) -> None:
    clock = Clock()
    with web_server([script("PROXY a:1"), script("PROXY b:1"), (500, b"")]) as url:
        proxies = PacProxies(url, monotonic=clock)
        found = [urls(proxies.servers(HUB)), urls(proxies.servers(HUB))]
        clock.now += KEPT_SECONDS + 1
        found.append(urls(proxies.servers(HUB)))
        clock.now += KEPT_SECONDS + 1
        found.append(urls(proxies.servers(HUB)))  # it could not be fetched again

    assert [["http://a:1"]] * 2 + [["http://b:1"]] * 2 == found


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b""), "answered with status 404"),
        ((302, b""), "answered with status 302"),
        ((200, b"<html>sign in</html>"), "is not a PAC file"),
        ((200, bytes(2**20 + 1)), "is not a PAC file: it is larger"),
    ],
)
def test_a_file_that_does_not_come_is_said(pac: Pac, answer: tuple[int, bytes], said: str) -> None:
    with web_server([answer]) as url, pytest.raises(UplinkError, match=said):
        PacProxies(url).servers(HUB)


def test_a_server_that_does_not_answer_is_said(pac: Pac) -> None:
    with pytest.raises(UplinkError, match=r"the PAC file was not fetched from 127\.0\.0\.1:"):
        PacProxies(f"http://127.0.0.1:{free_port()}/proxy.pac").servers(HUB)


def test_a_dead_proxy_gives_way_to_the_next_choice(
    pac: Pac, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    agent = Identity.new()
    dead = f"PROXY 127.0.0.1:{free_port()}"
    proxies = PacProxies(
        pac(f'return "{dead}; DIRECT";'), Credentials(name="name", password="Frogs")
    )
    with (
        FakeHub(agent=agent.public).running() as hub,
        HubUplink(hub.url, hub.identity.public, agent, proxies) as one,
    ):
        one.read_clock()
        after = urls(proxies.servers(hub.url))

    assert ["direct", dead.replace("PROXY ", "http://")] == after
    assert "Frogs" not in caplog.text

"""An agent reaches its hub by real proxies: with Basic authentication, and where TLS is opened."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.fleet.identity import Identity
from harness.fleet.messages import AgentStatus, Poll, UplinkReport
from probes.agent.pac_proxies import PacProxies
from probes.agent.proxy_choice import ProxyChoice, ProxyOptions, read_proxy_choice
from probes.agent.proxy_server import Credentials
from probes.agent.uplink import HubUplink
from probes.agent.uplink_error import UplinkError
from test_suites.kit.hubs.fake_hub import FakeHub
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.product import Product
from test_suites.products.school_authority import SchoolAuthority
from test_suites.products.squid import CERTGEN, USER, house_lines

AGENT = Identity.new()
NAME, PASSWORD = "agent-7", "Otters in%40the river"
POLL = Poll(status=AgentStatus(version="1"))


class AskingSquid(Product):
    """Squid that lets only those through who say name and password; may open TLS."""

    def __init__(self, *, opens_tls: bool = False) -> None:
        super().__init__("squid")
        self.port, self.opens_tls = free_port(), opens_tls

    def start(self) -> None:
        here = self.folder.path
        hashed = subprocess.run(
            ["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True
        ).stdout
        self.folder.write("passwords", f"{NAME}:{hashed}")
        conf = self.folder.write("squid.conf", self.configuration())
        if self.opens_tls:
            making = [CERTGEN, "-c", "-s", f"{here}/certificates", "-M", "4MB"]
            subprocess.run(making, check=True, capture_output=True)
        self.folder.give_to(USER)
        service = "accredit" + here.name.rsplit("-", 1)[-1].replace("_", "x")
        places = [(LOOPBACK, self.port)]
        self.run("squid", "-N", "-n", service, "-f", str(conf), answers_at=places)

    def configuration(self) -> str:
        here, door = self.folder.path, f"http_port {LOOPBACK}:{self.port}"
        opening = []
        if self.opens_tls:
            authority = SchoolAuthority(here / "tls")
            door += f" ssl-bump tls-cert={authority.both} generate-host-certificates=on"
            opening = [
                f"sslcrtd_program {CERTGEN} -s {here}/certificates -M 4MB",
                "sslcrtd_children 2 startup=1",
                "tls_outgoing_options flags=DONT_VERIFY_PEER",
                "sslproxy_cert_error allow all",
                "acl first at_step SslBump1",
                "ssl_bump peek first",
                "ssl_bump bump all",
            ]
        lines = [
            door,
            *house_lines(here),
            f"auth_param basic program /usr/lib/squid/basic_ncsa_auth {here}/passwords",
            "auth_param basic children 1 startup=1",
            "acl known proxy_auth REQUIRED",
            *opening,
            "http_access allow known",
            "http_access deny all",
        ]
        return "\n".join([*lines, ""])


class AskingTinyProxy(Product):
    """tinyproxy with Basic authentication."""

    def __init__(self) -> None:
        super().__init__("tinyproxy")
        self.port = free_port()

    def start(self) -> None:
        conf = self.folder.write(
            "tinyproxy.conf",
            f'Port {self.port}\nListen {LOOPBACK}\nTimeout 60\nMaxClients 20\nLogLevel Critical\n'
            f'PidFile "{self.folder.path}/tinyproxy.pid"\nBasicAuth {NAME} otters-123\n',
        )  # fmt: skip
        self.run("tinyproxy", "-d", "-c", str(conf), answers_at=[(LOOPBACK, self.port)])


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub(agent=AGENT.public).running() as running:
        yield running


def private(tmp_path: Path, password: str = PASSWORD) -> str:
    path = tmp_path / "credentials"
    path.write_text(f"{NAME}:{password}\n", encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def report_of(hub: FakeHub, proxy: ProxyChoice) -> UplinkReport:
    with HubUplink(hub.url, hub.identity.public, AGENT, proxy) as one:
        one.ask(POLL)
        assert one.report is not None
        return one.report


def by(port: int, credentials: str = "") -> ProxyChoice:
    return read_proxy_choice(
        ProxyOptions(proxy=f"http://{LOOPBACK}:{port}", credentials=credentials)
    )


@pytest.mark.product("squid", "openssl")
def test_squid_lets_the_agent_through_with_its_password_alone(
    hub: FakeHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refused = []
    with AskingSquid() as squid:
        report = report_of(hub, by(squid.port, private(tmp_path)))
        for proxy in (by(squid.port), by(squid.port, private(tmp_path, "Badgers"))):
            with pytest.raises(UplinkError) as caught:
                report_of(hub, proxy)
            refused.append(str(caught.value))

    assert (False, f"{LOOPBACK}:{squid.port}") == (report.is_intercepted, report.proxy)
    assert {f"the proxy {report.proxy} asks for a name and password, and took none that it was given (407)"} == set(refused)  # fmt: skip
    assert "Otters" not in caplog.text


@pytest.mark.product("squid", "openssl", CERTGEN)
def test_squid_that_opens_tls_is_recognised(hub: FakeHub, tmp_path: Path) -> None:
    with AskingSquid(opens_tls=True) as squid:
        report = report_of(hub, by(squid.port, private(tmp_path)))

    assert report.is_intercepted
    assert report.seen != hub.certificate
    assert report.issuer


@pytest.mark.product("tinyproxy")
def test_tinyproxy_of_a_pac_file_is_given_the_password(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.agent.pac_proxies.ELSEWHERE", LOOPBACK)
    path = tmp_path / "proxy.pac"
    with AskingTinyProxy() as proxy:
        answer = f"PROXY {LOOPBACK}:{free_port()}; PROXY {LOOPBACK}:{proxy.port}"
        path.write_text(f'function FindProxyForURL(u, h) {{ return "{answer}"; }}')
        right = Credentials(name=NAME, password="otters-123")
        report = report_of(hub, PacProxies(str(path), right))
        with pytest.raises(UplinkError, match="asks for a name and password"):
            report_of(hub, PacProxies(str(path)))

    assert (False, f"{LOOPBACK}:{proxy.port}") == (report.is_intercepted, report.proxy)

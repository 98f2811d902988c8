"""The logs that real products write say what was really fetched through them."""

from __future__ import annotations

import base64
import http.client
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dns.message
import dns.query
import dns.rcode
import pytest

from harness.model.log_entry import LogEntry
from test_suites.kit.processes.product import LOOPBACK
from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.dnsmasq import Dnsmasq
from test_suites.products.e2guardian import E2Guardian, set_options
from test_suites.products.measured import SENTINEL
from test_suites.products.policy_zone import Action
from test_suites.products.service_log import entries
from test_suites.products.squid import Reply, Squid
from test_suites.products.unbound import Reply as DnsReply
from test_suites.products.unbound import Unbound

OPEN, GUARDED = "amber-lantern.accredit.test", "needs-a-name.accredit.test"
TOKYO = ZoneInfo("Asia/Tokyo")
BROWSER = b"Mozilla/5.0 (X11;\tLinux) \xe9"
"""The name of a browser with a tab and a byte that is not UTF-8: products log it as it came."""

pytestmark = pytest.mark.timeout(120)


def fetch(port: int, url: str, method: str = "GET", user: str = "") -> int:
    """The status of a page through a proxy; 0 if the connection was cut off."""
    proxy = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    headers: dict[str, bytes | str] = {"Host": url.split("/")[2], "User-Agent": BROWSER}
    if user:
        credentials = base64.b64encode(f"{user}:secret".encode()).decode()
        headers["Proxy-Authorization"] = f"Basic {credentials}"
    try:
        proxy.putrequest(method, url, skip_host=True)
        for name, value in headers.items():
            proxy.putheader(name, value)
        proxy.endheaders()
        answered = proxy.getresponse()
        answered.read()
    except ConnectionError:
        return 0
    finally:
        proxy.close()
    return answered.status


def ask(port: int, host: str) -> str:
    """The response code for the address of a host; empty if no answer came."""
    try:
        query = dns.message.make_query(host, "A")
        answer = dns.query.udp(query, LOOPBACK, port=port, timeout=2)
    except dns.exception.Timeout:
        return ""
    return dns.rcode.to_text(answer.rcode())


def assert_timed(found: list[LogEntry], begun: datetime) -> None:
    """All times are of this test; logs that show whole seconds cut them off."""
    for entry in found:
        assert entry.at is not None
        assert begun - timedelta(seconds=1) <= entry.at <= datetime.now(UTC), entry


class LoggingSquid(Squid):
    """Squid with user names, and a second log with fields at the end of its lines."""

    def _house(self) -> list[str]:
        log = self.folder.path / "longer.log"
        return [
            *super()._house(),
            'logformat longer %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt "%{User-Agent}>h" %ea',
            f"access_log stdio:{log} longer",
            "strip_query_terms off",
            "auth_param basic program /usr/lib/squid/basic_fake_auth",
            "acl named proxy_auth REQUIRED",
            f"acl guarded dstdomain -n {GUARDED}",
        ]

    def _rules(self) -> list[str]:
        named = ["http_access deny guarded !named", "http_access allow guarded named"]
        return [*named, *super()._rules()]


@pytest.mark.product("squid")
def test_squid(start_range: StartRange) -> None:
    world, begun = start_range(), datetime.now(UTC)
    hosts = {"page": Reply.PAGE, "ok": Reply.PAGE_200, "cut": Reply.RESET}
    lists = [
        BlockList(name=name, hosts=(f"{name}.accredit.test",), reply=reply)
        for name, reply in hosts.items()
    ]
    done = [
        (f"http://{OPEN}/a%20b?nonce=1&x=2", "GET", "", 200, "allowed"),
        (f"http://{OPEN}/upload", "POST", "", 200, "allowed"),
        ("http://page.accredit.test/", "GET", "", 403, "blocked"),
        ("http://ok.accredit.test/", "GET", "", 200, "blocked"),
        ("http://cut.accredit.test/", "GET", "", 0, "blocked"),
        (f"http://{GUARDED}/1", "GET", "", 407, ""),
        (f"http://{GUARDED}/2", "GET", "zoë smith%20", 200, "allowed"),
    ]
    with LoggingSquid(world.origin, lists, {"ks2": list(hosts)}) as squid:
        port = squid.ports["ks2"]
        statuses = [fetch(port, url, method, user) for url, method, user, _, _ in done]
        tunnels = [fetch_connect(port, host) for host in (OPEN, "page.accredit.test")]
        read = [
            entries(squid.folder.path / name, "squid-log", ["CONNECT page"])
            for name in ("access.log", "longer.log")
        ]

    assert [status for *_, status, _ in done] == statuses
    assert [200, 403] == tunnels
    connected = [
        (f"{OPEN}:443", "CONNECT", "", 200, "allowed"),
        ("page.accredit.test:443", "CONNECT", "", 403, "blocked"),
    ]
    assert len(read[0]) == len(read[1])
    for found in read:
        assert [*done, *connected] == [
            (each.url, each.method, each.user, each.status or 0, each.verdict) for each in found
        ]
        assert {LOOPBACK} == {each.client for each in found}
        assert_timed(found, begun)


def fetch_connect(port: int, host: str) -> int:
    """The status that a proxy gives to CONNECT."""
    proxy = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    try:
        proxy.request("CONNECT", f"{host}:443", headers={"Host": f"{host}:443"})
        return proxy.getresponse().status
    finally:
        proxy.close()


class LoggingE2Guardian(E2Guardian):
    """e2guardian with one of its log formats, and the names of browsers in it."""

    form, dash = "8", "off"

    def _configure(self, upstream: int) -> Path:
        conf = super()._configure(upstream)
        options = {"logfileformat": self.form, "usedashforblank": self.dash, "loguseragent": "on"}
        set_options(conf, options)
        return conf


@pytest.mark.product("e2guardian", "squid", "openssl")
@pytest.mark.parametrize(
    ("form", "dash"),
    [("1", "on"), ("1", "off"), ("2", "off"), ("3", "off"), ("4", "on"), ("5", "on"), ("8", "off")],
)
def test_e2guardian(
    start_range: StartRange, monkeypatch: pytest.MonkeyPatch, form: str, dash: str
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    world, begun = start_range(), datetime.now(UTC)
    lists = [BlockList(name="listed", hosts=(SENTINEL,), reply="page")]
    search = "http://www.google.com/search?q=two+words"
    done = {
        f'http://{OPEN}/a%20"b,c"?nonce=1': ("GET", 200, "allowed", ""),
        f"http://{OPEN}/upload": ("POST", 200, "allowed", ""),
        f"http://{SENTINEL}/page?x=1": ("GET", 403, "blocked", ""),
        search: ("GET", 421, "allowed", "two words" if form == "8" else ""),
    }
    guardian = LoggingE2Guardian(world.origin, lists)
    guardian.form, guardian.dash = form, dash
    with guardian:
        sent = [fetch(guardian.port, url, method) for url, (method, *_) in done.items()]
        log = guardian.folder.path / "access.log"
        found = entries(log, "e2guardian-log", done, TOKYO)

    assert [200, 200, 200, 421] == sent  # a block is sent as 200, and logged as 403
    assert done == {
        each.url: (each.method, each.status, each.verdict, each.search) for each in found
    }
    assert {LOOPBACK} == {each.client for each in found}
    assert_timed(found, begun)


class LoggingUnbound(Unbound):
    """Unbound that logs everything that it can."""

    times = ""

    def _server(self, profile: str) -> str:
        logged = "".join(f"  log-{what}: yes\n" for what in ("queries", "replies", "local-actions"))
        return super()._server(profile) + logged + self.times

    def _zone(self, denied: BlockList) -> str:
        return super()._zone(denied) + f'  rpz-log: yes\n  rpz-log-name: "{denied.name}"\n'


UNBOUND_TIMES = ("", "  log-time-ascii: yes\n", "  log-time-ascii: yes\n  log-time-iso: yes\n")


@pytest.mark.product("unbound")
@pytest.mark.parametrize("times", UNBOUND_TIMES)
def test_unbound(start_range: StartRange, monkeypatch: pytest.MonkeyPatch, times: str) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    world, begun = start_range(), datetime.now(UTC)
    replies = {"nx": DnsReply.NXDOMAIN, "no": DnsReply.REFUSED, "null": DnsReply.NULL}
    lists = [
        BlockList(name=name, hosts=(f"{name}.accredit.test",), reply=reply)
        for name, reply in replies.items()
    ]
    unbound = LoggingUnbound(world.origin, lists, {"ks2": list(replies)})
    unbound.times = times
    asked = [OPEN, *(f"{name}.accredit.test" for name in replies)]
    with unbound:
        codes = [ask(unbound.ports["ks2"], host) for host in asked]
        log = unbound.folder.path / "console.log"
        found = entries(log, "unbound-log", [f"{asked[-1]}. A IN NOERROR"], TOKYO)

    assert ["NOERROR", "NXDOMAIN", "REFUSED", "NOERROR"] == codes
    assert [
        (OPEN, ""), (OPEN, ""),
        *((host, verdict) for host in asked[1:] for verdict in (
            "", "blocked", "blocked" if host.startswith("no.") else "",
        )),
    ] == [(each.url, each.verdict) for each in found]  # fmt: skip
    assert {LOOPBACK} == {each.client for each in found}
    assert_timed(found, begun)


@pytest.mark.product("unbound")
def test_unbound_names_the_policy_zone_as_the_category(start_range: StartRange) -> None:
    world = start_range()
    actions = {"nx": Action.NXDOMAIN, "empty": Action.NODATA, "silent": Action.DROP}
    lists = [
        BlockList(name=name, hosts=(f"{name}.accredit.test",), reply=action)
        for name, action in actions.items()
    ]
    names = {"ks2": list(actions)}
    with LoggingUnbound(world.origin, lists, names, by_policy_zone=True) as unbound:
        for name in actions:
            ask(unbound.ports["ks2"], f"{name}.accredit.test")
        log = unbound.folder.path / "console.log"
        found = entries(log, "unbound-log", ["rpz-drop"])

    assert {(f"{name}.accredit.test", name) for name in actions} == {
        (each.url, each.category) for each in found if each.verdict == "blocked"
    }


@pytest.mark.product("dnsmasq")
@pytest.mark.parametrize("log_queries", ["", "=extra", "=proto"])
def test_dnsmasq(
    start_range: StartRange, monkeypatch: pytest.MonkeyPatch, log_queries: str
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    world, begun = start_range(), datetime.now(UTC)
    with Dnsmasq(world.origin, [SENTINEL], log_queries) as dnsmasq:
        codes = [ask(dnsmasq.port, host) for host in (OPEN, SENTINEL)]
        found = entries(dnsmasq.log, "dnsmasq-log", [f"config {SENTINEL} is 0.0.0.0"], TOKYO)

    assert ["NOERROR", "NOERROR"] == codes
    answered = LOOPBACK if log_queries else ""
    assert [
        (OPEN, LOOPBACK, ""),
        (OPEN, answered, "allowed"),
        (SENTINEL, LOOPBACK, ""),
        (SENTINEL, answered, "blocked"),
    ] == [(each.url, each.client, each.verdict) for each in found]
    assert_timed(found, begun)

"""The lists that a supplier loads before a campaign: real products load them, and block what they hold."""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest
from typer.testing import CliRunner

from harness.campaign.origin_file import write_origin
from harness.cli.main import app
from harness.model.origin_zone import OriginZone
from harness.ports.network import Origin
from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.kit.processes.product import LOOPBACK, Folder, Process, free_port, which
from test_suites.products.conftest import StartRange
from test_suites.products.e2guardian import E2Guardian
from test_suites.products.squid import USER

ORIGIN = Origin(
    zone="canary.gardens.example",
    resolver="192.0.2.10:53",
    ports={80: 80, 443: 443},
    authority="",
    key=b"k" * 32,
    address="192.0.2.10",
    twin_zone="orchard.example",
    zones=tuple(
        OriginZone(zone=zone, addresses=("192.0.2.10",), nameservers=(f"ns1.{zone}",))
        for zone in ("canary.gardens.example", "meadow.example")
    ),
    twins=OriginZone(zone="orchard.example", addresses=("192.0.2.11",)),
)
HOST, SENTINEL, ALLOWED, NEIGHBOUR = (
    ORIGIN.home_of(f"{name}.accredit.test")
    for name in ("gamb-017.canary", "copper-meadow", "amber-lantern", "gamb-017.twin")
)
LISTED, OTHERS = (HOST, SENTINEL), (ALLOWED, NEIGHBOUR)


def exported(folder: Path, form: str, origin: Origin = ORIGIN) -> Path:
    """The list of one category for the supplier of a campaign, in one format."""
    write_origin(origin, folder / "origin.json")
    path = write_campaign(
        folder, origin=folder / "origin.json", categories=["GAMB"],
        lines=[{"name": "names", "type": "resolver", "options": {"server": "127.0.0.1:5"}}],
    )  # fmt: skip
    out = folder / "list"
    words = ["--format", form, "--campaign", str(path), "--with-sentinels", "--out", str(out)]
    result = CliRunner().invoke(app, ["corpus", "export", "canary", *words])
    assert (0, f"{out}: 241 items as {form}\n") == (result.exit_code, result.output)
    return out


def codes(port: int, hosts: Iterable[str]) -> list[str]:
    """The response codes of a name server for some hosts."""
    asked = (dns.message.make_query(host, "A") for host in hosts)
    answers = (dns.query.udp(query, LOOPBACK, port=port, timeout=10) for query in asked)
    return [dns.rcode.to_text(answer.rcode()) for answer in answers]


def status(port: int, host: str) -> int:
    """The status of a page through a proxy."""
    proxy = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    proxy.request("GET", f"http://{host}/", headers={"Host": host})
    answered = proxy.getresponse()
    proxy.close()
    return answered.status


@pytest.fixture
def folder() -> Iterable[Folder]:
    """A folder that the user of a product may enter."""
    with ExitStack() as closing:
        made = Folder("lists")
        closing.callback(made.remove)
        yield made


@pytest.mark.product("unbound")
def test_unbound_loads_its_list(tmp_path: Path, folder: Folder) -> None:
    port, listed = free_port(), folder.write("list", exported(tmp_path, "unbound").read_text())
    conf = folder.write(
        "unbound.conf",
        f"""server:
  interface: {LOOPBACK}@{port}
  access-control: 0.0.0.0/0 allow
  directory: "{folder.path}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-ip6: no
  local-zone: "." refuse
remote-control:
  control-enable: no
include: "{listed}"
""",
    )
    command = (which("unbound") or "", "-d", "-c", str(conf))
    with Process(command, log=folder.path / "log", answers_at=[(LOOPBACK, port)]):
        assert ["NXDOMAIN"] * 2 == codes(port, LISTED)
        assert ["REFUSED"] * 2 == codes(port, OTHERS)


@pytest.mark.product("named")
def test_bind_loads_its_policy_zone(tmp_path: Path, folder: Folder) -> None:
    port, listed = free_port(), folder.write("list", exported(tmp_path, "rpz").read_text())
    root = folder.write("root", "@ 60 SOA . . 1 1 1 1 1\n@ NS a.\na. A 127.0.0.1\n")
    conf = folder.write(
        "named.conf",
        f"""options {{
  directory "{folder.path}"; pid-file none; listen-on port {port} {{ {LOOPBACK}; }};
  listen-on-v6 {{ none; }}; recursion yes; dnssec-validation no; empty-zones-enable no;
  forward only; forwarders {{ 127.0.0.1 port 9; }};
  response-policy {{ zone "list.rpz"; }} qname-wait-recurse no;
}};
controls {{ }};
zone "list.rpz" {{ type primary; file "{listed}"; }};
zone "." {{ type primary; file "{root}"; }};
""",
    )
    command = (which("named") or "", "-g", "-n", "1", "-c", str(conf))
    log, ready = folder.path / "log", "list.rpz: reload done: success"
    with Process(command, log=log, answers_at=[(LOOPBACK, port)], logs=ready):
        for host in LISTED:
            query = dns.message.make_query(host, "A")
            answer = dns.query.udp(query, LOOPBACK, port=port, timeout=10)
            assert dns.rcode.NXDOMAIN is answer.rcode()
            assert ["list.rpz."] == [str(each.name) for each in answer.additional]
        query = dns.message.make_query(ALLOWED, "A")
        assert not dns.query.udp(query, LOOPBACK, port=port, timeout=10).additional


@pytest.mark.product("squid")
def test_squid_loads_its_list(tmp_path: Path, folder: Folder) -> None:
    port, listed = free_port(), folder.write("list", exported(tmp_path, "squid").read_text())
    conf = folder.write(
        "squid.conf",
        f"""http_port {LOOPBACK}:{port}
acl listed dstdomain "{listed}"
acl all_others dstdomain .
http_access deny listed
deny_info 451:ERR_ACCESS_DENIED listed
deny_info 410:ERR_ACCESS_DENIED all
http_access deny all
access_log none
cache_log {folder.path}/cache.log
pid_filename none
cache_mem 8 MB
coredump_dir {folder.path}
""",
    )
    folder.give_to(USER)
    command = (which("squid") or "", "-N", "-n", "accreditlists", "-f", str(conf))
    with Process(command, log=folder.path / "log", answers_at=[(LOOPBACK, port)]):
        assert [451, 451] == [status(port, host) for host in LISTED]
        assert [410, 410] == [status(port, host) for host in OTHERS]


class WithLists(E2Guardian):
    """An e2guardian that loads a folder of lists as it was exported."""

    folder_of_lists: Path

    def _list_hosts(self) -> None:
        target = self.folder.path / "etc/lists/example.group"
        for path in self.folder_of_lists.iterdir():
            shutil.copy(path, target / path.name)


@pytest.mark.product("e2guardian", "squid")
def test_e2guardian_loads_its_lists(tmp_path: Path, start_range: StartRange) -> None:
    world = start_range()
    guard = WithLists(world.origin, ())
    guard.folder_of_lists = exported(tmp_path, "e2guardian", world.origin)
    with guard:
        hosts = ("gamb-017.canary", "copper-meadow", "amber-lantern", "gamb-017.twin")
        pages = [page(guard.port, f"{name}.accredit.test") for name in hosts]

    assert [False, False, True, True] == [b"garden centre" in text.lower() for text in pages]


def page(port: int, host: str) -> bytes:
    """The body of a page through a proxy."""
    proxy = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    proxy.request("GET", f"http://{host}/", headers={"Host": host})
    body = proxy.getresponse().read()
    proxy.close()
    return body

"""A campaign over a supplier's service, from ``accredit init`` to the report, in networks of its own.

Run as a program in network and mount namespaces. It makes five namespaces: the parent of the
origin's zones (BIND), the origin's host, the supplier's gateway (``supplier_gateway``), and the
tester's machine with a device in the school and one past the service. Between them, this namespace
is the internet. It types what the guides say, and prints how each command ended, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from test_suites.kit.processes.product import BIND_IS_READY, Folder, Process, which
from test_suites.kit.rooms import ROOT
from test_suites.products.delegated_origin import PARENTS, command, configuration
from test_suites.products.delegated_origin import RESOLVER as PARENT
from test_suites.products.supplier_gateway import ADDRESS, NAMES, PROXY_PORT

ZONES = {"canary.example.org": "192.88.99.10", "meadow.example.com": "192.88.99.20"}
TWINS, TWIN_ADDRESS = "fair-orchard.example.net", "192.88.99.30"
"""Addresses that nobody has any more (RFC 7526); those for documentation count as reserved."""

HOSTS = {
    "parent": {"eth1": f"{PARENT}/24"},
    "origin": {"eth1": "203.0.113.10/24"},
    "gateway": {"eth0": f"{ADDRESS}/24", "eth1": "203.0.113.1/24"},
    "tester": {"eth0": "10.20.0.9/24", "eth1": "203.0.113.200/24"},
}
"""The namespaces, and their devices: eth0 is in the school's network, eth1 in the internet."""

ROUTER = {"school": "10.20.0.254", "internet": "203.0.113.254"}
"""The bridges of this namespace and its addresses on them."""

LANS = {"eth0": "school", "eth1": "internet"}


def join() -> None:
    """Make the namespaces, and the two networks that join them."""
    # A /run of our own, so that no name of a namespace is left outside.
    command("mount", "-t", "tmpfs", "none", "/run")
    command("ip", "link", "set", "lo", "up")
    for bridge, address in ROUTER.items():
        command("ip", "link", "add", bridge, "type", "bridge")
        command("ip", "address", "add", f"{address}/24", "dev", bridge)
        command("ip", "link", "set", bridge, "up")
    for host, devices in HOSTS.items():
        command("ip", "netns", "add", host)
        command("ip", "-n", host, "link", "set", "lo", "up")
        for device, address in devices.items():
            outer = f"{host}-{device}"
            command(
                "ip", "link", "add", outer, "type", "veth", "peer", "name", device, "netns", host
            )
            command("ip", "link", "set", outer, "master", LANS[device], "up")
            command("ip", "-n", host, "address", "add", address, "dev", device)
            command("ip", "-n", host, "link", "set", device, "up")
        if "eth1" in devices:
            way = ("default", "via", ROUTER["internet"], "dev", "eth1", "metric", "200")
            command("ip", "-n", host, "route", "add", *way)
    command("ip", "-n", "gateway", "address", "add", f"{NAMES}/24", "dev", "eth0")
    command("ip", "-n", "tester", "route", "add", "default", "via", ADDRESS, "dev", "eth0")
    for address in (*ZONES.values(), TWIN_ADDRESS):
        command("ip", "-n", "origin", "address", "add", f"{address}/32", "dev", "eth1")
        command("ip", "route", "add", address, "via", "203.0.113.10")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def within(host: str, *words: str) -> list[str]:
    """The command that runs a program in the namespace of a host."""
    return [which("ip") or "ip", "netns", "exec", host, *words]


def accredit(*words: str) -> list[str]:
    """The command line of the harness."""
    return [sys.executable, "-m", "harness.cli.process", *words]


def root_zone() -> str:
    """The root zone, which delegates the zones above the origin's."""
    head = f"$TTL 60\n. SOA ns.root. root.root. 1 60 60 60 60\n. NS ns.root.\nns.root. A {PARENT}\n"
    return head + "".join(f"{name}. NS ns.{name}.\nns.{name}. A {PARENT}\n" for name in PARENTS)


@contextmanager
def gateway(place: Path) -> Iterator[None]:
    """The supplier's products, with the lists of the letter."""
    program = (sys.executable, "-m", "test_suites.products.supplier_gateway")
    files = (str(place / "origin/origin.json"), str(place / "letter/lists"))
    with subprocess.Popen(
        within("gateway", *program, *files),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    ) as running:  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            running.stdin.close()


OF_CATEGORY, HARMLESS = 29, 7
"""How many items of each category, and harmless pages of each, can show that a row conforms."""
CANARIES = {
    "porn": OF_CATEGORY, "adlt": OF_CATEGORY, "viol": 15, "viol-gore": 15, "disc": OF_CATEGORY,
    "extr": OF_CATEGORY, "drug": OF_CATEGORY, "crim": OF_CATEGORY, "pira": OF_CATEGORY,
    "malw-hack": OF_CATEGORY, "ill-csam": 120,
}  # fmt: skip
"""How many items of a kind are tried; the list of illegal pages is tried whole."""


class Tester:
    """Types commands in a folder, and keeps how they ended."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.ended: list[tuple[str, int, str]] = []

    def types(self, *words: str, at: str = "tester") -> str:
        """Run the harness on a host; returns its standard output."""
        ended = subprocess.run(
            within(at, *accredit(*words)),
            capture_output=True, text=True, check=False, cwd=self.place,
        )  # fmt: skip
        self.ended.append((" ".join(words[:2]), ended.returncode, ended.stdout + ended.stderr))
        return ended.stdout


def allow_fast(origin: Path) -> None:
    """Raise the origin's limits, as its guide says: all of these hosts are of one network."""
    declared = origin.read_text(encoding="utf-8")
    for limit, enough in (("per_second: 500", "per_second: 4000"), ("burst: 1000", "burst: 8000")):
        assert limit in declared
        declared = declared.replace(limit, enough)
    origin.write_text(declared, encoding="utf-8")


def hurry(campaign: Path) -> None:
    """Try no more than decides, without the patience and the pauses that a real network needs."""
    yaml = YAML()
    declared = yaml.load(campaign)
    declared["limits"] = {"timeout": 5, "confirmation_timeout": 10, "concurrency": 8}
    declared["plain_twins"]["pause"] = 0
    for selection in declared["corpora"]:
        if selection["pack"] == "canary" and "sample" in selection:
            del selection["sample"], selection["categories"]
            selection["items"] = [
                f"{name}-{n:03}" for name, most in CANARIES.items() for n in range(1, most + 1)
            ]
        elif selection["pack"] == "school-pages":
            selection["sample"] = HARMLESS
        elif selection["pack"].endswith("content-pages"):
            del selection["sample"]  # plain pages alone: e2guardian ends on some forms
            selection["items"] = [
                f"content-0{n}{twin}" for n in (301, 302) for twin in ("", "-twin")
            ]
        elif selection["pack"].endswith("downloads"):
            selection["categories"] = ["MALW.PHISH", "MALW.PUA"]
    whole = [one for one in declared["corpora"] if one.get("categories") == ["ILL.CSAM"]]
    declared["corpora"].remove(*whole)
    yaml.dump(declared, campaign)


def main(place: Path) -> None:
    """The whole way, from the origin to the report."""
    join()
    tester = Tester(place)
    zones = [word for zone, address in ZONES.items() for word in ("--zone", f"{zone}={address}")]
    apart = ("--twin-zone", TWINS, "--twin-address", TWIN_ADDRESS)
    tester.types("origin", "init", "origin", *zones, *apart)
    allow_fast(place / "origin/origin.yaml")
    folder = Folder("parent")
    records = (place / "origin/dns-records.txt").read_text(encoding="ascii")
    conf = configuration(folder, records, root_zone())
    named = within("parent", which("named") or "named", "-g", "-n", "1", "-c", str(conf))
    serve = within("origin", *accredit("origin", "serve", str(place / "origin/origin.yaml")))
    served = [(address, port) for address in ZONES.values() for port in (53, 80, 443)]
    with ExitStack() as running:
        running.callback(folder.remove)
        for program, name, places, logs in (
            (named, "parent", [(PARENT, 53)], BIND_IS_READY),
            (serve, "origin", served, ""),
        ):
            log = place / f"{name}.log"
            running.enter_context(Process(program, log=log, answers_at=places, logs=logs))
        tester.types("origin", "check", "origin/origin.json", "--resolver", PARENT, at="parent")
        tester.types(
            "init", "--name", "autumn", "--service", "Example SchoolSafe",
            "--supplier", "Example Networks Ltd", "--proxy", f"http://{ADDRESS}:{PROXY_PORT}",
            "--transparent", "eth0", "--site-resolver", f"{ADDRESS}:53",
            "--resolver", f"{NAMES}:53", "--control", "eth1", "--control-resolver", f"{PARENT}:53",
            "--profile", "pupils=ks2", "--scheme", "becta-2008", "--origin", "origin/origin.json",
            "--site", "Elm Primary", "--place", "hall", "--device", "laptop", "--group", "pupils",
        )  # fmt: skip
        tester.types("measure", "--dry-run", "campaign.yaml", "--letter", "letter")
        with gateway(place):
            hurry(place / "campaign.yaml")
            tester.types("doctor", "campaign.yaml")
            tester.types("run", "campaign.yaml")
        tester.types("conclude", "out/autumn", "--json")
        tester.types("plan", "list")
    print(json.dumps(tester.ended))  # noqa: T201 - to the test outside of the namespaces


if __name__ == "__main__":
    main(Path(sys.argv[1]))

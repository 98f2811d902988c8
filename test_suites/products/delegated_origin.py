"""An origin as on the internet, in a network namespace: real ports, and a BIND that delegates to it.

The records are those of ``dns-records.txt``; one BIND is the zones above and the resolver. Run as a
program it prints what ``accredit origin check`` says, as JSON: its exit codes and results.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.kit.processes.product import BIND_IS_READY, Folder, Process, which
from test_suites.kit.processes.serving import serving
from test_suites.kit.rooms import ROOT

ZONES = {"canary.example.org": "192.0.2.10", "meadow.example.com": "192.0.2.20"}
IPV6 = "2001:db8::10"
"""A second address of the first zone, where this machine has IPv6."""

TWINS, TWIN_ADDRESS = "fair-orchard.example.net", "198.51.100.10"
RESOLVER = "203.0.113.53"
PORTS = {"http": 80, "https": 443, "dns": 53}


PARENTS = ("example.org", "example.com", "example.net")
"""The zones above those of the origin."""


def configuration(folder: Folder, records: str, root: str = "") -> Path:
    """Write what BIND needs: the zones above, with the records that the origin asks for.

    ``root`` is the text of the root zone, where it serves that too.
    """
    texts = {".": root} if root else {}
    for name in PARENTS:
        (part,) = re.findall(rf"\({name}\):\n((?:[^;].*\n)+)", records)
        head = f"$TTL 60\n@ SOA ns.{name}. root.{name}. 1 60 60 60 60\n@ NS ns.{name}.\n"
        texts[name] = f"{head}ns.{name}. A {RESOLVER}\n{part}"
    files = {name: folder.write(f"zone-{name}", text) for name, text in texts.items()}
    zones = "".join(
        f'zone "{name}" {{ type primary; file "{file}"; }};\n' for name, file in files.items()
    )
    return folder.write(
        "named.conf",
        f'options {{ directory "{folder.path}"; pid-file none; recursion yes;\n'
        f"allow-recursion {{ any; }}; dnssec-validation no;\n"
        f"listen-on {{ {RESOLVER}; }}; listen-on-v6 {{ none; }}; }};\ncontrols {{ }};\n{zones}",
    )


def main(place: Path) -> dict[str, Any]:
    """Prepare, delegate and serve an origin; check it with and without faults."""
    command("ip", "link", "set", "lo", "up")
    for address in (*ZONES.values(), TWIN_ADDRESS, RESOLVER):
        command("ip", "address", "add", f"{address}/32", "dev", "lo")
    zones = dict(ZONES)
    if has_ipv6 := Path("/proc/net/if_inet6").exists():
        command("ip", "address", "add", f"{IPV6}/128", "dev", "lo")
        zones["canary.example.org"] += f",{IPV6}"
    words = [word for zone, address in zones.items() for word in ("--zone", f"{zone}={address}")]
    words += ["--twin-zone", TWINS, "--twin-address", TWIN_ADDRESS]
    accredit("init", str(place / "origin"), *words)
    folder = Folder("delegated")
    conf = configuration(folder, (place / "origin/dns-records.txt").read_text())
    campaign = write_campaign(
        place, origin=place / "origin/origin.json", categories=["DRUG"], sample=1,
        lines=[
            {"name": name, "type": "resolver", "options": {"server": address}}
            for name, address in (("names", RESOLVER), ("dead", "203.0.113.54"))
        ],
    )  # fmt: skip
    named = (which("named") or "named", "-g", "-n", "1", "-c", str(conf))
    with (
        Process(named, log=folder.path / "log", answers_at=[(RESOLVER, 53)], logs=BIND_IS_READY),
        serving(place / "origin", PORTS),
    ):
        results = {
            "whole": check(place),
            "lines": check(place, "--campaign", str(campaign), "--timeout", "1"),
            "line": check(place, "--campaign", str(campaign), "--line", "names"),
        }
        if has_ipv6:
            command("ip", "address", "del", f"{IPV6}/128", "dev", "lo")
            results["ipv4"] = check(place)
    folder.remove()
    return results


def check(place: Path, *words: str) -> dict[str, Any]:
    """Run the check, and return its exit code and results."""
    ended = accredit(
        "check", str(place / "origin/origin.json"), "--resolver", RESOLVER, *words, "--json"
    )
    return {
        "code": ended.returncode,
        "results": json.loads(ended.stdout or "[]"),
        "said": ended.stderr,
    }


def accredit(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.cli.process", "origin", *words],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip


def command(program: str, *arguments: str) -> None:
    subprocess.run([which(program) or program, *arguments], check=True)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))  # noqa: T201 - to the test outside of the namespace

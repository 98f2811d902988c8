"""The example probe of the guide, with a real BIND that allows, denies and hides mail servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.campaign.origin_file import write_origin
from harness.ports.network import Origin
from probes.range.authority import Authority
from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.kit.guides import install
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.product import Product

HOSTS = {
    "must-allow.canary.accredit.test": "allowed",
    "must-block.canary.accredit.test": "nxdomain",
    "drug-001.canary.accredit.test": "nxdomain",
    "drug-002.canary.accredit.test": "nodata",
    "drug-003.canary.accredit.test": "allowed",
    "drug-004.canary.accredit.test": "another",
}
ZONE = "canary.accredit.test"
ANSWERS = {"nxdomain": "CNAME .", "nodata": "CNAME *.", "another": "MX 10 elsewhere.test."}

READ = """
import sys
from pathlib import Path
from test_suites.kit.campaigns.rehearsal import rehearse
run = rehearse(Path(sys.argv[1]))
for v in sorted(run.verdicts, key=lambda v: v.item.host):
    if v.key.probe == "dns_mx":
        print(v.item.host, v.state.value, v.rule)
"""


class MailServers(Product):
    """Two BINDs that know the same mail servers; the second one filters by a policy zone."""

    def __init__(self) -> None:
        super().__init__("bind")
        self.open, self.filtered = free_port(), free_port()

    def start(self) -> None:
        """One process each, in the foreground."""
        records = "".join(f"{host.removesuffix('.' + ZONE)} MX 10 mail.{ZONE}.\n" for host in HOSTS)
        head = "$TTL 60\n@ SOA ns. root. 1 60 60 60 60\n@ NS ns.\n"
        zone = self.folder.write("mail.zone", f"{head}ns A 127.0.0.1\n{records}")
        policy = "".join(
            f"{host} {ANSWERS[fate]}\n" for host, fate in HOSTS.items() if fate in ANSWERS
        )
        rpz = self.folder.write("policy.zone", f"{head}{policy}")
        for port, is_filtered in ((self.open, False), (self.filtered, True)):
            here = self.folder.path / str(port)
            here.mkdir()
            conf = self.folder.write(
                f"{port}.conf",
                f'options {{ directory "{here}"; listen-on port {port} {{ {LOOPBACK}; }}; '
                "listen-on-v6 { none; }; pid-file none; recursion yes; dnssec-validation no; "
                "allow-query { localhost; }; empty-zones-enable no; "
                + ('response-policy { zone "policy.zone"; } qname-wait-recurse no; ' * is_filtered)
                + f'}};\ncontrols {{ }};\nzone "{ZONE}" {{ type primary; file "{zone}"; }};\n'
                + f'zone "policy.zone" {{ type primary; file "{rpz}"; }};\n' * is_filtered,
            )
            self.run("named", "-g", "-n", "1", "-c", str(conf), answers_at=[(LOOPBACK, port)])


@pytest.mark.product("named")
def test_mail_servers_are_judged_by_their_mx_records(tmp_path: Path) -> None:
    site = install("add-a-probe.md", tmp_path)
    with MailServers() as servers:
        control = f"{LOOPBACK}:{servers.open}"
        (tmp_path / "authority.pem").write_bytes(Authority().pem)
        origin = Origin(
            zone="accredit.test",
            resolver=control,
            ports={},
            authority="authority.pem",
            key=b"k" * 32,
        )
        write_origin(origin, tmp_path / "origin.json")
        campaign = write_campaign(
            tmp_path,
            origin=tmp_path / "origin.json",
            lines=[
                {
                    "name": "school",
                    "type": "resolver",
                    "options": {"server": f"{LOOPBACK}:{servers.filtered}"},
                }
            ],
            categories=["DRUG"],
            probes=["dns_mx"],
            control={"type": "control", "options": {"resolver": control}},
            sentinels={
                "must_allow": ["must-allow.canary.accredit.test"],
                "must_block": ["must-block.canary.accredit.test"],
            },
        )
        read = subprocess.run(
            [sys.executable, "-c", READ, str(campaign)],
            env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{os.environ['PYTHONPATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert 0 == read.returncode, read.stderr
    seen = {host: (state, rule) for host, state, rule in map(str.split, read.stdout.splitlines())}
    assert ("blocked", "dns-nxdomain") == seen["drug-001.canary.accredit.test"]
    assert ("blocked", "dns-nodata") == seen["drug-002.canary.accredit.test"]
    assert ("allowed", "dns-same") == seen["drug-003.canary.accredit.test"]
    assert ("insufficient", "dns-other-records") == seen["drug-004.canary.accredit.test"]
    assert "down" == seen["drug-005.canary.accredit.test"][0]

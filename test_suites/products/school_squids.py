"""Squid before the agent of a school: one asks for a password, one opens TLS and shows it.

Each runs in a network namespace, by the words that ``within`` puts before its command. Measured
with Squid 6.13 of Debian 13.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from test_suites.kit.processes.product import Place, which
from test_suites.products.product import Product
from test_suites.products.school_authority import SchoolAuthority
from test_suites.products.squid import CERTGEN, USER, house_lines

PASSWORDS = "/usr/lib/squid/basic_ncsa_auth"
EXPLICIT, OWN, TRANSPARENT, ICAP = 3128, 3129, 3130, 1344


class SchoolSquid(Product):
    """A Squid at an address; ``within`` are the words that run a command in its namespace."""

    def __init__(self, address: str, within: Sequence[str]) -> None:
        super().__init__("squid")
        self.address, self._within = address, tuple(within)

    def start(self) -> None:
        """Run Squid in the foreground."""
        self.prepare()
        lines = [*house_lines(self.folder.path), "connect_timeout 5 seconds", *self.rules(), ""]
        conf = self.folder.write("squid.conf", "\n".join(lines))
        self.folder.give_to(USER)
        name = "accredit" + self.folder.path.name.rsplit("-", 1)[-1].replace("_", "x")
        self.run("squid", "-N", "-n", name, "-f", str(conf), answers_at=[(self.address, self.port)])

    def run(self, binary: str, *arguments: str, answers_at: Iterable[Place]) -> None:
        """Start it in its namespace."""
        inside = (*self._within, which(binary) or binary, *arguments)
        super().run(inside[0], *inside[1:], answers_at=answers_at)

    port = EXPLICIT

    def prepare(self) -> None:
        """Write what the rules need."""

    def rules(self) -> list[str]:
        """The lines of the configuration that are not the same for all."""
        raise NotImplementedError


class AskingSquid(SchoolSquid):
    """Carries TLS unseen for those who say a name and password (Basic)."""

    def __init__(self, address: str, within: Sequence[str], name: str, password: str) -> None:
        super().__init__(address, within)
        self._name, self._password = name, password

    def prepare(self) -> None:
        """Write the file of passwords."""
        hashing = ["openssl", "passwd", "-apr1", self._password]
        hashed = subprocess.run(hashing, check=True, capture_output=True, text=True).stdout
        self.folder.write("passwords", f"{self._name}:{hashed}")

    def rules(self) -> list[str]:
        """Ask everybody."""
        return [
            f"http_port {EXPLICIT}",
            f"auth_param basic program {PASSWORDS} {self.folder.path}/passwords",
            "auth_param basic children 1 startup=1",
            "acl known proxy_auth REQUIRED",
            "http_access allow known",
            "http_access deny all",
        ]

    def log(self) -> str:
        """Its log of accesses."""
        return (self.folder.path / "access.log").read_text(encoding="utf-8")


class OpeningSquid(SchoolSquid):
    """Opens TLS that is led here unasked, and shows requests and answers to an ICAP server."""

    port = OWN

    def prepare(self) -> None:
        """Make its authority."""
        self.authority = SchoolAuthority(self.folder.path / "tls")
        making = [CERTGEN, "-c", "-s", f"{self.folder.path}/certificates", "-M", "4MB"]
        subprocess.run(making, check=True, capture_output=True)

    def rules(self) -> list[str]:
        """Open everything."""
        tls = f"ssl-bump tls-cert={self.authority.both} generate-host-certificates=on"
        return [
            f"http_port {OWN}",
            f"https_port {TRANSPARENT} intercept {tls} dynamic_cert_mem_cache_size=4MB",
            f"sslcrtd_program {CERTGEN} -s {self.folder.path}/certificates -M 4MB",
            "sslcrtd_children 2 startup=1",
            "tls_outgoing_options flags=DONT_VERIFY_PEER",
            "sslproxy_cert_error allow all",
            "acl first at_step SslBump1",
            "ssl_bump peek first",
            "ssl_bump bump all",
            "icap_enable on",
            "icap_preview_enable off",
            "icap_service_failure_limit -1",
            f"icap_service requests reqmod_precache icap://127.0.0.1:{ICAP}/requests bypass=off",
            f"icap_service answers respmod_precache icap://127.0.0.1:{ICAP}/answers bypass=off",
            "adaptation_access requests allow all",
            "adaptation_access answers allow all",
            "http_access allow all",
        ]


def capture_in(folder: Path) -> Path:
    """Where what the opening Squid saw is written."""
    return folder / "capture.jsonl"

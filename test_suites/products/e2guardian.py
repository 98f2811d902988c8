"""e2guardian as a school's proxy that opens TLS and reads pages, with a plain Squid behind it.

That pair is how it is usually deployed. Measured with e2guardian 5.5.8 of Debian 13: a block
is a page with status 200, an empty reason, and no Server or Content-Length field.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.blocklist import BlockList
from test_suites.products.product import Product
from test_suites.products.school_authority import SchoolAuthority
from test_suites.products.squid import Squid

USER = "e2guardian"
"""Whom Debian's e2guardian becomes when root starts it."""

STOCK = Path("/etc/e2guardian")

RESTARTED = 'while true; do e2guardian -N -c "$1"; sleep 0.1; done'
"""It ends with a segmentation fault now and then, and is started again, as by systemd."""


class E2Guardian(Product):
    """A running e2guardian with one filter group; all lists are blocked by its template page.

    Pages with one of ``phrases`` are blocked as well. ``authority`` is what its clients trust; ``proxy`` is the URL they are given. Packets may
    also be led here unasked, to ``port`` and ``tls_port``.
    """

    def __init__(
        self, origin: Origin, lists: Iterable[BlockList], phrases: Iterable[str] = ()
    ) -> None:
        super().__init__("e2guardian")
        self.origin = origin
        self.lists, self.phrases = tuple(lists), tuple(phrases)
        self.port, self.tls_port = free_port(), free_port()
        self.proxy = f"http://{LOOPBACK}:{self.port}"
        self.authority = SchoolAuthority(self.folder.path / "tls")

    def upstream(self) -> Squid:
        """The Squid behind it, which filters nothing."""
        return Squid(self.origin, (), {"all": ()})

    def start(self) -> None:
        """Squid, which filters nothing here, and then e2guardian in the foreground."""
        upstream = self.closing.enter_context(self.upstream())
        self._copy_stock()
        self._list_hosts()
        conf = self._configure(upstream.ports["all"])
        self.folder.give_to(USER)
        answers_at = [(LOOPBACK, self.port)]
        self.run("sh", "-c", RESTARTED, "e2guardian", str(conf), answers_at=answers_at)

    def _copy_stock(self) -> None:
        """Debian's own configuration, with its paths led into our folder."""
        here = self.folder.path / "etc"
        shutil.copytree(STOCK, here)
        for path in here.rglob("*"):
            if path.is_file() and b"/etc/e2guardian" in (text := path.read_bytes()):
                path.write_bytes(text.replace(b"/etc/e2guardian", str(here).encode()))

    def _list_hosts(self) -> None:
        hosts = [host for denied in self.lists for host in denied.hosts]
        listed = "etc/lists/example.group/bannedsitelist"
        self.folder.write(listed, "\n".join(hosts) + "\n")
        if self.phrases:
            banned = "etc/lists/example.group/bannedphraselist"
            self.folder.write(banned, "".join(f"<{phrase}>\n" for phrase in self.phrases))

    def _configure(self, upstream: int) -> Path:
        here = self.folder.path
        (here / "certificates").mkdir()
        trusted = Path(self.origin.authority).read_text(encoding="ascii")
        self.folder.write("trusted/origin-ca.pem", trusted)
        # OpenSSL looks up authorities in a folder by the hash of their names.
        subprocess.run(["openssl", "rehash", str(here / "trusted")], check=True)
        conf = here / "etc/e2guardian.conf"
        set_options(
            conf,
            {
                "dockermode": "on",
                **_identity(),
                "filterip": LOOPBACK,
                "filterports": str(self.port),
                "transparenthttpsport": str(self.tls_port),
                "proxyip": LOOPBACK,
                "proxyport": str(upstream),
                "enablessl": "on",
                "sslcertificatepath": f"'{here}/trusted/'",
                "cacertificatepath": f"'{self.authority.certificate}'",
                "caprivatekeypath": f"'{self.authority.key}'",
                "certprivatekeypath": f"'{self.authority.key}'",
                "generatedcertpath": f"'{here}/certificates/'",
                "set_accesslog": f"'file:{here}/access.log'",
                "pidfilename": f"'{here}/e2guardian.pid'",
                "dstatlocation": f"'{here}/dstats.log'",
                "httpworkers": "50",
            },
        )
        set_options(here / "etc/e2guardianf1.conf", {"sslmitm": "on"})
        return conf


def _identity() -> dict[str, str]:
    """Whom it becomes: only root can become somebody else."""
    if os.geteuid() == 0:
        return {"daemonuser": f"'{USER}'", "daemongroup": f"'{USER}'"}
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    return {"daemonuser": f"'{user}'", "daemongroup": f"'{group}'"}


def set_options(path: Path, options: dict[str, str]) -> None:
    """Give options their values, in place of the stock ones (commented out or not)."""
    text = path.read_text(encoding="utf-8")
    for name in options:
        text = re.sub(rf"(?m)^#?\s*{name}\s*=.*$", "", text)
    added = "".join(f"{name} = {value}\n" for name, value in options.items())
    path.write_text(text + "\n" + added, encoding="utf-8")

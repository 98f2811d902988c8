"""c-icap with the service virus_scan, which asks ClamAV's daemon (RFC 3507).

Measured with c-icap 0.5.10 and its module of Debian 13. A file that is infected is answered with a
page of the service and status 403.
"""

from __future__ import annotations

import os
from pathlib import Path

from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.product import Product

USER = "c-icap"
STOCK = Path("/etc/c-icap")
SCANNED = "TEXT DATA EXECUTABLE ARCHIVE GIF JPEG BMP PNG SWF MSOFFICE PDF BINARY"
"""The groups of file types that are scanned: all that its file of magic numbers has."""


class CIcap(Product):
    """A running c-icap; ``service`` is the URL of its virus scanner. ``scanner`` is clamd's socket."""

    def __init__(self, scanner: Path) -> None:
        super().__init__("c-icap")
        self.scanner = scanner
        self.port = free_port()
        self.service = f"icap://{LOOPBACK}:{self.port}/avscan"

    def start(self) -> None:
        """Run c-icap in the foreground, as the user of Debian's package if we are root."""
        conf = self.folder.write("c-icap.conf", self.configuration())
        self.folder.give_to(USER)
        self.run("c-icap", "-N", "-f", str(conf), answers_at=[(LOOPBACK, self.port)])

    def configuration(self) -> str:
        """The whole ``c-icap.conf``."""
        here = self.folder.path
        user = f"User {USER}\nGroup {USER}\n" if os.geteuid() == 0 else ""
        return f"""PidFile {here}/c-icap.pid
CommandsSocket {here}/c-icap.ctl
Port {LOOPBACK}:{self.port}
{user}InterProcessLockingScheme sysv
StartServers 1
MaxServers 2
MinSpareThreads 4
MaxSpareThreads 16
ThreadsPerChild 16
ServerAdmin filter@school.example
ServerName filter.school.example
TmpDir {here}
ModulesDir /usr/lib/x86_64-linux-gnu/c_icap
ServicesDir /usr/lib/x86_64-linux-gnu/c_icap
TemplateDir /usr/share/c_icap/templates/
TemplateDefaultLanguage en
LoadMagicFile {STOCK}/c-icap.magic
ServerLog {here}/server.log
AccessLog {here}/access.log
Service antivirus_module virus_scan.so
ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple
virus_scan.ScanFileTypes {SCANNED}
virus_scan.MaxObjectSize 5M
Module common clamd_mod.so
clamd_mod.ClamdSocket {self.scanner}
"""

"""ClamAV's daemon with signatures of our own: the anti-malware test string, and nothing else.

Measured with ClamAV 1.4.6 of Debian 13. It starts within a second and needs about 15 MB, because no
database is downloaded. Products give it paths of files, so they must run on the same machine. It
runs as the user who started the tests, who can read the files of every product.
"""

from __future__ import annotations

import hashlib

from probes.net.file_contents import AGREED_FILE, eicar
from test_suites.products.product import Product

PART = slice(34, 62)
"""The part of the test string by which it is found in other content."""

FOUND = ("Accredit.TestString", "Accredit.TestFile", "Accredit.AgreedFile")
"""The names of the signatures: a part of the test string, the test file, and the agreed file."""


class Clamd(Product):
    """A running clamd; ``socket`` is the path of its Unix socket.

    Archives that are encrypted, or larger or deeper than its limits, count as infected.
    """

    def __init__(self) -> None:
        super().__init__("clamd")
        self.socket = self.folder.path / "clamd.sock"

    def start(self) -> None:
        """Write the signatures, and run clamd in the foreground."""
        part, test_file, agreed = FOUND
        self.folder.write("signatures/own.ndb", f"{part}:0:*:{eicar()[PART].hex()}\n")
        self.folder.write("signatures/own.hdb", _digest(eicar(), test_file))
        self.folder.write("signatures/agreed.hdb", _digest(AGREED_FILE, agreed))
        here = self.folder.path
        conf = self.folder.write(
            "clamd.conf",
            f"""Foreground yes
DatabaseDirectory {here}/signatures
LocalSocket {self.socket}
LocalSocketMode 666
TemporaryDirectory {here}
LogFile {here}/clamd.log
MaxThreads 4
SelfCheck 0
OfficialDatabaseOnly no
Bytecode no
AlertEncryptedArchive yes
AlertExceedsMax yes
""",
        )
        self.run("clamd", "-c", str(conf), answers_at=[self.socket])


def _digest(content: bytes, name: str) -> str:
    """A line of a database of digests: MD5, size, name."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return f"{digest}:{len(content)}:{name}\n"

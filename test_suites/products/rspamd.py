"""rspamd as the filter of a mail relay: spam, forged senders, and attachments, which ClamAV scans.

Measured with rspamd 3.12.1 of Debian 13. It has Debian's rules, scores and thresholds (reject at
15, mark as spam at 6). What would ask other machines, or needs Redis, is left out: lists of
addresses and links, fuzzy checksums, downloaded maps, statistics, greylisting. What matters:

- It reads Debian's list of public suffixes in 9 to 20 s; a list of a few names makes that 1 s.
- It trusts clients on loopback: SPF, DKIM and DMARC need ``check_local`` to be evaluated at all.
- DMARC adds 2 to the score, and never refuses, unless its policies have ``actions``.
- The test text for spam (GTUBE) is found only in a text of at least 70 bytes, so never alone.
- SPF ``-all`` without DMARC adds 1 to the score, so such a mail passes.
- Without an answer of the scanner it lets every attachment pass, so the limits of time are generous.
  It does the same where ClamAV reports that a limit was exceeded, as of an archive that is too deep.
- It has attachments scanned, and no texts: a text part that holds the test string passes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.product import Product

USER = "_rspamd"
"""Whom Debian's rspamd becomes when root starts it."""

USED = (
    "antivirus",
    "arc",
    "dkim",
    "dmarc",
    "forged_recipients",
    "maillist",
    "mid",
    "milter_headers",
    "mime_types",
    "once_received",
    "regexp",
    "spf",
)
"""The modules that are loaded; none of them asks another machine than the name server."""

SUFFIXES = "com\norg\nnet\nuk\nco.uk\nsch.uk\ntest\nexample\n"

OUTGOING = "outgoing"
"""The name of its settings for outgoing mail, which comes from devices that no SPF record names."""

SENDER_CHECKS = ("SPF_CHECK", "DKIM_CHECK", "DMARC_CHECK", "ARC_CHECK")
"""What is not evaluated of outgoing mail."""


class Rspamd(Product):
    """A running rspamd; ``url`` is what filters of mail servers ask over HTTP.

    ``name_server`` is the ``address:port`` of the only name server that it asks, ``scanner`` the
    path of clamd's socket. Mail with one of ``phrases`` in its subject or text is refused.
    """

    def __init__(self, name_server: str, scanner: Path, phrases: Iterable[str] = ()) -> None:
        super().__init__("rspamd")
        self.name_server = name_server
        self.scanner = scanner
        self.phrases = tuple(phrases)
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Run rspamd in the foreground, as the user of Debian's package if we are root."""
        self.folder.write("suffixes.txt", SUFFIXES)
        for module, settings in self._changed().items():
            self.folder.write(f"override.d/{module}.conf", settings)
        conf = self.folder.write("rspamd.conf", self.configuration())
        self.folder.give_to(USER)
        here = self.folder.path
        folders = ("DBDIR", "RUNDIR", "LOGDIR", "LOCAL_CONFDIR")
        variables = [f"--var={name}={here}" for name in folders]
        user = ("-u", USER, "-g", USER) if os.geteuid() == 0 else ()
        answers_at = [(LOOPBACK, self.port)]
        self.run("rspamd", "-f", "-c", str(conf), *user, *variables, answers_at=answers_at)

    def configuration(self) -> str:
        """The whole ``rspamd.conf``, which includes Debian's rules and scores."""
        here = self.folder.path
        stock = ("metrics", "actions", "groups", "composites", "settings")
        files = (*stock, *(f"modules.d/{name}" for name in USED))
        included = "".join(f'.include "$CONFDIR/{file}.conf"\n' for file in files)
        return f"""lua = "$RULESDIR/rspamd.lua";
{included}modules {{ path = "${{PLUGINSDIR}}"; }}
options {{
  filters = "chartable,dkim,regexp";
  url_tld = "{here}/suffixes.txt";
  tempdir = "{here}";
  hs_cache_dir = "{here}";
  cache_file = "{here}/symbols.cache";
  local_addrs = [];
  dns {{ nameserver = ["{self.name_server}"]; timeout = 5s; retransmits = 2; }}
  task_timeout = 60s;
}}
logging {{ type = "console"; level = "info"; }}
worker "normal" {{ bind_socket = "{LOOPBACK}:{self.port}"; mime = true; count = 1; }}
"""

    def _changed(self) -> dict[str, str]:
        """What modules do otherwise than Debian's."""
        local = "check_local = true;\n"
        antivirus = f"""clamav {{
  type = "clamav"; symbol = "CLAM_VIRUS"; action = "reject"; scan_mime_parts = true;
  servers = "{self.scanner}"; timeout = 30s;
}}
"""
        off = ", ".join(f'"{symbol}"' for symbol in SENDER_CHECKS)
        return {
            "spf": local,
            "dkim": local,
            "arc": local,
            "dmarc": local + 'actions { reject = "reject"; quarantine = "add_header"; }\n',
            "antivirus": antivirus,
            "regexp": self._agreed_phrases(),
            "actions": "greylist = null;\n",
            "settings": f"{OUTGOING} {{ id = {OUTGOING}; apply {{ symbols_disabled = [{off}]; }} }}\n",
            "milter_headers": 'use = ["authentication-results"]; skip_local = false;\n',
            "mid": 'source { url = ["${CONFDIR}/maps.d/mid.inc"]; }\n',
            "mime_types": 'file = ["${CONFDIR}/maps.d/mime_types.inc"];\n',
        }

    def _agreed_phrases(self) -> str:
        """A rule for phrases, in the subject or the text, which is refused by its score alone."""
        if not self.phrases:
            return ""
        words = "|".join(re.escape(phrase).replace("/", r"\/") for phrase in self.phrases)
        rule = json.dumps(f"/{words}/iu{{sa_body}}", ensure_ascii=False)
        return f"AGREED_PHRASE {{ re = {rule}; score = 20.0; }}\n"

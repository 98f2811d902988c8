"""OpenSMTPD as a school's mail relay in both directions, with rspamd and ClamAV behind it.

Measured with OpenSMTPD 7.6.0 of Debian 13 and its filter for rspamd, 0.1.8. What matters:

- Its spool, its control socket and the files of names have fixed paths. In a mount namespace, file
  systems in memory take their place: nothing is left in /var/spool or /run, the queue is never on a
  disk, and several relays can run at once.
- Its filters leave the process group, so it is the first process of a process namespace: all end
  with it.
- It looks up the name of each client. ``lookup file`` in a resolv.conf of its own keeps it from
  asking a name server; its next hops are addresses. rspamd alone asks, for the sender's records.
- The key must be readable by its owner alone. Mail is delivered to a Maildir as the user USER,
  never as root.
- What the next hop defers is tried again after 400 s.
- Without the limits of 0 a second next hop at the same address waits for 5 s, whatever its port.
  Even so a mail that follows another may wait for 1 to 4 s.
- A connection may carry 100 mails.
- A mail that was accepted and that the next hop refuses comes back as a mail from ``<>``. What rspamd
  refuses is refused after DATA, so nothing comes back.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from probes.range.authority import Authority
from test_suites.kit.processes.product import LOOPBACK, free_port, namespace, which
from test_suites.products.clamav import Clamd
from test_suites.products.product import Product
from test_suites.products.rspamd import OUTGOING, Rspamd

DOMAIN = "school.test"
HOST = f"mail.{DOMAIN}"
"""What the relay calls itself, and what its certificate is for."""

USER = "opensmtpd"
"""A user of Debian's package, who writes into the Maildir."""

FILTER = "/usr/libexec/opensmtpd/filter-rspamd"
PROGRAMS = ("smtpd", FILTER, "rspamd", "clamd", "unshare")
"""What a test of it requires."""

ENTER = f"""set -e
cd "$1"
shift
mount -t tmpfs -o mode=755 accredit /var/spool
mount -t tmpfs -o mode=755 accredit /run
mount --bind hosts /etc/hosts
mount --bind resolv.conf /etc/resolv.conf
chown {USER} maildir
exec "$@"
"""
"""Prepares the namespaces and runs smtpd there; its first word is the product's folder."""

Address = tuple[str, int]
"""An address and a port."""


class MailRelay(Product):
    """A running relay of ``school.test``; rspamd filters mail in both directions.

    ``incoming`` accepts mail for the school; it goes to the server ``mailbox``, or into ``maildir``
    where that is None. ``outgoing`` accepts mail from ``*@school.test``, which goes to the server
    ``outside``, or to the mailbox if it is for the school. Both offer STARTTLS with a certificate
    for HOST, issued by the authority in the file ``authority``.

    ``name_server`` is the ``address:port`` of the only name server that is asked. Mail with one of
    ``phrases`` is refused. ``confined`` are addresses of the school that exchange mail with the
    school alone. Only root can read ``maildir``. ``scanner`` is the path of clamd's socket, for tests
    that take it away.
    """

    def __init__(
        self,
        name_server: str,
        *,
        mailbox: Address | None,
        outside: Address,
        phrases: Iterable[str] = (),
        confined: Iterable[str] = (),
    ) -> None:
        super().__init__("opensmtpd")
        self.name_server = name_server
        self.mailbox, self.outside = mailbox, outside
        self.phrases, self.confined = tuple(phrases), tuple(confined)
        self.incoming: Address = (LOOPBACK, free_port())
        self.outgoing: Address = (LOOPBACK, free_port())
        self.authority = self.folder.path / "authority.pem"
        self.maildir = self.folder.path / "maildir"

    def start(self) -> None:
        """Run clamd and rspamd, and then smtpd in namespaces of its own."""
        clamd = self.closing.enter_context(Clamd())
        self.scanner = clamd.socket
        rspamd = Rspamd(self.name_server, self.scanner, self.phrases)
        self.closing.enter_context(rspamd)
        self._certify()
        self.maildir.mkdir()
        hosts = f"{LOOPBACK} localhost\n{LOOPBACK} {HOST} {socket.gethostname()}\n"
        self.folder.write("hosts", hosts)
        self.folder.write("resolv.conf", "lookup file\n")
        enter = self.folder.write("enter.sh", ENTER)
        conf = self.folder.write("smtpd.conf", self.configuration(rspamd.url))
        own = namespace(
            ["unshare", "-mp", "--kill-child"], ["unshare", "-rmp", "--map-auto", "--kill-child"]
        )
        smtpd = (which("smtpd") or "smtpd", "-d", "-f", str(conf))
        words = ("sh", str(enter), str(self.folder.path), *smtpd)
        self.run(*own, *words, answers_at=[self.incoming, self.outgoing])

    def configuration(self, rspamd: str) -> str:
        """The whole ``smtpd.conf``; ``rspamd`` is the URL that its filters ask."""
        pem = self.folder.path / "server.pem"
        mailbox = f'maildir "{self.maildir}" virtual {{ "@" = {USER} }}'
        if self.mailbox is not None:
            mailbox = _relay(self.mailbox)
        confined = ""
        if self.confined:
            listed = ", ".join(f'"{address}"' for address in self.confined)
            confined = f"""table confined {{ {listed} }}
match tag incoming from any for rcpt-to <confined> reject
match tag outgoing from any mail-from <confined> !for domain {DOMAIN} reject
"""
        tls = f"hostname {HOST} tls pki {HOST}"
        return f"""pki {HOST} cert "{pem}"
pki {HOST} key "{pem}"
mta limit conn-delay-route 0 reconn-delay-route 0
filter incoming proc-exec "{FILTER} -url {rspamd}"
filter outgoing proc-exec "{FILTER} -url {rspamd} -settings-id {OUTGOING}"
listen on {LOOPBACK} port {self.incoming[1]} {tls} filter incoming tag incoming
listen on {LOOPBACK} port {self.outgoing[1]} {tls} filter outgoing tag outgoing
action mailbox {mailbox}
action outside {_relay(self.outside)}
{confined}match tag incoming from any for domain {DOMAIN} action mailbox
match tag outgoing from any mail-from "@{DOMAIN}" for domain {DOMAIN} action mailbox
match tag outgoing from any mail-from "@{DOMAIN}" for any action outside
match from socket for domain {DOMAIN} action mailbox
match from socket for any action outside
"""

    def _certify(self) -> None:
        """Write the authority, and the relay's key with its certificate."""
        authority = Authority("Mail authority of the school")
        self.authority.write_bytes(authority.pem)
        server = self.folder.path / "server.pem"
        server.touch(0o600)
        server.write_bytes(authority.pem_with_key(authority.leaf(HOST)))


def _relay(next_hop: Address) -> str:
    """The action that hands mail to a server, over TLS if that offers it."""
    address, port = next_hop
    return f'relay host "smtp://{address}:{port}" helo {HOST}'

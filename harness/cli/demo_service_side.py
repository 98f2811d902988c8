"""The part of ``accredit demo --all`` beside the web: log, mail and availability of the service.

The range's filter keeps a log and has a mail relay. The spam that the relay knows is made up, and
the checks of availability run on a clock that is set forward: 25 hours pass in some seconds. The
commands behind this part are ``accredit log``, ``mail`` and ``availability``.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from rich.console import Console

from harness.campaign.assemble import Prepared
from harness.cli.availability import CheckTimes, check
from harness.cli.log import send as send_requests
from harness.cli.log_import import LogSource, import_log
from harness.cli.mail import MailPlan, import_mail
from harness.cli.mail import send as send_mails
from harness.cli.paths import CampaignPaths
from harness.cli.simulated_clock import SimulatedClock
from harness.errors import InstrumentError
from harness.interop.logs.line_reader import LogOptions
from harness.model.log_case import TOTAL
from harness.model.mail_facts import MailPlace
from harness.ports.storage import WallClock
from probes.mail.invented_spam import invented_spam
from probes.mail.mail_corpus import corpus_mails
from probes.net.route import Address
from probes.range.mail_policy import MailPolicy, text_digest
from probes.range.mail_relay import RelaySettings
from probes.range.testbed import SERVICE_LOG_FILE, RangeTestbed

PUPIL, RESTRICTED, OUTSIDE = "pupil@school.test", "year3@school.test", "desk@tester.test"
PARTNER = "friend@office-7f000001.canary.accredit.test"
"""Whom the restricted account may exchange mail with; its zone holds the address of the tester."""
LATER = timedelta(hours=1)
"""The log is read as if so much time had passed, in which every entry must have appeared."""
SPAM = 200
"""Mails of made-up spam: about so many show that 96 % are stopped."""
EVERY, CHECKS = 30.0, 3000
"""Seconds between two checks, and their number: 2,995 show that 99.9 % of the time was good."""

SERVICE = """\
  records:
    users: {{pupils: pupils}}
    computers: {{{line}: 127.0.0.1}}
  mail:
    incoming: "{incoming}"
    outgoing: "{outgoing}"
    accounts: {{pupils: {{address: {pupil}}}}}
    outside: {outside}
    restricted: {{address: {restricted}}}
    partner: {partner}
"""


class TesterMailbox(NamedTuple):
    """The mailbox of the tester: where it listens, its file, and a corpus of spam beside it."""

    at: Address
    spool: Path
    spam: Path

    def relay(self) -> RelaySettings:
        """The settings of a relay that passes mail on to this mailbox, and knows the spam."""
        known = corpus_mails(self.spam, lambda _: None)
        free = Address(host="127.0.0.1", port=0)
        policy = MailPolicy(
            domain="school.test",
            restricted={RESTRICTED: (PARTNER,)},
            spam=frozenset(text_digest(content) for _, content in known),
        )
        return RelaySettings(policy=policy, incoming=free, outgoing=free, next_hop=self.at)


@contextmanager
def receiving_mail(folder: Path) -> Iterator[TesterMailbox]:
    """Run ``accredit mail receive`` while the context lasts. Raises InstrumentError."""
    folder.mkdir(parents=True)
    spool = folder / "received.jsonl"
    command = [sys.executable, "-m", "harness.cli.process", "mail", "receive", str(spool)]
    command += ["--mail", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            assert process.stderr is not None
            at = Address(host="127.0.0.1", port=_port_of(process.stderr))
            yield TesterMailbox(at, spool, invented_spam(folder / "spam.mbox", SPAM))
        finally:
            process.terminate()
            process.communicate()


def _port_of(said: IO[str]) -> int:
    """The port that the receiver of mail names in its first line. Raises InstrumentError."""
    line = said.readline()
    found = re.search(r":([0-9]+)$", line.rstrip())
    if found is None:
        msg = f"mail cannot be received: {line.strip() or 'the receiver ended'}"
        raise InstrumentError(msg)
    return int(found[1])


def declared_service(running: RangeTestbed, line: str) -> str:
    """What a campaign file declares of the log and the mail of the service behind a line."""
    assert running.relay is not None
    return SERVICE.format(
        line=line,
        incoming=running.relay.incoming,
        outgoing=running.relay.outgoing,
        pupil=PUPIL,
        outside=OUTSIDE,
        restricted=RESTRICTED,
        partner=PARTNER,
    )


def request_and_read_log(prepared: Prepared, paths: CampaignPaths, log: Path) -> Iterator[str]:
    """Make requests, and read from the service's log what it shows of them."""

    async def no_pause() -> None:
        return

    yield _told(lambda: send_requests(prepared, paths, "ordinary", TOTAL, pause=no_pause))
    later = SimulatedClock(WallClock().now() + LATER)
    source = LogSource(path=log, form="squid-log", options=LogOptions(now=later.now()))
    yield _told(lambda: import_log(paths.journal, source, later))


def send_and_read_mail(
    prepared: Prepared, paths: CampaignPaths, mailbox: TesterMailbox
) -> Iterator[str]:
    """Send mails, and read the mailbox that they arrive in."""
    plan = MailPlan(spam=(mailbox.spam,), each=1)
    yield _told(lambda: send_mails(prepared, paths, plan))
    places: dict[MailPlace, list[Path]] = {"inbox": [mailbox.spool]}
    yield _told(lambda: import_mail(paths.journal, places, WallClock()))


def check_availability(
    prepared: Prepared, paths: CampaignPaths, begin: datetime | None = None
) -> Iterator[str]:
    """Check at random moments whether the service is up and filters, on a simulated clock.

    Without a time to ``begin`` the checks end a little before now.
    """
    lasts = timedelta(seconds=EVERY * CHECKS)
    clock = SimulatedClock(begin or _begin(WallClock().now(), lasts))
    times = CheckTimes(every=EVERY, lasts=lasts.total_seconds(), together=100)
    yield _told(lambda: check(prepared, paths, times, pause=clock.pause, clock=clock))


def _begin(now: datetime, lasts: timedelta) -> datetime:
    """When checks begin that are to end a little before now."""
    return now - lasts - timedelta(minutes=10)


def play_service_side(
    prepared: Prepared, paths: CampaignPaths, home: Path, mailbox: TesterMailbox, console: Console
) -> None:
    """Test the log, the mail and the availability of the service, and say what was done."""
    for part in (
        request_and_read_log(prepared, paths, home / "range" / SERVICE_LOG_FILE),
        send_and_read_mail(prepared, paths, mailbox),
        check_availability(prepared, paths),
    ):
        for sentence in part:
            console.print(f"   {sentence}", markup=False, highlight=False)


def _told(action: Callable[[], object]) -> str:
    """What a command says first; what it says next is for people who gave the command."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        action()
    return said.getvalue().partition("\n")[0].partition("; next:")[0]

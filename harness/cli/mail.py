"""``accredit mail``: send mails of all cases through a service, and read what arrived.

What is read becomes a part of the campaign's journal, so that ``accredit conclude`` can compare it
with what was sent.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from harness.campaign.assemble import Prepared
from harness.cli.alert_receivers import Span, extend_spans
from harness.cli.mail_post import CampaignPost, read_corpora
from harness.cli.mail_receiver import receive_command
from harness.cli.measure import prepare_in, record_of, resumable
from harness.cli.paths import JOURNAL, OUT, CampaignPaths, journal_folder
from harness.cli.printing import say, warn
from harness.cli.sending import measuring
from harness.errors import UsageError
from harness.interop.log_join import reading_observations
from harness.interop.mail_join import MailJoin
from harness.measure.mail_sending import MailSending, Sleep, send_mails
from harness.model.corpus import Item
from harness.model.facts import Facts, LogFileFacts
from harness.model.mail_case import CASES, MailCase, mail_case
from harness.model.mail_facts import UNKNOWN_MAILS, MailFacts, MailPlace
from harness.model.observation import Observation
from harness.model.plain_twin import next_number
from harness.model.service_log import next_turn
from harness.model.service_mail import MAILBOX, READ_AFTER, MailService
from harness.ports.storage import Clock, WallClock
from probes.mail.mail_folders import read_source

app = typer.Typer(no_args_is_help=True)
app.command("receive")(receive_command)

HAM = 600
"""Legitimate mails in both directions together (EML-04: n >= 600)."""
OF_CASE = 3
"""Mails of each other case."""
MOST = 100_000
NOBODYS = Item(id=UNKNOWN_MAILS, value=UNKNOWN_MAILS, labels=("CTRL",), kind="vector")

SPAM = Annotated[
    list[Path] | None,
    typer.Option(help="A corpus of spam: an mbox file, or a folder of .eml files. Repeatable."),
]


@app.command("send")
def send_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    spam: SPAM = None,
    ham: Annotated[
        int, typer.Option(min=0, max=MOST, help="Legitimate mails, in both directions.")
    ] = HAM,
    each: Annotated[int, typer.Option(min=0, max=MOST, help="Mails of each other case.")] = OF_CASE,
    pause: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds to wait after every four mails.")
    ] = 0.0,
) -> None:
    """Send mails through the service: spam, attachments, agreed words, legitimate mail."""
    prepared = prepare_in(campaign, out)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    plan = MailPlan(spam=tuple(spam or ()), ham=ham, each=each, pause=pause)
    with resumable(paths.journal):
        send(prepared, paths, plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPlan:
    """What one command sends: corpora of spam, and how many mails of the other cases.

    ``pause`` is in seconds, ``busy_pause`` those until a busy server is asked again.
    """

    spam: tuple[Path, ...] = ()
    ham: int = HAM
    each: int = OF_CASE
    pause: float = 0.0
    busy_pause: float = 300.0
    sleep: Sleep = asyncio.sleep

    def counts(self, declared: MailService) -> dict[MailCase, int]:
        """How many mails of each case are sent, but those of a corpus."""
        return {case: number for case in CASES if (number := self._number(case, declared))}

    def _number(self, case: MailCase, declared: MailService) -> int:
        is_reachable = declared.incoming if case.direction == "in" else declared.outgoing
        if not is_reachable or case.variant == "corpus":
            return 0
        if case.is_restricted and not (declared.restricted and declared.partner):
            return 0
        return self.ham // 2 if (case.kind, case.variant) == ("ham", "school") else self.each


def send(
    prepared: Prepared, paths: CampaignPaths, plan: MailPlan, clock: Clock | None = None
) -> None:
    """Send mails for each profile with an account, and write them to the campaign's journal.

    Raises UsageError where the campaign does not say how mail reaches the service, and for a corpus
    or a password that cannot be read.
    """
    post = CampaignPost.of(prepared, clock or WallClock())
    corpus = read_corpora(plan.spam)
    with measuring(prepared, paths, clock) as (context, journal):
        number = next_turn(journal.sentinels(), "logged")
        journal.record_instrument(record_of(prepared, context.clock))
        mails = list(post.planned(context.run, number, plan.counts(post.declared), corpus))
        sending = MailSending(
            number=number,
            campaign=prepared.campaign.campaign,
            clock=context.clock,
            pause=plan.pause,
            busy_pause=plan.busy_pause,
            sleep=plan.sleep,
        )

        async def run() -> int:
            taken = 0
            batches = send_mails(mails, post, sending, next_number(journal.batches()))
            async for made in batches:
                journal.append(made[0].batch, made)
                taken += sum(_is_taken(one) for one in made)
            return taken

        # Not uvloop: it ends with an error if TLS is still being shut down when a loop is closed.
        with asyncio.Runner() as runner:
            taken = runner.run(run())
    say(f"sending {number}: {len(mails)} mails, of which the service took {taken}")
    minutes = READ_AFTER.total_seconds() / 60
    say(f"in {minutes:.0f} minutes: accredit mail import {paths.journal} MAILBOX")


def _is_taken(seen: Observation) -> bool:
    facts = seen.facts
    return isinstance(facts, MailFacts) and facts.is_taken


@app.command("import")
def import_command(
    journal: JOURNAL,
    mailboxes: Annotated[
        list[Path],
        typer.Argument(help="Files of mail receive, mbox files or Maildir folders."),
    ],
    junk: Annotated[
        list[Path] | None, typer.Option(help="The same, of a folder for junk. Repeatable.")
    ] = None,
    quarantine: Annotated[
        list[Path] | None,
        typer.Option(help="The same, of what an administrator alone can see. Repeatable."),
    ] = None,
) -> None:
    """Read mailboxes, and keep in the journal which mails of the campaign arrived."""
    places: dict[MailPlace, list[Path]] = {
        "inbox": mailboxes,
        "junk": junk or [],
        "quarantine": quarantine or [],
    }
    import_mail(journal_folder(journal), places, WallClock())


def import_mail(folder: Path, places: Mapping[MailPlace, Iterable[Path]], clock: Clock) -> None:
    """Read mailboxes as they are now, and keep what arrived of the mails that were sent.

    Raises UsageError, FaultyDocument for a mailbox that cannot be read, UsageError for a journal
    without mails.
    """
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    at = clock.now()
    with closing(open_journal(folder)) as journal:
        journal.write()
        seen = list(journal.sentinels())
        mails = (one for one in seen if one.role == "logged")
        sent = {one.item.id: one for one in mails if mail_case(one.item.stratum) is not None}
        if not sent:
            msg = f"{folder}: holds no mails that could have arrived; send them first (mail send)"
            raise UsageError(msg)
        first = min(one.started for one in sent.values())
        join = MailJoin(sent.values())
        readings = _read_all(places, join, (first, at))
        number, batch = next_turn(seen, "log", len(readings)), next_number(journal.batches())
        items = {item: one.item for item, one in sent.items()} | {UNKNOWN_MAILS: NOBODYS}
        found: Mapping[str, Facts] = join.found
        made = [
            one
            for place, facts in enumerate(readings)
            for one in reading_observations(
                journal.header.campaign.campaign,
                items,
                facts,
                found if facts is readings[-1] else {},
                number=number + place,
                at=at,
                batch=batch,
                name=", ".join(path.name for paths in places.values() for path in paths),
            )
        ]
        journal.append(batch, made)
        journal.seal()
    for before, after in pairwise(readings):
        say(f"not all mailboxes can be read from {before.last} to {after.first}")
    arrived, unknown = found.keys() - {UNKNOWN_MAILS}, join.unknown
    say(f"read {readings[-1].entries:,} mails: {len(arrived)} of {len(sent)} that were sent")
    if unknown:
        warn(
            f"{unknown:,} mails belong to none that was sent, so that nothing shows that a mail is "
            "missing; use a mailbox for the test alone"
        )


def _read_all(
    places: Mapping[MailPlace, Iterable[Path]], join: MailJoin, whole: Span
) -> list[LogFileFacts]:
    """Join all mails of all places; return when all of them could have received mail.

    A mailbox of a server keeps what it received, so it covers the ``whole`` time; a receiver of the
    tester covers the times in which it worked.
    """
    covered, entries, digest = [whole], 0, hashlib.sha256()
    for place, paths in places.items():
        for path in paths:
            spans, notes = list[Span](), 0
            for mail in read_source(path, digest.update):
                extend_spans(spans, mail.at)
                notes += mail.is_note
                if not mail.is_note:
                    entries += 1
                    join.add(mail, place)
            covered = _both(covered, spans) if notes else covered
    facts = LogFileFacts(
        format=MAILBOX, sha256=digest.hexdigest(), bytes=0, lines=entries, entries=entries
    )
    return [replace(facts, first=first, last=last) for first, last in covered] or [facts]


def _both(some: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """Return the spans that are in both."""
    return [
        (max(first, begin), min(last, end))
        for first, last in some
        for begin, end in others
        if max(first, begin) <= min(last, end)
    ]
